"""What the sections of gpu_suite.py share: options, services, peers, timing."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hybrid_embeddings import EmbeddingService, Settings


class Suite:
    """Options, results so far, and what makes services and peers."""

    def __init__(self, options: argparse.Namespace, cache_dir: Path) -> None:
        import torch

        self.torch = torch
        self.options = options
        self.cache_dir = cache_dir
        self.device = "cuda:0" if options.device == "cuda" else "cpu"
        self.is_cuda = options.device == "cuda"
        self.results: dict[str, Any] = {}

    def service(self, **options: Any) -> EmbeddingService:
        """Return a loaded service; by default the accelerator alone (CPU: torch), without settings of this machine."""
        chosen = {"hybrid_mode": False, "multi_gpu": False, "cpu_backend": "torch", **options}
        settings = Settings.load(
            environ={}, env_file=None, model=str(self.options.model), offline=True, cache_dir=self.cache_dir, **chosen
        )
        return EmbeddingService(settings=settings).load()

    def peer(self, *, device: str | None = None, half: bool = False) -> Any:
        """Return sentence-transformers itself."""
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(self.options.model), device=device or self.device)
        return model.half() if half else model

    def timed(self, run: Callable[[], Any]) -> float:
        """Return seconds; the device has finished at both ends."""
        self.synchronize()
        started = time.perf_counter()
        run()
        self.synchronize()
        return time.perf_counter() - started

    def synchronize(self) -> None:
        """Wait for the device."""
        if self.is_cuda:
            self.torch.cuda.synchronize()
