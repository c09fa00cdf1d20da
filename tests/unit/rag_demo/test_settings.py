from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rag_demo.errors import InputError
from rag_demo.settings import Settings, describe, read_settings


def read(tmp_path, environment=None, text=None) -> Settings:
    file = tmp_path / ".env"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    return read_settings(environment or {}, env_file=file)


def test_defaults(tmp_path):
    assert read(tmp_path) == Settings()


def test_every_option_is_read_from_the_environment(tmp_path):
    for field in dataclasses.fields(Settings):
        text = (field.metadata["choices"] or ("текст",))[-1]
        value = text if isinstance(field.default, str) else str(field.default + 1)
        settings = read(tmp_path, {field.metadata["name"]: value})
        assert str(getattr(settings, field.name)) == str(type(field.default)(value))
        assert dataclasses.replace(settings, **{field.name: field.default}) == Settings()


def test_the_environment_wins_over_the_file(tmp_path):
    text = "\ufeff# comment\nexport RAG_TOP_K=7 # seven\nRAG_CANDIDATES = '20'\n"
    text += 'RAG_SPACE="торговля"\n\nnonsense\n#RAG_HNSW_M=99\n'
    settings = read(tmp_path, {"RAG_TOP_K": "9"}, text)
    assert (settings.top_k, settings.candidates, settings.space, settings.hnsw_m) == (9, 20, "торговля", 16)


def test_an_empty_value_is_the_default(tmp_path):
    assert read(tmp_path, {"RAG_TOP_K": " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RAG_TOP_K", "many", "RAG_TOP_K='many' is not a number"),
        ("RAG_TOP_K", "0", "out of range: 1 to 50"),
        ("RAG_TOP_K", "2.5", "not a number"),
        ("RAG_DENSE_WEIGHT", "nan", "out of range"),
        ("RAG_DENSE_WEIGHT", "-1", "out of range"),
        ("QDRANT_TIMEOUT", "0", "out of range"),
        ("RAG_VECTOR_STORAGE", "int4", "none of: float32, int8"),
        ("LLM_MODE", "openai", "'openai' is none of: extractive, auto, ollama, vllm, tgi"),
    ],
)
def test_bad_values_are_named(tmp_path, name, value, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, {name: value})


def test_a_file_in_another_encoding_is_an_error(tmp_path):
    (tmp_path / ".env").write_bytes("RAG_SPACE=торговля".encode("cp1251"))
    with pytest.raises(InputError, match="UTF-8"):
        read(tmp_path)


def test_the_data_folder_follows_the_platform(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/x")
    monkeypatch.setenv("LOCALAPPDATA", "/x")
    assert Settings().data_path.parts[-2:] == ("hybrid-embeddings", "rag-demo")
    assert Settings(data_dir="~/here").data_path == Path.home() / "here"


def test_the_description_lists_every_option_once():
    options = describe()
    assert [option.name for option in options] == [field.metadata["name"] for field in dataclasses.fields(Settings)]
    assert len({option.name for option in options}) == len(options)
    assert all(option.meaning.endswith((".", ")")) for option in options)
    assert {option.name: option.default for option in options}["RAG_TOP_K"] == "5"


def test_the_file_of_another_program_is_left_alone(tmp_path):
    text = """export PATH
just a line
KEY="-----BEGIN KEY-----
MIIE=abc
-----END KEY-----"
RAG_SPACE="торговля" # ours
RAG_TOP_K=7\t# seven
"""
    settings = read(tmp_path, {}, text)
    assert (settings.space, settings.top_k) == ("торговля", 7)


def test_a_folder_instead_of_the_file(tmp_path):
    (tmp_path / ".env").mkdir()
    assert read(tmp_path) == Settings()


def test_a_user_without_a_home(monkeypatch):
    def nowhere(*_):
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(InputError, match="home directory. Set RAG_DATA_DIR"):
        Settings().data_path  # noqa: B018
    with pytest.raises(InputError, match="RAG_DATA_DIR"):
        Settings(data_dir="~nosuch/x").data_path  # noqa: B018


def test_keys_are_not_shown(tmp_path):
    settings = read(tmp_path, {"LLM_API_KEY": "sk-1", "LLM_FALLBACK_API_KEY": "sk-2"})
    assert (settings.llm_api_key, settings.llm_fallback_api_key) == ("sk-1", "sk-2")
    assert "sk-" not in repr(settings)
