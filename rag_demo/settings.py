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


def _option(
    default: Any,
    name: str,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    is_secret: bool = False,
) -> Any:
    metadata = {"name": name, "meaning": meaning, "low": low, "high": high, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata, repr=not is_secret)


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
    model: str = _option(
        "adapted",
        "RAG_MODEL",
        "Model of new indexes: adapted (trained on the configuration itself while it is indexed) or the name or folder "
        "of any other. Empty: EMBEDDING_MODEL.",
    )
    qdrant_url: str = _option(
        "",
        "QDRANT_URL",
        "Qdrant server for the vectors (http://127.0.0.1:6333), needed for several workers. Empty: they live in "
        "RAG_DATA_DIR (Qdrant Edge). An index is made anew when this changes.",
        is_secret=True,  # it may hold a password
    )
    qdrant_api_key: str = _option("", "QDRANT_API_KEY", "Key that the Qdrant server asks for.", is_secret=True)
    qdrant_timeout_s: int = _option(
        10, "QDRANT_TIMEOUT", "Seconds for one request to the Qdrant server.", low=1, high=600
    )
    top_k: int = _option(5, "RAG_TOP_K", "Number of sources below an answer.", low=1, high=50)
    candidates: int = _option(
        100, "RAG_CANDIDATES", "Hits that each search leg hands to the fusion.", low=10, high=1000
    )
    # The usual default model hardly knows Russian. Of the 581 questions named in `index/lexical.py` it answers 32 %
    # within five hits alone, words alone 56 %; both with weight 0.1 57 %, with 0.5 50 %, with 1.0 49 %.
    lexical_weight: float = _option(1.0, "RAG_LEXICAL_WEIGHT", "Weight of the word search (BM25).", low=0, high=10)
    exact_weight: float = _option(2.0, "RAG_EXACT_WEIGHT", "Weight of names found as written.", low=0, high=10)
    dense_weight: float = _option(0.1, "RAG_DENSE_WEIGHT", "Weight of the vector search.", low=0, high=10)
    answer_cache: str = _option(
        "memory",
        "RAG_ANSWER_CACHE",
        "Where answers are kept for equal questions: memory, sqlite (in RAG_DATA_DIR), an address of Redis, or off.",
    )
    answer_cache_ttl_s: float = _option(
        3600.0, "RAG_ANSWER_CACHE_TTL", "Seconds that an answer is good for.", low=1, high=30 * 86_400
    )
    # Off: with its gate on words it lets no adversarial pair through, but finds none of the golden paraphrases either.
    answer_similarity: float = _option(
        0.0,
        "RAG_ANSWER_SIMILARITY",
        "Least cosine of questions that may share an answer if their words say the same; 0: equal questions only.",
        low=0,
        high=1,
    )
    lexical_backend: str = _option(
        "auto",
        "LEXICAL_BACKEND",
        "Engine of the word search: whoosh, tantivy, or auto: tantivy above 2,000 documents; used when indexing.",
        choices=("auto", "whoosh", "tantivy"),
    )
    ranker: str = _option(
        "learned",
        "RAG_RANKER",
        "What orders the hits of all legs: learned (features with fitted weights) or fusion (of their ranks).",
        choices=("learned", "fusion"),
    )
    hnsw_m: int = _option(16, "RAG_HNSW_M", "Edges per node of the vector graph; used when indexing.", low=4, high=128)
    hnsw_ef_construct: int = _option(
        100,
        "RAG_HNSW_EF_CONSTRUCT",
        "Neighbours weighed while the graph is built; used when indexing.",
        low=4,
        high=2000,
    )
    hnsw_ef_search: int = _option(128, "RAG_HNSW_EF_SEARCH", "Neighbours weighed in a search.", low=1, high=10_000)
    vector_storage: str = _option(
        "float32",
        "RAG_VECTOR_STORAGE",
        "What the vector graph is walked on: float32, or int8 (a quarter of the memory; the full vectors stay on disk "
        "and decide the order); used when indexing.",
        choices=("float32", "int8"),
    )
    rerank_model: str = _option(
        "",
        "RAG_RERANK_MODEL",
        "Cross-encoder that looks at the first hits again: folder or hub name of a sentence-transformers model that "
        "gives one score. Empty: none.",
    )
    rerank_timeout_s: float = _option(
        2.0,
        "RAG_RERANK_TIMEOUT_S",
        "Seconds that it has for a question; when they are over, the hits keep their order.",
        low=0.01,
        high=600,
    )
    rerank_top: int = _option(20, "RAG_RERANK_TOP", "How many hits it looks at.", low=2, high=200)
    nli_model: str = _option(
        "",
        "RAG_NLI_MODEL",
        "Model of natural language inference (directory or hub name) for documents whose sort neither rules nor the "
        "learned classifier tell. Empty: those are notes.",
    )
    nli_timeout_s: float = _option(
        60.0, "RAG_NLI_TIMEOUT", "Seconds for loading and asking that model, all passages together.", low=0.1, high=3600
    )
    api_keys: str = _option(
        "",
        "RAG_API_KEYS",
        "Who may ask the server: name:key or name:key:space|space, commas between several. Empty: everybody.",
        is_secret=True,
    )
    hosts: str = _option(
        "",
        "RAG_HOSTS",
        "Names under which the server may be asked besides those of the local machine, commas between several; * any.",
    )
    requests_per_minute: int = _option(
        0, "RAG_REQUESTS_PER_MINUTE", "Questions of one key, or of one address; 0: any number.", low=0, high=1_000_000
    )
    requests_at_once: int = _option(
        256, "RAG_REQUESTS_AT_ONCE", "Requests that one process answers at once; more get 503.", low=1, high=100_000
    )
    llm_mode: str = _option(
        "extractive",
        "LLM_MODE",
        "What answers: ollama, vllm (or any other server with an OpenAI-compatible interface), tgi (legacy), "
        "extractive (sentences of the sources, no LLM), auto (the first of them that answers).",
        choices=("extractive", "auto", "ollama", "vllm", "tgi"),
    )
    llm_base_url: str = _option(
        "",
        "LLM_BASE_URL",
        "URL of the LLM server, with or without /v1. Empty: the usual port on this machine "
        "(11434 Ollama, 8000 vLLM, 3000 TGI).",
    )
    llm_model: str = _option("", "LLM_MODEL", "Name of the model at the server. Empty: the server's first one.")
    llm_api_key: str = _option("", "LLM_API_KEY", "Key that the LLM server asks for.", is_secret=True)
    llm_fallback: str = _option(
        "",
        "LLM_FALLBACK",
        "Servers to ask when the first one fails: MODE URL [MODEL], commas between several, for example "
        "ollama http://127.0.0.1:11434 qwen3:8b.",
    )
    llm_fallback_api_key: str = _option("", "LLM_FALLBACK_API_KEY", "Key that those servers ask for.", is_secret=True)
    llm_timeout_s: float = _option(
        240.0, "LLM_TIMEOUT", "Seconds for an answer: waiting, all attempts and the answer itself.", low=1, high=3600
    )
    llm_first_token_timeout_s: float = _option(
        180.0, "LLM_FIRST_TOKEN_TIMEOUT", "Seconds to the first token, loading of the model included.", low=1, high=3600
    )
    llm_idle_timeout_s: float = _option(
        60.0, "LLM_IDLE_TIMEOUT", "Seconds from one token to the next.", low=0.1, high=3600
    )
    llm_attempts: int = _option(
        3, "LLM_ATTEMPTS", "Attempts at one server before the first token; afterwards none.", low=1, high=10
    )
    llm_max_concurrency: int = _option(
        4, "LLM_MAX_CONCURRENCY", "Answers that are generated at once, per process.", low=1, high=1024
    )
    llm_max_queue: int = _option(
        32, "LLM_MAX_QUEUE", "Chats that may wait for that; more are told to come back later (503).", low=0, high=10_000
    )
    llm_breaker_threshold: int = _option(
        3, "LLM_CB_THRESHOLD", "Failures in a row after which a server is left alone.", low=1, high=1000
    )
    llm_breaker_timeout_s: float = _option(
        30.0, "LLM_CB_TIMEOUT", "Seconds until such a server is tried again.", low=0.1, high=3600
    )
    llm_num_predict: int = _option(
        512, "LLM_NUM_PREDICT", "Longest answer in tokens, thinking included.", low=1, high=100_000
    )
    llm_num_ctx: int = _option(
        8192,
        "LLM_NUM_CTX",
        "Window in tokens that Ollama is to allocate. The other servers tell theirs.",
        low=512,
        high=2_000_000,
    )
    llm_keep_alive: str = _option(
        "30m", "LLM_KEEP_ALIVE", "How long Ollama keeps an unused model loaded: 30m, 3600 (seconds), -1 (for ever)."
    )
    llm_think: str = _option(
        "off",
        "LLM_THINK",
        "Whether the model thinks first, or how much.",
        choices=("off", "on", "low", "medium", "high"),
    )
    llm_temperature: float = _option(0.1, "LLM_TEMPERATURE", "Randomness of the answer.", low=0, high=2)

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
        InputError: a value has the wrong form or is out of range.
    """
    values = _read_env_file(env_file or Path(".env"))
    values.update(os.environ if environment is None else environment)
    read: dict[str, Any] = {
        field.name: _parse(values[field.metadata["name"]].strip(), field)
        for field in dataclasses.fields(Settings)
        if values.get(field.metadata["name"], "").strip()
    }
    return Settings(**read)


def describe() -> list[Option]:
    """Every option with its default and meaning, in the order of the table."""
    return [
        Option(field.metadata["name"], str(field.default), field.metadata["meaning"])
        for field in dataclasses.fields(Settings)
    ]


def _parse(text: str, field: dataclasses.Field[Any]) -> str | int | float:
    if isinstance(field.default, str):
        if (choices := field.metadata["choices"]) and text not in choices:
            raise InputError(f"{field.metadata['name']}={text!r} is none of: {', '.join(choices)}.")
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
    from hybrid_embeddings.options import read_env_file

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
