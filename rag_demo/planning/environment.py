"""The lines of ``.env`` for a plan, and how they get to the disk."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from rag_demo.errors import InputError
from rag_demo.planning.resources import app_bytes
from rag_demo.planning.types import GB, Plan

# What app and model server may take at most; they need less most of the time. Together with the others at most the 16
# vCPUs and 64 GB of tiers A to C, the 32 and 128 of D.
_APP_CORES = {"cpu": 4, "tier-a": 6, "tier-b": 6, "tier-c": 6, "tier-d": 12}
_LLM_CORES = {"tier-a": 6, "tier-b": 5, "tier-c": 5, "tier-d": 14}
_LLM_MEMORY_GB = {"tier-a": 24, "tier-b": 32, "tier-c": 40, "tier-d": 88}
_LEAST_APP_GB = 4
_WORKERS = {"tier-b": 2, "tier-c": 2, "tier-d": 4}  # processes of the app; each holds a model of its own
_WITH_SERVERS = ("tier-b", "tier-c", "tier-d")
# Kept from a file that is replaced: a database does not learn of a new password.
_KEPT_SECRETS = ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD", "QDRANT_API_KEY")
MANAGED = frozenset(
    {
        *(
            "COMPOSE_PROFILES",
            "APP_TARGET",
            "APP_CPUS",
            "APP_MEMORY",
            "APP_WORKERS",
            "GPU_COUNT",
            "LLM_CPUS",
            "LLM_MEMORY",
        ),
        *(
            "LLM_CPUS",
            "LLM_MEMORY",
            "LLM_MODE",
            "LLM_BASE_URL",
            "LLM_MODEL",
            "LLM_NUM_CTX",
            "LLM_NUM_PREDICT",
            "LLM_MAX_CONCURRENCY",
        ),
        *("OLLAMA_NUM_PARALLEL", "OLLAMA_KV_CACHE_TYPE", "VLLM_MAX_MODEL_LEN", "VLLM_GPU_MEMORY"),
        *("QDRANT_URL", "QDRANT_MEMORY", "EMBEDDING_CACHE_REDIS_URL", "EMBEDDING_CACHE_SQL_URL"),
        *("RAG_ANSWER_CACHE", "RAG_TOP_K", *_KEPT_SECRETS),
    }
)
"""Names that a plan decides; an older value of another one stays."""


def compose_values(
    plan: Plan,
    *,
    monitoring: bool = False,
    kept: Mapping[str, str] | None = None,
    new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(24),
) -> dict[str, str]:
    """Variables for ``docker compose`` and the app in it.

    Args:
        plan: what was recommended.
        monitoring: Prometheus and Grafana as well.
        kept: values of an earlier file, for its secrets.
        new_secret: gives a password.
    """
    kept = kept or {}
    values = {
        "COMPOSE_PROFILES": f"{plan.profile},monitoring" if monitoring else plan.profile,
        "APP_TARGET": "cpu",
        "APP_CPUS": str(min(_APP_CORES[plan.profile], plan.machine.cores)),
        "APP_MEMORY": f"{_app_memory_gb(plan)}g",
        **_llm_values(plan, host="llm"),
        "EMBEDDING_CACHE_REDIS_URL": "redis://redis:6379/0",
    }
    if plan.serving is not None:
        values |= {
            "LLM_CPUS": str(min(_LLM_CORES[plan.profile], plan.machine.cores)),
            "LLM_MEMORY": f"{_LLM_MEMORY_GB[plan.profile]}g",
        }
    if plan.profile in _WITH_SERVERS:
        password = kept.get("POSTGRES_PASSWORD") or new_secret()
        values |= {
            "APP_WORKERS": str(_WORKERS[plan.profile]),
            "RAG_ANSWER_CACHE": "redis://redis:6379/1",
            "QDRANT_URL": "http://qdrant:6333",
            "QDRANT_API_KEY": kept.get("QDRANT_API_KEY") or new_secret(),
            "QDRANT_MEMORY": f"{math.ceil(plan.qdrant_bytes[1] / GB) + 1}g",
            "POSTGRES_PASSWORD": password,
            "EMBEDDING_CACHE_SQL_URL": f"postgresql+psycopg://embeddings:{password}@postgres:5432/embeddings",
        }
    if monitoring:
        values["GRAFANA_PASSWORD"] = kept.get("GRAFANA_PASSWORD") or new_secret()
    return values


def _app_memory_gb(plan: Plan) -> int:
    """Half as much again as the app takes at its peak, and 1 GB for every further process."""
    needed = math.ceil(1.5 * app_bytes(plan.demand) / GB)
    return max(_LEAST_APP_GB, needed) + _WORKERS.get(plan.profile, 1) - 1


def local_values(plan: Plan) -> dict[str, str]:
    """Variables for programs that run without containers, with the language model on this machine."""
    return _llm_values(plan, host="127.0.0.1", with_server=False)


def _llm_values(plan: Plan, *, host: str, with_server: bool = True) -> dict[str, str]:
    values = {"RAG_TOP_K": str(plan.demand.sources)}
    serving = plan.serving
    if serving is None:
        return {"LLM_MODE": "extractive", **values}
    ollama = serving.llm.engine == "ollama"
    values |= {
        "LLM_MODE": serving.llm.engine,
        "LLM_BASE_URL": f"http://{host}:11434" if ollama else f"http://{host}:8000/v1",
        "LLM_MODEL": serving.llm.name,
        "LLM_NUM_PREDICT": str(plan.demand.answer_tokens),
        "LLM_MAX_CONCURRENCY": str(serving.concurrency),
    }
    if ollama:
        values["LLM_NUM_CTX"] = str(serving.window_tokens)
    if with_server:
        values["GPU_COUNT"] = str(len(serving.gpus))
        values |= (
            {"OLLAMA_NUM_PARALLEL": str(serving.concurrency), "OLLAMA_KV_CACHE_TYPE": "q8_0"}
            if ollama
            else {"VLLM_MAX_MODEL_LEN": str(serving.window_tokens), "VLLM_GPU_MEMORY": "0.92"}
        )
    return values


def text_of(values: Mapping[str, str], *, heading: str, kept: Mapping[str, str] | None = None) -> str:
    """The file: a heading, the values, and what stays of an earlier file."""
    lines = [f"# {heading}", *(f"{name}={value}" for name, value in values.items())]
    if others := {name: value for name, value in (kept or {}).items() if name not in MANAGED}:
        lines += ["", "# As before", *(f"{name}={_quoted(value)}" for name, value in others.items())]
    return "\n".join(lines) + "\n"


def write(text: str, file: Path, *, replace: bool = False) -> None:
    """Write a file that only its owner may read: all of it or nothing.

    Raises:
        InputError: it is there and ``replace`` is not set, or cannot be written.
    """
    draft = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            draft.replace(file)
        else:
            _publish(draft, file)
    except FileExistsError:
        raise InputError(f"{file} is there already; --force replaces it and keeps its passwords.") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error}.") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


def _publish(draft: Path, file: Path) -> None:
    """Give the draft its name unless something has it already, which a renaming would not notice."""
    try:
        os.link(draft, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        file.touch(mode=0o600, exist_ok=False)
        draft.replace(file)


def _quoted(value: str) -> str:
    return f'"{value}"' if any(letter in value for letter in " #'") else value
