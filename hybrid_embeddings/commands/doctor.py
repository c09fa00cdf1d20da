"""Explain the set-up: what the caches belong to, whether stores answer, why two configurations share no entries."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_embeddings.errors import CacheTierError, SettingsError
from hybrid_embeddings.settings import Settings, read_env_file

if TYPE_CHECKING:
    from hybrid_embeddings.keys import Space
    from hybrid_embeddings.types import Kind

HELP = "explain the set-up, and why two configurations share no cache entries"

Check = Callable[[Settings, argparse.Namespace], Iterator[str]]
"""Yields lines for people."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See :mod:`hybrid_embeddings.cli`."""
    parser.add_argument(
        "--against", metavar="FILE", type=Path, help="an .env file of another installation to compare with"
    )


def run(options: argparse.Namespace) -> int:
    """See :mod:`hybrid_embeddings.cli`."""
    settings = Settings.load()
    for check in CHECKS:
        for line in check(settings, options):
            print(line)
    return 0


def _stores(settings: Settings, options: argparse.Namespace) -> Iterator[str]:
    del options
    from hybrid_embeddings.cache_wiring import build_stores

    if not settings.cache_enabled:
        yield "caching is off (EMBEDDING_CACHE_ENABLED)"
        return
    yield f"memory tier: {settings.cache_size:,} vectors, {settings.cache_ttl_s:g} s"
    for store in build_stores(settings):
        try:
            yield f"{store.name} tier: {store.address} answers, {len(store.spaces())} spaces"
        except CacheTierError as error:
            yield f"{store.name} tier: does not answer: {error}"
        finally:
            store.close()


def _sharing(settings: Settings, options: argparse.Namespace) -> Iterator[str]:
    """Say what the entries of this configuration belong to, and in what another one differs."""
    mine = _spaces(settings)
    for kind, space in mine.items():
        yield f"entries of {kind}: space {space.digest(_secret(settings)).hex()}"
    if options.against is None:
        yield from (f"  {name}: {value or '(none)'}" for name, value in mine["text"].described().items())
        return
    other_settings = _load(options.against)
    other = _spaces(other_settings)
    reasons = _differences(settings, other_settings, mine, other)
    if not reasons:
        yield f"shares all entries with {options.against}"
        return
    yield f"shares no entries, or not all, with {options.against}, because:"
    yield from (f"  {reason}" for reason in reasons)


CHECKS: tuple[Check, ...] = (_stores, _sharing)


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
