"""The parameters of a method, from its signature on one line."""

from __future__ import annotations

import re

from rag_demo.ingest.facts import Parameter

_PIECE = re.compile(r"(?:\"[^\"]*\"?|[^,\"])+")
_PARAMETER = re.compile(r"\s*(?:(знач|val)\s+)?(\w+)\s*(?:=(.*))?", re.IGNORECASE | re.DOTALL)


def parameters_of(signature: str) -> tuple[Parameter, ...]:
    """Parameters of ``Функция Имя(Знач А, Б = 1) Экспорт``."""
    inside = signature.partition("(")[2].rpartition(")")[0]
    found = (_PARAMETER.match(piece) for piece in _PIECE.findall(inside))
    return tuple(
        Parameter(one[2], one[1] is not None, None if one[3] is None else one[3].strip()) for one in found if one
    )
