"""Words in a folder: BM25 over four fields, by tantivy. For configurations that are too large for Whoosh.

Like there, terms come analysed from `rag_demo.index.fields`: they are stored with blanks between them, and the engine
only splits at the blanks. Queries are built from terms, never parsed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tantivy

from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.fields import BOOSTS, OTHER_WORD, field_terms
from rag_demo.index.ports import EVERYWHERE, FIRST_REVISION, DocKey, Scored, Where, version_of
from rag_demo.index.retired import read_retired, write_retired
from rag_demo.types import Document

_MEMORY_BYTES = 64 * 1024 * 1024
_RETIRED = "retired.json"
_BLANKS = "blanks"
_MOST_FREQUENCIES = 50_000


class TantivyIndex:
    """`LexicalIndex` over one tantivy folder: one writer at a time, any number of readers."""

    def __init__(self, index: tantivy.Index, *, folder: Path) -> None:
        self._index = index
        # Splits at blanks and nothing else: an emoji or a long hash is a term like any other.
        splitter = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        index.register_tokenizer(_BLANKS, splitter)
        self._folder = folder
        self._writer: tantivy.IndexWriter | None = None
        self._retired_before = read_retired(folder / _RETIRED)
        self._retired = dict(self._retired_before)

    @classmethod
    def create(cls, folder: Path) -> TantivyIndex:
        """A new, empty index in ``folder``, which is made if need be.

        Raises:
            IndexBusy: another process writes to it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with _translated(folder):
            created = cls(tantivy.Index(_schema(), path=str(folder)), folder=folder)
            created._write()
        return created

    @classmethod
    def open(cls, folder: Path) -> TantivyIndex:
        """The index that was built in ``folder``.

        Raises:
            IndexBroken: there is no readable index in ``folder``.
        """
        with _translated(folder):
            return cls(tantivy.Index.open(str(folder)), folder=folder)

    def add(self, documents: Sequence[Document], *, revision: int = FIRST_REVISION) -> None:
        """See `LexicalIndex`."""
        with _translated(self._folder):
            for document in documents:
                row = tantivy.Document(
                    space_id=document.space_id,
                    doc_id=document.doc_id,
                    version=version_of(document),
                    doc_type=document.doc_type,
                    object_kind=document.object_kind,
                    **{name: " ".join(counted.elements()) for name, counted in field_terms(document).items()},
                )
                row.add_unsigned("gen_from", revision)
                self._write().add_document(row)

    def retire(self, versions: Collection[str], *, revision: int) -> None:
        """See `VersionedIndex`."""
        self._retired |= dict.fromkeys(versions, revision)

    def collect(self, revision: int) -> None:
        """See `VersionedIndex`."""
        with _translated(self._folder):
            for version in (version for version, end in self._retired.items() if end <= revision):
                self._write().delete_documents_by_term("version", version)
            self._write().delete_documents_by_query(_later(self._index.schema, revision))
        self._retired = {}

    def seal(self) -> None:
        """See `VersionedIndex`."""
        # The order of the steps is that of `WhooshIndex.seal`, for the same reason.
        file, before = self._folder / _RETIRED, self._retired_before
        if self._retired.keys() - before.keys():
            write_retired(file, before | self._retired)
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with _translated(self._folder):
                writer.commit()
                writer.wait_merging_threads()
        if before.keys() - self._retired.keys():
            write_retired(file, self._retired)
        self._retired_before = dict(self._retired)

    def versions(self) -> set[str]:
        """See `VersionedIndex`."""
        with _translated(self._folder):
            self._index.reload()
            searcher = self._index.searcher()
            every = searcher.search(tantivy.Query.all_query(), limit=max(searcher.num_docs, 1), count=False)
            found = {str(searcher.doc(address).get_first("version")) for _, address in every.hits}
        return found - self._retired.keys()

    def at(self, revision: int) -> TantivyReader:
        """See `LexicalIndex`."""
        with _translated(self._folder):
            self._index.reload()
            ended = [version for version, end in read_retired(self._folder / _RETIRED).items() if end <= revision]
            hidden = [_later(self._index.schema, revision)]
            if ended:
                hidden.append(tantivy.Query.term_set_query(self._index.schema, "version", ended))
            return TantivyReader(self._index.searcher(), self._index.schema, hidden, folder=self._folder)

    def close(self) -> None:
        """See `VersionedIndex`; what was added but not sealed is dropped."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.rollback()
            writer.wait_merging_threads()

    def _write(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_MEMORY_BYTES, num_threads=1)
        return self._writer


class TantivyReader:
    """`LexicalReader`: the state of an index when it was opened, less the rows that its revision does not show."""

    def __init__(self, searcher: tantivy.Searcher, schema: tantivy.Schema, hidden: list[Any], *, folder: Path) -> None:
        self._searcher: tantivy.Searcher | None = searcher
        self._schema = schema
        self._hidden = [(tantivy.Occur.MustNot, query) for query in hidden]
        self._folder = folder
        self._count: int | None = None
        self._frequencies: dict[str, tuple[int, ...]] = {}

    def search(
        self, terms: Sequence[str], limit: int, *, where: Where = EVERYWHERE, others: Sequence[str] = ()
    ) -> list[Scored]:
        """See `LexicalReader`; the score is a sum of BM25 over fields."""
        with _translated(self._folder):
            clauses = self._clauses({**dict.fromkeys(others, OTHER_WORD), **dict.fromkeys(terms, 1.0)})
            if not clauses:
                return []
            query = tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, tantivy.Query.boolean_query(clauses)), *self._filters(where), *self._hidden]
            )
            searcher = self._open
            found = searcher.search(query, limit=limit, count=False)
            return [self._scored(searcher, score, address) for score, address in found.hits]

    def frequency(self, term: str) -> int:
        """See `LexicalReader`."""
        return max(self._frequencies_of(term))

    def count(self) -> int:
        """See `LexicalReader`."""
        if self._count is None:
            with _translated(self._folder):
                query = tantivy.Query.boolean_query([(tantivy.Occur.Must, tantivy.Query.all_query()), *self._hidden])
                found: Any = self._open.search(query, limit=1, count=True)
                self._count = int(found.count)
        return self._count

    def close(self) -> None:
        """See `LexicalReader`."""
        self._searcher = None

    @property
    def _open(self) -> tantivy.Searcher:
        if self._searcher is None:
            raise ValueError("This index has been closed.")
        return self._searcher

    def _clauses(self, terms: Mapping[str, float]) -> list[tuple[Any, Any]]:
        """One clause for each term and field that has it."""
        return [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, field, term, "freq"), boost * weight),
            )
            for term, weight in terms.items()
            for (field, boost), frequency in zip(BOOSTS.items(), self._frequencies_of(term), strict=True)
            if frequency
        ]

    def _frequencies_of(self, term: str) -> tuple[int, ...]:
        """In how many documents the term stands, by field.

        Asked several times for each term of a question; a reader never changes, so the answers are kept.
        """
        searcher = self._open
        known = self._frequencies.get(term)
        if known is None:
            if len(self._frequencies) >= _MOST_FREQUENCIES:
                self._frequencies.clear()
            with _translated(self._folder):
                known = self._frequencies[term] = tuple(searcher.doc_freq(field, term) for field in BOOSTS)
        return known

    def _filters(self, where: Where) -> Iterator[tuple[Any, Any]]:
        for name, values in where.fields().items():
            allowed = tantivy.Query.term_set_query(self._schema, name, list(values))
            yield tantivy.Occur.Must, tantivy.Query.const_score_query(allowed, 0.0)

    @staticmethod
    def _scored(searcher: tantivy.Searcher, score: float, address: tantivy.DocAddress) -> Scored:
        row = searcher.doc(address)
        return Scored(DocKey(str(row.get_first("space_id")), str(row.get_first("doc_id"))), score)


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """The engine raises bare ``ValueError``; only its text tells a held lock from a damaged folder."""
    try:
        yield
    except (IndexBroken, IndexBusy):
        raise
    except Exception as error:
        if "Lockbusy" in str(error).replace(" ", "") or "LockBusy" in str(error):
            raise IndexBusy(f"Another process writes the word index in {folder}. Wait for it or end it.") from error
        raise IndexBroken(f"The word index in {folder} cannot be used ({error}). Index again.") from error


def _later(schema: tantivy.Schema, revision: int) -> tantivy.Query:
    """Rows that begin after a revision."""
    return tantivy.Query.range_query(
        schema, "gen_from", tantivy.FieldType.Unsigned, lower_bound=revision, include_lower=False
    )


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("space_id", "doc_id", "version", "doc_type", "object_kind"):
        stored = name in {"space_id", "doc_id", "version"}
        builder.add_text_field(name, stored=stored, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("gen_from", indexed=True, fast=True)
    for name in BOOSTS:
        builder.add_text_field(name, tokenizer_name=_BLANKS, index_option="freq")
    return builder.build()
