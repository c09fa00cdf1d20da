"""Whether one passage speaks of what a question asks at all. Pure functions.

Whether all that was found is enough for an answer is judged in `confidence`, by this and by more; what is evidence by
itself comes first among the sources.

The rule: a hit is evidence if the question names it as it is written, or if the hit's own words cover at least
`ENOUGH` of the question's words, each weighted by how rare it is in the configuration (idf; a word that occurs
nowhere weighs most). «Какие реквизиты у справочника Самолёты» shares «реквизиты» and «справочник» with every
catalogue, but not the one word that matters, and is refused. Of a question of one or two words more than half must
be covered: «фискальный регистратор» is not answered by whatever else is a «регистратор». An identifier counts twice,
as a whole, besides its parts: «ОтразитьТовары» is not answered by what speaks of «отразить» and of «товары», only by
what is called so or mentions it. Scores of the fusion are no measure of this: the best of nothing but bad hits has as
good a rank as the best of good ones.

Words are compared by their roots. Verbs weigh less: a question and the code name the same action in different words
(«проводится», «проведение»), but they do not rename what it is done to.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache

from rag_demo.chat.vocabulary import root
from rag_demo.index.analyse import stem, terms
from rag_demo.retrieve.search import Found
from rag_demo.types import Document, Hit

# Chosen on the tune half of the demo configuration's golden questions, as the smallest that tells the unanswerable ones
# from the others there, and a little more.
ENOUGH = 0.38
ENOUGH_OF_FEW = 0.55
ENOUGH_OF_NAMED = 0.6
FEW = 2
_IDENTIFIER_SHARE = 2.0
# They ask what something is; that nothing found has them says nothing.
_ASKING = frozenset(terms("такое нужен нужна нужны опиши означает"))
VERB_SHARE = 0.3


def weigh(rarity: Mapping[str, float], actions: AbstractSet[str]) -> dict[str, float]:
    """Weight of each term of a question.

    Args:
        rarity: term → idf.
        actions: the terms that are verbs.
    """
    return {term: idf * VERB_SHARE if term in actions else idf for term, idf in rarity.items()}


def weights_of(found: Found) -> dict[str, float]:
    """The same for what a search found: the other name that its hits use for a thing stands for the one they lack."""
    weights = weigh(found.rarity, found.query.actions)
    weights = {term: weight for term, weight in weights.items() if term not in _ASKING} or weights
    if found.query.others:
        told = frozenset[str]().union(*(roots_of(hit.document) for hit in found.hits))
        for said, other in found.query.others:
            if stem(said) in weights and root(stem(said)) not in told and root(stem(other)) in told:
                weights[stem(other)] = weights.get(stem(other), 0.0) + weights.pop(stem(said))
    return weights


def is_evidence(hit: Hit, weights: Mapping[str, float]) -> bool:
    """Whether one hit speaks of what the question asks.

    Args:
        hit: with the legs that found it.
        weights: of the question's terms, from `weigh`.
    """
    return strength(hit, weights) >= 1.0


def strength(hit: Hit, weights: Mapping[str, float]) -> float:
    """How strong the evidence of a hit is; at 1 and above it is enough."""
    if "exact" in hit.legs:
        return max(1.0 / ENOUGH, 1.0)
    asked = by_root(weights)
    enough = ENOUGH_OF_FEW if len(asked) <= FEW else ENOUGH
    return coverage(hit.document, weights) / (ENOUGH_OF_NAMED if any(map(is_name, asked)) else enough)


def coverage(document: Document, weights: Mapping[str, float]) -> float:
    """Share of the question, by weight of its roots, that the words of a document cover; 0 to 1."""
    asked = by_root(weights)
    total = sum(asked.values())
    if not total:
        return 0.0
    own = roots_of(document)
    return sum(weight for found, weight in asked.items() if found in own) / total


@lru_cache(maxsize=256)
def roots_of(document: Document) -> frozenset[str]:
    """The roots of all words of a document, and its identifiers."""
    return head_roots_of(document) | _roots(document.body)


@lru_cache(maxsize=256)
def head_roots_of(document: Document) -> frozenset[str]:
    """The same without the body: what it is called and what is said of it."""
    return _roots(f"{document.full_name}\n{document.synonym}\n{document.header}\n{document.doc}")


@lru_cache(maxsize=256)
def name_roots_of(document: Document) -> frozenset[str]:
    """The roots of the words of its own name."""
    return frozenset(root for root in _roots(document.name) if not root.startswith("#"))


def by_root(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights by root and by identifier; of «EAN13» only the parts count, people write that in many ways."""
    found: dict[str, float] = {}
    for term, weight in weights.items():
        if is_name(term):
            found[term] = _IDENTIFIER_SHARE * weight
        elif not term.startswith("#"):
            found[root(term)] = max(found.get(root(term), 0.0), weight)
    return found


def _roots(text: str) -> frozenset[str]:
    return frozenset(term if term.startswith("#") else root(term) for term in terms(text))


def is_name(term: str) -> bool:
    """Whether a term is an identifier that people write in one way only."""
    return term.startswith("#") and not any(letter.isdigit() for letter in term)
