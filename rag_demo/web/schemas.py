"""What the HTTP interface takes and gives, with examples for its description."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rag_demo.chat.session import MOST_TURNS
from rag_demo.types import DocType

LONGEST_QUESTION = 2_000  # letters
Question = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_QUESTION, strip_whitespace=True)]
SpaceName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
KindName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_EXAMPLE = "Как получить курс валюты на дату?"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SaidBefore(_Strict):
    """One turn of the conversation, as the answer before gave it."""

    question: Question
    standalone: Annotated[str, Field(max_length=2 * LONGEST_QUESTION)] = ""
    answer: Annotated[str, Field(max_length=50_000)] = ""
    names: Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=50)] = []


class Scope(_Strict):
    """Where to search; empty lists restrict nothing."""

    spaces: Annotated[list[SpaceName], Field(max_length=50)] = []
    doc_types: Annotated[list[DocType], Field(max_length=20)] = []
    kinds: Annotated[
        list[KindName], Field(max_length=60, description="Kinds of objects under any name: Catalog, Справочники.")
    ] = []
    top_k: Annotated[int, Field(ge=1, le=20)] = 5


class ChatRequest(Scope):
    """Body of ``POST /chat``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"question": _EXAMPLE}]})

    question: Question
    history: Annotated[list[SaidBefore], Field(max_length=MOST_TURNS)] = []


class SearchRequest(Scope):
    """Body of ``POST /search``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"question": _EXAMPLE, "top_k": 3}]})

    question: Question


class SourceOut(BaseModel):
    """A place in the configuration."""

    n: int
    title: str
    full_name: str
    doc_type: DocType
    object_kind: str
    space_id: str
    path: str
    line_start: int
    line_end: int
    text: str


class LegOut(BaseModel):
    """Where one search leg put a hit."""

    rank: int
    score: float


class HitOut(SourceOut):
    """A hit with what put it there."""

    score: float
    legs: dict[str, LegOut]


class SearchOut(BaseModel):
    """Answer of ``POST /search``."""

    hits: list[HitOut]
    degraded: list[str]
    timings_ms: dict[str, float]


class LinesOut(BaseModel):
    """Lines of an indexed file; null: between what was indexed (blank lines, borders of regions)."""

    space_id: str
    path: str
    start: int
    lines: list[str | None]


class MemberOut(BaseModel):
    """What an object consists of."""

    name: str
    kind: str
    parent: str
    types: str
    synonym: str
    tooltip: str


class MethodOut(BaseModel):
    """A method of an object or module."""

    full_name: str
    signature: str
    description: str
    export: bool
    deprecated: bool
    path: str
    line_start: int
    line_end: int


class ObjectOut(BaseModel):
    """A metadata object with everything that is known of it."""

    full_name: str
    kind: str
    synonym: str
    comment: str
    types: str
    properties: list[str]
    path: str
    members: list[MemberOut]
    methods: list[MethodOut]
    movements: list[str]
    movers: list[str]
    subsystems: list[str]
    used_as_type_by: list[str]


class SpaceOut(BaseModel):
    """An indexed configuration."""

    id: str
    title: str
    documents: int
    created: str
    model: str
    problems: int


class KindOut(BaseModel):
    """A kind of objects that is indexed."""

    name: str
    ru: str
    en: str
    documents: int


class LlmOut(BaseModel):
    """The language model that answers."""

    backend: str
    model: str


class AboutOut(BaseModel):
    """What the system knows about itself."""

    version: str
    spaces: list[SpaceOut]
    doc_types: list[DocType]
    kinds: list[KindOut]
    llm: LlmOut | None
    degraded: list[str]
    examples: dict[str, list[str]]


class ErrorBody(BaseModel):
    """What went wrong."""

    message: str
    type: str
    code: str
    param: str | None = None


class ErrorOut(BaseModel):
    """An error, in the form of OpenAI's API."""

    error: ErrorBody
