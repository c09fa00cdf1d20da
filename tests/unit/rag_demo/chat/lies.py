"""True statements on the demo configuration, and the ways in which a model could get them wrong. All by seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import yaml

from rag_demo.configurations import bundled
from rag_demo.index.analyse import fold
from rag_demo.ingest import Ingested, read_configuration
from rag_demo.retrieve.kinds import canonical_name
from rag_demo.retrieve.whole import join_parts
from rag_demo.types import Document, Hit, Source

SOURCES_EACH = 5
_MARKED = re.compile(r"\{([^{}~]+)(?:~([^{}]+))?\}")
_FIGURE = re.compile(r"(?<![\w.`-])\d[\d ]*(?:,\d+)?(?![\w`-])")
_DOTTED = re.compile(r"(?<![\w.])([A-ZА-ЯЁ]\w+)\.([A-ZА-ЯЁ]\w+)")
_COMPOUND = re.compile(r"(?<![\w.])[А-ЯЁA-Z][а-яёa-z]+(?:[А-ЯЁA-Z][а-яёa-z]+)+(?![\w.])")
_QUOTE = re.compile(r"«([^«»]+)»")
_INVENTED = (
    "УчетКриптовалюты",
    "РасчетПолетов",
    "ЖурналСамолетов",
    "СинхронизацияЛуны",
    "ПодборЭкипажа",
    "ГрафикПриливов",
)


@dataclass(frozen=True)
class Statement:
    """A sentence with its marks, and where it is borne out."""

    id: str
    marked: str
    document: Document

    @property
    def text(self) -> str:
        """The true sentence."""
        return _MARKED.sub(lambda match: match[1], self.marked)


@dataclass(frozen=True)
class Case:
    """An answer of one sentence over several sources; ``lie`` names how it is wrong, empty if it is true."""

    id: str
    lie: str
    answer: str
    sources: tuple[Source, ...]


class ConfigurationNames:
    """The names of the demo configuration, from the documents alone."""

    def __init__(self, documents: list[Document]) -> None:
        self._names: set[str] = set()
        for document in documents:
            parts = fold(document.full_name).split(".")
            shorter = [part for part in parts if part != fold(document.module_kind)]
            for name in (parts, shorter):
                self._names |= {".".join(name[start:]) for start in range(len(name))}
            for member in re.findall(
                r"^(?:Реквизит|Измерение|Ресурс|Колонка|Табличная часть) ([\w.]+)", document.body, re.MULTILINE
            ):
                self._names |= {fold(member), fold(f"{document.full_name}.{member}"), fold(f"{document.name}.{member}")}

    def exists(self, name: str) -> bool:
        """Whether anything is called so."""
        return fold(canonical_name(name)) in self._names


@lru_cache(maxsize=1)
def ingested() -> Ingested:
    """The demo configuration as it is read: documents and facts."""
    return read_configuration(bundled(), space_id="demo")


@lru_cache(maxsize=1)
def documents() -> list[Document]:
    """All documents of the demo configuration; the parts of an object joined, as a search shows what it names."""
    found: dict[tuple[str, str], list[Document]] = {}
    for document in ingested().documents:
        found.setdefault((document.doc_type, document.full_name), []).append(document)
    return [
        join_parts(parts[0], parts)[0] if parts[0].doc_type == "metadata_object" else part
        for parts in found.values()
        for part in (parts[:1] if parts[0].doc_type == "metadata_object" else parts)
    ]


@lru_cache(maxsize=1)
def names() -> ConfigurationNames:
    """Its names."""
    return ConfigurationNames(documents())


@lru_cache(maxsize=2)
def statements(file: str = "statements.yaml") -> list[Statement]:
    """The statements of a file beside this one, with their documents."""
    found: dict[str, Document] = {}
    for document in documents():
        key = ("help:" if document.doc_type == "help" else "") + document.full_name
        found.setdefault(key, document)
    entries = yaml.safe_load(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return [
        Statement(f"{entry['source']}#{number}", said, found[entry["source"]])
        for entry in entries
        for number, said in enumerate(entry["says"])
    ]


def truths(seed: int = 0, file: str = "statements.yaml") -> list[Case]:
    """Every statement as it is, among other sources."""
    return [
        _case(statement, "", statement.text, random.Random(f"{seed}:{statement.id}")) for statement in statements(file)
    ]


def lies(seed: int = 0, file: str = "statements.yaml") -> list[Case]:
    """Every statement in every way in which it can be made wrong."""
    return [
        case for statement in statements(file) for case in _lies(statement, random.Random(f"{seed}:{statement.id}"))
    ]


def _lies(statement: Statement, rng: random.Random) -> Iterator[Case]:
    text = statement.text
    for kind, changed in (
        ("negation", _denied(statement.marked)),
        ("figure", _other_figure(text, rng)),
        ("quote", _other_quote(text, rng)),
        ("wrong module", _other_module(text, rng)),
        ("invented", _invented(text, rng)),
    ):
        if changed and changed != text:
            yield _case(statement, kind, changed, rng)
    true = _case(statement, "", text, rng)
    yield replace(true, id=f"{statement.id}/number", lie="number", answer=_with_number(text, rng.choice([6, 7, 9, 12])))
    others = [source.n for source in true.sources if source.hit.document is not statement.document]
    yield replace(true, id=f"{statement.id}/other", lie="number", answer=_with_number(text, rng.choice(others)))


def _case(statement: Statement, lie: str, text: str, rng: random.Random) -> Case:
    """The sentence with the right number, among sources on other objects."""
    sources = sources_with(statement.document, rng)
    number = next(source.n for source in sources if source.hit.document is statement.document)
    return Case(f"{statement.id}/{lie}", lie, _with_number(text, number), sources)


def sources_with(document: Document, rng: random.Random) -> tuple[Source, ...]:
    """A document among others, in any place; the others belong to other objects, so that they do not say the same."""
    own = _family(document)
    others = rng.sample([other for other in _others() if _family(other) != own], SOURCES_EACH - 1)
    chosen = [*others, document]
    rng.shuffle(chosen)
    return tuple(Source(n, Hit(entry, 1.0)) for n, entry in enumerate(chosen, start=1))


@lru_cache(maxsize=1)
def _others() -> list[Document]:
    """Few enough that the tests need not prepare the whole configuration."""
    return random.Random(0).sample(documents(), 90)


def _family(document: Document) -> str:
    return document.object_name[:8]


def _with_number(text: str, number: int) -> str:
    return f"{text[:-1]} [{number}]{text[-1]}" if text[-1] in ".!" else f"{text} [{number}]."


def _denied(marked: str) -> str:
    match = _MARKED.search(marked)
    if not match:
        return ""
    said = match[1]
    if match[2]:
        other = match[2]
    elif said.lower().startswith("не "):
        other = said[3:]
    elif said[0].isupper():
        other = f"Не {said[0].lower()}{said[1:]}"
    else:
        other = f"не {said}"
    return marked[: match.start()] + other + marked[match.end() :]


def _other_figure(text: str, rng: random.Random) -> str:
    found = list(_FIGURE.finditer(text))
    if not found:
        return ""
    match = rng.choice(found)
    digits = re.sub(r"\D", "", match[0])
    value = int(digits)
    other = rng.choice([value + 1, value * 2 + 3, value * 10 + 7, max(value - 1, 0) or 4])
    tail = match[0][len(match[0].rstrip()) :]
    return text[: match.start()] + str(other) + tail + text[match.end() :]


def _other_quote(text: str, rng: random.Random) -> str:
    match = _QUOTE.search(text)
    if not match:
        return ""
    written = match[1].split()
    place = rng.randrange(len(written))
    written[place] = rng.choice(["Секретный", "архивный", "лунный", "удалённый", "черновик"])
    return text.replace(match[0], f"«{' '.join(written)}»")


def _other_module(text: str, rng: random.Random) -> str:
    match = _DOTTED.search(text)
    if not match:
        return ""
    modules = sorted({d.object_name for d in documents() if d.object_kind == "CommonModule"})
    other = rng.choice([m for m in modules if m != match[1] and not names().exists(f"{m}.{match[2]}")])
    return text.replace(match[1] + ".", other + ".", 1)


def _invented(text: str, rng: random.Random) -> str:
    invented = rng.choice(_INVENTED)
    match = _DOTTED.search(text)
    if match:
        part = rng.choice([1, 2])
        return text[: match.start(part)] + invented + text[match.end(part) :]
    match = _COMPOUND.search(text)
    if match:
        return text[: match.start()] + invented + text[match.end() :]
    return f"{text[:-1]}, это делает `{invented}.Выполнить`." if text[-1] == "." else ""
