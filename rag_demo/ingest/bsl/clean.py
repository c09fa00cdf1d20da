"""Code as a searcher wants it: words without the marks of strings, comments and line continuation."""

from __future__ import annotations

import re

_DELETED = re.compile(
    r"^[ \t]*#[ \t]*(?:удаление|delete)\b.*?(?:^[ \t]*#[ \t]*(?:конецудаления|enddelete)\b|\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_MARKS = " \t|/"


def clean_code(code: str) -> str:
    """Drop indentation, ``|``, ``//``, quotes, empty lines and text inside ``#Удаление``."""
    if "#" in code:
        code = _DELETED.sub("", code)
    bare = code.replace('"', " ").replace("//", " ")
    lines = [line.strip(_MARKS) for line in bare.split("\n")]
    return "\n".join(line for line in lines if line)
