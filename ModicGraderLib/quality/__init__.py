"""What a reader should know of a study before its grades: one file a check, run by `check_study` and `check_grades`."""

from .check import check_grades, check_study

__all__ = ["check_grades", "check_study"]
