"""The sketches of all documents of a space as a few arrays, which are kept beside its index and mapped into memory.

A table belongs to one revision. The next one has the same arrays but for the documents of the files that changed;
words are never taken out of its vocabulary, so that those of the other documents keep their numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import compress
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rag_demo.index.catalogue_reader import Outline
from rag_demo.index.traits import FACTS
from rag_demo.ports import Vectors
from rag_demo.retrieve.sketch import ROW, Sketch, sketch
from rag_demo.retrieve.vectors import Numbers, Vocabulary, Words

_NAMESAKES = ROW.index("namesakes")
_FACTS = slice(ROW.index(FACTS[0]), ROW.index(FACTS[0]) + len(FACTS))
_END = "\0"  # of a text among others
_MOST_NAMES = 3  # that one document can have: see `short_names`
Bytes = npt.NDArray[np.uint8]
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Arrays:
    """``n`` documents. Texts are UTF-8."""

    ids: npt.NDArray[np.bytes_]  # (n,)
    order: Numbers  # (n,): places by ids
    called: npt.NDArray[np.uint64]  # (n, 3): digests of its name and of what else it is called; 0: nothing
    rows: npt.NDArray[np.float32]  # (n, len(ROW))
    sizes: Numbers  # (n, 3): words of the name, of the owner, others
    words: Numbers  # of all documents, one after the other: places in ``word_texts``
    owners: Numbers  # (n,): places in ``owner_texts``, counted in pairs
    name_sizes: Numbers  # (n,): bytes of each full name
    names: Bytes  # full names, one after the other
    owner_texts: Bytes  # kind and name of each object
    word_texts: Bytes
    stem_texts: Bytes  # of each word


class SketchTable:
    """Gives the sketches of documents by their ids. Safe to call from several threads."""

    def __init__(self, arrays: Arrays, vectors: Vectors | None = None) -> None:
        """Take the arrays, and vectors of the first of their words (see `Vocabulary`)."""
        self.arrays = arrays
        self.vocabulary = Vocabulary(_texts(arrays.word_texts), _texts(arrays.stem_texts), vectors)
        owners = _texts(arrays.owner_texts)
        self._owners = list(zip(owners[::2], owners[1::2], strict=True))
        self._starts = _starts(arrays.sizes.sum(axis=1))
        self._name_starts = _starts(arrays.name_sizes)
        self._facts: dict[bytes, frozenset[str]] = {}

    @classmethod
    def of_outlines(cls, outlines: Iterable[tuple[str, Outline]]) -> SketchTable:
        """The table of all documents of a space, given with their ids."""
        return cls(_EMPTY).advanced((), outlines)

    def advanced(self, gone: Iterable[str], outlines: Iterable[tuple[str, Outline]]) -> SketchTable:
        """The table of the next revision.

        Args:
            gone: ids of documents that are not in it.
            outlines: of those that are new or different, with their ids.
        """
        words = Words(known=dataclasses.replace(self.vocabulary, vectors=None))
        owners = {owner: place for place, owner in enumerate(self._owners)}
        fresh = _arrays_of(outlines, words, owners)
        kept = self._without([*gone, *(doc_id.decode() for doc_id in fresh.ids.tolist())])
        both = {
            field.name: np.concatenate([getattr(kept, field.name), getattr(fresh, field.name)])
            for field in dataclasses.fields(Arrays)
        }
        known = words.vocabulary()
        both |= {
            "order": np.argsort(both["ids"], kind="stable").astype(np.int32),
            "owner_texts": _bytes(text for owner in owners for text in owner),
            "word_texts": _bytes(known.words),
            "stem_texts": _bytes(known.stems),
        }
        both["rows"][:, _NAMESAKES] = np.log(_namesakes(both["called"]))
        return SketchTable(Arrays(**both), self.vocabulary.vectors)

    def sketches(self, ids: Sequence[str], numbers: Numbers | None = None) -> Iterator[tuple[str, Sketch]]:
        """The ids that the table has with their sketches.

        Args:
            ids: of documents.
            numbers: of the words of the vocabulary, where they are others than their places in it.
        """
        arrays = self.arrays
        known, places = self._places(ids)
        rows = arrays.rows[places]
        columns = zip(
            known,
            rows,
            rows[:, _FACTS],
            arrays.sizes[places].tolist(),
            arrays.owners[places].tolist(),
            self._starts[places].tolist(),
            self._name_starts[places].tolist(),
            arrays.name_sizes[places].tolist(),
            strict=True,
        )
        for doc_id, row, facts, sizes, owner, start, name_start, name_size in columns:
            kind, name = self._owners[owner]
            words = arrays.words[start : start + sum(sizes)]
            yield (
                doc_id,
                Sketch(
                    full_name=arrays.names[name_start : name_start + name_size].tobytes().decode(),
                    object_kind=kind,
                    object_name=name,
                    facts=self._facts_of(facts),
                    row=row,
                    words=words if numbers is None else numbers[words],
                    sizes=tuple(sizes),
                ),
            )

    def _places(self, ids: Sequence[str]) -> tuple[list[str], Numbers]:
        """Those of the ids that are there, and where."""
        arrays = self.arrays
        wanted = np.array([doc_id.encode() for doc_id in ids], dtype=np.bytes_)
        if not len(wanted) or not len(arrays.ids):
            return [], np.zeros(0, dtype=np.int32)
        ranks = np.searchsorted(arrays.ids, wanted, sorter=arrays.order)
        places = arrays.order[np.minimum(ranks, len(arrays.ids) - 1)]
        there = arrays.ids[places] == wanted
        return list(compress(ids, there)), places[there]

    def _facts_of(self, row: npt.NDArray[np.float32]) -> frozenset[str]:
        key = row.tobytes()
        if key not in self._facts:
            self._facts[key] = frozenset(compress(FACTS, row))
        return self._facts[key]

    def _without(self, ids: Sequence[str]) -> Arrays:
        arrays = self.arrays
        keep = np.ones(len(arrays.ids), dtype=bool)
        keep[self._places(ids)[1]] = False
        flat = {"words": arrays.sizes.sum(axis=1), "names": arrays.name_sizes}
        of_documents = ("ids", "called", "rows", "sizes", "owners", "name_sizes")
        return dataclasses.replace(
            arrays,
            **{name: getattr(arrays, name)[keep] for name in of_documents},
            **{name: getattr(arrays, name)[np.repeat(keep, sizes)] for name, sizes in flat.items()},
        )


def _arrays_of(outlines: Iterable[tuple[str, Outline]], words: Words, owners: dict[tuple[str, str], int]) -> Arrays:
    """Documents alone; their words and owners get numbers."""
    ids, called, made = [], [], []
    for doc_id, outline in outlines:
        ids.append(doc_id.encode())
        called.append(_digests(outline.called))
        made.append(sketch(outline, words))
    names = [one.full_name.encode() for one in made]
    return dataclasses.replace(
        _EMPTY,
        ids=np.array(ids, dtype=np.bytes_),
        called=np.array(called, dtype=np.uint64).reshape(-1, _MOST_NAMES),
        rows=np.array([one.row for one in made], dtype=np.float32).reshape(-1, len(ROW)),
        sizes=np.array([one.sizes for one in made], dtype=np.int32).reshape(-1, 3),
        words=np.concatenate([_EMPTY.words, *(one.words for one in made)]),
        owners=np.array(
            [owners.setdefault((one.object_kind, one.object_name), len(owners)) for one in made], dtype=np.int32
        ),
        name_sizes=np.array([len(name) for name in names], dtype=np.int32),
        names=np.frombuffer(b"".join(names), dtype=np.uint8),
    )


def _digests(names: Sequence[str]) -> list[int]:
    digests = [int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little") for name in names]
    return digests + [0] * (_MOST_NAMES - len(digests))


def _namesakes(called: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """How many documents are called by the name of each, itself included, ``(n,)``."""
    names, counts = np.unique(called[called > 0], return_counts=True)
    return counts[np.searchsorted(names, called[:, 0])]


def _starts(sizes: Numbers) -> npt.NDArray[np.int64]:
    return np.cumsum(sizes, dtype=np.int64) - sizes


def _bytes(texts: Iterable[str]) -> Bytes:
    return np.frombuffer("".join(text + _END for text in texts).encode(), dtype=np.uint8)


def _texts(encoded: Bytes) -> list[str]:
    return encoded.tobytes().decode().split(_END)[:-1]


_EMPTY = Arrays(
    ids=np.zeros(0, dtype="S1"),
    order=np.zeros(0, dtype=np.int32),
    called=np.zeros((0, _MOST_NAMES), dtype=np.uint64),
    rows=np.zeros((0, len(ROW)), dtype=np.float32),
    sizes=np.zeros((0, 3), dtype=np.int32),
    words=np.zeros(0, dtype=np.int32),
    owners=np.zeros(0, dtype=np.int32),
    name_sizes=np.zeros(0, dtype=np.int32),
    names=np.zeros(0, dtype=np.uint8),
    owner_texts=np.zeros(0, dtype=np.uint8),
    word_texts=np.zeros(0, dtype=np.uint8),
    stem_texts=np.zeros(0, dtype=np.uint8),
)
