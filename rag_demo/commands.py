"""What the commands of ``rag-demo`` do. The command line only parses; errors are its to report."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator

from rag_demo import wiring
from rag_demo.chat.answer import check_question
from rag_demo.chat.session import NEW, Conversation, Turn
from rag_demo.configurations import bundled
from rag_demo.console import ProgressBar, complain, explanation, say
from rag_demo.errors import RagDemoError
from rag_demo.index.ports import Where
from rag_demo.settings import Settings
from rag_demo.types import Scope
from rag_demo.work import Staying, Work, work

DEMO_SPACE = "demo"
DEMO_QUESTIONS = (
    "Какой функцией получить курс валюты на дату?",
    "Какие реквизиты у справочника Контрагенты?",
    "Где проверяется лимит задолженности покупателя?",
)
_CHAT_HELP = """Ask about the configuration in Russian or English, for example:
  Какой функцией получить курс валюты на дату?
  Какие реквизиты у справочника Контрагенты?
  А какие у него табличные части?          (a question may lean on the one before)
Commands: new (forget the conversation), help, exit (or Ctrl-D)."""


def ask(question: str, scope: Scope, *, settings: Settings, as_json: bool, explain: bool = False) -> None:
    """Answer one question on standard output; with ``explain`` tell for each source what the search legs say."""
    check_question(question)
    with work(settings) as working:
        where = _where(scope, settings)
        if as_json:
            say(json.dumps(working.ask(question, where, scope.top_k).json, ensure_ascii=False))
        elif explain:
            answered = working.ask(question, where, scope.top_k)
            say("\n\n".join(filter(None, (answered.text, explanation(answered.json["sources"])))))
        else:
            _ask_and_show(working, question, where, scope.top_k, NEW)


def chat(scope: Scope, *, settings: Settings) -> None:
    """Answer questions until the user leaves."""
    where = _where(scope, settings)
    conversation = NEW
    with contextlib.closing(Staying(settings, command="rag-demo chat")) as working:
        say(_CHAT_HELP)
        for line in _lines("\n> "):
            if line in {"exit", "quit", "выход"}:
                break
            if line in {"help", "?", "помощь"}:
                say(_CHAT_HELP)
            elif line in {"new", "новая"}:
                conversation = NEW
            elif line:
                try:
                    turn = _ask_and_show(working(), line, where, scope.top_k, conversation)
                    conversation = conversation.with_turn(turn)
                except RagDemoError as error:  # a question that is too long must not end the chat
                    complain(f"rag-demo: {error}")


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
    return Where(wiring.choose_spaces(scope.space_ids, settings), scope.doc_types, scope.kinds)


def _ask_and_show(working: Work, question: str, where: Where, top_k: int, conversation: Conversation) -> Turn:
    """Show the answer, as it comes if a language model writes it; returns what the conversation remembers of it."""
    written = False

    def show(text: str) -> None:
        nonlocal written
        written = True
        sys.stdout.write(text)
        sys.stdout.flush()

    answered = working.ask(question, where, top_k, conversation=conversation, on_text=show)
    if written:
        say("")
    if answered.turn.standalone != question.strip():
        complain(f"(asked as: {answered.turn.standalone})")
    say(answered.tail if written else answered.text)
    return answered.turn


def _lines(prompt: str) -> Iterator[str]:
    """What the user types, line by line, until Ctrl-D or Ctrl-C."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # gives `input` history and editing; Windows has its own
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            yield input(prompt if sys.stdin.isatty() else "").strip()
    say("")
