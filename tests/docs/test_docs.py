"""What the READMEs say is true, and what is generated is up to date. Their code is run by test_snippets.py."""

import importlib.util
import re
from pathlib import Path

import pytest

from hybrid_embeddings.observability.catalogue import METRICS as ENGINE_METRICS
from rag_demo.observability.catalogue import METRICS as CHAT_METRICS

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.ru.md")


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_both_readmes_have_the_same_code_and_sections():
    english, russian = READMES
    assert blocks(english, "python")
    for language in ("python", "bat"):
        assert blocks(english, language) == blocks(russian, language)
    headings = [re.findall(r"^## ", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE) for name in READMES]
    assert len(headings[0]) == len(headings[1])


@pytest.mark.parametrize("name", READMES)
def test_links_lead_somewhere(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_make_targets_exist(name):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    used = re.findall(r"\bmake (\w+)", (ROOT / name).read_text(encoding="utf-8"))
    assert used
    assert set(used) <= set(targets)


@pytest.mark.parametrize("name", READMES)
def test_settings_that_are_named_exist(name):
    known = (ROOT / "env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:EMBEDDING|RAG)_[A-Z_]+)`", (ROOT / name).read_text(encoding="utf-8")))
    assert named
    assert {option for option in named if f"# {option}=" not in known} == set()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_settings_and_metrics_that_pages_name_exist(page):
    known = (ROOT / "env.example").read_text(encoding="utf-8")
    metrics = {metric.name for metric in (*ENGINE_METRICS, *CHAT_METRICS)}
    text = page.read_text(encoding="utf-8")
    options = set(re.findall(r"`((?:EMBEDDING|RAG|LLM|QDRANT|LEXICAL)_[A-Z0-9_]+)`", text))
    assert {option for option in options if f"# {option}=" not in known} == set()
    assert set(re.findall(r"`((?:embedding|rag)_[a-z0-9_]+)`", text)) - metrics - {"rag_demo"} == set()


def test_what_is_generated_is_up_to_date():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "env.example").read_text(encoding="utf-8") == generate.env_example()
    page = generate.PAGE.read_text(encoding="utf-8")
    assert page == generate.with_metrics(page)
    stale = [path.name for path, text in generate.pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: python docs/generate.py"
