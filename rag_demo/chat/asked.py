"""What sort of answer a question wants: a method, what an object has, or what happens on an event. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag_demo.index.analyse import fold, is_compound
from rag_demo.index.words import FUNCTION_WORDS
from rag_demo.ingest.facts import MemberKind
from rag_demo.retrieve.kinds import canonical_name, spoken_kinds

_HAPPENS = re.compile(
    r"что\s+(?:происходит|произойдет|случится|будет|делает|делается|выполняется|вызывается|запускается|срабатывает)"
    r"|как(?:ие|ая|ой)\s+(?:\w+\s+){1,2}(?:вызываются|выполняются|запускаются|срабатывают)\s|как\s+проводится"
    r"|(?:опиши|расскажи|explain|describe)\b.*(?:проведени|posting)|how\s+is\b.*\bposted"
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
    (r"предопредел|predefined", ("predefined",)),
    (r"колонк|column", ("tabular_section_attribute", "column")),
    (r"табличн\w*\s+част|\bтч\b|tabular", ("tabular_section", "tabular_section_attribute")),
    (
        r"структур|состав\b|\bstructure|из\s+чего\s+состоит",
        ("dimension", "resource", "attribute", "tabular_section_attribute"),
    ),
    (r"\bформ[аы]\b|\bforms?\b", ("form",)),
    (r"команд[аы]\b|command", ("command",)),
    (r"макет|template", ("template",)),
    (
        r"адрес\w*\s*\(url\)|\burl\b|методы?\s+http|\bhttp.метод|endpoint|\bадрес\w*\b.*\bhttp",
        ("url_template", "http_method"),
    ),
)
Relations = Literal[
    "movers",
    "movements",
    "content",
    "subsystems",
    "bases",
    "based",
    "owners",
    "owned",
    "used",
    "rights",
    "roles",
    "readers",
    "adders",
    "changers",
    "deleters",
    "posters",
    "subjects",
]
_WHICH = (
    r"(?:как(?:ие|ой|ое|им|ими|их|ому|ом)|все|список|перечисли\w*"
    r"|which|what|all|list(?:\s+of)?(?:\s+all)?(?:\s+the)?)\s+"
)
_REGISTER = re.compile(r"регистр(?!атор)|\bregisters?\b")
_WRITES = re.compile(
    r"пиш[уе]т|записыва|движени|двига|движ[уе]т|формиру|отража|меня[юе]т|изменя|\bwrit|\bpost|\bmov(?:e|ing|ement)|\brecord"
    r"|\baffect|\bchang|\bupdat"
)
_MOVERS = re.compile(
    rf"{_WHICH}(?:документ|document|регистратор|recorder)|(?:регистратор|recorder)\w*\s.*(?:регистр|register)"
    r"|\b(?:кто|что)\s+(?:пишет|записывает|двигает|движет|формирует|меняет|изменяет)"
    r"|\b(?:what|who)\s+(?:writes|posts|records|moves|changes|updates)\b"
)
_MOVEMENTS = re.compile(rf"{_WHICH}(?:регистр(?!атор)|registers?\b)")
# What a role may allow, and who may do it.
_ALLOWED: tuple[tuple[Relations, str], ...] = (
    ("readers", r"\b(?:про)?чита|\b(?:по|про)?смотр|\bчтени|\bвид(?:еть|ят)|\bread|\bview|\bsee\b"),
    ("adders", r"\bдобав|\bсозда|\bввод|\badd|\bcreat|\binsert"),
    ("changers", r"\b(?:по)?меня|\bизмен|\bредакт|\bзапис|\bedit|\bchang|\bmodif|\bupdat|\bwrit"),
    ("deleters", r"\bудал|\bdelet|\bremov"),
    ("posters", r"\bпрово[дж]|\bпрове(?:сти|ден)|\bpost"),
)
_MAY = (
    r"(?:\bмо[гж]\w*|\bправ\w*|\bразреш\w*|\bпозвол\w*|\bдоступ\w*|\bmay|\bcan|\ballow\w*|\brights?|\bpermissions?)"
    r"\s+(?:(?:на|to|for)\s+)?"
)
_TO_DO = "|".join((r"\bпольз|\bиспольз|\bоткры|\bработа|\buse\b|\bopen|\baccess", *(said for _, said in _ALLOWED)))
_NOT = re.compile(
    r"\bне\b|(?<!или )\bнет\b(?!\s+ли\b)|\bбез\b|\bотсутству|\bнельзя\b|\bneither\b|\bno\b|\bnot\b|n.t\b"
    r"|\bcannot\b|\bwithout\b|\black"
)
# What has none of something; «реквизиты, которые не заполняются» are still those of an object.
_LACKING = re.compile(
    r"(?<!или )\bнет\b(?!\s+ли\b)|\bбез\b|\bотсутству|\bне\s+(?:име|содерж|облада|указан)"
    r"|\b(?:have|has|had|with)\s+no\b|(?:\bnot|n.t)\s+(?:have|has|contain)|\bwithout\b|\black"
)
# How an object is linked with others; the first that fits.
_LINKS: tuple[tuple[Relations, re.Pattern[str]], ...] = (
    (
        "roles",
        re.compile(
            r"\bкак(?:ие|ая|ой|им|ими)\s+рол|\bкому\s+(?:доступ|разреш)|\bкто\s+имеет\s+(?:права?|доступ)\b"
            rf"|\bкто\s+(?:\w+\s+)?может\s+(?:{_TO_DO})|\bу\s+кого\b.*\bправ"
            rf"|\b(?:which|what)\s+roles?\b|\bwho\s+(?:may|can)\s+(?:{_TO_DO})|\bwho\s+is\s+allowed\s+to\b"
            r"|\bwho\s+has\s+(?:\w+\s+)?(?:access|rights?|permissions?)\b"
        ),
    ),
    (
        "subjects",
        re.compile(r"\bна\s+(?:что|как(?:ие|ой|ую))\b.*\bподпис|\bподпис\w*\b.*\bна\s+(?:что|какие)|\bsubscrib"),
    ),
    ("rights", re.compile(r"\bправа?\b|\brights?\b|\bpermissions?\b")),
    ("subsystems", re.compile(r"\bкак(?:ую|ие|ой|их|им|ом)\s+подсистем|\b(?:which|what)\s+subsystems?\b")),
    (
        "bases",
        re.compile(
            r"основани[еи]\s+(?:чего|каких|какого|которых)|чем\s+можно\s+заполнить"
            r"|\b(?:entered|created|filled)\s+(?:from|on\s+the\s+basis\s+of)\s*\??$|\bon\s+what\s+basis"
        ),
    ),
    (
        "based",
        re.compile(
            r"\b(?:что|как(?:ие|ой|ая|ое|ую|им))\b.*на\s+основани[еи]\s|\bbased\s+on\b"
            r"|\b(?:entered|created|filled)\s+(?:from|on\s+the\s+basis\s+of)"
        ),
    ),
    (
        "owned",
        re.compile(r"подчинен\w+\s+(?:справочник|каталог)|справочник\w*\s+подчинен|чем\s+владеет|\bsubordinate"),
    ),
    ("owners", re.compile(r"\b(?:кто|какой|что)\b.*\bвладел|\bкому\s+подчин|\bчему\s+подчин|\bowners?\b")),
    (
        "content",
        re.compile(
            r"\b(?:входит|входят|включ|относ[ия]тся|содерж[аи]т)|\bсостав\w*\b"
            r"|\bcontain|\bbelong|\binclude|\bcontents?\b"
        ),
    ),
    ("content", re.compile(r"\bчто\s.*\bв\s+подсистем|\b(?:what|which)\b.*\bin\s+(?:the\s+)?(?:\w+\s+)?subsystem")),
)
_OF_MEMBERS = re.compile(r"табличн|\bтч\b|tabular|колонк|реквизит|column|attribute")
_USED = re.compile(
    r"\bгде\b.*(?:использу|вызыва|применя|упомина|встреча|задейств)|\b(?:кто|откуда|кем)\s+(?:\S+\s+)?"
    r"(?:вызыва[ею]т|использу[ею]т|использу[ею]тся|вызыва[ею]тся)|ссыла[ею]тся\s+на"
    r"|\bкак(?:ие|ой|ая)\s+(?:\w+\s+)?(?:метод|функци|процедур|объект|модул|документ|справочник|регистр)\w*\s+"
    r"(?:\w+\s+)?(?:вызыва[ею]т|использу[ею]т)\b"
    r"|\bwhere\b.*\b(?:called|used|referenced|invoked)\b|\busages?\s+of|\bcallers?\s+of"
    r"|\breferences?\s+to\b|\b(?:who|what|which\s+\w+)\s+(?:calls?|uses?|references?)\b"
)
_CODE = re.compile(
    r"\b(?:покаж\w*|показать|выведи|приведи|дай|открой|show|give|print|display)\s+"
    r"(?:(?!реквизит|поле|тип|значен|attribute|field|type|value)\w+\s+){0,3}?"
    r"(?:код|текст|реализаци\w*|исходник\w*|source|code|body|implementation)\b"
    r"|^(?:код|текст|исходник\w*|code|source)\s+(?:у|of|функци\w|процедур\w|метода|the)\b"
)
_METHODS = re.compile(
    r"\b(?:как(?:ие|их|ими)|все|всех|список|перечисли\w*|покажи\w*|перечень|сколько|which|what|list|all|show"
    r"|how\s+many)"
    r"\b.{0,40}?\b(?:метод|функци[ийя]|процедур|method|function|procedure).*(?:модул|module)"
    r"|(?:модул|module).*\b(?:как(?:ие|их)|which|what)\s.{0,30}(?:метод|функци|процедур|method|function|procedure)"
    r"|^(?:(?:не\s*)?(?:устаре|экспорт|публичн)\w*|(?:non-)?(?:deprecated|obsolete|export|public)\w*)\s+"
    r"(?:метод|функци|процедур|method|function|procedure).*(?:модул|module)"
)
_NUMBER = re.compile(r"\bсколько\b|\bколичество\b|\bhow\s+many\b")
_EXPORTED = re.compile(
    r"(?P<not>\bне\s*|\bnot\s+|\bnon-)?(?:экспорт|export|публичн|\bpublic\b|программн\w+\s+интерфейс)"
)
_DEPRECATED = re.compile(r"(?<!не )(?<!не)устаре|(?<!not )(?<!non-)(?:deprecated|obsolete)")
_MODULES = (
    (r"модул\w*\s+менеджера|manager\s+module", "ManagerModule"),
    (r"модул\w*\s+объекта|object\s+module", "ObjectModule"),
    (r"модул\w*\s+набора|record\s*set\s+module", "RecordSetModule"),
)
_SECTION = re.compile(
    r"(?:табличн\w*\s+част\w*|\bтч|tabular\s+section)\s+[«\"']?(\w+)|(?<!\w)(\w+)\s+tabular\s+section"
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer should show beside what was found."""

    members: tuple[MemberKind, ...] = ()
    section: str = ""  # folded name of a tabular section
    events: tuple[str, ...] = ()  # of the object, in the order in which the platform runs them, or `ALL_EVENTS`
    relations: Relations | None = None  # what an object is linked with; "used" also asks who calls a method
    code: bool = False  # the text of a method
    methods: bool = False  # those of a module
    exported: bool = False  # of these only what others may call
    unexported: bool = False  # of these only what no others may call
    deprecated: bool = False  # of these only what should not be used any more
    module: str = ""  # which of an object's modules
    number: bool = False  # how many there are
    lacking: bool = False  # objects that have none of something


def what_is_asked(question: str) -> Asked:
    """The wishes of a question; nothing for one that only looks for something."""
    folded = fold(_WORD.sub(_unnamed, question))
    if relations := _relations(folded):
        return Asked(relations=relations)
    if code := _code(folded):
        return code
    if _HAPPENS.search(folded):
        every = ALL_EVENTS if _HANDLERS.search(folded) else ()
        events = next((events for pattern, events in _EVENTS if re.search(pattern, folded)), every)
        if events:
            return Asked(events=events)
    links, number = _links(folded), bool(_NUMBER.search(folded))
    if links is None and _LACKING.search(folded):
        return Asked(lacking=True)
    kinds = [kind for pattern, wanted in _MEMBERS if re.search(pattern, folded) for kind in wanted]
    section = _section(fold(question))
    if section:
        return Asked(members=("tabular_section_attribute",), section=section, relations=links, number=number)
    return Asked(members=tuple(dict.fromkeys(kinds)), relations=links, number=number)


def _unnamed(word: re.Match[str]) -> str:
    """A line in place of a name of several words: «ЕдиницыИзмерения» asks for no dimensions."""
    is_name = is_compound(word[0]) and canonical_name(f"{word[0]}.X") == f"{word[0]}.X"
    return "_" if is_name else word[0]


def _code(folded: str) -> Asked | None:
    if _CODE.search(folded):
        return Asked(code=True)
    if not _METHODS.search(folded):
        return None
    module = next((module for pattern, module in _MODULES if re.search(pattern, folded)), "")
    exported = _EXPORTED.search(folded)
    return Asked(
        methods=True,
        exported=exported is not None and not exported["not"],
        unexported=exported is not None and bool(exported["not"]),
        deprecated=bool(_DEPRECATED.search(folded)),
        module=module,
    )


def _links(folded: str) -> Relations | None:
    """What an object is linked with; nothing for whoever asks what it is not linked with."""
    if _NOT.search(folded):
        return None
    if _USED.search(folded):
        return "used"
    links: Relations | None = next((link for link, said in _LINKS if said.search(folded)), None)
    if links == "content" and _OF_MEMBERS.search(folded):
        return None  # «состав табличной части»
    allowed = [who for who, said in _ALLOWED if re.search(rf"{_MAY}(?:{said})", folded)] if links == "roles" else []
    return allowed[0] if len(allowed) == 1 else links


def _section(folded: str) -> str:
    """The tabular section that is named; «табличная часть документа» names none."""
    found = _SECTION.search(folded)
    name = (found[1] or found[2]) if found else ""
    return "" if name in FUNCTION_WORDS or spoken_kinds([name]) else name


def _relations(folded: str) -> Relations | None:
    if not _REGISTER.search(folded) or _NOT.search(folded):
        return None
    if _MOVERS.search(folded):
        recorders = "регистратор" in folded or "recorder" in folded
        return "movers" if recorders or _WRITES.search(folded) else None
    return "movements" if _MOVEMENTS.search(folded) and _WRITES.search(folded) else None
