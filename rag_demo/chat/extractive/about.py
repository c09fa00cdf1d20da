"""A question with all that an answer without a language model is made of, and the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from rag_demo.chat.asked import Asked, what_is_asked
from rag_demo.chat.extractive.assembling import joined, object_of, with_documents
from rag_demo.chat.extractive.phrases import Phrases, phrases_for
from rag_demo.chat.extractive.related import is_meant
from rag_demo.chat.ports import Knowledge, Library, Mentions
from rag_demo.index.analyse import fold
from rag_demo.retrieve.kinds import spoken_kinds, words
from rag_demo.types import Document, Source

TOLD = 3  # sources that the text speaks of; the others are named in one line
_REGISTER = ("регистр", "register")
MOST_FACTS = 30  # documents that are looked up for one answer


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer and what it rests on: the sources that were given, and those that were looked up for it."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class About:
    """What `rag_demo.chat.extractive.compose` is given."""

    question: str
    sources: Sequence[Source]
    weights: Mapping[str, float]
    knowledge: Knowledge
    library: Library
    mentions: Mentions

    @cached_property
    def asked(self) -> Asked:
        """What sort of answer the question wants."""
        return what_is_asked(self.question)

    @cached_property
    def phrases(self) -> Phrases:
        """In the language of the question."""
        return phrases_for(self.question)

    @cached_property
    def objects(self) -> list[str]:
        """Full names of the objects of the best sources."""
        return list(dict.fromkeys(map(object_of, self.sources[:TOLD])))

    @cached_property
    def said(self) -> frozenset[str]:
        """The words of the question, folded."""
        return frozenset(map(fold, words(self.question)))

    def meant(self) -> Iterator[str]:
        """Those of them that the question names, first those whose whole name is a word of it."""
        named = (name for name in self.objects if is_meant(name.rpartition(".")[2], self.weights))
        return iter(sorted(named, key=lambda name: fold(name.rpartition(".")[2]) not in self.said))

    def named_outright(self) -> Iterator[str]:
        """Those that it names by their kind or in one word: «где используется справочник Валюты», not «валюта»."""
        written = words(self.question)
        has_kind = bool(spoken_kinds(written)) or any(fold(word).startswith(_REGISTER) for word in written)
        return (name for name in self.meant() if has_kind or fold(name.rpartition(".")[2]) in self.said)

    def methods_named(self) -> list[Document]:
        """The methods of the best sources whose name is a word of the question."""
        found = (source.hit.document for source in self.sources[:TOLD])
        return [document for document in found if document.doc_type == "method" and fold(document.name) in self.said]

    def with_names(self, names: Sequence[str]) -> tuple[Source, ...]:
        """The sources with the documents of these names behind them."""
        return with_documents(self.sources, [self.library.named(name) for name in names[: MOST_FACTS + 1]])

    def composed(self, blocks: Sequence[str], sources: tuple[Source, ...], told: AbstractSet[str]) -> Composed:
        """An answer that tells what is called ``told``; the other sources are named below it."""
        others = [source for source in sources if source.hit.document.full_name not in told]
        return Composed(joined(blocks, others, self.phrases), sources)
