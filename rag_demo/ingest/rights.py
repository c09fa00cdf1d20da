"""The rights of a role: summed up for searching, and object by object for looking up."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OBJECT = "<object>"
_NAME = re.compile(r"<name>([^<]+)</name>")
_GRANTED = re.compile(r"<right>\s*<name>(\w+)</name>\s*<value>true</value>\s*(<restrictionByCondition>)?")
# Those that decide what somebody can do; the others say by which way of the interface.
_RIGHTS = {
    "Read": "Чтение",
    "Insert": "Добавление",
    "Update": "Изменение",
    "Delete": "Удаление",
    "Posting": "Проведение",
    "UndoPosting": "Отмена проведения",
    "Start": "Старт",
    "Execute": "Выполнение",
    "View": "Просмотр",
    "Edit": "Редактирование",
    "Use": "Использование",
    "Get": "Получение",
    "Set": "Установка",
}
LIMITED = " (с ограничением)"
_DENIED = re.compile(r"<right>\s*<name>(\w+)</name>\s*<value>false</value>")
_FOR_ALL = "<setForNewObjects>true<"
# What a role has rights to whose file lists only what it denies.
ALL_OBJECTS = "*"


def rights_text(rights: str) -> str:
    """How far the rights of a role reach.

    A role whose rights are set for new objects has them for every object that its file does not name: the file lists
    what is denied.
    """
    objects = rights.split(_OBJECT)[1:]
    if _FOR_ALL in rights:
        said = "Права на все объекты, в том числе новые"
        if refused := sum("<value>false<" in item for item in objects):
            said += f"; объектов с запретами: {refused}"
    else:
        said = f"Права на объекты: {len(objects)}"
    if limited := rights.count("<restrictionByCondition>"):
        said += f"; ограничений доступа к записям: {limited}"
    return said


def granted(rights: str) -> Iterator[tuple[str, str]]:
    """Full names of the objects that a role has rights to, each with these rights in Russian.

    Attributes and other parts of objects are left out, as are rights that only say how the interface offers an object.
    Of a role that has rights to every object, that comes first, as `ALL_OBJECTS`.
    """
    if _FOR_ALL in rights:
        yield ALL_OBJECTS, ", ".join(_RIGHTS.values())
    yield from _of_objects(rights, _GRANTED)


def denied(rights: str) -> Iterator[tuple[str, str]]:
    """What a role that has rights to every object does not have; the same form as `granted`."""
    if _FOR_ALL in rights:
        yield from _of_objects(rights, _DENIED)


def _of_objects(rights: str, wanted: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """The objects with those of their rights that ``wanted`` finds."""
    for item in rights.split(_OBJECT)[1:]:
        name = _NAME.search(item)
        if name is None or not _is_object(name[1]):
            continue
        found = {right[1]: right for right in wanted.finditer(item)}
        said = [_RIGHTS[right] + _limited(found[right]) for right in _RIGHTS if right in found]
        if said:
            yield name[1].strip(), ", ".join(said)


def _limited(right: re.Match[str]) -> str:
    return LIMITED if right.re is _GRANTED and right[2] else ""


def _is_object(name: str) -> bool:
    parts = name.strip().split(".")
    return len(parts) == 2 or set(parts[::2]) == {"Subsystem"}
