"""An index as bytes: arrays, terms and passages in MessagePack; nothing in it is ever executed.

A snapshot is written by workers once and read by every process that answers, in a fraction of the time that
cutting words and counting takes.
"""

import zlib

import msgspec
import numpy as np
from msgspec import Struct

from domain.errors import DataFileError
from domain.retrieval.hybrid import HybridIndex
from domain.retrieval.lexical import LexicalIndex, Postings
from domain.retrieval.passages import Passage
from domain.retrieval.vectors import VectorIndex

FORMAT = 3
"""Changes with what is stored, or with how words are cut, so that older snapshots are built anew."""
MAX_TEXT = 1_000_000_000
"""Bytes that the texts of a snapshot may unpack to."""


class _Texts(Struct, frozen=True):
    passages: tuple[Passage, ...]
    terms: tuple[str, ...]


class _Stored(Struct, frozen=True):
    """Texts squeezed, and the arrays as they lie in memory; `width` is that of the vectors."""

    texts: bytes
    width: int
    vectors: bytes
    codes: bytes
    starts: bytes
    numbers: bytes
    frequencies: bytes
    lengths: bytes
    alive: bytes


_stored = msgspec.msgpack.Decoder(_Stored)
_texts = msgspec.msgpack.Decoder(_Texts)


def packed(index: HybridIndex) -> bytes:
    """The bytes of an index."""
    held, rows = index.lexical.postings, index.vectors.rows
    texts = zlib.compress(msgspec.msgpack.encode(_Texts(index.passages, held.terms)), 1)
    arrays = (held.starts, held.numbers, held.frequencies, held.lengths, held.alive)
    return msgspec.msgpack.encode(
        _Stored(texts, rows.shape[1], rows.tobytes(), index.vectors.codes, *(one.tobytes() for one in arrays))
    )


def unpacked(data: bytes) -> HybridIndex:
    """The index of some bytes. Raises `DataFileError`."""
    try:
        stored = _stored.decode(data)
        texts = _texts.decode(zlib.decompressobj().decompress(stored.texts, MAX_TEXT))
        held = Postings(
            texts.terms,
            np.frombuffer(stored.starts, np.int64),
            np.frombuffer(stored.numbers, np.int32),
            np.frombuffer(stored.frequencies, np.uint16),
            np.frombuffer(stored.lengths, np.int64),
            np.frombuffer(stored.alive, np.bool_),
        )
        vectors = np.frombuffer(stored.vectors, np.float32).reshape(-1, max(1, stored.width))
        return HybridIndex(texts.passages, VectorIndex.stored(vectors, stored.codes), LexicalIndex(held))
    except (ValueError, IndexError, zlib.error, msgspec.DecodeError) as error:
        raise DataFileError("bad_snapshot", f"This is no index that can be read: {error}.") from error
