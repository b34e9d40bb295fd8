"""Graded studies as files: report, tables, page, segmentation, maps and scene."""

from .results import write_results

__all__ = ["write_results"]
