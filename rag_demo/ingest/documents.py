"""Making ``Document`` records with stable ids and content hashes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

from rag_demo.types import DocType, Document


@dataclass(frozen=True, slots=True)
class Passage:
    """A document before it gets its identity. ``part`` tells passages of one thing apart."""

    doc_type: DocType
    object_kind: str
    object_name: str
    full_name: str
    path: str
    line_start: int
    line_end: int
    text: str
    synonym: str = ""
    header: str = ""
    doc: str = ""
    body: str = ""
    module_kind: str = ""
    signature: str = ""
    region: str = ""
    context: str = ""
    is_function: bool = False
    export: bool = False
    deprecated: bool = False
    part: str = ""
    name: str = ""  # empty: the last part of ``full_name``


@dataclass(slots=True)
class DocumentFactory:
    """Numbers equal names, so that every document of a file has an id of its own. One factory serves one file.

    An id is made of the path, names and ordinals, never of line numbers: an edit elsewhere in the file keeps it.
    """

    space_id: str
    _seen: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def make(self, passage: Passage) -> Document:
        """The document of a passage."""
        identity = (passage.path, passage.full_name, passage.module_kind, passage.doc_type, passage.part)
        ordinal = self._seen[identity]
        self._seen[identity] += 1
        content = {name: getattr(passage, name) for name in _CONTENT}
        return Document(
            doc_id=_digest(self.space_id, *identity, str(ordinal)),
            space_id=self.space_id,
            name=passage.name or passage.full_name.rpartition(".")[2],
            line_start=passage.line_start,
            line_end=passage.line_end,
            content_hash=_digest(*map(str, content.values()), passage.part, passage.name),
            **content,
        )


_CONTENT = tuple(name for name in Passage.__slots__ if name not in {"line_start", "line_end", "part", "name"})


def _digest(*fields: str) -> str:
    """A key over length-prefixed fields, so that no two lists of fields run together."""
    content = "".join(f"{len(text)}:{text}" for text in fields)
    return blake2b(content.encode("utf-8", errors="surrogatepass"), digest_size=16).hexdigest()
