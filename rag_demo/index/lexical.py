"""Words in a folder: BM25 over four fields, by Whoosh.

Whoosh analyses nothing here: terms come from `rag_demo.index.analyse`, and queries are built from terms, so
that no character of a question is ever read as query syntax. Its index holds term frequencies but no
positions, because no phrase is searched: that halves the time to build it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from whoosh import fields, formats, index, query, scoring
from whoosh.system import pack_uint

from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.analyse import terms as analysed
from rag_demo.index.ports import EVERYWHERE, DocKey, Scored, Where
from rag_demo.types import Document

# What a match in a field is worth; the own name of a document counts twice besides (`field_terms`). Measured with
# 581 questions over 4,148 methods of a public library, the description of each method kept out of the index:
# hit@10 .69 with these, about .66 with a name worth 3, .60 by names alone, .61 by bodies alone.
BOOSTS: dict[str, float] = {"name": 1.5, "synonym": 2.0, "doc": 1.5, "body": 1.0}
# Longer bodies say nothing new after this many terms; it bounds the time that one huge method may take.
_BODY_TERMS = 1500
_MEMORY_MB = 256
# Time grows with the postings read, and terms that a fifth of all documents hold decide next to nothing: without them
# 120 questions over 47,534 documents take 276 ms (median; 95 %: 715 ms) for 342 ms (1,233 ms), hit@10 .917 for .925.
_COMMON = 0.2
_LARGE = 5_000


class WhooshIndex:
    """`LexicalIndex` over one Whoosh folder: one writer at a time, any number of readers."""

    def __init__(self, storage: Any, *, folder: Path, writer: Any = None) -> None:
        self._index = storage
        self._folder = folder
        self._writer = writer
        self._searcher: Any = None
        self._filters: dict[Where, Any] = {}

    @classmethod
    def create(cls, folder: Path) -> WhooshIndex:
        """A new, empty index in ``folder``, which is made if need be.

        Raises:
            IndexBusy: another process writes to it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        storage = index.create_in(folder, _schema())
        try:
            return cls(storage, folder=folder, writer=storage.writer(limitmb=_MEMORY_MB))
        except index.LockError as error:
            raise IndexBusy(f"Another process writes the word index in {folder}. Wait for it or end it.") from error

    @classmethod
    def open(cls, folder: Path) -> WhooshIndex:
        """The index that was built in ``folder``.

        Raises:
            IndexBroken: there is no readable index in ``folder``.
        """
        with _translated(folder):
            opened = cls(index.open_dir(folder), folder=folder)
            opened._renew_searcher()
        return opened

    def add(self, documents: Sequence[Document]) -> None:
        """See `LexicalIndex`."""
        for document in documents:
            self._writer.add_document(
                key=(document.space_id, document.doc_id),
                space_id=document.space_id,
                doc_type=document.doc_type,
                **field_terms(document),
            )

    def seal(self) -> None:
        """See `LexicalIndex`."""
        self._writer.commit()
        self._writer = None
        self._renew_searcher()

    def search(self, terms: Sequence[str], limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """See `LexicalIndex`; the score is a sum of BM25 over fields."""
        with _translated(self._folder):
            allowed = self._allowed(where)
            if allowed is not None and not allowed:
                return []  # whoosh takes an empty filter for none
            results = self._searcher.search(query.Or(self._clauses(terms)), limit=limit, filter=allowed)
            return [Scored(DocKey(*hit["key"]), hit.score) for hit in results]

    def frequency(self, term: str) -> int:
        """See `LexicalIndex`."""
        reader = self._searcher.reader()
        return max(int(reader.doc_frequency(field, term)) for field in BOOSTS)

    def count(self) -> int:
        """See `LexicalIndex`."""
        return int(self._searcher.doc_count())

    def close(self) -> None:
        """See `LexicalIndex`; what was added but not sealed is dropped."""
        if self._writer is not None:
            self._writer.cancel()
            self._writer = None
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None
        self._index.close()

    def _clauses(self, terms: Sequence[str]) -> list[Any]:
        """One clause per term and field; in a large index without those that nearly every document matches."""
        reader = self._searcher.reader()
        found = [(reader.doc_frequency(field, term), field, term) for term in dict.fromkeys(terms) for field in BOOSTS]
        found = [entry for entry in found if entry[0]]
        if self.count() > _LARGE:
            most = _COMMON * self.count()
            found = [entry for entry in found if entry[0] <= most] or found
        return [query.Term(field, term, boost=BOOSTS[field]) for _, field, term in found]

    def _renew_searcher(self) -> None:
        self._searcher = self._index.searcher(weighting=scoring.BM25F(B=0.75, K1=1.2))
        self._filters.clear()

    def _allowed(self, where: Where) -> Any:
        """Numbers of the documents that pass ``where``; collecting them takes 30 ms at 38,000, so they are kept."""
        if where == EVERYWHERE:
            return None
        if where not in self._filters:
            wanted = {"space_id": where.space_ids, "doc_type": where.doc_types}
            alternatives = [
                query.Or([query.Term(name, value) for value in values]) for name, values in wanted.items() if values
            ]
            self._filters[where] = set(self._searcher.docs_for_query(query.And(alternatives)))
        return self._filters[where]


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Whoosh checks nothing that it reads: a file cut short shows as whatever its decoding happens to raise."""
    try:
        yield
    except Exception as error:
        told = f"{type(error).__name__}: {error}".rstrip(": ")
        raise IndexBroken(f"The word index in {folder} cannot be used ({told}). Index again.") from error


def field_terms(document: Document) -> dict[str, Counter[str]]:
    """Terms of the searched fields of a document, counted."""
    # The synonym of a method is that of its module: repeated in each of them it only blurs (hit@10 .613 with it).
    synonym = "" if document.doc_type == "method" else document.synonym
    return {
        # The own name twice: "ПолучитьКурс" of any module before all the rest of «РаботаСКурсами».
        "name": Counter(analysed(document.name) * 2 + analysed(document.object_name)),
        "synonym": Counter(analysed(synonym)),
        "doc": Counter(analysed(document.doc)),
        "body": Counter(analysed(f"{document.signature}\n{document.body}", code=True)[:_BODY_TERMS]),
    }


class _Terms(fields.FieldType):  # type: ignore[misc]  # whoosh has no types
    """A field that takes terms already counted; the inherited ones would analyse text again."""

    def __init__(self) -> None:
        super().__init__(formats.Frequency(), analyzer=None, scorable=True)

    def index(self, value: Mapping[str, int], **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        """Postings of one document: encoded term, frequency, weight, frequency as stored."""
        for term, frequency in value.items():
            yield term.encode(), frequency, float(frequency), pack_uint(frequency)


def _schema() -> Any:
    searched = {name: _Terms() for name in BOOSTS}
    return fields.Schema(key=fields.STORED, space_id=fields.ID, doc_type=fields.ID, **searched)
