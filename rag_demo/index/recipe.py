"""What must be the same for an index to be brought up to date instead of being made anew."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata

from rag_demo.index.analyse import terms
from rag_demo.index.fields import BOOSTS
from rag_demo.index.traits import encode_traits
from rag_demo.types import Document

# Whatever changes how words become terms or traits should show in one of these.
_SAMPLES = (
    "ПолучитьКурсВалюты(HTTPСоединение, ВыгрузитьВJSON) // учётная запись, видимоcть",
    "Возвращает курсы валют на даты; if SendQuery2 then returns the data of queries",
    "Если Не ЗначениеЗаполнено(Ссылка) Тогда Возврат Неопределено; КонецЕсли;",
    "СписокНастроек: список настройки, остатки и остаток, прибыли, режим обмена",
)
_METHOD = Document(
    *("", "", "method", "CommonModule", "КурсыВалют", "CommonModule.КурсыВалют.ПолучитьКурс", "", 1, 1, ""),
    name="ПолучитьКурс",
    doc="Возвращает курс на дату",
    body="Возврат РегистрыСведений.КурсыВалют.ПолучитьПоследнее(Дата);",
    signature="ПолучитьКурс(Валюта, Дата)",
)


def recipe(**choices: str) -> str:
    """A digest of this version of the program, of its analyser, and of settings that change documents.

    Args:
        **choices: what else forces a new index when it changes, by name.
    """
    analysed = [terms(sample, code=code) for sample in _SAMPLES for code in (False, True)]
    content = json.dumps([_version(), analysed, BOOSTS, encode_traits(_METHOD), choices], sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def _version() -> str:
    try:
        return metadata.version("hybrid-embeddings")
    except metadata.PackageNotFoundError:
        return ""
