"""Where models of indexes come from: trained on the configuration, or by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag_demo.errors import TooLittle
from rag_demo.index.build import Progress
from rag_demo.ports import Embedder
from rag_demo.types import Document

if TYPE_CHECKING:
    from rag_demo.adapt import Adapted

ADAPTED = "adapted"
MODEL_FOLDER = "model"  # of an adapted model, in the folder of its generation
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What model an index is to have.

    Attributes:
        name: `ADAPTED`, the name or folder of any other, or nothing for that of the settings of the engine.
        base: folder of an adapted model to start from.
        learn_from: what it is trained on; none: what is indexed. An evaluation indexes and trains on different things.
        excluded: tells texts that must not be learned from.
    """

    name: str
    base: Path | None = None
    learn_from: Sequence[Document] = ()
    excluded: Callable[[str], bool] = lambda _: False

    def train(self, documents: Sequence[Document], folder: Path, *, progress: Progress) -> Adapted | None:
        """As `train_model`; None, too, where another model was chosen."""
        if self.name != ADAPTED:
            return None
        chosen = self.learn_from or documents
        return train_model(chosen, folder, base=self.base, excluded=self.excluded, progress=progress)


def train_model(
    documents: Sequence[Document],
    folder: Path,
    *,
    base: Path | None = None,
    excluded: Callable[[str], bool] = lambda _: False,
    progress: Progress = lambda *_: None,
) -> Adapted | None:
    """A model adapted to ``documents`` in ``folder``, or None where there is too little to learn from; the log says so.

    Args:
        documents: of one configuration.
        folder: of the model, to be made.
        base: folder of another adapted model to start from.
        excluded: tells texts that must not be learned from.
        progress: told after each step.

    Raises:
        InputError: ``base`` is no adapted model.
    """
    from rag_demo.adapt import adapt

    try:
        return adapt(documents, folder, base=base, excluded=excluded, progress=progress)
    except TooLittle as error:
        # Whoever named a model to start from asked for this one; others get what fits a dump of this size.
        level = logging.INFO if base is None else logging.WARNING
        _log.log(level, "No model was adapted%s. %s", "" if base is None else f", {base} is not used", error)
        return None


def open_adapted(folder: Path) -> Embedder:
    """The adapted model in ``folder``; its vectors are made by the embedding service."""
    from hybrid_embeddings import EmbeddingService
    from rag_demo.adapt import FieldEmbedder

    return FieldEmbedder(EmbeddingService(str(folder)), name=ADAPTED)
