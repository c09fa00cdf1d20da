"""The model, the stores, and the engine at work."""

from __future__ import annotations

import time
from collections.abc import Iterator

from hybrid_embeddings.diagnosis.findings import Finding
from hybrid_embeddings.errors import CacheTierError, HybridEmbeddingsError
from hybrid_embeddings.settings import Settings


def model_files(settings: Settings) -> Iterator[Finding]:
    """Say whether the model is on this machine."""
    from hybrid_embeddings.models.resolve import resolve

    try:
        found = resolve(settings.model, offline=True)
    except HybridEmbeddingsError as error:
        first = str(error).splitlines()[0]
        if settings.offline or not _may_be_on_the_hub(settings.model):
            advice = "copy its folder here and give it as EMBEDDING_MODEL, or load it once where there is a network"
            yield Finding("model", "failure", first, advice)
        else:
            advice = "the first use loads it from the hub; without a network copy its folder and give that"
            yield Finding("model", "hint", f"{settings.model} is not on this machine", advice)
        return
    size = sum(file.stat().st_size for file in found.directory.rglob("*") if file.is_file())
    yield Finding("model", "ok", f"{found.name} from {found.origin}, {size / 2**20:,.0f} MiB: {found.directory}")


def stores(settings: Settings) -> Iterator[Finding]:
    """Say whether Redis and the database answer."""
    from hybrid_embeddings.cache_wiring import build_stores

    if not settings.cache_enabled:
        yield Finding("caches", "hint", "caching is off", "EMBEDDING_CACHE_ENABLED=1 switches it on")
        return
    yield Finding("memory tier", "ok", f"{settings.cache_size:,} vectors, {settings.cache_ttl_s:g} s")
    try:
        built = build_stores(settings)
    except HybridEmbeddingsError as error:
        yield Finding("caches", "failure", str(error), "mend the address, or unset it")
        return
    for store in built:
        name = f"{store.name} tier"
        try:
            yield Finding(name, "ok", f"{store.address} answers, {len(store.spaces())} spaces")
        except CacheTierError as error:
            advice = "start the server or mend its address; until then texts are computed anew"
            yield Finding(name, "failure", f"{store.address} does not answer: {error}", advice)
        finally:
            store.close()


def engine(settings: Settings) -> Iterator[Finding]:
    """Load the engine, embed a text on every lane, and say what each of them is."""
    from dataclasses import replace

    from hybrid_embeddings.service import EmbeddingService

    started_s = time.monotonic()
    try:
        with EmbeddingService(settings=replace(settings, cache_enabled=False, offline=True)) as service:
            dimension = service.encode("Проверка, check").shape[0]
            explained = service.explain()
    except HybridEmbeddingsError as error:
        yield Finding("engine", "failure", str(error), "mend what is said above first")
        return
    yield Finding("engine", "ok", f"embeds, {dimension} dimensions; {time.monotonic() - started_s:.1f} s with loading")
    for name, lane in explained["lanes"].items():
        yield Finding("engine", "ok", f"lane {name}: {lane['numeric_class']}, {lane['n_slots']} at once")
    for name, reason in explained["refused"].items():
        yield Finding("engine", "warning", f"lane {name} is not used: {reason}", "vectors come from the other lanes")


def _may_be_on_the_hub(name: str) -> bool:
    return not name.startswith((".", "/", "~")) and "\\" not in name
