"""Training: intents by two linear heads, fused and calibrated on held-out folds; feelings by one layer."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]  # has no stubs
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from domain.nlu.affect import EMOTIONS, SIGNS, STEPS, WORDING, AffectModel, dense_features
from domain.nlu.grams import Vocabulary, vocabulary
from domain.nlu.intents import Head, IntentModel, Matrix, Novelty, Scale, energy, fuse, nearest, softmax
from domain.nlu.sentiment import ASPECTS, Lexicon, bare

REGULARISATION = 20.0
"""Inverse strength C of the L2 penalty on embeddings; unit vectors want a weak one."""
FOLDS = 4
REFUSED_IN_SCOPE = 0.1
"""Share of held-out utterances that the unknown threshold refuses. They lie farther from the rest than
messages do from all of them, so that it costs real messages a fraction of it."""
TEMPERATURES = tuple(np.round(np.geomspace(0.05, 2.0, 33), 3).tolist())
SHARES = (0.0, 0.2, 0.3, 0.4, 0.5)

AFFECT_REGULARISATION = 10.0
CONFIDENCE_REGULARISATION = 10.0
LEAST_TEXTS = 2
"""Texts that must share a piece of wording for it to be a feature of feelings."""
NEVER = -30.0
"""Logit of what no example has."""

Labels = NDArray[np.int64]
Progress = Callable[[int, int], None]


class Corpus(Struct, frozen=True):
    """What there is to learn from: texts with unit embeddings (n, d) and labels; outliers' embeddings."""

    names: tuple[str, ...]
    texts: Sequence[str]
    vectors: Matrix
    labels: Labels
    outliers: Matrix


class _HeldOut(Struct, frozen=True):
    """What heads that had not seen an utterance made of it: logits (n, k), cosines of neighbours (n,)."""

    meaning: Matrix
    wording: Matrix
    near: Matrix


def train(corpus: Corpus, progress: Progress = lambda _done, _total: None) -> IntentModel:
    """Fit, fuse and calibrate. Deterministic: the same corpus gives the same model."""
    words = vocabulary(corpus.texts)
    rows = _rows(words, corpus.texts)
    held_out = _held_out(corpus, rows, progress)
    meaning = _temperature(held_out.meaning, corpus.labels)
    wording = _temperature(held_out.wording, corpus.labels)
    share, temperature = _fusion(
        np.log(softmax(held_out.meaning / meaning) + 1e-9),
        np.log(softmax(held_out.wording / wording) + 1e-9),
        corpus.labels,
    )
    head, svm = _fit_meaning(corpus.vectors, corpus.labels), _fit_wording(rows, corpus.labels)
    progress(FOLDS + 1, FOLDS + 1)
    return IntentModel(
        corpus.names,
        Head(head.coef_.T.astype(np.float32), head.intercept_.astype(np.float32), meaning),
        Head(svm.coef_.T.astype(np.float16), svm.intercept_.astype(np.float32), wording),
        words,
        share,
        temperature,
        _novelty(corpus, held_out),
    )


class Felt(Struct, frozen=True):
    """An example of a feeling: score in -1..1 by quarters, emotion, level 0 to 5, scores of aspects."""

    text: str
    score: float
    emotion: str
    level: int
    aspects: Mapping[str, float] = {}


def train_affect(examples: Sequence[Felt], vectors: Matrix, lexicon: Lexicon) -> AffectModel:
    """Fit every output over the same features. Deterministic."""
    texts = [bare(one.text) for one in examples]
    words = vocabulary(texts, LEAST_TEXTS)
    dense = np.array([dense_features(t, v, lexicon) for t, v in zip(texts, vectors, strict=True)])
    rows = hstack([csr_matrix(dense), WORDING * _rows(words, texts)]).tocsr()
    emotions = np.array([EMOTIONS.index(one.emotion) for one in examples])
    steps = np.array([STEPS.index(one.score) for one in examples])
    felt = emotions != EMOTIONS.index("neutral")
    level = Ridge(alpha=1.0).fit(rows[np.flatnonzero(felt)], [one.level for one in examples if one.level])
    fitted = [
        *_layer(rows, emotions, len(EMOTIONS)),
        *_layer(rows, steps, len(STEPS)),
        (level.coef_, float(level.intercept_)),
    ]
    for aspect in ASPECTS:
        signs = [SIGNS.index(float(np.sign(one.aspects.get(aspect, 0.0)))) for one in examples]
        fitted += _layer(rows, np.array(signs), len(SIGNS))
    weights = np.array([one for one, _ in fitted], np.float32).T
    width = dense.shape[1]
    return AffectModel(
        words,
        weights[:width],
        weights[width:].astype(np.float16),
        np.array([bias for _, bias in fitted], np.float32),
    )


def _layer(rows: csr_matrix, labels: Labels, count: int) -> list[tuple[NDArray[np.float64], float]]:
    """Weights and bias of each of `count` classes; one that no example has is never told."""
    nothing = np.zeros(rows.shape[1])
    if len(np.unique(labels)) == 1:
        return [(nothing, 0.0 if n == labels[0] else NEVER) for n in range(count)]
    model = LogisticRegression(C=AFFECT_REGULARISATION, max_iter=2_000).fit(rows, labels)
    of = {int(label): place for place, label in enumerate(model.classes_)}
    return [
        (model.coef_[of[n]], float(model.intercept_[of[n]])) if n in of else (nothing, NEVER)
        for n in range(count)
    ]


def _held_out(corpus: Corpus, rows: csr_matrix, progress: Progress) -> _HeldOut:
    size = (len(corpus.labels), len(corpus.names))
    meaning, wording = np.zeros(size, np.float32), np.zeros(size, np.float32)
    near = np.zeros(size[0], np.float32)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for number, (seen, unseen) in enumerate(folds.split(corpus.vectors, corpus.labels)):
        labels = corpus.labels[seen]
        meaning[unseen] = _fit_meaning(corpus.vectors[seen], labels).decision_function(corpus.vectors[unseen])
        wording[unseen] = _fit_wording(rows[seen], labels).decision_function(rows[unseen])
        near[unseen] = nearest(corpus.vectors[seen] @ corpus.vectors[unseen].T)
        progress(number + 1, FOLDS + 1)
    return _HeldOut(meaning, wording, near)


def _fit_meaning(vectors: Matrix, labels: Labels) -> LogisticRegression:
    return LogisticRegression(C=REGULARISATION, max_iter=500).fit(vectors, labels)


def _fit_wording(rows: csr_matrix, labels: Labels) -> LinearSVC:
    return LinearSVC(C=1.0, random_state=0).fit(rows, labels)


def _rows(words: Vocabulary, texts: Sequence[str]) -> csr_matrix:
    """The features of texts, (n, features)."""
    found = [words.features(text) for text in texts]
    lengths = np.cumsum([0, *(len(columns) for columns, _ in found)])
    columns, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return csr_matrix((values, columns, lengths), shape=(len(texts), len(words.idf)))


def _temperature(logits: Matrix, labels: Labels) -> float:
    """The temperature with the lowest negative log-likelihood."""
    return float(min(TEMPERATURES, key=lambda temperature: _loss(softmax(logits / temperature), labels)))


def _fusion(meaning: Matrix, wording: Matrix, labels: Labels) -> tuple[float, float]:
    """The share of the wording and the temperature of the fusion with the lowest negative log-likelihood."""

    def loss(pair: tuple[float, float]) -> float:
        share, temperature = pair
        return _loss(softmax(fuse(meaning, wording, share) / temperature), labels)

    return min(product(SHARES, TEMPERATURES), key=loss)


def _loss(probabilities: Matrix, labels: Labels) -> float:
    chosen = probabilities[np.arange(len(labels)), labels]
    return -float(np.log(np.maximum(chosen, 1e-9)).mean())


def _novelty(corpus: Corpus, held_out: _HeldOut) -> Novelty:
    far = nearest(corpus.outliers @ corpus.vectors.T)
    free = Novelty(
        corpus.vectors,
        corpus.outliers,
        Scale.of(energy(held_out.meaning)),
        Scale.of(1 - held_out.near),
        Scale.of(far - held_out.near),
        0.0,
    )
    scores = free.scores(held_out.meaning, held_out.near, far)
    return replace(free, threshold=float(np.quantile(scores, 1 - REFUSED_IN_SCOPE)))


def logistic(features: NDArray[np.float64], right: NDArray[np.bool_]) -> list[float]:
    """Bias and weights of a logistic model for (n, k) features and what came true."""
    model = LogisticRegression(C=CONFIDENCE_REGULARISATION, max_iter=1_000).fit(features, right)
    return [float(model.intercept_[0]), *map(float, model.coef_[0])]
