"""The records that travel through the demo: document → hit → source → answer.

They are plain frozen data, so that every stage can be tested without the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

NoteType = Literal["manual", "specification", "release_notes", "faq", "regulation", "note"]
DocType = Literal["metadata_object", "method", "module", "form", "help"] | NoteType
# Sorts of documents beside the dump; "note" is whatever is none of the others.
NOTE_TYPES: tuple[NoteType, ...] = ("manual", "specification", "release_notes", "faq", "regulation", "note")
DOC_TYPES: tuple[DocType, ...] = ("metadata_object", "method", "module", "form", "help", *NOTE_TYPES)


@dataclass(frozen=True, slots=True)
class Document:
    """One passage of a configuration: what is indexed, and the lines it stands for.

    ``text`` is for reading and citing: exactly the lines ``line_start`` … ``line_end`` (1-based, both
    included) of the file ``path``, joined by line feeds. The other texts are for finding.
    """

    doc_id: str  # stable over edits elsewhere in the file: made of names and ordinals, not of line numbers
    space_id: str
    doc_type: DocType
    object_kind: str  # English kind: "Catalog", "CommonModule", …
    object_name: str
    full_name: str  # "Catalog.Валюты", "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты"
    path: str  # relative to the root of the dump, forward slashes, Unicode NFC
    line_start: int
    line_end: int
    text: str
    name: str  # last part of full_name: the identifier a developer would type
    synonym: str = ""  # the name that a user of the application sees
    header: str = ""  # one line of context: kind, object, region, signature
    doc: str = ""  # doc comment of a method, comment of an object, without comment marks
    body: str = ""  # code or rendered metadata, cleaned for indexing
    module_kind: str = ""  # "CommonModule", "ObjectModule", "ManagerModule", "FormModule", …
    signature: str = ""
    region: str = ""
    context: str = ""  # compilation directive: "НаСервере", …
    is_function: bool = False
    export: bool = False
    deprecated: bool = False
    content_hash: str = ""  # of everything above but the lines: decides re-embedding


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a question is asked: spaces (none: those of the settings), sorts, sources wanted, kinds of objects.

    No sort: all sorts of documents; no kind: all kinds.
    """

    space_ids: tuple[str, ...] = ()
    doc_types: tuple[DocType, ...] = ()
    top_k: int = 5
    kinds: tuple[str, ...] = ()  # English: "Catalog"


@dataclass(frozen=True, slots=True)
class LegRank:
    """Where one search leg put a hit: ``rank`` from 1, ``score`` in the unit of that leg."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that a question found. ``score`` is the fused one: good for order, not as a threshold."""

    document: Document
    score: float
    legs: dict[str, LegRank] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A numbered hit below an answer; ``[n]`` in the answer points to it."""

    n: int
    hit: Hit


@dataclass(frozen=True, slots=True)
class Mark:
    """Letters ``start`` … ``end`` of an answer that its sources do not bear out, and what is wrong with them."""

    start: int
    end: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the chat says. ``degraded`` names the parts that were missing when it was made."""

    question: str
    text: str
    sources: tuple[Source, ...]
    refused: bool = False
    degraded: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    standalone: str = ""  # the question as it was searched for; empty: as asked
    backend: str = "extractive"
    marks: tuple[Mark, ...] = ()
    cached_s: float | None = None  # age of an answer that was given before
