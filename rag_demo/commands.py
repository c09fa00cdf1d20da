"""What the commands of ``rag-demo`` do. The command line only parses; errors are its to report."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rag_demo import wiring
from rag_demo.chat.answer import check_question
from rag_demo.configurations import bundled
from rag_demo.console import ProgressBar, answer_as_json, answer_as_text, complain, report_as_text, say
from rag_demo.errors import RagDemoError
from rag_demo.index.ports import Where
from rag_demo.indexing import Report
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.types import Answer, Scope

DEMO_SPACE = "demo"
DEMO_QUESTIONS = (
    "Какой функцией получить курс валюты на дату?",
    "Какие реквизиты у справочника Контрагенты?",
    "Где проверяется лимит задолженности покупателя?",
)
_MOST_PROBLEMS = 10
_CHAT_HELP = """Ask about the configuration in Russian or English, for example:
  Какой функцией получить курс валюты на дату?
  Какие реквизиты у справочника Контрагенты?
Commands: help, exit (or Ctrl-D)."""


def index(folder: Path, space_id: str, *, docs: Sequence[Path] = (), full: bool = False, settings: Settings) -> None:
    """Bring a space up to date with a dump and documents beside it, or make it anew.

    Files that were skipped or only partly read go to standard error.
    """
    with contextlib.closing(Library(settings)) as library:
        report(library.index(folder, space_id, docs=docs, full=full, progress=ProgressBar()))


def ask(question: str, scope: Scope, *, settings: Settings, as_json: bool) -> None:
    """Answer one question on standard output."""
    check_question(question)
    with _asking(scope, settings=settings) as answer:
        answered = answer(question)
    say(json.dumps(answer_as_json(answered), ensure_ascii=False) if as_json else answer_as_text(answered))


def chat(scope: Scope, *, settings: Settings) -> None:
    """Answer questions until the user leaves."""
    with _asking(scope, settings=settings) as answer:
        say(_CHAT_HELP)
        for line in _lines("\n> "):
            if line in {"exit", "quit", "выход"}:
                break
            if line in {"help", "?", "помощь"}:
                say(_CHAT_HELP)
            elif line:
                _answer_and_go_on(answer, line)


def demo(*, settings: Settings) -> None:
    """Index the bundled configuration if it is not indexed as it is now, and ask it three questions."""
    with contextlib.closing(Library(settings)) as library:
        done = library.index(bundled(), DEMO_SPACE, progress=ProgressBar())
        if not done.is_unchanged:
            report(done)
        with library.assistant((DEMO_SPACE,)) as assistant:
            for question in DEMO_QUESTIONS:
                answer = assistant.answer(question, where=Where((DEMO_SPACE,)), top_k=3)
                say(f"\n{'=' * 78}\n{question}\n{'-' * 78}\n{answer_as_text(answer)}")
    say(f"\n{'=' * 78}\nGo on with:")
    say(f'  rag-demo ask "Где проверяется остаток товара на складе?" --space {DEMO_SPACE}')
    say(f"  rag-demo chat --space {DEMO_SPACE}")
    say("  rag-demo index DIR --space NAME      your own configuration, dumped to files (Designer)")


@contextlib.contextmanager
def _asking(scope: Scope, *, settings: Settings) -> Iterator[Callable[[str], Answer]]:
    spaces = wiring.choose_spaces(scope.space_ids, settings)
    where = Where(spaces, scope.doc_types)
    with contextlib.closing(Library(settings)) as library, library.assistant(spaces) as assistant:
        yield lambda question: assistant.answer(question, where=where, top_k=scope.top_k)


def _answer_and_go_on(answer: Callable[[str], Answer], question: str) -> None:
    try:
        say(answer_as_text(answer(question)))
    except RagDemoError as error:  # a question that is too long must not end the chat
        complain(f"rag-demo: {error}")


def _lines(prompt: str) -> Iterator[str]:
    """What the user types, line by line, until Ctrl-D or Ctrl-C."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # gives `input` history and editing; Windows has its own
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            yield input(prompt if sys.stdin.isatty() else "").strip()
    say("")


def report(done: Report) -> None:
    """Say what indexing did; problems with files go to standard error."""
    for problem in done.problems[:_MOST_PROBLEMS]:
        complain(f"problem: {problem.path}: {problem.message}")
    if len(done.problems) > _MOST_PROBLEMS:
        complain(f"problem: {len(done.problems) - _MOST_PROBLEMS:,} more files")
    say(report_as_text(done))
