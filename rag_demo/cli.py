"""``rag-demo``: index a configuration, ask it, chat with it, or see a demonstration."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag_demo.console import replace_closed_streams, use_utf8
from rag_demo.errors import InputError, RagDemoError
from rag_demo.planning import command as planning
from rag_demo.settings import Settings, read_settings
from rag_demo.types import DOC_TYPES, Scope

MOST_SOURCES = 50
_INTERRUPTED = 130  # what shells report after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 2 wrong input or no index, 130 interrupted."""
    output_is_closed = sys.stdout is None
    replace_closed_streams()
    use_utf8()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    options = _parser().parse_args([_as_utf8(text) for text in (sys.argv[1:] if arguments is None else arguments)])
    try:
        if output_is_closed:
            raise InputError("Standard output is closed, so there is no place for an answer.")
        options.run(options, read_settings())
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`rag-demo ask … | head -1`); Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _expected_errors() as error:
        print(f"rag-demo: {error}", file=sys.stderr)
        return 2
    return 0


def _as_utf8(argument: str) -> str:
    """The argument as it was typed, where the locale cannot read it: bytes that it does not know come escaped."""
    escaped = any("\udc80" <= letter <= "\udcff" for letter in argument)
    try:
        return os.fsencode(argument).decode() if escaped else argument
    except UnicodeDecodeError:
        return argument


def _expected_errors() -> tuple[type[BaseException], ...]:
    from hybrid_embeddings import HybridEmbeddingsError

    return RagDemoError, HybridEmbeddingsError, OSError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rag-demo", description="Answers questions about a 1C configuration.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    index = commands.add_parser("index", help="read a configuration dump and build its index")
    index.add_argument(
        "dir", metavar="DIR", type=Path, help="folder that holds Configuration.xml, EDT project, or ZIP archive of one"
    )
    index.add_argument(
        "--space", required=True, metavar="NAME", help="its name; an index of that name is brought up to date"
    )
    index.add_argument(
        "--docs",
        action="append",
        default=[],
        metavar="DIR",
        type=Path,
        help="folder of manuals, specifications and the like (Markdown, HTML, text); may be repeated",
    )
    index.add_argument("--full", action="store_true", help="make the index anew instead of bringing it up to date")
    _add_model_options(index)
    index.set_defaults(run=_index)

    watch = commands.add_parser("watch", help="keep an index up to date while people work on the files")
    watch.add_argument("dir", metavar="DIR", type=Path, help="folder that holds Configuration.xml")
    watch.add_argument("--space", required=True, metavar="NAME", help="its name")
    watch.add_argument(
        "--docs",
        action="append",
        default=None,
        metavar="DIR",
        type=Path,
        help="folder of documents; default: those that the space was indexed with",
    )
    watch.set_defaults(run=_watch)

    spaces = commands.add_parser("spaces", help="list what is indexed")
    spaces.set_defaults(run=_spaces)

    verify = commands.add_parser("verify", help="compare the parts of an index and mend what differs")
    verify.add_argument("space", metavar="SPACE", nargs="*", help="spaces; default: all")
    verify.set_defaults(run=_verify)

    drop = commands.add_parser("drop", help="delete an index; the files that it was made of stay")
    drop.add_argument("space", metavar="SPACE", help="its name")
    drop.add_argument("--yes", action="store_true", help="do not ask")
    drop.set_defaults(run=_drop)

    ask = commands.add_parser("ask", help="answer one question")
    ask.add_argument("question", metavar="QUESTION", help="the question; - reads it from standard input")
    _add_search_options(ask)
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.add_argument("--explain", action="store_true", help="tell rank and score of each source in every search leg")
    ask.set_defaults(run=_ask)

    chat = commands.add_parser("chat", help="ask one question after the other")
    _add_search_options(chat)
    chat.set_defaults(run=_chat)

    demo = commands.add_parser("demo", help="index the bundled configuration if needed and ask it three questions")
    demo.set_defaults(run=_demo)

    _add_eval(commands)

    serve = commands.add_parser("serve", help="answer over HTTP: a page, an API, OpenAI-compatible endpoints, MCP")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    serve.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
    serve.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes; more than one need QDRANT_URL (default: 1)"
    )
    serve.set_defaults(run=_serve)
    tools = commands.add_parser("mcp", help="offer tools for agents (MCP) over standard input and output")
    tools.set_defaults(run=_mcp)
    plan = commands.add_parser("plan", help="what this machine can serve: model, window, memory, time; writes .env")
    planning.add_arguments(plan)
    plan.set_defaults(run=planning.run)
    llm = commands.add_parser("llm", help="ask the LLM servers of the settings for a token and tell what they are")
    llm.set_defaults(run=_llm)
    return parser


def _add_eval(commands: Any) -> None:
    measure = commands.add_parser("eval", help="measure whether the search finds what it should")
    measure.add_argument("dir", metavar="DIR", type=Path, nargs="?", help="a dump (default: the bundled configuration)")
    measure.add_argument("--questions", metavar="FILE", type=Path, help="YAML file of questions with their answers")
    measure.add_argument("--only", metavar="FILE", type=Path, help="leave out all but the paths in this file")
    measure.add_argument("--other", metavar="DIR", type=Path, help="another dump: its names have no answer here")
    measure.add_argument(
        "--part", action="append", choices=("full", "bare", "removed"), help="only this index; may be repeated"
    )
    measure.add_argument("--most", metavar="N", type=_count, default=1_000, help="questions a set (default: 1000)")
    model = measure.add_mutually_exclusive_group()
    model.add_argument("--model", metavar="NAME", default="", help="embedding model, as for index")
    model.add_argument(
        "--base-from-rest", action="store_true", help="start from a model trained on what --only leaves out"
    )
    measure.add_argument("--split", choices=("tune", "test", "both"), default="test", help="questions to tell of")
    measure.add_argument("--json", metavar="FILE", type=Path, help="write all figures")
    measure.add_argument("--plot", metavar="FILE", type=Path, help="draw hit rates (SVG)")
    measure.set_defaults(run=_eval)


def _add_model_options(index: argparse.ArgumentParser) -> None:
    model = index.add_mutually_exclusive_group()
    model.add_argument(
        "--model", metavar="NAME", help="embedding model: adapted (trained on the dump), or any other by name or folder"
    )
    model.add_argument("--adapt", action="store_true", help="train an adapted model anew; makes the index anew")
    model.add_argument(
        "--base", metavar="DIR", type=Path, help="as --adapt, starting from the adapted model in this folder"
    )


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--space", action="append", default=[], metavar="NAME", help="space to search; may be repeated")
    parser.add_argument(
        "--doc-type", action="append", default=[], choices=DOC_TYPES, help="sort of documents; may be repeated"
    )
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="KIND",
        help="kind of object in Russian or English (Справочник, ОбщийМодуль, Catalog); may be repeated",
    )
    parser.add_argument("--top-k", type=_top_k, default=None, metavar="N", help=f"sources, 1 to {MOST_SOURCES}")


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is out of range: 1 and more")
    return value


def _top_k(text: str) -> int:
    value = _count(text)
    if value > MOST_SOURCES:
        raise argparse.ArgumentTypeError(f"{value} is out of range: 1 to {MOST_SOURCES}")
    return value


def _index(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import upkeep
    from rag_demo.adapt_wiring import ADAPTED, ModelChoice

    anew = options.adapt or options.base is not None
    model = ModelChoice(ADAPTED, options.base) if anew else options.model and ModelChoice(options.model)
    upkeep.index(
        options.dir, options.space, docs=options.docs, full=options.full or anew, model=model, settings=settings
    )


def _serve(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo.web.server import serve

    serve(settings, host=options.host, port=options.port, workers=options.workers)


def _mcp(_: argparse.Namespace, settings: Settings) -> None:
    from rag_demo.web.server import serve_tools

    serve_tools(settings)


def _watch(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import upkeep

    upkeep.watch(options.dir, options.space, docs=options.docs, settings=settings)


def _spaces(_: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import upkeep

    upkeep.spaces(settings=settings)


def _verify(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import upkeep

    upkeep.verify(options.space, settings=settings)


def _drop(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import upkeep

    upkeep.drop(options.space, yes=options.yes, settings=settings)


def _ask(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import commands

    question = sys.stdin.read() if options.question == "-" else options.question
    scope = _scope(options, settings)
    commands.ask(question, scope, settings=settings, as_json=options.json, explain=options.explain)


def _chat(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import commands

    commands.chat(_scope(options, settings), settings=settings)


def _eval(options: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import evaluating

    request = evaluating.Request(
        options.dir,
        questions=options.questions,
        only=options.only,
        other=options.other,
        parts=tuple(options.part or evaluating.Request().parts),
        most=options.most,
        model=options.model,
        base_from_rest=options.base_from_rest,
        split=options.split,
    )
    evaluating.evaluate(request, settings=settings, json_file=options.json, plot_file=options.plot)


def _demo(_: argparse.Namespace, settings: Settings) -> None:
    from rag_demo import commands

    commands.demo(settings=settings)


def _llm(_: argparse.Namespace, settings: Settings) -> None:
    from rag_demo.llm_check import check

    check(settings)


def _scope(options: argparse.Namespace, settings: Settings) -> Scope:
    from rag_demo.retrieve.kinds import kind_called

    kinds = tuple(dict.fromkeys(map(kind_called, options.kind)))
    return Scope(tuple(options.space), tuple(options.doc_type), options.top_k or settings.top_k, kinds)
