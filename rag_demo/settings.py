"""Every option of the demo, read once from the environment and a ``.env`` file.

The fields of `Settings` are the only table: reading, checking and the documentation come from it.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rag_demo.errors import InputError


class Option(NamedTuple):
    """One line for ``env.example`` and the manual."""

    name: str
    default: str
    meaning: str


def _option(default: Any, name: str, meaning: str, *, low: float | None = None, high: float | None = None) -> Any:
    metadata = {"name": name, "meaning": meaning, "low": low, "high": high}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """All options with their defaults. `read_settings` fills them from the environment."""

    data_dir: str = _option(
        "",
        "RAG_DATA_DIR",
        "Folder of the indexes. Empty: the data folder of the user "
        "(~/.local/share/hybrid-embeddings/rag-demo, %LOCALAPPDATA%\\hybrid-embeddings\\rag-demo on Windows).",
    )
    space: str = _option("", "RAG_SPACE", "Space to ask when --space is not given; commas between several.")
    qdrant_url: str = _option("", "QDRANT_URL", "Not supported yet: the vectors live in a folder (Qdrant Edge).")
    top_k: int = _option(5, "RAG_TOP_K", "Number of sources below an answer.", low=1, high=50)
    candidates: int = _option(50, "RAG_CANDIDATES", "Hits that each search leg hands to the fusion.", low=10, high=1000)
    # The usual default model hardly knows Russian. Of the 581 questions named in `index/lexical.py` it answers 32 %
    # within five hits alone, words alone 56 %; both with weight 0.1 57 %, with 0.5 50 %, with 1.0 49 %.
    lexical_weight: float = _option(1.0, "RAG_LEXICAL_WEIGHT", "Weight of the word search (BM25).", low=0, high=10)
    exact_weight: float = _option(2.0, "RAG_EXACT_WEIGHT", "Weight of names found as written.", low=0, high=10)
    dense_weight: float = _option(0.1, "RAG_DENSE_WEIGHT", "Weight of the vector search.", low=0, high=10)
    hnsw_m: int = _option(16, "RAG_HNSW_M", "Edges per node of the vector graph; used when indexing.", low=4, high=128)
    hnsw_ef_construct: int = _option(
        100,
        "RAG_HNSW_EF_CONSTRUCT",
        "Neighbours weighed while the graph is built; used when indexing.",
        low=4,
        high=2000,
    )
    hnsw_ef_search: int = _option(128, "RAG_HNSW_EF_SEARCH", "Neighbours weighed in a search.", low=1, high=10_000)
    nli_model: str = _option(
        "",
        "RAG_NLI_MODEL",
        "Model of natural language inference (directory or hub name) for documents whose sort neither rules nor the "
        "learned classifier tell. Empty: those are notes.",
    )
    nli_timeout_s: float = _option(
        60.0, "RAG_NLI_TIMEOUT", "Seconds for loading and asking that model, all passages together.", low=0.1, high=3600
    )

    @property
    def data_path(self) -> Path:
        """The folder of the indexes, with the default of the platform filled in."""
        try:
            return Path(self.data_dir).expanduser() if self.data_dir else _user_data_folder()
        except RuntimeError as error:
            raise InputError(f"{error} Set RAG_DATA_DIR to a folder for the indexes.") from error


def read_settings(environment: Mapping[str, str] | None = None, *, env_file: Path | None = None) -> Settings:
    """Settings from ``environment`` (default: that of the process) over ``env_file`` (default: ``./.env``).

    Raises:
        InputError: a value has the wrong form, is out of range, or asks for what does not exist yet.
    """
    values = _read_env_file(env_file or Path(".env"))
    values.update(os.environ if environment is None else environment)
    read: dict[str, Any] = {
        field.name: _parse(values[field.metadata["name"]].strip(), field)
        for field in dataclasses.fields(Settings)
        if values.get(field.metadata["name"], "").strip()
    }
    settings = Settings(**read)
    if settings.qdrant_url:
        raise InputError("QDRANT_URL is set, but a Qdrant server is not supported yet. Unset it: the index needs none.")
    return settings


def describe() -> list[Option]:
    """Every option with its default and meaning, in the order of the table."""
    return [
        Option(field.metadata["name"], str(field.default), field.metadata["meaning"])
        for field in dataclasses.fields(Settings)
    ]


def _parse(text: str, field: dataclasses.Field[Any]) -> str | int | float:
    if isinstance(field.default, str):
        return text
    low, high = field.metadata["low"], field.metadata["high"]
    try:
        value = int(text) if isinstance(field.default, int) else float(text)
    except ValueError:
        raise InputError(f"{field.metadata['name']}={text!r} is not a number.") from None
    if not low <= value <= high:
        raise InputError(f"{field.metadata['name']}={text} is out of range: {low} to {high}.")
    return value


def _read_env_file(path: Path) -> dict[str, str]:
    """The file as the engine reads it: two readings of one file would contradict each other."""
    from hybrid_embeddings.errors import SettingsError
    from hybrid_embeddings.settings import read_env_file

    try:
        return read_env_file(path)
    except SettingsError as error:
        raise InputError(f"{error}.") from error


def _user_data_folder() -> Path:
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "hybrid-embeddings" / "rag-demo"
