"""Whatever the files of a dump hold, reading it ends with documents and problems, never with an exception."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_demo.errors import NotADump
from rag_demo.ingest import read_configuration
from rag_demo.ingest.bsl import scan

PIECES = [
    "<MetaDataObject>", "</MetaDataObject>", "<Catalog>", "</Catalog>", "<Properties>", "</Properties>",
    "<Name>А</Name>",
    "<Synonym><v8:item><v8:lang>ru</v8:lang><v8:content>А</v8:content></v8:item></Synonym>", "<ChildObjects>",
    "</ChildObjects>", "<Attribute>", "</Attribute>", "<Form>Ф</Form>", "<Type><v8:Type>xs:string</v8:Type></Type>",
    "<StandardAttributes><xr:StandardAttribute/></StandardAttributes>", '<Event name="OnOpen">А</Event>', "<Events>",
    "</Events>", "<name>А</name>", "<attributes>", "</attributes>", "<types>Number</types>", "<key>ru</key>", "<p>",
    "</p>", "<!--", "-->", "&amp;", "<!DOCTYPE a>", "<![CDATA[", "]]>", "<a b='", "Процедура А()", "КонецПроцедуры",
    '"', "|", "//", "\n", "\r\n", "\r", "\ufeff", " ",
]  # fmt: skip
XML = '<?xml version="1.0"?>\n<MetaDataObject xmlns:v8="v8" xmlns:xr="xr" xmlns:xs="xs">{}</MetaDataObject>'
CONFIGURATION = XML.format("<Configuration><Properties><Name>А</Name></Properties></Configuration>")
pieces = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
contents = st.one_of(
    st.binary(max_size=60),
    pieces.map(str.encode),
    pieces.map(lambda text: XML.format(text).encode()),
    st.lists(st.sampled_from(PIECES[2:16]), max_size=12).map(lambda found: XML.format("".join(found)).encode()),
)
PATHS = [
    "Catalogs/А.xml", "Catalogs/А/Ext/ObjectModule.bsl", "Catalogs/А/Ext/Predefined.xml", "Catalogs/А/Ext/Help/ru.html",
    "Catalogs/А/Forms/Ф.xml", "Catalogs/А/Forms/Ф/Ext/Form.xml", "Roles/А.xml", "Roles/А/Ext/Rights.xml",
]  # fmt: skip
EDT_PATHS = [
    "Catalogs/А/А.mdo", "Catalogs/А/ObjectModule.bsl", "Catalogs/А/Forms/Ф/Form.form", "Catalogs/А/Help/ru.html",
]  # fmt: skip


def check(root: Path) -> None:
    ingested = read_configuration(root, space_id="main")
    assert len({one.doc_id for one in ingested.documents}) == len(ingested.documents)
    for one in ingested.documents:
        lines = lines_of(root / one.path)
        assert one.text == "\n".join(lines[one.line_start - 1 : one.line_end])
        assert 1 <= one.line_start <= one.line_end <= len(lines)
    for fact in ingested.facts:
        assert 1 <= fact.origin.line_start <= fact.origin.line_end <= len(lines_of(root / fact.origin.path))


def lines_of(path: Path) -> list[str]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251", errors="replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


def write(root: Path, path: str, content: bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)


@given(st.dictionaries(st.sampled_from(PATHS), contents, min_size=1))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_designer_files_of_any_content(tmp_path_factory, files):
    root = tmp_path_factory.mktemp("dump")
    write(root, "Configuration.xml", CONFIGURATION.encode())
    for path, content in files.items():
        write(root, path, content)
    check(root)


@given(st.dictionaries(st.sampled_from(EDT_PATHS), contents, min_size=1))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_edt_files_of_any_content(tmp_path_factory, files):
    root = tmp_path_factory.mktemp("project")
    write(root, "Configuration/Configuration.mdo", "<Configuration><name>А</name></Configuration>".encode())
    for path, content in files.items():
        write(root, path, content)
    check(root)


@given(contents)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_configuration_file_of_any_content(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("dump")
    write(root, "Configuration.xml", content)
    message = ""
    try:
        check(root)
    except NotADump as error:
        message = str(error)
    assert not message or str(root) in message


@pytest.mark.parametrize(
    "piece",
    [
        "Процедура А(", "Процедура А() ", "Процедура А()\n", "#Если А Тогда\nПроцедура А()\n", "# ", "#\n", '"', '"\n|',
        "'", "//", "//\n", "&А(", "&А\n", "Перем А,", "Перем А\n", "А", "; ", "/", "|\n", "\n", "Асинх ", "//////\n",
        "А; Процедура А() КонецПроцедуры ", "#Удаление\n", "#Область А\n", 'Процедура А("\n', "КонецПроцедуры ",
        "// (c) ", "// а б = в;\n", "// Если )  ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "Процедура Ж()\n"])
def test_time_grows_with_the_length_only(piece, before):
    """A guard against hanging, not a measurement: quadratic work would take minutes, linear work a moment."""
    text = before + piece * (200_000 // len(piece)) + "\nПроцедура Я()\nКонецПроцедуры"
    start = time.perf_counter()
    scan(text)
    assert time.perf_counter() - start < 20
