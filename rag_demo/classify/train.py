"""Makes ``parameters.npz`` from the passages beside this file: ``python -m rag_demo.classify.train``.

Needs the default embedding model and PyYAML. Same passages and same model give the same parameters.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_demo.classify.classifier import joined
from rag_demo.classify.features import lexical_features
from rag_demo.classify.parameters import EMBEDDED, FILE, Head, Parameters, save
from rag_demo.classify.regression import fit
from rag_demo.ports import Embedder
from rag_demo.types import NOTE_TYPES

PASSAGES = Path(__file__).with_name("passages") / "train.yaml"
PENALTY = 1e-4  # best of 1e-3 … 3e-5 in five-fold cross-validation over the training passages


def read_passages(file: Path = PASSAGES) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Texts and the numbers of their sorts in `NOTE_TYPES`, from a YAML file of sort → texts."""
    import yaml

    read: dict[str, list[str]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    texts = [text for sort in NOTE_TYPES for text in read[sort]]
    return texts, np.repeat(np.arange(len(NOTE_TYPES)), [len(read[sort]) for sort in NOTE_TYPES])


def train(texts: Sequence[str], labels: npt.NDArray[np.int64], *, embedder: Embedder) -> Parameters:
    """Fit both heads."""
    features = lexical_features(texts)
    both = joined(features, embedder.encode_documents([text[:EMBEDDED] for text in texts]))
    heads = [Head(*fit(inputs, labels, classes=len(NOTE_TYPES), penalty=PENALTY)) for inputs in (features, both)]
    return Parameters(tuple(NOTE_TYPES), embedder.fingerprint, *heads)


def f1_scores(found: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> dict[str, float]:
    """F1 of each sort: 2 · hits / (found + wanted)."""
    scores: dict[str, float] = {}
    for number, sort in enumerate(NOTE_TYPES):
        hits = int(((found == number) & (labels == number)).sum())
        both = int((found == number).sum() + (labels == number).sum())
        scores[sort] = 2 * hits / both if both else 0.0
    return scores


def main() -> None:
    """Train on the passages and write the parameters into the package."""
    from hybrid_embeddings import EmbeddingService

    texts, labels = read_passages()
    with EmbeddingService(precision="exact") as embedder:
        save(train(texts, labels, embedder=embedder))
    sys.stdout.write(f"{len(texts)} passages → {FILE}\n")


if __name__ == "__main__":
    main()
