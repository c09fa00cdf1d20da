"""What the scanner finds in a module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag_demo.ingest.bsl.source import Source


@dataclass(frozen=True, slots=True)
class Method:
    """A procedure or function, with the comment and the directives above it.

    Lines are 1-based and both ends belong to the method; ``line_code`` is the line behind the signature. Two methods
    share a line only where the file has them on the same line.
    ``code_start`` … ``code_end`` are character offsets of the code between signature and end keyword.
    """

    name: str
    is_function: bool
    is_async: bool
    export: bool
    signature: str  # on one line: "Функция Имя(Знач А, Б = 1) Экспорт"
    directives: tuple[str, ...]  # without "&": "НаСервере", 'Вместо("Имя")'
    region: tuple[str, ...]  # names of the regions around it, outermost first
    doc: str
    deprecated: bool
    line_start: int
    line_header: int
    line_code: int
    line_end: int
    code_start: int
    code_end: int
    variants: tuple[str, ...] = ()  # further signatures of the same body, chosen by the preprocessor


@dataclass(frozen=True, slots=True)
class Block:
    """Module text outside methods: what the module is for, declarations of variables, the module's own statements."""

    kind: Literal["head", "variables", "body"]
    names: tuple[str, ...]  # declared variables
    region: tuple[str, ...]
    line_start: int
    line_end: int


@dataclass(frozen=True, slots=True)
class Module:
    """One scanned module. Methods and blocks are in the order of the file and never overlap."""

    source: Source
    methods: tuple[Method, ...]
    blocks: tuple[Block, ...]
