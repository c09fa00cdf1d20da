"""What holds for every test: no network, no settings of the person who runs it, one folder for prepared models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_socket import socket_allow_hosts

# Before any library reads it: no test may ask the model hub.
os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:  # threads of torch that wait shall leave the cores to the other process
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
_OWN_PREFIXES = ("EMBEDDING_", "RAG_", "QDRANT_", "LLM_", "LEXICAL_")


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for prepared models that all tests share, in all processes; preparing takes seconds."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    (folder / "models").mkdir(exist_ok=True)
    return folder / "models"


@pytest.fixture(autouse=True)
def _scrubbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_cache: Path) -> None:
    """Remove our variables from the environment and leave the directory that may hold a .env file."""
    for name in list(os.environ):
        if name.startswith(_OWN_PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EMBEDDING_MODEL_CACHE_DIR", str(model_cache))
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "rag-data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _no_network() -> None:
    """Refuse every address but those of this machine, where the tests start servers of their own."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
