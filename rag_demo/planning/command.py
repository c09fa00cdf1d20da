"""``rag-demo plan``: its arguments, and what it prints and writes."""

from __future__ import annotations

import argparse
import json
import locale
from dataclasses import replace
from pathlib import Path

from rag_demo.console import ProgressBar, complain, say
from rag_demo.errors import InputError
from rag_demo.planning import environment, report
from rag_demo.planning.machine import named_gpu, read_machine, size
from rag_demo.planning.recommend import recommend
from rag_demo.planning.types import Demand, Machine, Plan, Wish
from rag_demo.planning.words import LANGUAGES
from rag_demo.settings import Settings

_USUAL_METHODS = 10_000
# БСП has 38,310 methods and 47,587 documents: objects, forms, templates and help count, too.
_DOCUMENTS_PER_METHOD = 1.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--methods", type=_count, metavar="N", help=f"methods to index (default: {_USUAL_METHODS})")
    amount.add_argument("--dump", type=Path, metavar="DIR", help="count what there is in this dump")
    parser.add_argument("--users", type=_count, default=5, metavar="N", help="people who ask at a time (default: 5)")
    parser.add_argument("--answer", type=_count, default=512, metavar="N", help="tokens of an answer (default: 512)")
    parser.add_argument("--sources", type=_count, default=5, metavar="N", help="sources of an answer (default: 5)")
    parser.add_argument("--dimension", type=_count, default=256, metavar="N", help="of the vectors (default: 256)")
    other = parser.add_argument_group("another machine")
    other.add_argument("--gpu", metavar="NAME[:SIZE]", help="a card, such as L4, A100-80 or 'My card:24GB'; none: none")
    other.add_argument("--gpus", type=_count, metavar="N", help="how many of them (default: 1)")
    other.add_argument("--ram", type=_size, metavar="SIZE", help="memory, such as 64GB")
    other.add_argument("--disk", type=_size, metavar="SIZE", help="free disk, such as 200GB")
    other.add_argument("--cores", type=_count, metavar="N", help="processor cores")
    own = parser.add_argument_group("choices of your own; what cannot work is refused")
    own.add_argument("--model", metavar="NAME", help="language model of the table")
    own.add_argument("--window", type=_count, metavar="N", help="context window in tokens")
    own.add_argument("--concurrency", type=_count, metavar="N", help="answers at once")
    output = parser.add_argument_group("output")
    output.add_argument("--write", nargs="?", const=Path(".env"), type=Path, metavar="FILE", help="write it (.env)")
    output.add_argument("--force", action="store_true", help="replace that file; its passwords and other lines stay")
    output.add_argument("--without-docker", action="store_true", help="for programs on this machine, not containers")
    output.add_argument("--monitoring", action="store_true", help="Prometheus and Grafana as well")
    output.add_argument("--language", choices=("en", "ru"), default=None, help="default: that of the system")
    output.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, _: Settings) -> None:
    """Plan, print, and write the file if asked.

    Raises:
        PlanRefused: it cannot work.
        InputError: an option cannot be used, or the file is there.
    """
    plan = recommend(
        _machine(options),
        Demand(_documents(options), options.users, options.answer, options.sources, options.dimension),
        Wish(options.model, options.window, options.concurrency),
    )
    kept = _kept(options)
    values = (
        environment.local_values(plan)
        if options.without_docker
        else environment.compose_values(plan, monitoring=options.monitoring, kept=kept)
    )
    language = options.language or _language()
    if options.json:
        say(json.dumps(report.as_json(plan, values), ensure_ascii=False))
    else:
        say(_shown(plan, values, language))
    if options.write:
        heading = LANGUAGES[language]["heading"].format(what=report.summary(plan))
        text = environment.text_of(values, heading=heading, kept=kept)
        environment.write(text, options.write, replace=options.force)
        key = "written_local" if options.without_docker else "written"
        complain(LANGUAGES[language][key].format(file=options.write))


def _machine(options: argparse.Namespace) -> Machine:
    machine = read_machine(Path.cwd())
    if options.gpu is not None:
        cards = () if options.gpu == "none" else (named_gpu(options.gpu),) * (options.gpus or 1)
        machine = replace(machine, gpus=cards, notes=())
    elif options.gpus is not None:
        raise InputError("--gpus needs --gpu: how many of which card?")
    return replace(
        machine,
        ram_bytes=options.ram or machine.ram_bytes,
        disk_bytes=options.disk or machine.disk_bytes,
        cores=options.cores or machine.cores,
    )


def _documents(options: argparse.Namespace) -> int:
    if options.dump is None:
        return round((options.methods or _USUAL_METHODS) * _DOCUMENTS_PER_METHOD)
    from rag_demo.ingest import open_dump
    from rag_demo.ingest.archive import opened

    bar = ProgressBar()
    with opened(options.dump) as archive:
        dump = open_dump(archive.folder, space_id="plan")
        dump.listing()
        return sum(len(read.documents) for read in dump.read(on_progress=lambda done, total: bar("files", done, total)))


def _kept(options: argparse.Namespace) -> dict[str, str]:
    from hybrid_embeddings.options import read_env_file

    return read_env_file(options.write) if options.write and options.force else {}


def _shown(plan: Plan, values: dict[str, str], language: str) -> str:
    lines = "\n".join(f"  {name}={value}" for name, value in report.masked(values).items())
    return f"{report.as_text(plan, language)}\n\n{LANGUAGES[language]['file']}:\n{lines}"


def _language() -> str:
    return "ru" if (locale.getlocale()[0] or "").lower().startswith("ru") else "en"


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is out of range: 1 and more")
    return value


def _size(text: str) -> int:
    try:
        return size(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
