# The macros that Slicer gives to an extension with `include(${Slicer_USE_FILE})`.

set(EXTENSION_NAME ${PROJECT_NAME})

option(BUILD_TESTING "Add the tests" ON)
if(BUILD_TESTING)
  enable_testing()
endif()

# Copies the scripts and resources of a module into the build tree and installs the folder they lie in. Like Slicer's
# macro it installs the folder of modules without WITH_SUBDIR, and with it the folder named as the source folder. Unlike
# it, it refuses files from outside the source folder, which Slicer copies to a place that is never installed.
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "slicerMacroBuildScriptedModule does not know ${MODULE_UNPARSED_ARGUMENTS}")
  endif()
  foreach(mandatory NAME SCRIPTS)
    if(NOT MODULE_${mandatory})
      message(FATAL_ERROR "slicerMacroBuildScriptedModule needs ${mandatory}")
    endif()
  endforeach()

  set(built "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
  set(installed "${built}/")
  if(MODULE_WITH_SUBDIR)
    get_filename_component(subdir "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
    set(built "${built}/${subdir}")
    set(installed "${built}")
  endif()

  set(copies)
  foreach(file IN LISTS MODULE_SCRIPTS MODULE_RESOURCES)
    set(source "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    if(IS_ABSOLUTE "${file}" OR "${file}" MATCHES "\\.\\.")
      message(FATAL_ERROR "${MODULE_NAME} lists ${file}, which lies outside its folder: Slicer would not install it")
    endif()
    if(NOT EXISTS "${source}" OR IS_DIRECTORY "${source}")
      message(FATAL_ERROR "${MODULE_NAME} lists ${file}, which is no file")
    endif()
    string(APPEND copies "configure_file(\"${source}\" \"${built}/${file}\" COPYONLY)\n")
  endforeach()
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/copy.cmake" "${copies}")
  add_custom_target(Copy${MODULE_NAME}PythonFiles ALL COMMAND "${CMAKE_COMMAND}" -P copy.cmake)
  install(DIRECTORY "${installed}" DESTINATION "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}" USE_SOURCE_PERMISSIONS)

  if(BUILD_TESTING AND MODULE_WITH_GENERIC_TESTS)
    add_test(NAME py_nomainwindow_qSlicer${MODULE_NAME}ModuleGenericTest COMMAND Slicer)
  endif()
endmacro()

macro(slicer_add_python_unittest)
  cmake_parse_arguments(UNITTEST "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS" ${ARGN})
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${UNITTEST_SCRIPT}")
    message(FATAL_ERROR "slicer_add_python_unittest is given ${UNITTEST_SCRIPT}, which is no file")
  endif()
  get_filename_component(test_name "${UNITTEST_SCRIPT}" NAME_WE)
  add_test(NAME py_${UNITTEST_TESTNAME_PREFIX}${test_name} COMMAND Slicer)
endmacro()
