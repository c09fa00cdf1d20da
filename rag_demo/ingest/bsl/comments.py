"""Comments above methods, by the convention of the 1C development standards."""

from __future__ import annotations

import re

_SEPARATOR = re.compile(r"\s*/{6,}\s*$")
_SERVICE = re.compile(r"\s*@|\s*bslls[:-]|\s*\{\{|\s*\}\}", re.IGNORECASE)
_LICENCE = re.compile(r"copyright|\(c\)|©|лиценз|license|все права защищены|all rights reserved", re.IGNORECASE)
_DEPRECATED = re.compile(r"^[ \t]*(?:устарел[аи]?|устаревш[а-я]+|deprecated?)\b", re.IGNORECASE | re.MULTILINE)


def doc_text(lines: list[str]) -> str:
    """Text of the comment lines directly above a method, without comment marks, banners and service marks."""
    return comment_text(_own_part(lines))


def comment_text(lines: list[str]) -> str:
    """Text of comment lines without comment marks and service marks."""
    texts = [line.strip().lstrip("/").rstrip() for line in lines]
    texts = [text.removeprefix(" ") for text in texts if not _SERVICE.match(text)]
    return "\n".join(texts).strip()


def is_deprecated(doc: str) -> bool:
    """Whether a doc comment says that the method should no longer be called."""
    return _DEPRECATED.search(doc) is not None


def _own_part(lines: list[str]) -> list[str]:
    """What belongs to the method: a licence or a section heading framed by slashes does not."""
    rules = [number for number, line in enumerate(lines) if _SEPARATOR.match(line)]
    if not rules:
        return [] if _LICENCE.search("\n".join(lines)) and len(lines) > 1 and not _has_sections(lines) else lines
    own = lines[rules[-1] + 1 :]
    if any(line.strip(" \t/") for line in own):
        return own
    framed = lines[rules[-2] + 1 : rules[-1]] if len(rules) > 1 else lines[: rules[-1]]
    words = "\n".join(framed)
    return [] if _LICENCE.search(words) or words.upper() == words else framed


def _has_sections(lines: list[str]) -> bool:
    words = "\n".join(lines).lower()
    return "параметры:" in words or "возвращаемое значение:" in words or "parameters:" in words or "returns:" in words
