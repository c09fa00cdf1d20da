"""How a piece of code becomes a text that an embedding model for prose can read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hybrid_embeddings.errors import InputError

# Borders inside identifiers, in both scripts: "ДокументПроведен", "XMLФайл", "ВыгрузитьВJSON", "sum_total", "Этап2".
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[А-ЯЁ]+(?=[А-ЯЁ][а-яё])|[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+|\d+")
_FIELDS = ("name", "description", "parameters", "region")


def split_identifier(identifier: str) -> str:
    """Return the words of an identifier: ``ПолучитьКурсВалюты`` → ``Получить Курс Валюты``."""
    return " ".join(_WORDS.findall(identifier)) or identifier


def function_text(function: Mapping[str, object]) -> str:
    """Return the text of a 1C function: name and its words, description, parameters, region.

    Args:
        function: ``name`` is needed; ``description`` and ``region`` are texts, ``parameters`` a text or a list.

    Raises:
        InputError: the name is missing, or there is an unknown field.
    """
    unknown = sorted(set(function) - set(_FIELDS))
    if unknown:
        raise InputError(f"unknown fields {', '.join(unknown)}; known: {', '.join(_FIELDS)}")
    name = function.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InputError("a function needs a name")
    parameters = function.get("parameters") or ""
    listed = parameters if isinstance(parameters, str) else ", ".join(map(str, _iterable(parameters)))
    parts = [f"{split_identifier(name)} ({name})", str(function.get("description") or ""), listed]
    region = str(function.get("region") or "")
    parts.append(split_identifier(region) if region else "")
    return ". ".join(part.strip() for part in parts if part.strip())


def _iterable(parameters: object) -> list[object]:
    if not isinstance(parameters, (list, tuple)):
        raise InputError(f"parameters is {type(parameters).__name__}, expected a text or a list")
    return list(parameters)
