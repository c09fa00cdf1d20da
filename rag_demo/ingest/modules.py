"""Modules as documents: one for each description, method, variable block and module body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rag_demo.ingest.bsl import Block, Method, Module, Source, clean_code, cut_windows, head_text
from rag_demo.ingest.documents import Passage
from rag_demo.ingest.owners import Owner

MAX_METHOD_CHARACTERS = 3_600
_TITLES = {"head": "Описание модуля", "variables": "Переменные модуля", "body": "Тело модуля"}


@dataclass(frozen=True, slots=True)
class ModuleKind:
    """A kind of module: ``suffix`` stands between the owner's and the method's name."""

    name: str
    ru: str
    suffix: str


_MODULE_KINDS = {
    kind.name: kind
    for kind in (
        ModuleKind("ObjectModule", "Модуль объекта", ".ObjectModule"),
        ModuleKind("ManagerModule", "Модуль менеджера", ".ManagerModule"),
        ModuleKind("RecordSetModule", "Модуль набора записей", ".RecordSetModule"),
        ModuleKind("ValueManagerModule", "Модуль менеджера значения", ".ValueManagerModule"),
        ModuleKind("CommandModule", "", ""),
        ModuleKind("SessionModule", "Модуль сеанса", ".SessionModule"),
        ModuleKind("ManagedApplicationModule", "Модуль управляемого приложения", ".ManagedApplicationModule"),
        ModuleKind("OrdinaryApplicationModule", "Модуль обычного приложения", ".OrdinaryApplicationModule"),
        ModuleKind("ExternalConnectionModule", "Модуль внешнего соединения", ".ExternalConnectionModule"),
        ModuleKind("FormModule", "", ""),
    )
}


def module_kind(owner: Owner, path: str) -> ModuleKind:
    """The kind of a module file, told by its name and its owner."""
    stem = path.rpartition("/")[2].removesuffix(".bsl")
    if stem != "Module":
        return _MODULE_KINDS.get(stem) or ModuleKind(stem, stem, f".{stem}")
    name = owner.chain[-1][0].name
    if name in {"Form", "CommonForm"}:
        return _MODULE_KINDS["FormModule"]
    return ModuleKind(name if name == "CommonModule" else f"{name}Module", "", "")


@dataclass(frozen=True, slots=True)
class ModuleReader:
    """Turns the text of one module into passages."""

    owner: Owner
    kind: ModuleKind
    path: str
    synonym: str

    def passages(self, module: Module) -> Iterator[Passage]:
        """Passages of the methods, then of the blocks."""
        for method in module.methods:
            yield from self._method(module, method)
        numbers = dict.fromkeys(_TITLES, 0)
        for block in module.blocks:
            yield from self._block(module.source, block, numbers[block.kind])
            numbers[block.kind] += 1

    def _method(self, module: Module, method: Method) -> Iterator[Passage]:
        source = module.source
        lines = source.lines(method.line_start, method.line_end).split("\n")
        head = method.line_code - method.line_start
        # A comment of many windows is cut like code; any other stays with the signature below it.
        keep = head if source.length(method.line_start, method.line_code - 1) <= MAX_METHOD_CHARACTERS else 1
        windows = cut_windows(lines, MAX_METHOD_CHARACTERS, keep=keep)
        for number, window in enumerate(windows):
            first, last = method.line_start + window.first, method.line_start + window.last
            code_start = method.code_start if number == 0 else source.start_of(first)
            code_end = method.code_end if number == len(windows) - 1 else source.end_of(last)
            code = source.text[code_start:code_end]
            base = self._passage(source, (first, last), _title(method), method.region, code)
            yield replace(
                base,
                doc_type="method",
                full_name=f"{base.full_name}.{method.name}",
                doc=method.doc if number == 0 else "",
                signature=method.signature,
                region=" › ".join(method.region),
                context=", ".join(method.directives),
                is_function=method.is_function,
                export=method.export,
                deprecated=method.deprecated,
                part=str(number) if number else "",
            )

    def _block(self, source: Source, block: Block, number: int) -> Iterator[Passage]:
        lines = source.lines(block.line_start, block.line_end).split("\n")
        if block.kind == "body" and _only_raises(lines):
            return
        for part, window in enumerate(cut_windows(lines, MAX_METHOD_CHARACTERS)):
            span = block.line_start + window.first, block.line_start + window.last
            shown = lines[window.first : window.last + 1]
            doc, code = (head_text(shown), "") if block.kind == "head" else ("", "\n".join(shown))
            base = self._passage(source, span, _TITLES[block.kind], block.region, code)
            yield replace(base, doc=doc, region=" › ".join(block.region), part=f"{block.kind} {number} {part}")

    def _passage(
        self, source: Source, lines: tuple[int, int], title: str, region: tuple[str, ...], code: str
    ) -> Passage:
        """What methods and blocks have in common."""
        return Passage(
            doc_type="module",
            object_kind=self.owner.kind.name,
            object_name=self.owner.name,
            full_name=self.owner.module_name + self.kind.suffix,
            path=self.path,
            line_start=lines[0],
            line_end=lines[1],
            text=source.lines(*lines),
            synonym=self.synonym,
            header=" › ".join(filter(None, (self.owner.title, self.kind.ru, *region, title))),
            body=clean_code(code),
            module_kind=self.kind.name,
        )


def _title(method: Method) -> str:
    """The signature, and in an extension the method of the configuration that it stands around or instead of."""
    extended = [f"&{directive}" for directive in method.directives if "(" in directive]
    return " ".join([*extended, method.signature])


def _only_raises(lines: list[str]) -> bool:
    """The usual guard "not on the client" tells nothing, and stands in hundreds of modules."""
    code = [line for line in (line.strip().lower() for line in lines) if line and not line.startswith(("//", "#", "|"))]
    return len(code) == 1 and code[0].startswith(("вызватьисключение", "raise"))
