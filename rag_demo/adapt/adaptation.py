"""One adaptation from the documents to a model on disk."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from tokenizers import Tokenizer
from torch.nn.functional import normalize

from rag_demo.adapt.alignment import align
from rag_demo.adapt.fields import Fields, Shown, fields_of, mix
from rag_demo.adapt.held_out import (
    MOST_BY_NAMES,
    WEIGHTS,
    Choice,
    HeldOut,
    choose_weight,
    hold_out,
    ranks,
    word_scores,
)
from rag_demo.adapt.model import load, save
from rag_demo.adapt.pairs import Excluded, Pair, PairMaker
from rag_demo.adapt.tokenizer import count_tokens, read_tokenizer, train_tokenizer
from rag_demo.adapt.train import Examples, Recipe, product, train
from rag_demo.adapt.translations import Translations
from rag_demo.errors import TooLittle
from rag_demo.types import Document

Floats = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
# Of each field, how often each token stands in it: (documents, vocabulary).
Counts = tuple[sparse.csr_matrix, ...]
# Token counts of this many documents take about 60 MB; of a larger configuration a sample is learned from.
_MOST_DOCUMENTS = 120_000
_FEWEST_PAIRS = 50
# How often a text is seen in one epoch: questions are more like comments than like lines of code.
_SEEN = {"comment": 2.0, "description": 2.0, "remark": 1.5, "line": 0.5}
# Vectors that know another configuration already move in smaller steps, and fewer of them.
_BASE_RATE = 0.2
_BASE_STEPS = 150


@dataclass(frozen=True, slots=True)
class Adapted:
    """A model that was made.

    Attributes:
        folder: an ordinary sentence-transformers directory.
        weight: of its leg in the rank fusion, words counting 1; 0: words alone find as well.
        record: how it was made and what it reaches, as in its model card.
    """

    folder: Path
    weight: float
    record: dict[str, Any]


def adapt(
    documents: Sequence[Document],
    folder: Path,
    *,
    recipe: Recipe | None = None,
    base: Path | None = None,
    excluded: Excluded = lambda _: False,
    progress: Progress = lambda *_: None,
) -> Adapted:
    """Train a model on the documents of a configuration and save it.

    The same documents, recipe, machine and number of threads give the same vectors.

    Args:
        documents: of one configuration.
        folder: of the model, to be made.
        recipe: how to train.
        base: folder of another adapted model to start from, with its tokenizer.
        excluded: tells texts that must not be learned from.
        progress: told the stage, what is done and all there is to do.

    Raises:
        TooLittle: to learn from.
        InputError: ``base`` is no adapted model.
    """
    started = time.perf_counter()
    recipe = recipe or Recipe()
    documents = _sample(documents, recipe.seed)
    maker = PairMaker(excluded, recipe.seed)
    progress("pairs", 0, 1)
    found = list(maker.pairs(documents))
    pairs, held_out = hold_out(found, len(documents), seed=recipe.seed)
    if len(pairs) < _FEWEST_PAIRS:
        raise TooLittle(
            f"There is too little to learn from: {len(pairs)} names, comments and lines, {_FEWEST_PAIRS} are needed."
        )
    progress("pairs", 1, 1)
    tokenizer, start = _begin(base) if base else (train_tokenizer(maker.words(documents)), None)
    if start is not None:
        rate = recipe.learning_rate * _BASE_RATE
        recipe = dataclasses.replace(
            recipe, dimension=start.shape[1], learning_rate=rate, steps=min(recipe.steps, _BASE_STEPS)
        )
    progress("tokens", 0, 1)
    counts = _count_fields(tokenizer, documents)
    examples = _examples(tokenizer, documents, pairs, counts)
    progress("tokens", 1, 1)
    exam = _Exam(tokenizer, counts, held_out) if held_out else None

    def judge(vectors: Floats, done: int, all_: int) -> float:
        progress("training", done, all_)
        # Without questions nothing tells one epoch from another: the last one counts.
        return exam.score(vectors) if exam else float(done)

    vectors = train(examples, recipe, judge=judge, start=start)
    progress("training", 1, 1)
    progress("translations", 0, 1)
    table = align(documents, found, seed=recipe.seed, base=Translations.load(base) if base else None)
    progress("translations", 1, 1)
    choice = _choose(exam, vectors, documents)
    record = {
        "pairs": len(pairs),
        "documents": len(documents),
        "vocabulary": len(vectors),
        **dataclasses.asdict(recipe),
        "base": base is not None,
        "held_out": dataclasses.asdict(choice) if choice else {},
        "seconds": round(time.perf_counter() - started, 1),
    }
    save(folder, tokenizer=tokenizer.to_str(), vectors=vectors, record=record)
    if table is not None:
        table.save(folder)
    return Adapted(folder, choice.weight if choice else 0.0, record)


class _Exam:
    """Held-out questions with everything counted, so that asking them again costs two products."""

    def __init__(self, tokenizer: Tokenizer, counts: Counts, held_out: HeldOut) -> None:
        self.held_out = held_out
        self._texts = count_tokens(tokenizer, [pair.text for pair in held_out.pairs])
        self._fields = [
            matrix[held_out.pool] * float(shown) for matrix, shown in zip(counts, held_out.fields, strict=True)
        ]

    def cosines(self, vectors: Floats) -> Floats:
        """Of each question with each document, ``(questions, documents)``."""
        table = torch.from_numpy(vectors)
        documents = mix([product(field, table).numpy() for field in self._fields])
        texts = normalize(product(self._texts, table), dim=1)
        return np.asarray((texts @ torch.from_numpy(documents).T).numpy())

    def score(self, vectors: Floats) -> float:
        """Mean reciprocal rank of the answers."""
        return float(np.mean(1 / ranks(self.cosines(vectors), self.held_out.answers)))


def _choose(exam: _Exam | None, vectors: Floats, documents: Sequence[Document]) -> Choice | None:
    if exam is None:
        return None
    held_out = exam.held_out
    shown = [_shown(fields_of(documents[place]), held_out.fields) for place in held_out.pool]
    words = word_scores(
        [pair.text for pair in held_out.pairs], [f"{f.name} {f.name} {f.owner} {f.doc} {f.body}" for f in shown]
    )
    most = MOST_BY_NAMES if held_out.pairs[0].source == "name" else WEIGHTS[-1]
    return choose_weight(words, exam.cosines(vectors), held_out.answers, most=most)


def _shown(fields: Fields, mask: Shown) -> Fields:
    return Fields(*(text if shown else "" for text, shown in zip(fields, mask, strict=True)))


def _begin(base: Path) -> tuple[Tokenizer, Floats]:
    definition, vectors = load(base)
    return read_tokenizer(definition), vectors


def _sample(documents: Sequence[Document], seed: int) -> Sequence[Document]:
    if len(documents) <= _MOST_DOCUMENTS:
        return documents
    chosen = np.random.default_rng(seed).permutation(len(documents))[:_MOST_DOCUMENTS]
    return [documents[place] for place in sorted(chosen)]


def _count_fields(tokenizer: Tokenizer, documents: Sequence[Document]) -> Counts:
    columns: tuple[list[str], ...] = ([], [], [], [], [])
    for document in documents:
        for column, text in zip(columns, fields_of(document), strict=True):
            column.append(text)
    return tuple(count_tokens(tokenizer, column) for column in columns)


def _examples(tokenizer: Tokenizer, documents: Sequence[Document], pairs: Sequence[Pair], counts: Counts) -> Examples:
    texts: sparse.csr_matrix = count_tokens(tokenizer, [pair.text for pair in pairs])
    known = np.flatnonzero(np.diff(texts.indptr) > 0)
    numbers: dict[str, int] = {}
    modules = [numbers.setdefault(documents[pair.document].path, len(numbers)) for pair in pairs]
    return Examples(
        texts=texts[known],
        documents=counts,
        targets=np.array([pair.document for pair in pairs], dtype=np.int64)[known],
        masks=np.array([pair.fields for pair in pairs], dtype=np.float32)[known],
        modules=np.array(modules, dtype=np.int64)[known],
        seen=np.array([_SEEN.get(pair.source, 1.0) for pair in pairs])[known],
    )
