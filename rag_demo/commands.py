"""What the commands of ``rag-demo`` do. The command line only parses; errors are its to report."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator

from rag_demo import wiring
from rag_demo.chat.answer import check_question
from rag_demo.configurations import bundled
from rag_demo.console import ProgressBar, complain, say
from rag_demo.errors import RagDemoError
from rag_demo.index.ports import Where
from rag_demo.settings import Settings
from rag_demo.types import Scope
from rag_demo.work import Answered, lasting_work, work

DEMO_SPACE = "demo"
DEMO_QUESTIONS = (
    "Какой функцией получить курс валюты на дату?",
    "Какие реквизиты у справочника Контрагенты?",
    "Где проверяется лимит задолженности покупателя?",
)
_CHAT_HELP = """Ask about the configuration in Russian or English, for example:
  Какой функцией получить курс валюты на дату?
  Какие реквизиты у справочника Контрагенты?
Commands: help, exit (or Ctrl-D)."""


def ask(question: str, scope: Scope, *, settings: Settings, as_json: bool) -> None:
    """Answer one question on standard output."""
    check_question(question)
    with work(settings) as working:
        answered = working.ask(question, _where(scope, settings), scope.top_k)
    say(json.dumps(answered.json, ensure_ascii=False) if as_json else answered.text)


def chat(scope: Scope, *, settings: Settings) -> None:
    """Answer questions until the user leaves."""
    where = _where(scope, settings)
    with lasting_work(settings, command="rag-demo chat") as working:
        say(_CHAT_HELP)
        for line in _lines("\n> "):
            if line in {"exit", "quit", "выход"}:
                break
            if line in {"help", "?", "помощь"}:
                say(_CHAT_HELP)
            elif line:
                _answer_and_go_on(lambda line=line: working.ask(line, where, scope.top_k))  # type: ignore[misc]


def demo(*, settings: Settings) -> None:
    """Index the bundled configuration if it is not indexed as it is now, and ask it three questions."""
    with work(settings) as working:
        done = working.index(bundled(), DEMO_SPACE, (), full=False, progress=ProgressBar())
        if not done.unchanged:
            say(done.text)
        for question in DEMO_QUESTIONS:
            answered = working.ask(question, Where((DEMO_SPACE,)), 3)
            say(f"\n{'=' * 78}\n{question}\n{'-' * 78}\n{answered.text}")
    say(f"\n{'=' * 78}\nGo on with:")
    say(f'  rag-demo ask "Где проверяется остаток товара на складе?" --space {DEMO_SPACE}')
    say(f"  rag-demo chat --space {DEMO_SPACE}")
    say("  rag-demo index DIR --space NAME      your own configuration, dumped to files (Designer)")


def _where(scope: Scope, settings: Settings) -> Where:
    return Where(wiring.choose_spaces(scope.space_ids, settings), scope.doc_types)


def _answer_and_go_on(answer: Callable[[], Answered]) -> None:
    try:
        say(answer().text)
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
