"""What sort of answer a question wants: a method, what an object has, or what happens on an event. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag_demo.index.analyse import fold
from rag_demo.ingest.facts import MemberKind

_HAPPENS = re.compile(
    r"что\s+(?:происходит|произойдет|случится|будет|делает|делается|выполняется|вызывается|запускается|срабатывает)"
    r"|как(?:ие|ой)\s+(?:обработчик|подписк|движени|проводк)|движения\s+(?:делает|документа)|проводки\s"
    r"|what\s+(?:happens|runs|is\s+(?:called|executed|run))"
    r"|(?:which|what)\s+(?:event\s+)?(?:handler|subscription|movement)"
)
_HANDLERS = re.compile(r"обработчик|подписк|handler|subscription")
# Every event that the object has a handler for.
ALL_EVENTS = ("*",)
_EVENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"отмен\w*\s+проведени|распровед|unpost|undo\w*\s+posting",
        ("ПередЗаписью", "ПриЗаписи", "ОбработкаУдаленияПроведения"),
    ),
    (
        r"провед|проводит|проводк|движени|\bpost(?:ed|ing)?\b|movement",
        ("ОбработкаПроверкиЗаполнения", "ПередЗаписью", "ПриЗаписи", "ОбработкаПроведения"),
    ),
    (r"номер|number", ("ПриУстановкеНовогоНомера", "ПриУстановкеНовогоКода")),
    (r"запис[иь]|записыва|сохран|\b(?:writ|wrote|sav)", ("ОбработкаПроверкиЗаполнения", "ПередЗаписью", "ПриЗаписи")),
    (r"удален|удаля|\bdelet", ("ПередУдалением",)),
    (r"заполнен|ввод\w*\s+на\s+основании|\bfill", ("ОбработкаЗаполнения",)),
    (r"копирова|\bcop(?:y|ied)", ("ПриКопировании",)),
    (r"открыт|открыва|\bopen", ("ПриСозданииНаСервере", "ПриОткрытии", "ПриЧтенииНаСервере")),
)
_MEMBERS: tuple[tuple[str, tuple[MemberKind, ...]], ...] = (
    (r"измерени|dimension", ("dimension",)),
    (r"ресурс|\bresource", ("resource",)),
    (r"реквизит|рекизит|\bпол[яе]\b|\bполей\b|attribute|\bfield", ("attribute", "dimension", "resource", "column")),
    (r"значени|статусы|\bvalue", ("enum_value", "predefined")),
    (r"колонк|column", ("tabular_section_attribute", "column")),
    (r"табличн\w*\s+част|\bтч\b|tabular", ("tabular_section", "tabular_section_attribute")),
    (
        r"структур|состав\b|\bstructure|из\s+чего\s+состоит",
        ("dimension", "resource", "attribute", "tabular_section_attribute"),
    ),
    (r"\bформ[аы]\b|\bforms?\b", ("form",)),
    (r"команд[аы]\b|command", ("command",)),
    (r"макет|template", ("template",)),
    (r"адрес\w*\s*\(url\)|\burl\b|методы?\s+http|endpoint", ("url_template", "http_method")),
)
Relations = Literal["movers", "movements"]
_WHICH = (
    r"(?:как(?:ие|ой|ое|им|ими|их|ому|ом)|все|список|перечисли\w*"
    r"|which|what|all|list(?:\s+of)?(?:\s+all)?(?:\s+the)?)\s+"
)
_REGISTER = re.compile(r"регистр(?!атор)|\bregisters?\b")
_WRITES = re.compile(
    r"пиш[уе]т|записыва|движени|двига|формиру|отража|меня[юе]т|изменя|\bwrit|\bpost|\bmov(?:e|ing|ement)|\brecord"
    r"|\baffect|\bchang|\bupdat"
)
_MOVERS = re.compile(
    rf"{_WHICH}(?:документ|document|регистратор|recorder)|(?:регистратор|recorder)\w*\s.*(?:регистр|register)"
    r"|\b(?:кто|что)\s+(?:пишет|записывает|двигает|формирует|меняет|изменяет)"
    r"|\b(?:what|who)\s+(?:writes|posts|records|moves|changes|updates)\b"
)
_MOVEMENTS = re.compile(rf"{_WHICH}(?:регистр(?!атор)|registers?\b)")
_SECTION = re.compile(r"(?:табличн\w*\s+част\w*|тч|tabular\s+section)\s+[«\"']?(\w+)|(\w+)\s+tabular\s+section")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer should show beside what was found."""

    members: tuple[MemberKind, ...] = ()
    section: str = ""  # folded name of a tabular section
    events: tuple[str, ...] = ()  # of the object, in the order in which the platform runs them, or `ALL_EVENTS`
    relations: Relations | None = None  # documents that write to a register, registers that a document writes to


def what_is_asked(question: str) -> Asked:
    """The wishes of a question; nothing for one that only looks for something."""
    folded = fold(question)
    if relations := _relations(folded):
        return Asked(relations=relations)
    if _HAPPENS.search(folded):
        every = ALL_EVENTS if _HANDLERS.search(folded) else ()
        events = next((events for pattern, events in _EVENTS if re.search(pattern, folded)), every)
        if events:
            return Asked(events=events)
    kinds = [kind for pattern, wanted in _MEMBERS if re.search(pattern, folded) for kind in wanted]
    section = _SECTION.search(folded)
    if section:
        return Asked(members=("tabular_section_attribute",), section=section[1] or section[2])
    return Asked(members=tuple(dict.fromkeys(kinds)))


def _relations(folded: str) -> Relations | None:
    if not _REGISTER.search(folded):
        return None
    if _MOVERS.search(folded):
        recorders = "регистратор" in folded or "recorder" in folded
        return "movers" if recorders or _WRITES.search(folded) else None
    return "movements" if _MOVEMENTS.search(folded) and _WRITES.search(folded) else None
