# Slicer writes here the files by which another extension finds this one; nothing is checked.
