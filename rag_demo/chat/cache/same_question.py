"""Whether two questions ask the same. Pure functions.

A vector tells that two questions speak of the same things, not that they ask the same of them: a bag-of-words model
gives a question and its reversal («из рублей в доллары», «из долларов в рубли») a cosine of 1. So beside the cosine
the gate must be equal: what is asked for, the words that carry meaning in their order, identifiers, numbers and
negations. Politeness, word forms and a short list of synonyms do not matter.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from rag_demo.chat.checking.claims import figures
from rag_demo.chat.vocabulary import NEGATIONS
from rag_demo.index.analyse import fold, is_compound, stem

_WORD = re.compile(r"\w+(?:\.\w+)*")
# Said in one word, so that they can be told apart from the same words elsewhere.
_PHRASES = (
    (
        r"как(?:ой|ими?|им)\s+(?:экспортн\w+\s+)?(?:функци\w+|метод\w*|процедур\w+)(?:\s+(?:можно|нужно|надо))?",
        " ?функция ",
    ),
    (r"с\s+помощью\s+как\w+\s+(?:функци\w+|метод\w*|процедур\w+)", " ?функция "),
    (r"(?:в\s+каком\s+(?:общем\s+)?(?:месте|модуле)|где\s+именно|в\s+какой\s+части\s+кода)", " ?где "),
    (r"что\s+(?:происходит|произойдет|случится|случается|будет)", " ?происходит "),
    (r"для\s+чего\s+(?:нужен|нужна|нужно|нужны)?|зачем(?:\s+нуж\w+)?", " ?зачем "),
    (r"(?:что\s+такое|что\s+значит|что\s+означает)", " ?значит "),
    (r"как(?:ие|ой|ая|ое)(?:\s+(?:есть|бывают|имеются|существуют))?", " ?какой "),
    (r"из-за\s+чего|почему", " ?почему "),
    (r"how\s+(?:do|can|could|should|would)\s+(?:i|we|you|one)|how\s+to|is\s+there\s+a\s+way\s+to", " ?как "),
    (r"what\s+happens", " ?происходит "),
    (r"where\s+(?:is|are|do|does)", " ?где "),
)
_ASKING = {"как": "?как", "где": "?где", "когда": "?когда", "сколько": "?сколько", "кто": "?кто", "откуда": "?откуда",
           "куда": "?куда", "что": "?что", "чем": "?чем", "which": "?какой", "what": "?что", "when": "?когда",
           "who": "?кто", "why": "?почему", "where": "?где", "how": "?как"}  # fmt: skip
_POLITE_WORDS = """
    подскажите подскажи скажите скажи пожалуйста помогите помоги хочу хотел знать узнать-ка интересно расскажи
    расскажите объясни объясните покажи покажите привет здравствуйте а и же ли бы то вот мне нам я мы у в нашей
    наш конфигурации программе системе базе есть бывают имеются существуют можно нужно надо следует какой-нибудь
    please tell me show explain the a an is are there in our this configuration program system do does i we can
    could would like know
"""
_POLITE = frozenset(stem(word) for word in _POLITE_WORDS.split())
_SYNONYMS = {
    stem(fold(word)): group
    for group, *words in (
        ["получить", "узнать", "взять", "достать", "вернуть", "определить", "get", "obtain", "fetch", "find"],
        ["рассчитать", "вычислить", "посчитать", "расчет", "calculate", "compute"],
        ["проверить", "проверка", "проверяется", "контроль", "контролируется", "check"],
        ["создать", "сформировать", "завести", "create"],
        ["удалить", "стереть", "убрать", "delete", "remove"],
        ["товар", "номенклатура", "позиция", "item", "goods", "product"],
        ["контрагент", "контрагента", "counterparty"],
        ["напечатать", "распечатать", "печать", "печатается", "print"],
        ["загрузить", "загрузка", "загружается", "импортировать", "load", "import"],
        ["реквизит", "поле", "атрибут", "attribute", "field"],
        ["пересчитать", "перевести", "конвертировать", "convert"],
        ["проведение", "провести", "проводится", "posting", "post"],
    )
    for word in (group, *words)
}


@dataclass(frozen=True, slots=True)
class Gate:
    """What must be equal in two questions that ask the same."""

    words: tuple[str, ...]  # in order
    names: tuple[str, ...]
    figures: tuple[str, ...]
    negations: int

    @property
    def digest(self) -> str:
        """Equal for equal gates."""
        return hashlib.blake2b(
            repr((self.words, self.names, self.figures, self.negations)).encode(), digest_size=16
        ).hexdigest()


def written_names(question: str) -> tuple[str, ...]:
    """Its words, folded, that the search may take for names by how they are written.

    «реквизит Самолетик» names one, «реквизит самолетик» does not. A first word has its capital anyway.
    """
    return tuple(
        fold(word)
        for place, word in enumerate(_WORD.findall(question))
        if "." in word or is_compound(word) or (place and word[:1].isupper())
    )


def gate_of(question: str) -> Gate:
    """The gate of a question."""
    folded = fold(question)
    for pattern, meant in _PHRASES:
        folded = re.sub(rf"\b(?:{pattern})\b", meant, folded)
    said = [word for word in map(_meaning, re.findall(r"\??\w+", folded)) if word]
    # «Получить курс?» asks how to, as does «как получить курс?».
    asked = said if any(word.startswith("?") for word in said) else ["?как", *said]
    return Gate(
        words=tuple(asked),
        names=written_names(question),
        figures=tuple(sorted(figures(question))),
        negations=sum(word in NEGATIONS for word in re.findall(r"[\w']+", fold(question))),
    )


def _meaning(word: str) -> str:
    if word.startswith("?"):
        return "?как" if word == "?функция" else word
    if word in _ASKING:
        return _ASKING[word]
    root = stem(word)
    return "" if root in _POLITE or word in _POLITE else _SYNONYMS.get(root, root)
