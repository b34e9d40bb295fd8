"""The five founding papers, one file each, built as their authors describe them."""
