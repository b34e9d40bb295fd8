"""Networks and heads that grade a disc region; calibration."""
