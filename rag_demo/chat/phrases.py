"""The fixed words of an extractive answer in Russian and English."""

from __future__ import annotations

from dataclasses import dataclass

from rag_demo.chat.language import is_russian


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
    movers: str  # with their number
    moved: str  # with their number
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
    movers="Документы, которые делают движения по этому регистру: {}",
    moved="Регистры, по которым документ делает движения: {}",
    columns={
        "dimension": "Измерения:",
        "resource": "Ресурсы:",
        "attribute": "Реквизиты:",
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
    movers="Documents that write to this register: {}",
    moved="Registers that the document writes to: {}",
    columns={
        "dimension": "Dimensions:",
        "resource": "Resources:",
        "attribute": "Attributes:",
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
