"""A small configuration that tests can write, change and compare."""

from __future__ import annotations

from pathlib import Path

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<MetaDataObject xmlns="http://v8.1c.ru/8.3/MDClasses" version="2.17">\n'


def object_xml(kind: str, name: str, synonym: str = "", attributes: tuple[str, ...] = ()) -> str:
    """Designer XML of one object."""
    fields = "".join(
        f"<Attribute><Properties><Name>{attribute}</Name></Properties></Attribute>\n" for attribute in attributes
    )
    return (
        f"{HEAD}\t<{kind} uuid='1'>\n\t\t<Properties><Name>{name}</Name>"
        f"<Synonym><item><lang>ru</lang><content>{synonym}</content></item></Synonym></Properties>\n"
        f"<ChildObjects>{fields}</ChildObjects>\n\t</{kind}>\n</MetaDataObject>\n"
    )


def method(name: str, comment: str = "", body: str = "Возврат 1;") -> str:
    """Text of an exported function."""
    return f"// {comment or name}.\nФункция {name}(Дата) Экспорт\n\t{body}\nКонецФункции\n\n"


class SmallDump:
    """A dump in a folder: common modules with functions, and catalogues with a module each."""

    def __init__(self, root: Path, *, modules: int = 3, catalogues: int = 2) -> None:
        self.root = root
        self.modules = [f"Модуль{n}" for n in range(modules)]
        self.catalogues = [f"Справочник{n}" for n in range(catalogues)]
        for n, name in enumerate(self.modules):
            self.write_module(name, [f"Посчитать{n}_{k}" for k in range(3)])
        for name in self.catalogues:
            self.write_catalogue(name)
        self.write_configuration()

    def write(self, path: str, text: str) -> Path:
        """Write one file of the dump."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def write_configuration(self) -> None:
        """List the objects."""
        listed = "".join(f"<CommonModule>{name}</CommonModule>" for name in self.modules)
        listed += "".join(f"<Catalog>{name}</Catalog>" for name in self.catalogues)
        self.write(
            "Configuration.xml",
            f"{HEAD}<Configuration uuid='1'><Properties><Name>Лавка</Name><Version>1.0</Version></Properties>"
            f"<ChildObjects>{listed}</ChildObjects></Configuration>\n</MetaDataObject>\n",
        )

    def write_module(self, name: str, methods: list[str], *, before: str = "", body: str = "Возврат 1;") -> Path:
        """Write a common module with these functions."""
        self.write(f"CommonModules/{name}.xml", object_xml("CommonModule", name, f"Модуль по имени {name}"))
        text = before + "".join(method(one, f"Считает {one} по имени {name}", body) for one in methods)
        return self.write(f"CommonModules/{name}/Ext/Module.bsl", text)

    def write_catalogue(self, name: str, synonym: str = "", attributes: tuple[str, ...] = ("Код", "Адрес")) -> None:
        """Write a catalogue and its manager module."""
        self.write(f"Catalogs/{name}.xml", object_xml("Catalog", name, synonym or f"Список {name}", attributes))
        self.write(f"Catalogs/{name}/Ext/ManagerModule.bsl", method(f"Найти{name}"))
