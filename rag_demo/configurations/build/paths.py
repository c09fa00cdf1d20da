"""Where a module or a help page lies in each of the two forms."""

from __future__ import annotations


def designer_module(path: str) -> str:
    """``Catalogs/Валюты/ObjectModule`` → ``Catalogs/Валюты/Ext/ObjectModule.bsl``."""
    folder, _, name = path.rpartition("/")
    if folder == "Configuration":
        return f"Ext/{name}.bsl"
    if "/Forms/" in folder or folder.startswith("CommonForms/"):
        return f"{folder}/Ext/Form/{name}.bsl"
    return f"{folder}/Ext/{name}.bsl"


def edt_module(path: str) -> str:
    """Modules lie directly in the folder of their object."""
    return f"src/{path}.bsl"


def designer_help(folder: str, language: str) -> tuple[str, str]:
    """The list of pages and the page itself."""
    return f"{folder}/Ext/Help.xml", f"{folder}/Ext/Help/{language}.html"


def edt_help(path: str) -> str:
    """``Catalogs/Валюты/ru`` → ``src/Catalogs/Валюты/Help/ru.html``."""
    folder, _, language = path.rpartition("/")
    return f"src/{folder}/Help/{language}.html"
