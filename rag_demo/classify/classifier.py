"""The stages one after the other: rules, learned words and vectors, and a language model for what is left."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from rag_demo.classify.features import lexical_features
from rag_demo.classify.parameters import EMBEDDED, VECTOR_WEIGHT, Parameters, load
from rag_demo.classify.regression import probabilities
from rag_demo.classify.rules import by_rules
from rag_demo.ports import Embedder, Vectors
from rag_demo.types import NOTE_TYPES, Document, NoteType

_log = logging.getLogger(__name__)
# Below this probability every second verdict was wrong in cross-validation over the training passages.
SURE = 0.35
# Texts → sorts; None where it cannot tell either, or has no time left.
ZeroShot = Callable[[Sequence[str]], Sequence[NoteType | None]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sort, the stage that found it and, of the learned stage, its probability."""

    sort: NoteType
    stage: Literal["rules", "learned", "zero-shot", "unknown"]
    probability: float = 1.0


class Classifier:
    """Tells the sort of passages."""

    def __init__(
        self,
        *,
        embedder: Embedder | None = None,
        zero_shot: ZeroShot | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        """Choose the parameters that go with the embedding model.

        Args:
            embedder: its vectors are used if the parameters were made for its model; words alone serve otherwise.
            zero_shot: asked about what the learned stage does not know; None: that stays a "note".
            parameters: default: those of the package.
        """
        self._parameters = parameters or load()
        self._zero_shot = zero_shot
        fits = embedder is not None and embedder.fingerprint == self._parameters.model_fingerprint
        self._embedder = embedder if fits else None
        if embedder is not None and not fits:
            _log.info("Sorts of documents are told by their words alone: no parameters for %s.", embedder.model_name)

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        """A verdict for each document, in their order."""
        verdicts: list[Verdict | None] = [
            Verdict(sort, "rules") if (sort := by_rules(document.full_name.split(" › "), document.path)) else None
            for document in documents
        ]
        open_ = [place for place, verdict in enumerate(verdicts) if verdict is None]
        learned = self.learned([documents[place].doc for place in open_])
        for place, verdict in zip(open_, learned, strict=True):
            verdicts[place] = verdict
        return [verdict for verdict in verdicts if verdict]

    def learned(self, texts: Sequence[str]) -> list[Verdict]:
        """Verdicts by the texts alone, without the rules."""
        if not texts:
            return []
        shares = self._probabilities(texts)
        found = [_verdict(row, self._parameters.classes) for row in shares]
        unknown = [place for place, verdict in enumerate(found) if verdict.stage == "unknown"]
        if unknown and self._zero_shot is not None:
            for place, sort in zip(unknown, self._zero_shot([texts[place] for place in unknown]), strict=True):
                if sort is not None:
                    found[place] = Verdict(sort, "zero-shot")
        return found

    def _probabilities(self, texts: Sequence[str]) -> Vectors:
        features, head = lexical_features(texts), self._parameters.lexical
        if self._embedder is not None:
            vectors = self._embedder.encode_documents([text[:EMBEDDED] for text in texts])
            features, head = joined(features, vectors), self._parameters.joint
        return probabilities(features, head.weights, head.bias)


def joined(features: Vectors, vectors: Vectors) -> Vectors:
    """Lexical features and weighted vectors side by side, float32 ``(n, DIMENSION + dimension)``."""
    return np.hstack([features, np.float32(VECTOR_WEIGHT) * vectors])


def assign(documents: Sequence[Document], classifier: Classifier) -> list[Document]:
    """The documents, those beside the dump with their sort; all others as they are."""
    places = [place for place, document in enumerate(documents) if document.doc_type in NOTE_TYPES]
    sorted_ = list(documents)
    verdicts = classifier.classify([documents[place] for place in places])
    for place, verdict in zip(places, verdicts, strict=True):
        document = documents[place]
        # The sort is a filter of the index, so another sort is another content.
        digest = hashlib.blake2b(f"{verdict.sort}:{document.content_hash}".encode(), digest_size=16).hexdigest()
        sorted_[place] = replace(document, doc_type=verdict.sort, content_hash=digest)
    return sorted_


def _verdict(shares: Vectors, classes: Sequence[str]) -> Verdict:
    best = int(shares.argmax())
    probability = float(shares[best])
    if probability < SURE:
        return Verdict("note", "unknown", probability)
    return Verdict(cast("NoteType", classes[best]), "learned", probability)
