"""ModicGrader: finds, names and grades the lumbar discs on paired sagittal T1 and T2 MRI."""

__version__ = "0.1.0"
