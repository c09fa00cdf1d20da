"""Which language a question is asked in. The answer keeps it."""

from __future__ import annotations

import re

from rag_demo.index.analyse import is_compound

_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"\w+(?:\.\w+)*")


def is_russian(text: str) -> bool:
    """Whether most letters outside identifiers are Cyrillic: "Which attributes does Контрагенты have?" is English."""
    prose = "".join(word for word in _WORD.findall(text) if "." not in word and not is_compound(word)) or text
    cyrillic, latin = len(_CYRILLIC.findall(prose)), len(_LATIN.findall(prose))
    return cyrillic > 0 and cyrillic >= latin
