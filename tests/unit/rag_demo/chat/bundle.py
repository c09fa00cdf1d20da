"""The bundled configuration, and extractive answers from chosen documents of it."""

from __future__ import annotations

from rag_demo.chat.extractive.compose import compose
from rag_demo.index.analyse import terms
from rag_demo.types import Hit, Source
from tests.unit.rag_demo.chat.lies import documents

BY_NAME = {}
for _document in documents():
    BY_NAME.setdefault(_document.full_name, _document)


def mentioning(name):
    return [document for document in documents() if name in document.text]


class Everything:
    def named(self, full_name, **_):
        return BY_NAME.get(full_name)


def answer(facts, question, *found, library=None):
    """What is told of these documents or names of documents."""
    told = [BY_NAME[one] if isinstance(one, str) else one for one in found]
    sources = [Source(n, Hit(document, 1.0)) for n, document in enumerate(told, start=1)]
    weights = dict.fromkeys(terms(question), 1.0)
    return compose(question, sources, weights, knowledge=facts, library=library or Everything(), mentions=mentioning)
