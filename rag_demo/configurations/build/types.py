"""The short notation of types in the description, for example ``Строка(50) | Справочник.Валюты``."""

from __future__ import annotations

import re
from dataclasses import dataclass

# notation -> (Designer type, EDT type)
_PLAIN = {
    "Строка": ("xs:string", "String"),
    "Число": ("xs:decimal", "Number"),
    "Булево": ("xs:boolean", "Boolean"),
    "Дата": ("xs:dateTime", "Date"),
    "ДатаВремя": ("xs:dateTime", "Date"),
    "ХранилищеЗначения": ("v8:ValueStorage", "ValueStorage"),
    "УникальныйИдентификатор": ("v8:UUID", "UUID"),
    "ТаблицаЗначений": ("v8:ValueTable", "ValueTable"),
    "СписокЗначений": ("v8:ValueListType", "ValueList"),
    "ФиксированныйМассив": ("v8:FixedArray", "FixedArray"),
    "ФиксированноеСоответствие": ("v8:FixedMap", "FixedMap"),
    "ТабличныйДокумент": ("mxl:SpreadsheetDocument", "SpreadsheetDocument"),
    "ДинамическийСписок": ("cfg:DynamicList", "DynamicList"),
}
_REFERENCES = {
    "Справочник": "CatalogRef",
    "Документ": "DocumentRef",
    "Перечисление": "EnumRef",
    "ПланВидовХарактеристик": "ChartOfCharacteristicTypesRef",
    "Характеристика": "Characteristic",
    "СправочникОбъект": "CatalogObject",
    "ДокументОбъект": "DocumentObject",
    "ОбработкаОбъект": "DataProcessorObject",
    "ОтчетОбъект": "ReportObject",
    "НаборЗаписейСведений": "InformationRegisterRecordSet",
    "ЗаписьСведений": "InformationRegisterRecordManager",
    "КонстантаМенеджер": "ConstantValueManager",
    "ОпределяемыйТип": "DefinedType",
}
# Sets of types are written with v8:TypeSet in a Designer dump.
_SETS = {"DefinedType", "Characteristic"}
_ONE = re.compile(r"(\w+)(?:\.(\w+))?(?:\(([^)]*)\))?$")


class UnknownTypeError(ValueError):
    """The description names a type that this notation does not have."""


@dataclass(frozen=True)
class Type:
    """One type of a (possibly composite) value."""

    base: str
    name: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def designer(self) -> str:
        """As a Designer dump writes it, with its prefix."""
        if self.base in _PLAIN:
            return _PLAIN[self.base][0]
        return f"cfg:{_REFERENCES[self.base]}.{self.name}"

    @property
    def edt(self) -> str:
        """As EDT writes it."""
        if self.base in _PLAIN:
            return _PLAIN[self.base][1]
        return f"{_REFERENCES[self.base]}.{self.name}"

    @property
    def is_set(self) -> bool:
        """True where the type stands for several others."""
        return _REFERENCES.get(self.base) in _SETS


def parse_type(text: str) -> tuple[Type, ...]:
    """Split the notation at ``|``; raises :class:`UnknownTypeError` with the offending part."""
    return tuple(_parse_one(part.strip()) for part in text.split("|"))


def _parse_one(text: str) -> Type:
    match = _ONE.match(text)
    if match is None:
        raise UnknownTypeError(text)
    base, name, arguments = match.groups()
    if base not in _PLAIN and (base not in _REFERENCES or not name):
        raise UnknownTypeError(text)
    return Type(base, name or "", tuple(a.strip() for a in (arguments or "").split(",") if a.strip()))
