"""How many processor threads the libraries under us may use."""

from __future__ import annotations


def limit_threads(threads: int | None) -> None:
    """Let torch and ITK use so many threads; None leaves them as they are."""
    if threads is None:
        return
    import SimpleITK as sitk
    import torch

    torch.set_num_threads(threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
