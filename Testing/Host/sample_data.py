"""The module `SampleData`: keeps what modules register, and downloads nothing."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from typing import Any

import slicer


@dataclass
class SampleDataSource:
    """A set of files that the Sample Data module offers."""

    sampleName: str
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    customDownloader: Any = None
    thumbnailFileName: str | None = None
    loadFileType: Any = "VolumeFile"
    loadFiles: Any = None
    loadFileProperties: Any = field(default_factory=dict)
    checksums: Any = None


class SampleDataLogic:
    """The register, in `slicer.modules.sampleDataSources`."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", sampleName: str | None = None, **words: Any) -> None:
        """Offer a set of files under a category."""
        source = SampleDataSource(sampleName, **words)
        registered = SampleDataLogic.sampleDataSourcesByCategory().setdefault(category, [])
        if source not in registered:
            registered.append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        """All sources by category, or those of one category."""
        sources = vars(slicer.modules).setdefault("sampleDataSources", {})
        return sources if category is None else sources.get(category, [])


def install() -> None:
    """Put the module in place."""
    module = types.ModuleType("SampleData", __doc__)
    module.SampleDataLogic, module.SampleDataSource = SampleDataLogic, SampleDataSource
    sys.modules["SampleData"] = module
