"""Where the discs, vertebrae and endplates are, and which level each is."""
