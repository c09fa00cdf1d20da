"""The fixed words of an extractive answer in Russian and English."""

from __future__ import annotations

from dataclasses import dataclass

from rag_demo.chat.language import is_russian
from rag_demo.chat.linked import Relations


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language."""

    found: str
    also: str
    more: str
    nothing: str
    nearest: str
    function: str
    procedure: str
    listed: str
    none: str  # with the kind in the plural
    parameters: str
    optional: str  # with the default value
    returns: str
    example: str
    call: str
    deprecated: str
    extended: str
    name: str
    type: str
    meaning: str
    section: str  # with the name of the tabular section
    values: str
    happens: str
    subscription: str
    calls: str
    handlers: str
    movements: str
    related: dict[Relations, str]  # with their number
    denied: str  # with the number of objects
    all_rights: str
    all_but: str  # with the rights
    exported: str
    methods: str
    methods_exported: str
    methods_unexported: str
    methods_deprecated: str
    methods_of: str  # with their sort, the module and their number
    no_methods: str  # with the module and the sort
    called: str  # with the number of callers
    used: str  # with the number of methods
    at_least: str
    uncalled: str
    lacks: str  # with the object and the titles of what it lacks
    handler_of: str
    missing: str  # with the object and the name
    near: str
    holders: str  # with the name of the member and their number
    sections: str
    elsewhere: str
    columns: dict[str, str]


RUSSIAN = Phrases(
    found="Вот что об этом есть в конфигурации:",
    also="Смотрите также:",
    more="… и ещё строк: {}",
    nothing="В проиндексированной конфигурации я не нашёл того, о чём вы спрашиваете.",
    nearest="Ближайшее по словам, но не ответ:",
    function="Функция",
    procedure="Процедура",
    listed="Объектов этого вида в конфигурации: {}",
    none="В проиндексированной конфигурации нет объектов этого вида («{}»): 0.",
    parameters="Параметры:",
    optional="необязательный, по умолчанию {}",
    returns="Возвращает:",
    example="Пример:",
    call="Вызов:",
    deprecated="Устарела.",
    extended="В расширении:",
    name="Имя",
    type="Тип",
    meaning="Что это",
    section="Табличная часть {}:",
    values="Значения:",
    happens="Что происходит:",
    subscription="подписка",
    calls="вызывает",
    handlers="Обработчики:",
    movements="Движения по регистрам:",
    related={
        "movers": "Документы, которые делают движения по этому регистру: {}",
        "movements": "Регистры, по которым документ делает движения: {}",
        "content": "Состав: {}",
        "subsystems": "Входит в подсистемы: {}",
        "bases": "Вводится на основании: {}",
        "based": "На основании этого объекта вводятся: {}",
        "owners": "Владельцы: {}",
        "owned": "Подчинённые справочники: {}",
        "rights": "Объекты, на которые роль даёт права (без частей объектов и самой конфигурации): {}",
        "roles": "Роли, которые дают права на этот объект: {}",
        "readers": "Роли, которые дают право на чтение или просмотр: {}",
        "adders": "Роли, которые дают право на добавление: {}",
        "changers": "Роли, которые дают право на изменение: {}",
        "deleters": "Роли, которые дают право на удаление: {}",
        "posters": "Роли, которые дают право на проведение: {}",
        "subjects": "Объекты, на события которых подписка: {}",
        "used": "Объекты, у которых есть данные этого типа: {}",
    },
    denied="Объекты, для которых у роли есть запреты: {}",
    all_rights="все права",
    all_but="все права, кроме: {}",
    exported="Экспорт",
    methods="методы",
    methods_exported="экспортные",
    methods_unexported="неэкспортные",
    methods_deprecated="устаревшие",
    methods_of="{} модуля {}: {}",
    no_methods="В модуле {} таких методов нет ({}).",
    called="Вызывается в методах: {}",
    used="Упоминается в методах: {}",
    lacks="У {} нет того, о чём вы спрашиваете ({}).",
    at_least="не менее {}",
    uncalled="Вызовов этого метода по имени я не нашёл.",
    handler_of="Обработчик:",
    missing="У {} нет ничего с именем «{}».",
    near="Похожие имена:",
    holders="Где есть «{}»: {}",
    sections="Табличные части:",
    elsewhere="Так называются:",
    columns={
        "dimension": "Измерения:",
        "resource": "Ресурсы:",
        "attribute": "Реквизиты:",
        "standard_attribute": "Стандартные реквизиты:",
        "predefined": "Предопределённые:",
        "url_template": "Адреса:",
        "http_method": "Методы HTTP:",
        "column": "Графы:",
        "command": "Команды:",
        "form": "Формы:",
        "template": "Макеты:",
    },
)
ENGLISH = Phrases(
    found="This is what the configuration has on it:",
    also="See also:",
    more="… and more lines: {}",
    nothing="I found nothing in the indexed configuration about what you ask.",
    nearest="The nearest by words, but no answer:",
    function="Function",
    procedure="Procedure",
    listed="Objects of this kind in the configuration: {}",
    none="The indexed configuration has no objects of this kind ({}): 0.",
    parameters="Parameters:",
    optional="optional, default {}",
    returns="Returns:",
    example="Example:",
    call="Call:",
    deprecated="Deprecated.",
    extended="In an extension:",
    name="Name",
    type="Type",
    meaning="What it is",
    section="Tabular section {}:",
    values="Values:",
    happens="What happens:",
    subscription="subscription",
    calls="calls",
    handlers="Handlers:",
    movements="Movements in registers:",
    related={
        "movers": "Documents that write to this register: {}",
        "movements": "Registers that the document writes to: {}",
        "content": "Content: {}",
        "subsystems": "Belongs to the subsystems: {}",
        "bases": "Can be entered from: {}",
        "based": "Can be entered from this object: {}",
        "owners": "Owners: {}",
        "owned": "Subordinate catalogs: {}",
        "rights": "Objects that the role gives rights to (without parts of objects and the configuration itself): {}",
        "roles": "Roles that give rights to this object: {}",
        "readers": "Roles that give the right to read or view it: {}",
        "adders": "Roles that give the right to add: {}",
        "changers": "Roles that give the right to change it: {}",
        "deleters": "Roles that give the right to delete it: {}",
        "posters": "Roles that give the right to post it: {}",
        "subjects": "Objects whose events it subscribes to: {}",
        "used": "Objects that have data of this type: {}",
    },
    denied="Objects that the role denies something for: {}",
    all_rights="all rights",
    all_but="all rights but: {}",
    exported="Export",
    methods="methods",
    methods_exported="exported",
    methods_unexported="not exported",
    methods_deprecated="deprecated",
    methods_of="{} of the module {}: {}",
    no_methods="The module {} has no such methods ({}).",
    called="Called in methods: {}",
    used="Named in methods: {}",
    lacks="{} has none of what you ask for ({}).",
    at_least="at least {}",
    uncalled="I found no calls of this method by its name.",
    handler_of="Handler of:",
    missing='{} has nothing with the name "{}".',
    near="Similar names:",
    holders='Objects that have "{}": {}',
    sections="Tabular sections:",
    elsewhere="Called so:",
    columns={
        "dimension": "Dimensions:",
        "resource": "Resources:",
        "attribute": "Attributes:",
        "standard_attribute": "Standard attributes:",
        "predefined": "Predefined:",
        "url_template": "Addresses:",
        "http_method": "HTTP methods:",
        "column": "Columns:",
        "command": "Commands:",
        "form": "Forms:",
        "template": "Templates:",
    },
)


def phrases_for(question: str) -> Phrases:
    """In the language of the question."""
    return RUSSIAN if is_russian(question) else ENGLISH
