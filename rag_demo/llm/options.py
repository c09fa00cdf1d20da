"""What the parts of this package are told: which server, how to answer, how long to wait."""

from __future__ import annotations

import ipaddress
import urllib.parse
from dataclasses import dataclass, field

from rag_demo.errors import InputError
from rag_demo.llm.types import Think


@dataclass(frozen=True, slots=True)
class Server:
    """Where a model answers. ``base_url`` comes from `server_root`; an empty ``model`` means: ask the server."""

    base_url: str
    model: str = ""
    api_key: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is this machine; then proxies of the environment are not meant for it."""
        host = urllib.parse.urlsplit(self.base_url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Answering:
    """How to answer where a request does not say."""

    num_predict: int = 512
    temperature: float = 0.1
    think: Think = "off"
    num_ctx: int = 8192  # Ollama allocates this window; the others tell theirs
    keep_alive: str = "30m"  # Ollama unloads the model after so much idleness


@dataclass(frozen=True, slots=True)
class Limits:
    """Time-outs, attempts and how much may go on at once."""

    total_s: float = 240.0
    first_token_s: float = 180.0  # a server may have to load the model first
    idle_s: float = 60.0
    attempts: int = 3
    pause_s: float = 0.25  # before the second attempt; it doubles from then on
    concurrency: int = 4
    queue: int = 32


def server_root(url: str, *, option: str = "LLM_BASE_URL") -> str:
    """The URL below which every route of a server lies: scheme, host, port and prefix, without ``/v1`` or ``/api``.

    Args:
        url: with or without scheme (then http) and ``/v1``.
        option: where it was written, for the message.

    Raises:
        InputError: it is no http(s) URL, or holds a user or password (they would show up in logs).
    """
    text = url.strip()
    parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
    try:
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"{option}: {_without_user(text)} is not a URL such as http://127.0.0.1:11434.")
    if "@" in parts.netloc:
        raise InputError(
            f"{option}: {_without_user(text)} holds a user or password. Put the key into LLM_API_KEY instead."
        )
    path = parts.path.rstrip("/").removesuffix("/v1").removesuffix("/api").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _without_user(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.partition('://')[0]}://***@{after}" if at and "://" in before else after
