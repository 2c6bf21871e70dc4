"""Models as bytes: arrays and names in MessagePack; nothing in it is ever executed."""

from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.errors import DataFileError
from domain.nlu.affect import AffectModel
from domain.nlu.evaluation import Evaluation
from domain.nlu.grams import Vocabulary
from domain.nlu.intents import Head, IntentModel, Novelty, Scale


class _Array(Struct, frozen=True, array_like=True):
    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: NDArray[Any]) -> "_Array":
        return cls(array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes())

    def array(self) -> NDArray[np.float32]:
        if self.dtype not in {"<f2", "<f4", "<f8"}:
            raise ValueError(f"{self.dtype} is no type of an array here")
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


class _Stored(Struct, frozen=True):
    names: tuple[str, ...]
    grams: tuple[str, ...]
    temperatures: tuple[float, float, float]
    share: float
    scales: tuple[Scale, Scale, Scale]
    threshold: float
    arrays: dict[str, _Array]
    evaluation: Evaluation | None = None


class _Affect(Struct, frozen=True):
    grams: tuple[str, ...]
    arrays: dict[str, _Array]


_affect = msgspec.msgpack.Decoder(_Affect)
_decoder = msgspec.msgpack.Decoder(_Stored)


def packed_model(model: IntentModel, evaluation: Evaluation | None = None) -> bytes:
    """The bytes of a model, with how well it did if that was measured."""
    novelty = model.novelty
    arrays = {
        "meaning": model.meaning.weights,
        "meaning_bias": model.meaning.bias,
        "wording": model.wording.weights,
        "wording_bias": model.wording.bias,
        "idf": model.vocabulary.idf,
        "utterances": novelty.utterances,
        "outliers": novelty.outliers,
    }
    return msgspec.msgpack.encode(
        _Stored(
            model.names,
            tuple(model.vocabulary.columns),
            (model.meaning.temperature, model.wording.temperature, model.temperature),
            model.share,
            (novelty.energy, novelty.distance, novelty.margin),
            novelty.threshold,
            {name: _Array.of(array) for name, array in arrays.items()},
            evaluation,
        )
    )


def unpacked_model(data: bytes) -> IntentModel:
    """The model of some bytes. Raises `DataFileError`."""
    try:
        rest = _decoder.decode(data)
        arrays = {name: one.array() for name, one in rest.arrays.items()}
        meaning, wording, whole = rest.temperatures
        return IntentModel(
            rest.names,
            Head(arrays["meaning"], arrays["meaning_bias"], meaning),
            Head(arrays["wording"], arrays["wording_bias"], wording),
            Vocabulary({gram: column for column, gram in enumerate(rest.grams)}, arrays["idf"]),
            rest.share,
            whole,
            Novelty(arrays["utterances"], arrays["outliers"], *rest.scales, rest.threshold),
        )
    except (ValueError, KeyError, msgspec.DecodeError) as error:
        raise DataFileError("bad_model", f"This is no intent model: {error}.") from error


def packed_affect(model: AffectModel) -> bytes:
    """The bytes of a model of feelings."""
    arrays: dict[str, NDArray[Any]] = {
        "idf": model.vocabulary.idf,
        "dense": model.dense,
        "wording": model.wording,
        "bias": model.bias,
    }
    named = {name: _Array.of(array) for name, array in arrays.items()}
    return msgspec.msgpack.encode(_Affect(tuple(model.vocabulary.columns), named))


def unpacked_affect(data: bytes) -> AffectModel:
    """The model of feelings of some bytes. Raises `DataFileError`."""
    try:
        rest = _affect.decode(data)
        arrays = {name: one.array() for name, one in rest.arrays.items()}
        words = Vocabulary({gram: column for column, gram in enumerate(rest.grams)}, arrays["idf"])
        return AffectModel(words, arrays["dense"], arrays["wording"].astype(np.float16), arrays["bias"])
    except (ValueError, KeyError, msgspec.DecodeError) as error:
        raise DataFileError("bad_model", f"This is no model of feelings: {error}.") from error
