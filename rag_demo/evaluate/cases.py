"""Questions with known answers. Plain records and the rule that splits them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from rag_demo.configurations.golden import object_of, split_of
from rag_demo.errors import InputError
from rag_demo.retrieve.kinds import canonical_name

Split = Literal["tune", "test"]
SPLITS: tuple[Split, ...] = ("tune", "test")
# Kinds of the generated sets; figures are told by kind.
_TAKEN = frozenset(("known-item", "identifier", "foreign-name", "removed-object", "answerable", "unanswerable"))
# "language", "refuse" and "split" are for people and for other readers of such files.
_KEYS = ("question", "gold", "kind", "id", "paraphrases", "language", "refuse", "split")


@dataclass(frozen=True, slots=True)
class Case:
    """One question. ``gold`` names what answers it, any of them; none: nothing in the index does."""

    case_id: str
    question: str
    kind: str
    split: Split
    gold: tuple[str, ...] = ()
    answer: str = ""  # text that the passage must hold besides; empty: the name is enough
    source_id: str = ""  # document whose comment the question was made of

    @property
    def group(self) -> str:
        """The object that the question is about. Questions on one object are not independent of each other."""
        return object_of(self.gold[0]) if self.gold else self.case_id


def make_case(case_id: str, question: str, kind: str, gold: Sequence[str] = (), **more: Any) -> Case:
    """A case on the side that the fixed hash of its object puts it on."""
    split: Split = "tune" if split_of(case_id, gold) == "tune" else "test"
    return Case(case_id, question, kind, split, tuple(gold), **more)


def choose(cases: Iterable[Case], split: Split | None) -> list[Case]:
    """The cases of one side, or all."""
    return [case for case in cases if split in {None, case.split}]


def read_cases(file: Path) -> list[Case]:
    """Questions of a YAML file: ``questions: [{question, gold: [full names], kind?, id?, paraphrases?}]``.

    An empty ``gold`` says that nothing answers the question. Kinds of objects may be written in Russian. The split in
    the file is not read: it follows from the object.

    Raises:
        InputError: the file is not there or not of this form.
    """
    try:
        return list(_cases(yaml.safe_load(file.read_text(encoding="utf-8-sig"))))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(
            f"{file} is not a list of questions: {error}. Expected: "
            "questions: [{question: text, gold: [full names]}]."
        ) from error


def _cases(content: Any) -> Iterator[Case]:
    entries = content.get("questions") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ValueError("there is no list called questions")  # noqa: TRY004  # of the file, not of an argument
    for number, entry in enumerate(entries, start=1):
        yield from _wordings(entry, number)


def _wordings(entry: Any, number: int) -> Iterator[Case]:
    if not isinstance(entry, dict) or not str(entry.get("question") or "").strip():
        raise ValueError(f"number {number} has no text under question")
    if unknown := sorted(map(str, set(entry).difference(_KEYS))):
        raise ValueError(f"number {number} has {', '.join(unknown)}, but the keys are {', '.join(_KEYS)}")
    name = str(entry.get("id") or number)
    gold = tuple(map(canonical_name, _texts(entry, "gold", number)))
    kind = "unanswerable" if not gold else str(entry.get("kind") or "own")
    if gold and (kind in _TAKEN or kind.startswith("fact-")):
        raise ValueError(f"number {number} has the kind {kind}, which is the name of a set that is made")
    split: Split = "tune" if split_of(name, gold) == "tune" else "test"
    for wording, question in enumerate((str(entry["question"]), *_texts(entry, "paraphrases", number))):
        yield Case(f"{name}/{wording}", question, kind, split, gold)


def _texts(entry: dict[str, Any], key: str, number: int) -> list[str]:
    """One text, or a list of them."""
    value = entry.get(key) or []
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{key} of number {number} is {value!r:.80}, not a list of texts")
    return [text.strip() for text in texts]
