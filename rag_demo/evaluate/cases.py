"""Questions with known answers. Plain records and the rule that splits them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from rag_demo.configurations.golden import object_of, split_of
from rag_demo.errors import InputError

Split = Literal["tune", "test"]
SPLITS: tuple[Split, ...] = ("tune", "test")


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

    An empty ``gold`` says that nothing answers the question. The split in the file is not read: it follows from
    the object.

    Raises:
        InputError: the file is not there or not of this form.
    """
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8-sig"))["questions"]
        return [case for number, entry in enumerate(entries, start=1) for case in _wordings(entry, number)]
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{file} is not a list of questions ({type(error).__name__}: {error}). Expected: "
            "questions: [{question: text, gold: [full names]}]."
        ) from error


def _wordings(entry: dict[str, Any], number: int) -> Iterator[Case]:
    name = str(entry.get("id") or number)
    gold = tuple(entry.get("gold") or ())
    kind = "unanswerable" if not gold else str(entry.get("kind") or "own")
    split: Split = "tune" if split_of(name, gold) == "tune" else "test"
    for wording, question in enumerate((entry["question"], *(entry.get("paraphrases") or ()))):
        yield Case(f"{name}/{wording}", str(question), kind, split, gold)
