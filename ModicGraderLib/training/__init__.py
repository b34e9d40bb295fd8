"""Data sets, losses and loops that make the shipped models. The pipeline never imports them."""
