"""The printed report as a DICOM object: Encapsulated PDF, for archives that show no structured reports."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydicom import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian, generate_uid

from .. import __version__
from .dicom_maker import MANUFACTURER, MODEL, RESEARCH, described
from .dicom_source import identify

TITLE = f"{MODEL} report, for research use only"


def encapsulated(pdf: Path, source: Dataset, *, series: int) -> FileDataset:
    """A PDF in the examination of `source`, the header of one of its images."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    identify(made, source)
    now = datetime.now()
    made.StudyInstanceUID = source.StudyInstanceUID
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    made.SeriesInstanceUID, made.SeriesNumber, made.InstanceNumber = generate_uid(prefix=None), series, 1
    made.SeriesDescription, made.ContentQualification = described("page"), RESEARCH
    made.Modality, made.ConversionType = "DOC", "WSD"
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, MODEL
    made.SoftwareVersions = __version__
    made.InstanceCreationDate = made.ContentDate = now.strftime("%Y%m%d")
    made.InstanceCreationTime = made.ContentTime = now.strftime("%H%M%S")
    made.AcquisitionDateTime = ""
    made.BurnedInAnnotation = "NO"
    made.DocumentTitle = TITLE
    made.ConceptNameCodeSequence = []
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    content = pdf.read_bytes()
    made.EncapsulatedDocumentLength = len(content)
    made.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return made
