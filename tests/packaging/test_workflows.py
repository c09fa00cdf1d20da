"""Continuous integration elsewhere does what `.ci/run` does here, and so do the hooks before a commit."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from hybrid_embeddings import __version__

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = {
    file.stem: yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - texts only; `on` stays a word
    for file in (ROOT / ".github" / "workflows").glob("*.yml")
}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def commands(workflow):
    return [step["run"] for job in WORKFLOWS[workflow]["jobs"].values() for step in job["steps"] if "run" in step]


def test_the_three_workflows():
    assert commands("ci") == [".ci/run"]
    assert commands("long") == ["make test-long"]
    assert commands("release") == [".ci/release"]


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_workflow_is_bounded_and_may_only_read(name):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert int(job["timeout-minutes"]) <= 180
        assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])
        for step in job["steps"]:
            assert "run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_all_pythons_are_supported_and_the_oldest_is_among_them():
    requires = SpecifierSet(re.search(r'requires-python = "(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"))[1])
    versions = WORKFLOWS["ci"]["jobs"]["check-and-test"]["strategy"]["matrix"]["python"]
    assert all(requires.contains(version) for version in versions)
    assert "3.10" in versions


@pytest.mark.parametrize("script", ["run", "release"])
def test_scripts_are_programs_that_bash_reads(script):
    file = ROOT / ".ci" / script
    assert os.access(file, os.X_OK)
    assert subprocess.run(["bash", "-n", file], capture_output=True, text=True, check=False).stderr == ""
    assert set(re.findall(r"^make (\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)) <= TARGETS


def test_hooks_run_what_make_check_runs():
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    wanted = [
        line.strip().replace("$(RUN)", ".venv/bin/python").replace("$(VENV)", ".venv").replace(" $(SOURCES)", "")
        for line in recipe.splitlines()
    ]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == wanted


def test_one_version_everywhere():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{__version__}"' in pyproject
    assert f"hybrid-embeddings:{__version__}-" in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
