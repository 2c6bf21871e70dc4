"""ZIP archives, looked into before anything is unpacked."""

import io
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from adapters.documents.limits import MAX_ENTRIES, MAX_RATIO, MAX_UNPACKED
from domain.errors import DataFileError

LOCAL_HEADER = 30
"""Bytes of an entry's header without its name (APPNOTE 4.3.7)."""


def checked(data: bytes) -> ZipFile:
    """An archive that is no bomb and whose names stay inside. Raises `DataFileError`."""
    try:
        archive = ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DataFileError("broken_zip", f"it is no archive that can be read ({error}).") from error
    if len(entries) > MAX_ENTRIES:
        said = f"it holds {len(entries):,} files; at most {MAX_ENTRIES:,} are read."
        raise DataFileError("too_many_entries", said)
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED or size > MAX_RATIO * max(len(data), 1_000):
        raise DataFileError("zip_bomb", f"it would unpack to {size:,} bytes, far more than it has.")
    _refuse_overlaps(entries)
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
            raise DataFileError("bad_path", f"the name '{entry.filename[:100]}' leads out of the archive.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise DataFileError("link", f"'{entry.filename[:100]}' is a link.")
    return archive


def files(data: bytes) -> Iterator[tuple[str, bytes | DataFileError]]:
    """Names and contents; an entry that cannot be unpacked comes with its error. Raises `DataFileError`."""
    archive = checked(data)
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        if entry.flag_bits & 1:
            yield entry.filename, DataFileError("encrypted", "it is encrypted.")
            continue
        try:
            with archive.open(entry) as file:
                content = file.read(entry.file_size + 1)
        except (BadZipFile, OSError, NotImplementedError, EOFError, RuntimeError) as error:
            yield entry.filename, DataFileError("broken_entry", f"it cannot be unpacked ({error}).")
            continue
        if len(content) == entry.file_size:
            yield entry.filename, content
        else:
            yield entry.filename, DataFileError("broken_entry", "it is not as long as it says.")


def _refuse_overlaps(entries: list[ZipInfo]) -> None:
    """Entries that share bytes are a bomb (Fifield, A better zip bomb, WOOT 2019)."""
    spans = sorted((e.header_offset, e.compress_size + LOCAL_HEADER + len(e.filename)) for e in entries)
    for (start, length), (following, _) in pairwise(spans):
        if start + length > following:
            raise DataFileError("zip_bomb", "its entries overlap.")
