"""Check the installation and say what to do: versions, torch, OpenVINO, model, caches, machine, and one real text.

With --against, say why two configurations share no cache entries. Exit status 1 if something does not work.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_embeddings.errors import HybridEmbeddingsError, SettingsError
from hybrid_embeddings.options import read_env_file
from hybrid_embeddings.settings import Settings

if TYPE_CHECKING:
    from hybrid_embeddings.diagnosis.findings import Check, Finding
    from hybrid_embeddings.keys import Space
    from hybrid_embeddings.types import Kind

HELP = "check the installation and say what to do; --against: why two configurations share no cache entries"
_SIGNS = {"ok": "ok     ", "hint": "hint   ", "warning": "WARNING", "failure": "FAILURE"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See :mod:`hybrid_embeddings.cli`."""
    parser.add_argument(
        "--against", metavar="FILE", type=Path, help="an .env file of another installation to compare with"
    )
    parser.add_argument("--quick", action="store_true", help="do not load the model")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """See :mod:`hybrid_embeddings.cli`."""
    settings = Settings.load()
    if options.against is not None:
        for line in _sharing(settings, options.against):
            print(line)
        return 0
    findings = []
    for check in _checks(quick=options.quick):
        for finding in check(settings):
            findings.append(finding)
            if not options.json:
                print(_line(finding), flush=True)
    works = all(finding.status != "failure" for finding in findings)
    spaces = {} if options.quick or not works else _identities(settings)
    if options.json:
        told = {"works": works, "findings": [asdict(finding) for finding in findings], "spaces": spaces}
        print(json.dumps(told, ensure_ascii=False))
    else:
        for kind, space in spaces.items():
            print(f"        entries of {kind}: space {space}")
    return 0 if works else 1


def _checks(*, quick: bool) -> list[Check]:
    from hybrid_embeddings.diagnosis import installation, machine, service, versions

    checks: list[Check] = [
        versions.python_and_versions,
        installation.torch_build,
        installation.openvino,
        installation.optional_libraries,
        machine.cores,
        machine.memory,
        machine.cache_folder,
        service.model_files,
        service.stores,
    ]
    return checks if quick else [*checks, service.engine]


def _line(finding: Finding) -> str:
    advice = f"\n          → {finding.advice}" if finding.advice else ""
    return f"{_SIGNS[finding.status]} {finding.check}: {finding.found}{advice}"


def _identities(settings: Settings) -> dict[str, str]:
    """What the entries of this configuration belong to."""
    try:
        return {kind: space.digest(_secret(settings)).hex() for kind, space in _spaces(settings).items()}
    except HybridEmbeddingsError:
        return {}


def _sharing(settings: Settings, against: Path) -> Iterator[str]:
    """Say in what another configuration differs from this one."""
    other_settings = _load(against)
    reasons = _differences(settings, other_settings, _spaces(settings), _spaces(other_settings))
    if not reasons:
        yield f"shares all entries with {against}"
        return
    yield f"shares no entries, or not all, with {against}, because:"
    yield from (f"  {reason}" for reason in reasons)


def _differences(one: Settings, other: Settings, mine: dict[Kind, Space], theirs: dict[Kind, Space]) -> list[str]:
    reasons = []
    if _secret(one) != _secret(other):
        reasons.append("EMBEDDING_CACHE_SECRET differs: neither can find the other's keys")
    reasons += [
        f"EMBEDDING_{name.upper()} differs: the entries lie in different places"
        for name in ("cache_redis_url", "cache_redis_prefix", "cache_sql_url")
        if getattr(one, name) != getattr(other, name)
    ]
    for kind, space in mine.items():
        before, after = space.described(), theirs[kind].described()
        reasons += [
            f"{kind}: {name} is {before[name] or '(none)'} here and {after[name] or '(none)'} there"
            for name in before
            if before[name] != after[name]
        ]
    return reasons


def _load(file: Path) -> Settings:
    if not file.is_file():
        raise SettingsError(f"{file} is not there; give the .env file of the other installation")
    # What the environment sets here says nothing about the other installation, but for where models lie.
    places = {name: value for name, value in os.environ.items() if name == "EMBEDDING_MODEL_CACHE_DIR"}
    return Settings.load(environ=places | read_env_file(file), env_file=None)


def _spaces(settings: Settings) -> dict[Kind, Space]:
    from hybrid_embeddings.cache_wiring import spaces_of
    from hybrid_embeddings.runtime import Runtime
    from hybrid_embeddings.wiring import prompts_of

    model = Runtime(settings).prepared()
    return spaces_of(settings, model, prompts_of(settings, model))


def _secret(settings: Settings) -> bytes:
    from hybrid_embeddings.cache_wiring import secret_of

    return secret_of(settings)
