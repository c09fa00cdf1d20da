"""What a folder is, and what to do when it is not a dump that we read."""

from __future__ import annotations

import os
from pathlib import Path

from rag_demo.errors import NotADump
from rag_demo.ingest.designer import DesignerLayout
from rag_demo.ingest.edt import EdtLayout
from rag_demo.ingest.kinds import KIND_BY_FOLDER, KIND_BY_NAME
from rag_demo.ingest.layout import Layout

_HOW_TO_DUMP = (
    "In Designer choose Configuration > Dump configuration to files "
    "(Конфигурация → Выгрузить конфигурацию в файлы) with the hierarchical format, and give that folder"
)
_BINARIES = {".cf": "configuration", ".cfe": "extension", ".epf": "data processor", ".erf": "report", ".dt": "data"}
_ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz"}
_SEARCH_DEPTH = 4
_SEARCH_FOLDERS = 2_000


def layout_of(root: Path) -> Layout:
    """The format of the dump whose root is ``root``.

    Raises:
        NotADump: what was found instead, where, and what to do.
    """
    _check_folder(root)
    if (root / "Configuration.xml").is_file():
        if _is_linear(root):
            raise NotADump(f"{root} is a dump in the linear format, with all files in one folder. {_HOW_TO_DUMP}.")
        return DesignerLayout()
    project = _edt_layout(root)
    if project is not None:
        return project
    _refuse_elsewhere(root)
    binary = next((entry for entry in sorted(root.iterdir()) if entry.suffix.lower() in _BINARIES), None)
    if binary is not None:
        raise NotADump(f"{root} holds {binary.name}, a binary file that cannot be read. {_HOW_TO_DUMP}.")
    raise NotADump(f"{root} is not a configuration dump: there is no Configuration.xml. {_HOW_TO_DUMP}.")


def _check_folder(root: Path) -> None:
    if not root.exists():
        raise NotADump(f"{root} does not exist. Check the path; it should be the folder that holds Configuration.xml.")
    if root.is_file():
        if root.suffix.lower() in _BINARIES:
            what = _BINARIES[root.suffix.lower()]
            raise NotADump(f"{root} is a binary {what} file, which cannot be read. {_HOW_TO_DUMP}.")
        hint = f" Give its folder instead: {root.parent}" if root.name == "Configuration.xml" else ""
        if root.suffix.lower() == ".zip":
            hint = " It is called a ZIP archive, but is none or a damaged one; make it anew or unpack it."
        elif root.suffix.lower() in _ARCHIVES:
            hint = " Of archives only ZIP is read; unpack it and give the folder."
        raise NotADump(f"{root} is a file, but a folder with a configuration dump is needed.{hint}")
    try:
        empty = next(root.iterdir(), None) is None
    except OSError as error:
        raise NotADump(f"{root} cannot be read ({error.strerror}). Check the permissions of the folder.") from error
    if empty:
        raise NotADump(f"{root} is empty. {_HOW_TO_DUMP}.")


def _is_linear(root: Path) -> bool:
    entries = list(root.iterdir())
    if any(entry.is_dir() and entry.name in KIND_BY_FOLDER for entry in entries):
        return False
    return any(
        entry.suffix == ".xml" and entry.name.count(".") > 1 and entry.name.partition(".")[0] in KIND_BY_NAME
        for entry in entries
    )


def _edt_layout(root: Path) -> EdtLayout | None:
    for source in ("src/", ""):
        layout = EdtLayout(source)
        if (root / layout.configuration_path).is_file():
            return layout
    return None


def _refuse_elsewhere(root: Path) -> None:
    found = configurations_below(root)
    if found:
        places = ", ".join(str(place) for place in found[:5])
        raise NotADump(f"{root} is no dump itself, but there is one below it. Give that folder: {places}")


def configurations_below(root: Path) -> list[Path]:
    """Roots of dumps in and below a folder, but not inside each other."""
    found: list[Path] = []
    for number, (folder, names, files) in enumerate(os.walk(root)):
        if number > _SEARCH_FOLDERS:
            break
        depth = len(Path(folder).relative_to(root).parts)
        names[:] = sorted(name for name in names if not name.startswith(".")) if depth < _SEARCH_DEPTH else []
        if "Configuration.xml" in files:
            found.append(Path(folder))
            names.clear()
        elif "Configuration.mdo" in files:
            source = Path(folder).parent
            found.append(source.parent if source.name == "src" else source)
            names.clear()
    return found
