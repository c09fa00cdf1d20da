"""The build of torch, OpenVINO, optional libraries."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from hybrid_embeddings.diagnosis.findings import Finding
from hybrid_embeddings.settings import Settings

# What each extra brings: the module that shows whether it is there, and what it is for.
_EXTRAS = {
    "redis": ("redis", "the Redis tier"),
    "sql": ("sqlalchemy", "the SQL tier"),
    "ann": ("usearch", "near-duplicates among many texts"),
    "metrics": ("prometheus_client", "Prometheus"),
    "jobs": ("pyarrow", "bulk jobs"),
    "langchain": ("langchain_core", "LangChain"),
    "llama-index": ("llama_index.core", "LlamaIndex"),
}


def torch_build(settings: Settings, *, driver: Path = Path("/proc/driver/nvidia")) -> Iterator[Finding]:
    """Say whether torch and the cards of the machine go together."""
    import torch

    built_for = torch.version.cuda
    if built_for and torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        yield Finding("torch", "ok", f"{torch.__version__}, CUDA {built_for}: {', '.join(names)}")
        if len(names) > 1 and not settings.multi_gpu:
            yield Finding("torch", "hint", "only the first card is used", "EMBEDDING_MULTI_GPU_ENABLED=1 uses all")
    elif built_for:
        yield Finding(
            "torch",
            "warning" if driver.exists() else "hint",
            f"{torch.__version__} is built for CUDA {built_for}, but no card answers",
            "check the driver with nvidia-smi; without a card the CPU build of torch saves gigabytes",
        )
    elif driver.exists():
        yield Finding(
            "torch",
            "warning",
            f"{torch.__version__} is the CPU build, but this machine has an NVIDIA driver",
            "install a CUDA build of torch (pytorch.org tells the command), or the card is not used",
        )
    else:
        yield Finding("torch", "ok", f"{torch.__version__}, CPU build; there is no NVIDIA driver")


def openvino(settings: Settings) -> Iterator[Finding]:
    """Say whether the faster lane of processors is there."""
    try:
        version = importlib.metadata.version("openvino")
    except importlib.metadata.PackageNotFoundError:
        wanted = settings.cpu_backend == "openvino"
        yield Finding(
            "openvino",
            "failure" if wanted else "hint",
            "not installed" + (", but EMBEDDING_CPU_BACKEND=openvino" if wanted else ""),
            'pip install "hybrid-embeddings[cpu]" makes texts on the processor several times faster',
        )
        return
    if settings.cpu_backend == "torch":
        yield Finding("openvino", "hint", f"{version}, not used: EMBEDDING_CPU_BACKEND=torch", "unset it to use it")
    else:
        yield Finding("openvino", "ok", version)


def optional_libraries(settings: Settings) -> Iterator[Finding]:
    """Say which extras are there; one that the settings need and is not is a failure."""
    needed = {"redis": bool(settings.cache_redis_url), "sql": bool(settings.cache_sql_url)}
    needed["metrics"] = bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
    there = [extra for extra, (module, _) in _EXTRAS.items() if _is_installed(module)]
    yield Finding("extras", "ok", f"installed: {', '.join(there) or 'none'}")
    for extra, (module, purpose) in _EXTRAS.items():
        if needed.get(extra) and extra not in there:
            command = f'{Path(sys.executable).name} -m pip install "hybrid-embeddings[{extra}]"'
            yield Finding(
                "extras", "failure", f"{module} is not installed, but the settings ask for {purpose}", command
            )


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
