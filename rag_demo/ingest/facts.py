"""What a dump says outright, as records: objects, their members, methods, and how they relate.

Documents are for searching, facts for looking up. A fact is known by its full name in the spelling of the dump's
references: ``Catalog.Валюты``, ``Document.Заказ.TabularSection.Товары.Attribute.Цена``,
``CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты``, ``Catalog.Валюты.ManagerModule.ПриДобавлении``.
Each fact comes from one file, so that the facts of a changed file can be replaced without reading the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

MemberKind = Literal[
    "attribute",
    "tabular_section",
    "tabular_section_attribute",
    "dimension",
    "resource",
    "enum_value",
    "predefined",
    "standard_attribute",
    "column",
    "accounting_flag",
    "addressing_attribute",
    "command",
    "form",
    "template",
    "form_attribute",
    "form_command",
    "url_template",
    "http_method",
    "operation",
    "parameter",
    "other",
]
RelationKind = Literal[
    "handler", "subject", "movement", "content", "extends", "type", "based_on", "owner", "right", "denial"
]


class Origin(NamedTuple):
    """Where a fact stands: for citations, and to forget it together with its file."""

    space_id: str
    path: str  # as in `Document.path`
    line_start: int  # 1-based, both included
    line_end: int


@dataclass(frozen=True, slots=True)
class ObjectFact:
    """A metadata object of the configuration's tree, or the configuration itself."""

    full_name: str  # "Catalog.Валюты"; of a nested subsystem "Subsystem.А.Subsystem.Б"
    kind: str  # English: "Catalog"
    name: str
    origin: Origin
    synonym: str = ""
    comment: str = ""
    tooltip: str = ""  # explanation or brief information: what its author says it is for
    types: str = ""  # Russian, of constants, defined types, common attributes, session parameters, …
    adopted: bool = False  # borrowed by an extension
    properties: tuple[str, ...] = ()  # what else its card says: "Периодичность: в пределах дня"


@dataclass(frozen=True, slots=True)
class MemberFact:
    """What an object consists of: attributes, dimensions, enumeration values, commands, forms and so on."""

    full_name: str  # "Document.Заказ.TabularSection.Товары.Attribute.Цена"
    kind: MemberKind
    name: str
    owner: str  # full name of the object: "Document.Заказ"; of what a form has, the form's
    origin: Origin
    parent: str = ""  # name of the tabular section, URL template or operation that it lies in
    synonym: str = ""
    comment: str = ""
    tooltip: str = ""
    types: str = ""  # Russian, as people write it: "Число(15,2), СправочникСсылка.Валюты"
    adopted: bool = False


class Parameter(NamedTuple):
    """A parameter in the header of a method."""

    name: str
    by_value: bool = False  # Знач
    default: str | None = None  # as written: "Неопределено"


class DocField(NamedTuple):
    """A parameter, a returned value or a key of a structure, as a doc comment describes it."""

    name: str  # empty for a returned value
    types: tuple[str, ...] = ()  # "Строка", "СправочникСсылка.Валюты", "Массив из Строка"
    text: str = ""
    fields: tuple[DocField, ...] = ()  # keys of a structure, columns of a table
    see: str = ""  # "РаботаСКурсами.ПараметрыКурса" where another comment holds the description


class DocComment(NamedTuple):
    """A comment above a method by the 1C convention (ITS standard 453), in its parts."""

    description: str = ""
    parameters: tuple[DocField, ...] = ()
    returns: tuple[DocField, ...] = ()  # one for each alternative
    examples: str = ""
    call_options: str = ""
    see: tuple[str, ...] = ()  # methods that the description refers to («См.»)
    deprecated: str | None = None  # None: it is not; else what to use instead, perhaps nothing


@dataclass(frozen=True, slots=True)
class MethodFact:
    """A procedure or function of a module."""

    full_name: str  # "CommonModule.Модуль.Метод", "Catalog.Х.ObjectModule.Метод", "Catalog.Х.Form.Ф.Метод"
    name: str
    module: str  # the full name without the last part
    module_kind: str  # "CommonModule", "ObjectModule", "FormModule", …
    owner: str  # full name of the top-level object
    origin: Origin  # with the comment above it
    line_header: int
    signature: str  # on one line
    parameters: tuple[Parameter, ...] = ()
    is_function: bool = False
    is_async: bool = False
    export: bool = False
    directives: tuple[str, ...] = ()  # "НаСервере", 'Вместо("Имя")'
    region: tuple[str, ...] = ()  # outermost first
    deprecated: bool = False  # by its comment or its region
    doc: DocComment = DocComment()


@dataclass(frozen=True, slots=True)
class Relation:
    """An arrow between two full names.

    ============ =================================== ============================ ========================
    kind         source                              target                       detail
    ============ =================================== ============================ ========================
    ``handler``  subscription, job, form, form item, method                       event: «ПриЗаписи»,
                 command, HTTP method, operation,                                 «Расписание», «Команда»
                 object
    ``subject``  subscription                        object, or a kind for all    event
                                                     of its objects
    ``movement`` document                            register
    ``content``  subsystem, exchange plan, journal,  object
                 functional option
    ``extends``  method of an extension              method of the configuration  Перед, После, Вместо,
                                                                                  ИзменениеИКонтроль
    ``type``     member or object                    object or defined type       "Ref", "Object", …
    ``based_on`` object                              what it can be entered from
    ``owner``    subordinate catalogue               its owner
    ``right``    role                                object, or ``*``: all        «Чтение, Изменение»
    ``denial``   role with rights to all objects     object                       the rights it does not have
    ============ =================================== ============================ ========================

    ``target`` is what the dump says; whether there is such a method or object is found out when it is looked up.
    """

    kind: RelationKind
    source: str
    target: str
    origin: Origin
    detail: str = ""


Fact = ObjectFact | MemberFact | MethodFact | Relation
