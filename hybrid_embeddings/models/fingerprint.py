"""A digest of everything in a model directory that changes its vectors."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hybrid_embeddings.errors import ModelCorrupted, ModelUnsupported

_SUFFIXES = {".json", ".safetensors", ".txt", ".model"}
# Exports for other runtimes and training leftovers lie beside many models; we never read them.
_IGNORED_FOLDERS = {"onnx", "openvino", "coreml", "gguf", ".git", ".cache", "checkpoints"}
_IGNORED_FILES = {"data_config.json", "train_results.json", "eval_results.json", "trainer_state.json"}


def fingerprint(directory: Path) -> str:
    """Return 32 hex digits that change when weights, tokenizer, module configuration or prompts change.

    Raises:
        ModelUnsupported: weights exist only in a pickle format (``*.bin``), which we never load.
        ModelCorrupted: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        files = relevant_files(directory)
        _refuse_pickles(directory, files)
        for path in files:
            name = path.relative_to(directory).as_posix().encode()
            digest.update(len(name).to_bytes(8, "little") + name)
            digest.update(path.stat().st_size.to_bytes(8, "little"))
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
    except OSError as error:
        raise ModelCorrupted(f"{error.filename or directory}: {error.strerror or error}") from error
    return digest.hexdigest()


def relevant_files(directory: Path) -> list[Path]:
    """Return the files that make up the model, sorted by path."""
    found = []
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if name not in _IGNORED_FOLDERS)
        found += [Path(folder, name) for name in names if Path(name).suffix in _SUFFIXES and name not in _IGNORED_FILES]
    return sorted(found)


def _refuse_pickles(directory: Path, files: list[Path]) -> None:
    if any(path.suffix == ".safetensors" for path in files):
        return
    pickles = sorted(path.name for path in directory.rglob("*.bin"))
    found = f"only {', '.join(pickles)} (pickle: can run code when loaded)" if pickles else "no weights at all"
    raise ModelUnsupported(
        f"{directory} has no *.safetensors, {found}; "
        "save the model again with SentenceTransformer(...).save(folder, safe_serialization=True)"
    )
