"""Where the vectors of a generation are: in its folder (Qdrant Edge), or on the server of ``QDRANT_URL``.

A generation whose vectors are on a server has a small file that names server and collection. It is written before the
collection is made, so that whatever stops the work, whoever removes the folder knows what to delete there.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hybrid_embeddings.errors import MissingDependencyError
from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.errors import IndexBroken, InputError
from rag_demo.index.dense import EdgeIndex, Hnsw
from rag_demo.index.ports import DenseIndex
from rag_demo.index.retired import write_atomically
from rag_demo.index.store import SpaceStore
from rag_demo.settings import Settings

if TYPE_CHECKING:
    from rag_demo.index.dense_connection import Server

_MARK = "qdrant.json"
# Never with the address itself: it may hold a password.
_NO_ADDRESS = "QDRANT_URL is no address of a server: it must be like http://127.0.0.1:6333."
# After so many failures in a row questions do without the server, until one of them tries it again.
_FAILURES = 2
_AGAIN_S = 10.0
_log = logging.getLogger(__name__)


def create_dense(folder: Path, *, dimension: int, settings: Settings) -> DenseIndex:
    """A new, empty index for the generation in ``folder``.

    Raises:
        VectorsAway: the server does not answer.
    """
    if not settings.qdrant_url:
        return EdgeIndex.create(folder / "dense", dimension=dimension, hnsw=_hnsw(settings))
    from rag_demo.index.dense_server import ServerIndex

    collection = f"{folder.parent.name}-{folder.name}"
    mark = {"url": _without_secrets(settings.qdrant_url), "collection": collection}
    write_atomically(folder / _MARK, json.dumps(mark))
    return ServerIndex.create(_server(settings), collection, dimension=dimension, hnsw=_hnsw(settings))


def open_dense(folder: Path, *, settings: Settings) -> DenseIndex:
    """The vectors of the generation in ``folder``, to read and to write; a server is not asked yet.

    Raises:
        IndexBroken, IndexBusy: they cannot be opened.
    """
    if reason := moved(folder, settings):
        raise IndexBroken(f"{reason}. Index again, or set QDRANT_URL as it was.")
    if not settings.qdrant_url:
        return EdgeIndex.open(folder / "dense", ef_search=settings.hnsw_ef_search)
    from rag_demo.index.dense_server import ServerIndex

    return ServerIndex(_server(settings), _read_mark(folder)["collection"], ef_search=settings.hnsw_ef_search)


def renew_dense(folder: Path, *, dimension: int, settings: Settings) -> DenseIndex:
    """An empty index of vectors in place of one that cannot be used."""
    shutil.rmtree(folder / "dense", ignore_errors=True)
    return create_dense(folder, dimension=dimension, settings=settings)


def moved(folder: Path, settings: Settings) -> str:
    """Why the vectors of a generation are not where the settings look for them; empty if they are."""
    there = _read_mark(folder).get("url", "")
    here = _without_secrets(settings.qdrant_url)
    if there == here:
        return ""
    places = [f"on the Qdrant server {place}" if place else "in the data folder" for place in (there, here)]
    return f"Its vectors are {places[0]}, and the settings say {places[1]}"


def check_server(settings: Settings) -> None:
    """Raise VectorsAway unless the server of the settings answers, if there is one: before minutes of other work."""
    if settings.qdrant_url:
        server = _server(settings)
        try:
            server.ask(lambda client: client.get_collections())
        finally:
            server.close()


def open_store(settings: Settings) -> SpaceStore:
    """The spaces of the settings, to change: generations that go take their collections with them."""
    return SpaceStore(
        settings.data_path,
        discard=lambda folder: _discard(folder, settings),
        shared=bool(settings.qdrant_url),
    )


def _discard(folder: Path, settings: Settings) -> None:
    try:
        mark = _read_mark(folder)
    except IndexBroken as error:
        _log.warning("If it had a collection on a Qdrant server, that stays. %s", error)
        return
    if not mark:
        return
    if mark["url"] != _without_secrets(settings.qdrant_url):
        _log.warning("Collection %r on the Qdrant server %s is not used any more.", mark["collection"], mark["url"])
        return
    server = _server(settings)
    try:
        server.drop(mark["collection"])
    finally:
        server.close()


def _hnsw(settings: Settings) -> Hnsw:
    return Hnsw(
        settings.hnsw_m,
        settings.hnsw_ef_construct,
        settings.hnsw_ef_search,
        int8=settings.vector_storage == "int8",
    )


def _server(settings: Settings) -> Server:
    url = settings.qdrant_url
    if not settings.qdrant_api_key.isascii():
        raise InputError("QDRANT_API_KEY holds other than ASCII characters, so it cannot be sent to a server.")
    try:
        from rag_demo.index.dense_connection import Server
    except ImportError as error:
        raise MissingDependencyError('QDRANT_URL needs the client: pip install "hybrid-embeddings[rag]"') from error
    name = f"The Qdrant server {_without_secrets(url)}"
    breaker = Breaker(threshold=_FAILURES, timeout_s=_AGAIN_S)
    try:
        return Server.connect(
            url, name=name, api_key=settings.qdrant_api_key, timeout_s=settings.qdrant_timeout_s, breaker=breaker
        )
    except ValueError:
        raise InputError(_NO_ADDRESS) from None


def _read_mark(folder: Path) -> dict[str, str]:
    try:
        mark = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        return {"url": str(mark["url"]), "collection": str(mark["collection"])}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexBroken(f"{folder / _MARK} cannot be read: {error}. Index again.") from error


def _without_secrets(url: str) -> str:
    """An address without user and password, as it may be shown and kept; raises InputError where it is none."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise InputError(_NO_ADDRESS)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
