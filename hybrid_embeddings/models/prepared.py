"""Prepared models: what the engine keeps on disk so that a process can start without torch.

A prepared model is a folder below the cache directory, named by the fingerprint of the model:

    card.json         :class:`ModelCard`
    tokenizer.json    the tokenizer as sentence-transformers uses it
    canaries.npy      float32 reference vectors of :func:`canary_texts`
    static.npy        token vectors, static models only
    openvino/         the converted graph, written by the OpenVINO lane on first use
    compiled/         what OpenVINO compiled for this processor; it checks that itself

Everything but the last two is written once, by asking sentence-transformers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hybrid_embeddings.models.canaries import canary_texts
from hybrid_embeddings.models.folders import built_folder
from hybrid_embeddings.types import ModelCard, Vectors

_FORMAT = 2  # raise when the content of the folder changes its meaning


@dataclass(frozen=True, slots=True)
class PreparedModel:
    """A model that is ready to run. ``source`` is the directory with the original files."""

    card: ModelCard
    folder: Path
    source: Path
    fingerprint: str

    def tokenizer_definition(self) -> str:
        """Return the JSON text of the tokenizer."""
        return (self.folder / "tokenizer.json").read_text(encoding="utf-8")

    def canary_vectors(self) -> Vectors:
        """Return the float32 references, shape (len(canary_texts()), dim)."""
        return np.asarray(np.load(self.folder / "canaries.npy"), dtype=np.float32)

    def static_weights(self) -> Vectors:
        """Return the token vectors of a static model, memory-mapped, shape (vocabulary, dim)."""
        weights: Vectors = np.load(self.folder / "static.npy", mmap_mode="r")
        return weights


def prepare(source: Path, fingerprint: str, cache_dir: Path) -> PreparedModel:
    """Open the prepared form of a model; make it first if it is not there or damaged.

    Raises:
        SettingsError: the cache directory cannot be read or written.
        ModelUnsupported, ModelCorrupted: sentence-transformers cannot load the model.
    """
    target = cache_dir / "models" / f"{fingerprint}-{_FORMAT}"
    folder = built_folder(target, lambda draft: _write(source, draft))
    return PreparedModel(_read_card(folder), folder, source, fingerprint)


def _write(source: Path, draft: Path) -> None:
    from hybrid_embeddings.models import reference

    model = reference.load(source)
    definition = reference.tokenizer_definition(model)
    card = reference.read_card(model)
    (draft / "tokenizer.json").write_text(definition, encoding="utf-8")
    np.save(draft / "canaries.npy", reference.reference_vectors(model, canary_texts()))
    if card.is_static:
        np.save(draft / "static.npy", reference.static_weights(model))
    (draft / "card.json").write_text(json.dumps(asdict(card), ensure_ascii=False, indent=1), encoding="utf-8")


def _read_card(folder: Path) -> ModelCard:
    raw = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    raw["input_names"] = tuple(raw["input_names"])
    return ModelCard(**raw)
