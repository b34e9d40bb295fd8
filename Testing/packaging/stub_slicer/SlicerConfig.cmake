# Stands for the SlicerConfig.cmake of a built Slicer, so that the extension can be configured, built and installed where
# there is none. It defines what our CMakeLists.txt files use, by the names and with the folders of Slicer 5.12, and is
# stricter than Slicer where Slicer loses files in silence (UseSlicer.cmake). README.md says what it stands for.
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/ExtensionGenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionCPack.cmake")

set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-5.12/qt-scripted-modules")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
