"""The pictures of the documentation are drawn from the dump as it is now."""

import re
from xml.etree import ElementTree as ET

import pytest

from rag_demo.configurations import pictures
from rag_demo.configurations.golden import load_golden

NAMES = ["subsystems.svg", "documents-registers.svg", "sale-posting.svg"]
DOCS = pictures.TARGET.parents[1]
PAGES = [DOCS / "demo-configuration.md", DOCS / "ru" / "demo-configuration.md"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn(dump):
    return pictures.pictures(dump)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_up_to_date(drawn, name):
    assert (pictures.TARGET / name).read_bytes() == drawn[name].encode()


def test_there_are_no_other_pictures(drawn):
    assert sorted(drawn) == sorted(NAMES) == sorted(path.name for path in pictures.TARGET.iterdir())


def test_every_movement_has_a_line(drawn, objects):
    root = ET.fromstring(drawn["documents-registers.svg"])  # noqa: S314 - drawn by ourselves
    movements = sum(len(item.references("RegisterRecords")) for item in objects.values())
    assert len(root.findall(f"{SVG}path")) == movements > 20


def test_every_subsystem_is_drawn(drawn, objects):
    root = ET.fromstring(drawn["subsystems.svg"])  # noqa: S314 - drawn by ourselves
    shown = {node.text for node in root.iter(f"{SVG}text")}
    assert {item.synonym for item in objects.values() if item.kind == "Subsystem"} <= shown


def test_texts_stay_inside(drawn):
    for text in drawn.values():
        root = ET.fromstring(text)  # noqa: S314 - drawn by ourselves
        width, height = float(root.get("width")), float(root.get("height"))
        for node in root.iter(f"{SVG}text"):
            advance = 6.4 if node.get("class") == "small" else 7.8
            assert float(node.get("x")) + advance * len(node.text or "") < width, node.text
            assert float(node.get("y")) < height


def test_pictures_can_be_written(tmp_path, dump):
    paths = pictures.write_pictures(tmp_path / "new", dump)
    assert [path.name for path in paths] == NAMES
    assert all(path.read_text(encoding="utf-8").startswith("<svg") for path in paths)


@pytest.mark.parametrize("page", PAGES, ids=["en", "ru"])
def test_pages_show_the_pictures_and_count_right(page, dump, objects, methods):
    text = page.read_text(encoding="utf-8")
    for name in NAMES:
        assert f"images/configuration/{name}" in text
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    for kind in ("Catalog", "Document", "InformationRegister", "AccumulationRegister", "CommonModule"):
        count = sum(item.kind == kind for item in objects.values())
        assert re.search(rf"\| {kind} \|[^|\n]*\| {count} \|", text), f"{kind}: {count}"
    assert f"**{len(methods)}**" in text
    questions = load_golden()
    refused = sum(question.refuse for question in questions)
    assert re.search(rf"\b{len(questions) - refused}\b.*\b{refused}\b", text)


@pytest.mark.parametrize("page", PAGES, ids=["en", "ru"])
def test_names_on_the_pages_exist(page, names):
    for name in re.findall(
        r"`((?:Catalog|Document|CommonModule|\w+Register|Report|DataProcessor|HTTPService)\.[\w.]+)`",
        page.read_text(encoding="utf-8"),
    ):
        assert name in names, name
