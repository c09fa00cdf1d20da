"""What sort of answer a question wants: a method, what an object has, or what happens on an event. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_demo.chat.linked import Relations, links_asked, registers_asked
from rag_demo.index.analyse import fold, is_compound
from rag_demo.index.words import FUNCTION_WORDS
from rag_demo.ingest.facts import MemberKind
from rag_demo.ingest.kinds import KINDS
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
# Which objects have none of something; «у справочника нет реквизита» is asked of one.
_LACKING = re.compile(
    r"\b(?:как(?:ие|их|ой|ом|ая|ого)|which|what)\s+(\w+)\b.{0,200}?(?:(?<!или )\bнет\b(?!\s+ли\b)|\bбез\b|\bотсутству"
    r"|\bне\s+(?:име|содерж|облада|указан)|\b(?:have|has|had|with)\s+no\b|(?:\bnot|n['’]t)\s+(?:have|has|contain)"
    r"|\bwithout\b|\black)|^(\w+)\s+(?:без|without)\b"
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
    r"|^(?:методы|функции|процедуры|methods|functions|procedures)\s+(?:(?:в|of|in|the|общего|common)\s+)*"
    r"(?:модул|module)\w*(?:\s+(?:менеджера|объекта)\s+\S+)?\s+\S+\s*$"
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
    if relations := registers_asked(folded):
        return Asked(relations=relations)
    if code := _code(folded):
        return code
    if _HAPPENS.search(folded):
        every = ALL_EVENTS if _HANDLERS.search(folded) else ()
        events = next((events for pattern, events in _EVENTS if re.search(pattern, folded)), every)
        if events:
            return Asked(events=events)
    links, number = links_asked(folded), bool(_NUMBER.search(folded))
    if links is None and _lacking(folded):
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


def _lacking(folded: str) -> bool:
    found = _LACKING.search(folded)
    return found is not None and object_kinds(found[1] or found[2]) is not None


def object_kinds(word: str) -> frozenset[str] | None:
    """The kinds of objects that a word stands for: «документах», «регистрах», «объектах»; None if for none."""
    folded = fold(word)
    if folded.startswith(("объект", "object")):
        return frozenset(kind.name for kind in KINDS)
    if folded.startswith(("регистр", "register")) and "атор" not in folded:
        return frozenset(kind.name for kind in KINDS if kind.name.endswith("Register"))
    return frozenset(spoken.kind for spoken in spoken_kinds([word])) or None


def _section(folded: str) -> str:
    """The tabular section that is named; «табличная часть документа» names none."""
    found = _SECTION.search(folded)
    name = (found[1] or found[2]) if found else ""
    return "" if name in FUNCTION_WORDS or spoken_kinds([name]) else name
