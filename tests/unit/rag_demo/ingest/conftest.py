"""A small Designer dump that tests build and then spoil."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rag_demo.ingest import read_configuration
from rag_demo.types import Document

Files = Mapping[str, str | bytes]

NAMESPACES = (
    'xmlns="http://v8.1c.ru/8.3/MDClasses" xmlns:v8="http://v8.1c.ru/8.1/data/core" '
    'xmlns:cfg="http://v8.1c.ru/8.1/data/enterprise/current-config" xmlns:xr="http://v8.1c.ru/8.3/xcf/readable" '
    'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def text(tag: str, ru: str, en: str = "") -> str:
    """A text in one or two languages."""
    items = [("ru", ru), ("en", en)] if en else [("ru", ru)]
    inner = "\n".join(
        f"<v8:item>\n<v8:lang>{lang}</v8:lang>\n<v8:content>{content}</v8:content>\n</v8:item>"
        for lang, content in items
    )
    return f"<{tag}>\n{inner}\n</{tag}>"


def metadata(kind: str, properties: str, children: str = "", version: str = 'version="2.20"') -> str:
    """The XML file of a metadata object."""
    return (
        f'\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<MetaDataObject {NAMESPACES} {version}>\n'
        f'<{kind} uuid="00000000-0000-0000-0000-000000000001">\n<Properties>\n{properties}\n</Properties>\n'
        f"<ChildObjects>\n{children}\n</ChildObjects>\n</{kind}>\n</MetaDataObject>"
    )


def child(kind: str, properties: str, children: str = "") -> str:
    """An object inside another one."""
    inner = f"<ChildObjects>\n{children}\n</ChildObjects>\n" if children else ""
    return f'<{kind} uuid="1">\n<Properties>\n{properties}\n</Properties>\n{inner}</{kind}>'


CONFIGURATION = metadata(
    "Configuration",
    f"<Name>Маяк</Name>\n{text('Synonym', 'Торговый дом «Маяк»')}\n<Vendor>Маяк</Vendor>\n<Version>1.2.3</Version>",
    "<CommonModule>Цены</CommonModule>",
)
MODULE = metadata("CommonModule", f"<Name>Цены</Name>\n{text('Synonym', 'Цены товаров')}\n<Server>true</Server>")
CODE = (
    "\ufeff#Область ПрограммныйИнтерфейс\r\n\r\n// Возвращает цену.\r\n//\r\n"
    "Функция Цена(Товар) Экспорт\r\n\tВозврат 1;\r\nКонецФункции\r\n\r\n#КонецОбласти\r\n"
)
SMALL_DUMP: Files = {
    "Configuration.xml": CONFIGURATION,
    "CommonModules/Цены.xml": MODULE,
    "CommonModules/Цены/Ext/Module.bsl": CODE,
}


def read(root: Path) -> list[Document]:
    """Documents of a dump in which nothing is wrong."""
    ingested = read_configuration(root, space_id="main")
    assert ingested.problems == []
    return ingested.documents


def find(documents: list[Document], full_name: str, doc_type: str = "metadata_object") -> list[Document]:
    """Documents of one name."""
    return [one for one in documents if one.full_name == full_name and one.doc_type == doc_type]


@pytest.fixture
def dump(tmp_path: Path) -> Callable[..., Path]:
    """Write a dump: the small one, with files added, replaced, or left out where the content is None."""

    def write(changes: Mapping[str, str | bytes | None] | None = None) -> Path:
        root = tmp_path / "dump"
        for path, content in {**SMALL_DUMP, **(changes or {})}.items():
            if content is None:
                continue
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write
