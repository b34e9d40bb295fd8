"""Measure the shipped models on patients they have not seen; writes `docs/results.md`."""
