"""Words in a folder: BM25 over four fields, by Whoosh.

Whoosh analyses nothing here: terms come from `rag_demo.index.fields`, and queries are built from terms, so
that no character of a question is ever read as query syntax. Its index holds term frequencies but no
positions, because no phrase is searched: that halves the time to build it.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from whoosh import fields, formats, index, query, reading, scoring
from whoosh.system import pack_uint

from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.fields import BOOSTS, OTHER_WORD, field_terms
from rag_demo.index.ports import EVERYWHERE, FIRST_REVISION, DocKey, Scored, Where, version_of
from rag_demo.index.retired import read_retired, write_retired
from rag_demo.types import Document

_MEMORY_MB = 256
# Time grows with the postings read, and terms that a fifth of all documents hold decide next to nothing: without them
# 120 questions over 47,534 documents take 276 ms (median; 95 %: 715 ms) for 342 ms (1,233 ms), hit@10 .917 for .925.
_COMMON = 0.2
_LARGE = 5_000
# So many segments of about the same size, then they become one: few for a reader, and each row is rewritten seldom.
_SEGMENTS = 8
_MOST_DELETED = 0.3


class WhooshIndex:
    """`LexicalIndex` over one Whoosh folder: one writer at a time, any number of readers."""

    def __init__(self, storage: Any, *, folder: Path) -> None:
        self._index = storage
        self._folder = folder
        self._writer: Any = None
        self._retired_before = read_retired(folder / _RETIRED)
        self._retired = dict(self._retired_before)

    @classmethod
    def create(cls, folder: Path) -> WhooshIndex:
        """A new, empty index in ``folder``, which is made if need be.

        Raises:
            IndexBusy: another process writes to it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        created = cls(index.create_in(folder, _schema()), folder=folder)
        created._write()
        return created

    @classmethod
    def open(cls, folder: Path) -> WhooshIndex:
        """The index that was built in ``folder``.

        Raises:
            IndexBroken: there is no readable index in ``folder``.
        """
        with _translated(folder):
            return cls(index.open_dir(folder), folder=folder)

    def add(self, documents: Sequence[Document], *, revision: int = FIRST_REVISION) -> None:
        """See `LexicalIndex`."""
        for document in documents:
            self._write().add_document(
                key=(document.space_id, document.doc_id),
                version=version_of(document),
                gen_from=str(revision),
                space_id=document.space_id,
                doc_type=document.doc_type,
                object_kind=document.object_kind,
                **field_terms(document),
            )

    def retire(self, versions: Collection[str], *, revision: int) -> None:
        """See `VersionedIndex`."""
        self._retired |= dict.fromkeys(versions, revision)

    def collect(self, revision: int) -> None:
        """See `VersionedIndex`."""
        with _translated(self._folder), contextlib.closing(self._index.reader()) as reader:
            ended = [version for version, end in self._retired.items() if end <= revision]
            rows = {*_rows(reader, "version", ended), *_rows(reader, "gen_from", _later(reader, revision))}
            for row in rows:
                self._write().delete_document(row)
        self._retired = {}

    def seal(self) -> None:
        """See `VersionedIndex`."""
        # A reader hides what the file lists from its revision on. So what ends is listed before the rows that follow
        # it are there, and what was deleted is dropped from the list after it has gone.
        file, before = self._folder / _RETIRED, self._retired_before
        if self._retired.keys() - before.keys():
            write_retired(file, before | self._retired)
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.commit(mergetype=_merge_alike)
        if before.keys() - self._retired.keys():
            write_retired(file, self._retired)
        self._retired_before = dict(self._retired)

    def versions(self) -> set[str]:
        """See `VersionedIndex`."""
        with _translated(self._folder), contextlib.closing(self._index.reader()) as reader:
            return {stored["version"] for _, stored in reader.iter_docs()} - self._retired.keys()

    def at(self, revision: int) -> WhooshReader:
        """See `LexicalIndex`."""
        with _translated(self._folder):
            searcher = self._index.searcher(weighting=scoring.BM25F(B=0.75, K1=1.2))
            reader = searcher.reader()
            ended = [version for version, end in read_retired(self._folder / _RETIRED).items() if end <= revision]
            hidden = {*_rows(reader, "version", ended), *_rows(reader, "gen_from", _later(reader, revision))}
            return WhooshReader(searcher, hidden, folder=self._folder)

    def close(self) -> None:
        """See `VersionedIndex`; what was added but not sealed is dropped."""
        if self._writer is not None:
            self._writer.cancel()
            self._writer = None
        self._index.close()

    def _write(self) -> Any:
        if self._writer is None:
            try:
                self._writer = self._index.writer(limitmb=_MEMORY_MB)
            except index.LockError as error:
                raise IndexBusy(
                    f"Another process writes the word index in {self._folder}. Wait for it or end it."
                ) from error
        return self._writer


class WhooshReader:
    """`LexicalReader`: the state of an index when it was opened, less the rows that its revision does not show."""

    def __init__(self, searcher: Any, hidden: set[int], *, folder: Path) -> None:
        self._searcher = searcher
        self._hidden = hidden
        self._folder = folder
        self._filters: dict[Where, Any] = {}
        # Searches share one file and its position: between two steps of one, another would move it.
        self._reading = threading.Lock()

    def search(
        self, terms: Sequence[str], limit: int, *, where: Where = EVERYWHERE, others: Sequence[str] = ()
    ) -> list[Scored]:
        """See `LexicalReader`; the score is a sum of BM25 over fields."""
        with self._reading, _translated(self._folder):
            allowed = self._allowed(where)
            if allowed is not None and not allowed:
                return []  # whoosh takes an empty filter for none
            clauses = query.Or(self._clauses({**dict.fromkeys(others, OTHER_WORD), **dict.fromkeys(terms, 1.0)}))
            results = self._searcher.search(clauses, limit=limit, filter=allowed, mask=self._hidden or None)
            return [Scored(DocKey(*hit["key"]), hit.score) for hit in results]

    def frequency(self, term: str) -> int:
        """See `LexicalReader`."""
        with self._reading:
            reader = self._searcher.reader()
            return max(int(reader.doc_frequency(field, term)) for field in BOOSTS)

    def count(self) -> int:
        """See `LexicalReader`."""
        return int(self._searcher.doc_count()) - len(self._hidden)

    def close(self) -> None:
        """See `LexicalReader`."""
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None

    def _clauses(self, terms: Mapping[str, float]) -> list[Any]:
        """One clause per term and field; in a large index without those that nearly every document matches."""
        reader = self._searcher.reader()
        found = [(reader.doc_frequency(field, term), field, term) for term in terms for field in BOOSTS]
        found = [entry for entry in found if entry[0]]
        if self.count() > _LARGE:
            most = _COMMON * self.count()
            found = [entry for entry in found if entry[0] <= most] or found
        return [query.Term(field, term, boost=BOOSTS[field] * terms[term]) for _, field, term in found]

    def _allowed(self, where: Where) -> Any:
        """Numbers of the documents that pass ``where``; collecting them takes 30 ms at 38,000, so they are kept."""
        if where == EVERYWHERE:
            return None
        if where not in self._filters:
            alternatives = [
                query.Or([query.Term(name, value) for value in values]) for name, values in where.fields().items()
            ]
            self._filters[where] = set(self._searcher.docs_for_query(query.And(alternatives)))
        return self._filters[where]


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Whoosh checks nothing that it reads: a file cut short shows as whatever its decoding happens to raise."""
    try:
        yield
    except (IndexBroken, IndexBusy):
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {error}".rstrip(": ")
        raise IndexBroken(f"The word index in {folder} cannot be used ({told}). Index again.") from error


def _later(reader: Any, revision: int) -> list[str]:
    """The revisions after ``revision`` at which rows begin."""
    begin = [bytes(term).decode() for term in reader.lexicon("gen_from")]
    return [term for term in begin if int(term) > revision]


def _rows(reader: Any, field: str, terms: Sequence[str]) -> Iterator[int]:
    """Numbers of the rows that are there and have one of the terms."""
    for term in terms:
        if (field, term) in reader:
            yield from (row for row in reader.postings(field, term).all_ids() if not reader.is_deleted(row))


def _merge_alike(writer: Any, segments: list[Any]) -> list[Any]:
    """A policy of Whoosh: returns the segments that stay and hands the others to ``writer``, which makes them one."""
    levels: dict[int, list[Any]] = defaultdict(list)
    for segment in segments:
        levels[int(math.log(segment.doc_count_all() or 1, _SEGMENTS))].append(segment)
    merged = [segment for level in levels.values() if len(level) >= _SEGMENTS for segment in level]
    merged += [segment for segment in segments if segment.deleted_count() > _MOST_DELETED * segment.doc_count_all()]
    for segment in segments:
        if any(segment is other for other in merged):
            with contextlib.closing(reading.SegmentReader(writer.storage, writer.schema, segment)) as reader:
                writer.add_reader(reader)
    return [segment for segment in segments if not any(segment is other for other in merged)]


class _Terms(fields.FieldType):  # type: ignore[misc]  # whoosh has no types
    """A field that takes terms already counted; the inherited ones would analyse text again."""

    def __init__(self) -> None:
        super().__init__(formats.Frequency(), analyzer=None, scorable=True)

    def index(self, value: Mapping[str, int], **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        """Postings of one document: encoded term, frequency, weight, frequency as stored."""
        for term, frequency in value.items():
            yield term.encode(), frequency, float(frequency), pack_uint(frequency)


_RETIRED = "retired.json"


def _schema() -> Any:
    searched = {name: _Terms() for name in BOOSTS}
    return fields.Schema(
        key=fields.STORED,
        version=fields.ID(stored=True),
        gen_from=fields.ID,
        space_id=fields.ID,
        doc_type=fields.ID,
        object_kind=fields.ID,
        **searched,
    )
