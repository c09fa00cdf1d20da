"""The committed trees are what the build makes of the description, byte by byte."""

import pytest
import yaml

from rag_demo.configurations import bundled
from rag_demo.configurations.build.__main__ import TRADE, write_trees
from rag_demo.configurations.build.model import DescriptionError, load
from rag_demo.configurations.build.names import stable_uuid, words
from rag_demo.configurations.build.trees import all_trees
from rag_demo.configurations.build.types import UnknownTypeError, parse_type
from rag_demo.configurations.build.xml import el, render

TREES = ["designer", "edt", "extension", "extension_edt"]


@pytest.fixture(scope="module")
def built():
    return all_trees(TRADE)


@pytest.mark.parametrize("name", TREES)
def test_the_committed_tree_is_up_to_date(built, name):
    root = bundled().parent / name
    on_disk = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert sorted(on_disk) == sorted(built[name])
    assert [path for path, content in built[name].items() if on_disk[path] != content] == []


def test_writing_twice_gives_the_same_and_removes_what_is_stale(tmp_path, built):
    count = write_trees(tmp_path)
    assert count == sum(len(files) for files in built.values())
    stale = tmp_path / "edt" / "stale.txt"
    stale.write_text("old")
    assert write_trees(tmp_path) == count
    assert not stale.exists()


def test_every_module_and_page_of_the_source_is_used(built):
    sources = [path for folder in ("modules", "help") for path in (TRADE / folder).rglob("*") if path.is_file()]
    made = [path for path in built["edt"] if path.endswith((".bsl", ".html"))]
    assert len(made) == len(sources) > 100


def test_unknown_keys_of_the_description_are_refused(tmp_path):
    (tmp_path / "description").mkdir()
    bad = {"Catalog": {"А": {"attributes": {"Б": {"type": "Булево", "подсказка": "опечатка"}}}}}
    (tmp_path / "description" / "a.yaml").write_text(yaml.safe_dump(bad, allow_unicode=True), encoding="utf-8")
    catalog = load(tmp_path).objects[0]
    with pytest.raises(DescriptionError, match="подсказка"):
        catalog.parts("attributes")


def test_unknown_kinds_are_refused(tmp_path):
    (tmp_path / "description").mkdir()
    (tmp_path / "description" / "a.yaml").write_text("Каталог: {}", encoding="utf-8")
    with pytest.raises(DescriptionError, match="Каталог"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ТоварыНаСкладах", "Товары на складах"),
        ("СтавкаНДС", "Ставка НДС"),
        ("РаботаСКурсамиВалют", "Работа с курсами валют"),
        ("ИНН", "ИНН"),
        ("HTTPUtils", "HTTP utils"),
    ],
)
def test_synonyms_are_words_of_the_name(name, expected):
    assert words(name) == expected


@pytest.mark.parametrize("notation", ["Текст", "Справочник", "Строка(5", "Число | ?"])
def test_unknown_types_are_refused(notation):
    with pytest.raises(UnknownTypeError):
        parse_type(notation)


def test_types_in_both_notations():
    number, reference = parse_type("Число(15,2,+) | Справочник.Валюты")
    assert (number.designer, number.edt, number.arguments) == ("xs:decimal", "Number", ("15", "2", "+"))
    assert (reference.designer, reference.edt) == ("cfg:CatalogRef.Валюты", "CatalogRef.Валюты")


def test_uuids_depend_on_every_part_of_the_name():
    assert stable_uuid("а", "б") == stable_uuid("а", "б")
    assert len({stable_uuid("а", "б"), stable_uuid("аб"), stable_uuid("б", "а")}) == 3


def test_xml_is_escaped():
    assert render(el("a", "<&>", {"b": '"'}), "\t").endswith("""<a b='"'>&lt;&amp;&gt;</a>""")
