"""The comment at the head of a module, which tells what the module is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag_demo.ingest.bsl.comments import comment_text
from rag_demo.ingest.bsl.model import Block
from rag_demo.ingest.bsl.source import Source

_REGION = re.compile(r"#[ \t]*(?:область|region)\b", re.IGNORECASE)
_RULER = re.compile(r"//[/=*_-]{4,}\Z")
# Stricter than for methods: a module may well be about licences.
_LICENCE = re.compile(
    r"copyright|\([cс]\)[^\n]{0,60}\b(?:19|20)\d\d|©|все права защищены|all rights reserved|licen[cs]ed under"
    r"|permission is hereby granted|(?:public|mit|apache|bsd) licen[cs]e|required by applicable law"
    r"|(?:услови\w{1,4}|текст\w{0,4}) лицензи",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[;=({]\Z|\)\s*(?:экспорт|export)\Z|\A(?:[#&|]|(?:процедура|функция|procedure|function)\s+\w+\s*\("
    r"|(?:если|if)\b.*\b(?:тогда|then)\Z|(?:для|for)\b.*\b(?:цикл|do)\Z|(?:конец|end)\w+\Z)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w{2,}")
_FEWEST_WORDS = 5  # of a line that tells something: titles are shorter («Обработчики событий формы»)


def find_head(source: Source, last: int) -> Iterator[Block]:
    """Descriptions among the comments on the lines up to ``last`` that stand before the first region.

    Licences, titles of sections and code that is commented out describe nothing.
    """
    run: list[int] = []
    for section in _sections(source, last):
        if _describes([source.line(number) for number in section]):
            run += section
        elif run:
            yield from _block(source, run)
            run = []
    yield from _block(source, run)


def head_text(lines: Sequence[str]) -> str:
    """The text of the comments among lines of a description, without rulers and titles in capitals."""
    return comment_text([line for line in lines if line.lstrip().startswith("//") and not _is_bare(line)])


def _sections(source: Source, last: int) -> Iterator[list[int]]:
    """Numbers of comment lines that stand together, without the rulers between them."""
    held: list[int] = []
    for number in range(1, last + 1):
        text = source.line(number).strip()
        if text.startswith("//") and not _RULER.match(text):
            held.append(number)
            continue
        if held:
            yield held
        held = []
        if _REGION.match(text):
            return
    if held:
        yield held


def _describes(lines: Sequence[str]) -> bool:
    said = [line.strip().lstrip("/").strip() for line in lines if not _is_bare(line)]
    code = sum(_CODE.search(line) is not None for line in said)
    return 2 * code <= len(said) and not _LICENCE.search("\n".join(said))


def _block(source: Source, run: Sequence[int]) -> Iterator[Block]:
    said = [number for number in run if not _is_bare(source.line(number))]
    if any(len(_WORD.findall(comment_text([source.line(number)]))) >= _FEWEST_WORDS for number in said):
        yield Block("head", (), (), said[0], said[-1])


def _is_bare(line: str) -> bool:
    """Whether it is empty, a ruler or a title in capitals."""
    return not any(letter.islower() for letter in line)
