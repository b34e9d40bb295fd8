"""Studies from a PACS, and results back to it, by DICOMweb (PS3.18: QIDO-RS, WADO-RS, STOW-RS).

What identifies the patient stays in the files: no message and no log names a study, a series or a patient.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.errors import InvalidDicomError
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, UncompressedTransferSyntaxes

from ..errors import InputError
from ..progress import Progress
from .dicom_headers import KEYWORDS, pictures_in
from .dicom_pairing import choose_pair
from .dicom_series import normal_of, stacks
from .dicomweb_credentials import Credentials, check_study_uid
from .dicomweb_server import DicomwebServer, Service
from .orientation import plane_of

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient

SILENT = Progress()
"""Reports nothing and is never cancelled."""

AS_STORED = ("application/dicom", "*")
PLAIN = ("application/dicom", str(ExplicitVRLittleEndian))
"""How images are asked for: as the server keeps them, which is quick and small, and uncompressed."""

MR_IMAGES = (MRImageStorage, EnhancedMRImageStorage)
"""What always has pixels and a place in the patient."""

WANTED_CONTRASTS = ("t1", "t2", "t2_fat_suppressed", "unknown")
"""What a sagittal series may be by its description to be fetched; the files tell more of what is unknown."""

FOLDER = "dicomweb"
"""What a fetched study is called, also in messages about it."""

_TAGS = [f"{tag_for_keyword(keyword):08X}" for keyword in KEYWORDS]


@contextmanager
def fetched_study(
    url: str, study_uid: str, *, credentials: Credentials | None = None, progress: Progress = SILENT
) -> Iterator[Path]:
    """A temporary folder with what `fetch_study` fetches, for this user alone; it is removed at the end.

    Whatever refers to the files (`Volume.dicom`) must be used before that.
    """
    with tempfile.TemporaryDirectory(prefix="modicgrader-") as temporary:
        folder = Path(temporary) / FOLDER
        folder.mkdir()
        fetch_study(url, study_uid, folder, credentials=credentials, progress=progress)
        yield folder


def fetch_study(
    url: str, study_uid: str, folder: Path, *, credentials: Credentials | None = None, progress: Progress = SILENT
) -> None:
    """Fetch the sagittal T1 and T2 series of a study, as `io.read_dicom_study` finds them in a folder.

    The server first describes its MR series; fetched are the images of those that may be one of the two. Where a
    connection breaks the rest is fetched over another one.

    Parameters
    ----------
    url:
        Address of the DICOMweb server, such as https://pacs.hospital.org/dicom-web.
    study_uid:
        Study Instance UID.
    folder:
        Where one file for each image is written, 0001.dcm and so on. After an error it is as it was.
    credentials:
        By default those of the environment, else of ~/.netrc.
    progress:
        Asked between images, and while waiting.

    Raises
    ------
    InputError
        The server is not there, refuses, has no such study, or the study no such series.
    """
    check_study_uid(study_uid)
    written: list[Path] = []
    with DicomwebServer(url, credentials, progress) as server:
        try:
            headers = _described_images(server, study_uid, folder)
            wanted = _wanted(headers)
            form = AS_STORED
            for number, path in enumerate(wanted, 1):
                server.step(0.1 + 0.9 * (number - 1) / len(wanted), f"Fetching image {number} of {len(wanted)}")
                image, form = _fetch(server, study_uid, headers[path], form)
                # Raw data and spectra are MR as well, which not every server tells beforehand.
                if "PixelData" in image:
                    written.append(path)
                    _write(image, path)
        except BaseException:
            for path in written:
                path.unlink(missing_ok=True)
            raise


def store(
    url: str,
    files: Sequence[Path],
    study_uid: str,
    *,
    credentials: Credentials | None = None,
    progress: Progress = SILENT,
) -> None:
    """Store DICOM files that belong to a study into it. Storing them again changes nothing.

    Raises
    ------
    InputError
        A file is not of this study, before any is sent; or the server is not there, refuses, or does not take all of
        them. The sentence names files by their number.
    """
    check_study_uid(study_uid)
    for number, path in enumerate(files, 1):
        if _study_of(path) != study_uid:
            raise InputError(f"file {number} of {len(files)} is no DICOM file of this study; nothing was stored")
    refused: dict[int, str] = {}
    with DicomwebServer(url, credentials, progress) as server:
        for number, path in enumerate(files, 1):
            server.step((number - 1) / len(files), f"Storing file {number} of {len(files)}")
            try:
                reasons = server.ask(Service.STORE, lambda client, path=path: _store_one(client, path, study_uid))
            except InputError as error:
                raise InputError(f"{error} ({number - 1} of {len(files)} files were stored)") from None
            if reasons:
                refused[number] = reasons
    if refused:
        told = ", ".join(f"number {number} (failure reason {reason})" for number, reason in refused.items())
        raise InputError(f"the server did not store {told} of {len(files)} files; its log says why")


def _described_images(server: DicomwebServer, study_uid: str, folder: Path) -> dict[Path, Dataset]:
    """What the server says of every MR image of the study, by the file that it will become."""
    server.step(0.0, "Searching the study")
    series = server.ask(Service.SEARCH, lambda client: [_header(one) for one in client.search_for_series(study_uid)])
    if not series:
        raise InputError("the server has no such study; check the Study Instance UID")
    # Modality is required in the answer, but not all servers know that.
    candidates = [one for one in series if (one.get("Modality") or "MR") == "MR"]
    if not candidates:
        modalities = (str(one.Modality) for one in series)
        found = " and ".join(sorted({name if name.isalnum() else "other" for name in modalities}))
        raise InputError(f"the study on the server holds {found} but no MR; give the study of an MR examination")
    headers: list[Dataset] = []
    for number, one in enumerate(candidates):
        server.step(0.1 * number / len(candidates), f"Looking at series {number + 1} of {len(candidates)}")
        uid = one.get("SeriesInstanceUID")
        headers += server.ask(
            Service.RETRIEVE,
            lambda client, uid=uid: [_header(image) for image in client.retrieve_series_metadata(study_uid, uid)],
        )
    return {folder / f"{number:04d}.dcm": header for number, header in enumerate(headers, 1)}


def _header(description: Mapping[str, Any]) -> Dataset:
    """DICOM JSON as a header, with the attributes that are used here."""
    return Dataset.from_json(
        {tag: description[tag] for tag in _TAGS if tag in description}, bulk_data_uri_handler=lambda *_: None
    )


def _wanted(headers: Mapping[Path, Dataset]) -> list[Path]:
    """The images that may belong to the sagittal T1 or T2, or of which the server does not say what they show.

    Raises
    ------
    InputError
        There are none.
    """
    told = {path: header for path, header in headers.items() if _is_told(header)}
    try:
        series = stacks(picture for path, header in told.items() for picture in pictures_in(path, header))
        sagittal = [one for one in series if one.plane == "sagittal" and one.contrast in WANTED_CONTRASTS]
        untold = [path for path in headers.keys() - told.keys() if _may_be_sagittal(headers[path])]
    except (ValueError, TypeError, AttributeError, LookupError):
        # Not from the error, which may hold values of headers.
        raise InputError("the server describes its images wrongly; export the study as DICOM files") from None
    fitting = sorted({*untold, *(path for one in sagittal for path in one.paths)})
    if not fitting:
        # Says what there is instead.
        choose_pair(series, "the study on the server")
    return fitting


def _is_told(header: Dataset) -> bool:
    """Whether the server describes an object fully; some tell only what they keep in an index."""
    place = ("ImageOrientationPatient", "PerFrameFunctionalGroupsSequence")
    lies_somewhere = any(keyword in header for keyword in place)
    return "SOPClassUID" in header and (lies_somewhere or header.SOPClassUID not in MR_IMAGES)


def _may_be_sagittal(header: Dataset) -> bool:
    return not header.get("ImageOrientationPatient") or plane_of(normal_of(header)) == "sagittal"


def _fetch(
    server: DicomwebServer, study_uid: str, header: Dataset, form: tuple[str, str]
) -> tuple[Dataset, tuple[str, str]]:
    """An image that can be decoded here, and the form to ask for the next one."""
    for asked in dict.fromkeys((form, PLAIN)):
        image = server.ask(Service.RETRIEVE, lambda client, asked=asked: _retrieve(client, study_uid, header, asked))
        if _is_decodable(image):
            return image, asked
    name = image.file_meta.TransferSyntaxUID.name
    raise InputError(f"the server gives images as {name}, which cannot be decoded here; export them uncompressed")


def _retrieve(client: DICOMwebClient, study_uid: str, header: Dataset, form: tuple[str, str]) -> Dataset:
    """One whole image; EOFError where something is missing at its end, so that it is asked for again."""
    uids = (header.SeriesInstanceUID, header.SOPInstanceUID)
    image = client.retrieve_instance(study_uid, *uids, media_types=(form,))
    if (image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID) != (study_uid, *uids):
        raise ValueError("another image than the one asked for")
    if not _is_whole(image):
        raise EOFError
    return image


def _is_whole(image: Dataset) -> bool:
    """pydicom takes what is cut off without a word; compressed pixels are then not there at all."""
    from pydicom.pixels.utils import get_expected_length

    if "PixelData" not in image:
        return image.SOPClassUID not in MR_IMAGES
    plain = image.file_meta.TransferSyntaxUID in UncompressedTransferSyntaxes
    return not plain or len(image.PixelData) >= get_expected_length(image)


def _is_decodable(image: Dataset) -> bool:
    from pydicom.pixels import get_decoder

    try:
        return get_decoder(image.file_meta.TransferSyntaxUID).is_available
    except NotImplementedError:
        return False


def _write(image: Dataset, path: Path) -> None:
    try:
        image.save_as(path, enforce_file_format=True)
    except OSError as error:
        raise InputError(
            f"the fetched images cannot be kept ({error.strerror}); free space, or name another folder in TMPDIR"
        ) from error


def _study_of(path: Path) -> str | None:
    try:
        return dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID"]).get("StudyInstanceUID")
    except (InvalidDicomError, OSError):
        return None


def _store_one(client: DICOMwebClient, path: Path, study_uid: str) -> str:
    """Why the server did not store it, as its hexadecimal code; empty where it did."""
    answer = client.store_instances([dcmread(path)], study_uid)
    reasons = (item.get("FailureReason") for item in answer.get("FailedSOPSequence") or ())
    return ", ".join("unknown" if reason is None else f"{reason:04X}H" for reason in reasons)
