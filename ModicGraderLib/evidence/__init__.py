"""Which pixels spoke for a grade: heat on the disc's region, and its way back to patient space."""
