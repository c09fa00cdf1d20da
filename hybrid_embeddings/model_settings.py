"""Options of the model and of the devices it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hybrid_embeddings.options import choice, option, path, positive_float, positive_int, text, truth

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """The part of :class:`hybrid_embeddings.settings.Settings` that is about the model and its devices."""

    model: str = option(
        DEFAULT_MODEL,
        "EMBEDDING_MODEL",
        text,
        "Model: a name on the Hugging Face hub, a short name such as all-MiniLM-L6-v2, or a directory.",
    )
    hybrid_mode: bool = option(
        True, "EMBEDDING_HYBRID_MODE", truth, "Use CPU and GPU at once. Off: the fastest device alone."
    )
    precision: str = option(
        "fast",
        "EMBEDDING_PRECISION",
        choice("fast", "exact"),
        "fast: half precision where the device is faster with it and 1-cos stays within 1e-4. exact: float32.",
    )
    normalize: bool | None = option(
        None, "EMBEDDING_NORMALIZE", truth, "Scale vectors to unit length. Not set: as the model itself does."
    )
    truncate_dim: int | None = option(
        None, "EMBEDDING_TRUNCATE_DIM", positive_int, "Keep only the first N dimensions (Matryoshka models)."
    )
    max_tokens: int | None = option(
        None,
        "EMBEDDING_MAX_TOKENS",
        positive_int,
        "Cut texts to N tokens, special tokens included. Not set: the limit of the model.",
    )
    query_prompt: str | None = option(
        None, "EMBEDDING_QUERY_PROMPT", text, "Text put before queries. Not set: the model's own."
    )
    document_prompt: str | None = option(
        None, "EMBEDDING_DOCUMENT_PROMPT", text, "Text put before documents. Not set: the model's own."
    )
    max_batch_tokens: int | None = option(
        None,
        "EMBEDDING_MAX_BATCH_TOKENS",
        positive_int,
        "Padded tokens in one batch. Not set: what suits the device.",
    )
    memory_aware_batching: bool = option(
        True, "EMBEDDING_MEMORY_AWARE_BATCHING", truth, "Cut batches to what fits into the free memory of the device."
    )
    max_memory_mb: int | None = option(
        None,
        "EMBEDDING_MAX_MEMORY_MB",
        positive_int,
        "Mebibytes that the batches of one device may take. Not set: what is free.",
    )
    adaptive_batch_size: bool = option(
        True,
        "EMBEDDING_ADAPTIVE_BATCH_SIZE",
        truth,
        "Cut batches on a slow device to two seconds of measured time.",
    )
    predictive_batch: bool = option(
        False,
        "EMBEDDING_PREDICTIVE_BATCH",
        truth,
        "Learn time and memory of batches while running, and choose the fastest size that fits.",
    )
    max_queued_tokens: int = option(
        64_000_000,
        "EMBEDDING_MAX_QUEUED_TOKENS",
        positive_int,
        "Tokens that may wait in the queue; a call that would exceed it gets the error Overloaded.",
    )
    operation_timeout_s: float = option(
        30.0,
        "EMBEDDING_OPERATION_TIMEOUT",
        positive_float,
        "Seconds after which a device that does not finish a batch is given up.",
    )
    breaker_threshold_cpu: int = option(
        5, "EMBEDDING_CPU_CB_THRESHOLD", positive_int, "Failures in a row that take a CPU lane out of service."
    )
    breaker_timeout_cpu_s: float = option(
        60.0, "EMBEDDING_CPU_CB_TIMEOUT", positive_float, "Seconds until a CPU lane is tried again."
    )
    breaker_threshold_gpu: int = option(
        5, "EMBEDDING_GPU_CB_THRESHOLD", positive_int, "Failures in a row that take a GPU lane out of service."
    )
    breaker_timeout_gpu_s: float = option(
        60.0, "EMBEDDING_GPU_CB_TIMEOUT", positive_float, "Seconds until a GPU lane is tried again."
    )
    multi_gpu: bool = option(True, "EMBEDDING_MULTI_GPU_ENABLED", truth, "Use every CUDA device. Off: only the first.")
    gpu_memory_pool: bool = option(
        True,
        "EMBEDDING_GPU_MEMORY_POOL",
        truth,
        "Keep pinned and device buffers of a GPU for the next batches. Off: allocate them for each batch.",
    )
    gpu_memory_pool_mb: int = option(
        256,
        "EMBEDDING_GPU_MEMORY_POOL_MB",
        positive_int,
        "Most MiB that a GPU's pool holds in pinned memory, and the same again in device memory.",
    )
    cpu_backend: str = option(
        "auto",
        "EMBEDDING_CPU_BACKEND",
        choice("auto", "openvino", "torch"),
        "auto, openvino or torch. auto: OpenVINO where it is installed.",
    )
    cpu_threads: int | None = option(
        None,
        "EMBEDDING_CPU_THREADS",
        positive_int,
        "Threads of the CPU lane on OpenVINO; torch has a setting of its own. Not set: the cores this process may use.",
    )
    offline: bool = option(
        False, "EMBEDDING_OFFLINE", truth, "Never ask the model hub (HF_HUB_OFFLINE=1 does the same)."
    )
    cache_dir: Path | None = option(
        None, "EMBEDDING_MODEL_CACHE_DIR", path, "Folder for prepared models. Not set: the user's cache folder."
    )
