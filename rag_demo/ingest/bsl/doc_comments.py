"""The parts of a doc comment, by the convention of the 1C development standards (ITS 453). Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rag_demo.ingest.facts import DocComment, DocField

_TITLES = {
    "parameters": "параметры|parameters",
    "returns": "возвращаемое значение|возвращаемые значения|returns?(?: values?)?",
    "examples": "примеры?|examples?",
    "call_options": "варианты вызова|call options",
}
_SECTION = re.compile(
    rf"\s*(?:{'|'.join(f'(?P<{name}>{words})' for name, words in _TITLES.items())})\s*:(.*)", re.IGNORECASE
)
_DEPRECATED = re.compile(r"\s*(?:устарел[аи]?|устаревш\w+(?: \w+)?|deprecated?)[.:,!](.*)", re.IGNORECASE)
_NAME = r"[^\W\d]\w*(?:\.\w+)*"
_TYPE = r"[A-ZА-ЯЁ]\w*(?:\.\w+)*(?:\s+(?:из|Из|of)\s+[A-ZА-ЯЁ]\w*(?:\.\w+)*)?"
# Types end with a dash, a colon or the line; behind a comma words may follow that are no types.
_TYPES = re.compile(rf"({_TYPE}(?:\s*,\s*{_TYPE})*)\s*(?:[-–—]\s|[:;,.](?=\s|$)|$)(.*)", re.DOTALL)
_NAMED = re.compile(rf"({_NAME})\s*(?:[-–—](?=\s|$)|:\s*$)(.*)", re.DOTALL)
_STARS = re.compile(r"\s*(\*+)(.*)", re.DOTALL)
_DASH = re.compile(r"\s*[-–—]\s+(.*)", re.DOTALL)
_SEE = re.compile(rf"(?:см|see)\b\.?\s*({_NAME})", re.IGNORECASE)
_SEES = re.compile(rf"(?<!\w)(?:см\.|see)\s*(?:также\s+|also\s+)?({_NAME})", re.IGNORECASE)
_LIKE_CODE = re.compile(r".[^\WA-ZА-ЯЁ]*[A-ZА-ЯЁ.]")  # «ПараметрыКурса», «Модуль.Метод», not «документацию»
_MAX_DEPTH = 8
_LONGEST_LINE = 2_000  # keeps the work linear; nobody writes types behind so much text


def parse_doc(doc: str) -> DocComment:
    """The parts of a comment without comment marks. Takes any text; what follows no convention is description."""
    if not doc:
        return DocComment()
    parts: dict[str, list[str]] = {name: [] for name in ("description", *_TITLES)}
    current, deprecated = "description", None
    for line in doc.split("\n"):
        text = line[:_LONGEST_LINE]
        if section := _SECTION.match(text):
            current = next(name for name in _TITLES if section[name])
            text = section[section.re.groups]
        elif current == "description" and (outdated := _DEPRECATED.match(text)):
            deprecated, text = outdated[1].strip(), ""
        parts[current].append(text)
    description = "\n".join(parts["description"]).strip()
    return DocComment(
        description,
        _fields(parts["parameters"], named=True),
        _fields(parts["returns"], named=False),
        "\n".join(parts["examples"]).strip(),
        "\n".join(parts["call_options"]).strip(),
        tuple(dict.fromkeys(name for name in _SEES.findall(description) if _LIKE_CODE.match(name))),
        deprecated,
    )


@dataclass(slots=True)
class _Draft:
    """A field that lines are still added to."""

    name: str
    types: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    inner: list[_Draft] = field(default_factory=list)
    see: str = ""

    def add(self, said: str) -> None:
        """Types and what is said of them, or a link to where both stand."""
        said = said.strip()
        link = _SEE.match(said)
        if link and not self.see:
            self.see = link[1]
            return
        alternative = ""
        if found := _TYPES.match(said):
            alternative = f"{found[1]}: " if self.types else ""
            self.types += [" ".join(name.split()) for name in found[1].split(",")]
            said = found[2].strip(" -–—")
        if said:
            self.texts.append(alternative + said)

    def frozen(self) -> DocField:
        types = tuple(dict.fromkeys(self.types))
        inner = tuple(draft.frozen() for draft in self.inner)
        return DocField(self.name, types, " ".join(self.texts), inner, self.see)


def _fields(lines: Sequence[str], *, named: bool) -> tuple[DocField, ...]:
    """Parameters, or (not ``named``) the alternatives of a returned value, with the keys of structures below them."""
    roots: list[_Draft] = []
    path: list[_Draft] = []  # the field that a line may go on with, below the fields that it is a key of
    base: int | None = None
    for line in lines:
        text = line.strip()
        if not text:
            continue
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        base = indent if base is None else base
        if starred := _STARS.match(line):
            _add_key(path, roots, len(starred[1]), starred[2].strip())
        elif dashed := _DASH.match(line):
            if path and (named or len(path) > 1):
                path[-1].add(dashed[1])
            else:
                path = [_started(roots, "", dashed[1])]
        elif indent <= base + 1 and (start := _root(text, named=named)):
            path = [_started(roots, *start)]
        elif path:
            path[-1].texts.append(text)
        else:
            path = [_started(roots, "", text)]
    return tuple(root.frozen() for root in roots)


def _root(text: str, *, named: bool) -> tuple[str, str] | None:
    """Name of a new field and what is said of it; nothing where the line goes on with the one before."""
    if named:
        found = _NAMED.match(text)
        return (found[1], found[2]) if found else None
    return ("", text) if _TYPES.match(text) or _SEE.match(text) else None


def _started(fields: list[_Draft], name: str, said: str) -> _Draft:
    draft = _Draft(name)
    draft.add(said)
    fields.append(draft)
    return draft


def _add_key(path: list[_Draft], roots: list[_Draft], depth: int, text: str) -> None:
    """A key below the field that its stars point at; one without such a field is put where there is one."""
    if not path:
        path.append(_started(roots, "", ""))
    del path[max(1, min(depth, len(path), _MAX_DEPTH)) :]
    found = _NAMED.match(text)
    name, said = (found[1], found[2]) if found else (text, "")
    path.append(_started(path[-1].inner, name, said))
