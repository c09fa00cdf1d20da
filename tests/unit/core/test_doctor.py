"""``hybrid-embeddings doctor``: what it finds on real and on broken installations, and what it advises."""

from __future__ import annotations

import importlib.metadata
import json
import os
from dataclasses import replace

import pytest

from hybrid_embeddings import cli
from hybrid_embeddings.diagnosis import installation, machine, service, versions
from hybrid_embeddings.settings import Settings
from tests.models import static_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return static_model(tmp_path_factory.mktemp("модель"))


def doctor(capsys, *arguments):
    status = cli.main(["doctor", "--json", *arguments])
    told = json.loads(capsys.readouterr().out)
    return status, told, {finding["check"]: finding for finding in told["findings"]}


def one(check, settings, **options):
    return list(check(settings, **options))


def test_an_installation_that_works(capsys, model, monkeypatch):
    monkeypatch.setenv("EMBEDDING_MODEL", str(model))
    status, told, by_check = doctor(capsys)
    assert (status, told["works"]) == (0, True)
    assert {"python", "versions", "torch", "openvino", "cores", "memory", "cache folder", "model"} <= by_check.keys()
    assert any("embeds, 16 dimensions" in finding["found"] for finding in told["findings"])
    assert told["spaces"].keys() == {"text", "query", "document"}
    assert cli.main(["doctor", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert str(model) in printed
    assert "embeds" not in printed


def test_servers_that_do_not_answer_are_failures_without_passwords(capsys, monkeypatch, model):
    monkeypatch.setenv("EMBEDDING_MODEL", str(model))
    monkeypatch.setenv("EMBEDDING_CACHE_REDIS_URL", "redis://:geheim@127.0.0.1:1/0")
    monkeypatch.setenv("EMBEDDING_CACHE_SQL_URL", "postgresql+psycopg://user:geheim@127.0.0.1:1/db")
    status, told, by_check = doctor(capsys, "--quick")
    assert (status, told["works"]) == (1, False)
    for tier in ("redis tier", "sql tier"):
        assert by_check[tier]["status"] == "failure"
        assert "start the server" in by_check[tier]["advice"]
    assert "geheim" not in json.dumps(told)


def test_a_model_that_is_not_there(model, tmp_path):
    [found] = one(service.model_files, Settings(model="intfloat/multilingual-e5-small"))
    assert (found.status, "hub" in found.advice) == ("hint", True)
    [found] = one(service.model_files, Settings(model="intfloat/multilingual-e5-small", offline=True))
    assert (found.status, "EMBEDDING_MODEL" in found.advice) == ("failure", True)
    [found] = one(service.model_files, Settings(model=str(tmp_path / "нет")))
    assert found.status == "failure"
    [found] = one(service.engine, Settings(model=str(tmp_path / "нет")))
    assert found.status == "failure"
    [found] = one(service.model_files, Settings(model=str(model)))
    assert found.status == "ok"


def test_a_folder_that_cannot_be_written(tmp_path):
    file = tmp_path / "файл"
    file.write_text("", encoding="utf-8")
    [found] = one(machine.cache_folder, Settings(cache_dir=file / "модели"))
    assert (found.status, str(file) in found.found) == ("failure", True)
    [found] = one(machine.cache_folder, Settings(cache_dir=tmp_path / "ещё" / "нет"))
    assert found.status == "ok"


def test_threads_that_slow_each_other_down(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = len(os.sched_getaffinity(0))
    _, warning = one(machine.cores, Settings(cpu_threads=cores + 1000))
    assert (warning.status, "at most" in warning.advice) == ("warning", True)
    assert len(one(machine.cores, Settings(cpu_threads=1))) == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    if machine.available_cores() > 1:
        assert one(machine.cores, Settings())[1].status == "hint"


def test_a_cpu_build_beside_an_nvidia_driver(tmp_path):
    import torch

    if torch.version.cuda:
        pytest.skip("this is a CUDA build")
    [found] = one(installation.torch_build, Settings(), driver=tmp_path)
    assert (found.status, "CUDA build" in found.advice) == ("warning", True)
    [found] = one(installation.torch_build, Settings(), driver=tmp_path / "нет")
    assert found.status == "ok"


def test_libraries_that_the_settings_need(monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "redis" else there(name))
    settings = Settings()
    assert [found.status for found in one(installation.optional_libraries, settings)] == ["ok"]
    settings = replace(settings, cache_redis_url="redis://x")
    _, failure = one(installation.optional_libraries, settings)
    assert (failure.status, "hybrid-embeddings[redis]" in failure.advice) == ("failure", True)


def test_openvino_that_is_wanted_and_not_there(monkeypatch):
    there = importlib.metadata.version

    def version(name):
        if name == "openvino":
            raise importlib.metadata.PackageNotFoundError(name)
        return there(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert one(installation.openvino, Settings())[0].status == "hint"
    assert one(installation.openvino, Settings(cpu_backend="openvino"))[0].status == "failure"


def test_versions_outside_of_the_supported_range(monkeypatch):
    there = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1" if name == "torch" else there(name))
    _, found = one(versions.python_and_versions, Settings())
    assert (found.status, found.found) == ("warning", "torch 0.1 is installed, torch>=2.4 is supported")
