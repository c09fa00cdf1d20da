"""First stage: what the headings and the path of a passage say outright. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag_demo.types import NoteType

# Only words that leave no doubt. «Инструкция» may be a manual or an order, «версия» alone may be anything.
_HEADINGS: dict[NoteType, str] = {
    "manual": r"руководство (?:пользовател|оператор|администратор|кассир|кладовщик|менеджер|бухгалтер)\w*"
    r"|инструкция пользователя|user(?:'s)? (?:guide|manual)",
    "specification": r"техническое задание|технический проект|спецификация требований|(?:не)?функциональные требования"
    r"|(?:technical|requirements|software) specification",
    "release_notes": r"что нового|истори[яи] (?:изменений|версий)|список изменений|исправленные ошибки|changelog"
    r"|release notes|what's new|(?:версия|релиз|version|release) v?\d+\.\d+[\d.]*",
    "faq": r"часто задаваемые вопросы|частые вопросы|вопросы и ответы|вопрос[ -–]ответ|faq",
    "regulation": r"регламент|приказ|распоряжение|должностная инструкция|уч[её]тная политика|положение об?"
    r"|правила внутреннего",
}
_PATHS: dict[NoteType, str] = {
    "manual": r"руководств\w*|manuals?|user guide|инструкции пользовател\w*",
    "specification": r"тз|чтз|спецификаци[яи]|specifications?|specs?|requirements",
    "release_notes": r"changes|changelog|release notes|releases|обновления|изменения|что нового",
    "faq": r"чаво",
    "regulation": r"регламенты|приказы|распоряжения|regulations?|policies|policy",
}


def by_rules(headings: Sequence[str], path: str) -> NoteType | None:
    """The sort that the innermost telling heading names, else the file, else the innermost folder; None if none does.

    Args:
        headings: above the passage, outermost first.
        path: of the file, with forward slashes.
    """
    places = path.rpartition(".")[0] or path
    told = [_told(heading, _HEADING_SIGNS) for heading in reversed(headings)]
    told += [_told(re.sub(r"[_\-\s]+", " ", place), _PATH_SIGNS) for place in reversed(places.split("/"))]
    return next((sort for sort in told if sort), None)


def _told(words: str, signs: dict[NoteType, re.Pattern[str]]) -> NoteType | None:
    found = [sort for sort, sign in signs.items() if sign.search(words)]
    return found[0] if len(found) == 1 else None  # «Приказ о вводе руководства пользователя» tells nothing


def _compiled(tables: Sequence[dict[NoteType, str]]) -> Iterator[tuple[NoteType, re.Pattern[str]]]:
    for sort in _HEADINGS:
        words = "|".join(table[sort] for table in tables)
        yield sort, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_HEADING_SIGNS = dict(_compiled([_HEADINGS]))
_PATH_SIGNS = dict(_compiled([_HEADINGS, _PATHS]))
