"""What the Slicer module shows: presenters and panels. Only modules of this package import Qt."""
