"""What is no dump is refused with advice; what is broken inside a dump costs one file only."""

from __future__ import annotations

import unicodedata

import pytest

from rag_demo.errors import NotADump
from rag_demo.ingest import Ingested, Problem, read_configuration
from rag_demo.ingest.files import DumpFolder

from .conftest import CODE, CONFIGURATION, metadata


def read(root) -> Ingested:
    return read_configuration(root, space_id="main")


def refused(root, *words: str) -> None:
    with pytest.raises(NotADump) as caught:
        read(root)
    for word in (str(root), *words):
        assert word in str(caught.value)
    assert str(caught.value)[-1] in ".)" or "Give" in str(caught.value)


def put(root, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")


def test_a_missing_folder(tmp_path):
    refused(tmp_path / "none", "does not exist")


def test_an_empty_folder(tmp_path):
    refused(tmp_path, "is empty", "Dump configuration to files")


def test_some_other_folder(tmp_path):
    put(tmp_path, "readme.txt", "src/main.py")
    refused(tmp_path, "no Configuration.xml", "Dump configuration to files")


def test_the_dump_lies_in_a_folder_below(tmp_path):
    put(tmp_path, "README.md", "src/cf/Configuration.xml", "src/cfe/Доработки/Configuration.xml")
    refused(tmp_path, "Give that folder", str(tmp_path / "src" / "cf"), str(tmp_path / "src" / "cfe" / "Доработки"))


@pytest.mark.parametrize("name", ["trade.cf", "Доработки.CFE", "tool.epf", "backup.dt"])
def test_binary_files(tmp_path, name):
    put(tmp_path, name)
    refused(tmp_path / name, "binary", "Dump configuration to files")
    refused(tmp_path, name, "Dump configuration to files")


def test_a_file_instead_of_its_folder(dump):
    root = dump()
    refused(root / "Configuration.xml", f"Give its folder instead: {root}")


def test_a_linear_dump(tmp_path):
    put(tmp_path, "Configuration.xml", "Catalog.Товары.xml", "Catalog.Товары.ObjectModule.txt")
    refused(tmp_path, "linear", "hierarchical")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<MetaDataObject>\n<Configuration>\n</MetaDataObject>", "line 3"),
        ("", "broken XML"),
        ("<Other/>", "does not describe a configuration"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>\n<a>&b;</a>', "refused for safety"),
        (metadata("Catalog", "<Name>А</Name>"), "does not describe a configuration"),
    ],
)
def test_a_broken_configuration_file(dump, content, words):
    root = dump({"Configuration.xml": content})
    with pytest.raises(NotADump, match=words) as caught:
        read(root)
    assert str(root / "Configuration.xml") in str(caught.value)


@pytest.mark.parametrize("version", ["", 'version="2.4"', 'version="2.20"', 'version="9.99"'])
def test_any_version_of_the_format_is_read(dump, version):
    ingested = read(dump({"Configuration.xml": CONFIGURATION.replace('version="2.20"', version)}))
    assert ingested.problems == []
    assert ingested.format == f"designer {version[9:-1]}".strip()


def test_broken_xml_costs_one_file(dump):
    files = {
        "Catalogs/А.xml": "<MetaDataObject>\n\n<Catalog>\n</MetaDataObject>",
        "Catalogs/А/Ext/ObjectModule.bsl": CODE,
    }
    ingested = read(dump(files))
    assert ingested.problems == [Problem("Catalogs/А.xml", "skipped: broken XML in line 4: mismatched tag")]
    assert {one.full_name for one in ingested.documents} >= {"Catalog.А.ObjectModule.Цена", "CommonModule.Цены"}


def test_a_dtd_is_refused_even_without_entities(dump):
    (problem,) = read(dump({"Catalogs/А.xml": '<!DOCTYPE a SYSTEM "http://example.com/a.dtd">\n<a/>'})).problems
    assert problem == Problem("Catalogs/А.xml", "skipped: a DTD or entity declaration in line 1: refused for safety")


def test_entities_are_refused_and_not_expanded(dump):
    bomb = '<!DOCTYPE a [<!ENTITY b "' + "x" * 1000 + '">]>\n<MetaDataObject>&b;&b;</MetaDataObject>'
    (problem,) = read(dump({"Catalogs/А.xml": bomb})).problems
    assert problem == Problem("Catalogs/А.xml", "skipped: a DTD or entity declaration in line 1: refused for safety")


def test_deep_nesting_is_refused(dump):
    (problem,) = read(dump({"Catalogs/А.xml": "<a>" * 100_000})).problems
    assert "nested more than 256 levels deep in line 1" in problem.message


def test_windows_1251_is_read_and_reported(dump):
    ingested = read(dump({"Catalogs/А/Ext/ObjectModule.bsl": CODE.lstrip("\ufeff").encode("cp1251")}))
    (problem,) = ingested.problems
    assert problem.path == "Catalogs/А/Ext/ObjectModule.bsl"
    assert "Windows-1251" in problem.message
    assert "Catalog.А.ObjectModule.Цена" in {one.full_name for one in ingested.documents}


@pytest.mark.parametrize("content", ["", "\ufeff", "\r\n", "// только комментарий", b"\x00\xff\xfe"])
def test_modules_without_methods_are_no_error(dump, content):
    ingested = read(dump({"CommonModules/Цены/Ext/Module.bsl": content}))
    assert not any(one.doc_type == "method" for one in ingested.documents)


def test_a_file_that_is_too_large(dump):
    folder = DumpFolder(dump({"CommonModules/Цены/Ext/Module.bsl": " " * 3_000_000}), max_file_bytes=2 * 1024**2)
    path = "CommonModules/Цены/Ext/Module.bsl"
    (file,) = [file for file in folder.walk() if file.path == path]
    assert folder.read_text(file) is None
    assert folder.problems == [Problem(path, "skipped: 2.9 MiB, the limit is 2.0 MiB for one file")]


def test_listed_objects_without_a_file_are_reported(dump):
    (problem,) = read(dump({"CommonModules/Цены.xml": None, "CommonModules/Цены/Ext/Module.bsl": None})).problems
    assert problem == Problem("Configuration.xml", "lists 1 objects without a file: CommonModule.Цены")


def test_unknown_kinds_of_objects_are_reported(dump):
    new = CONFIGURATION.replace("<CommonModule>", "<Hologram>Шар</Hologram>\n<CommonModule>")
    (problem,) = read(dump({"Configuration.xml": new, "Holograms/Шар.xml": "<broken"})).problems
    assert problem == Problem("Configuration.xml", "lists objects of unknown kinds, not read: Hologram")


@pytest.mark.parametrize("content", ["<a/>", metadata("Document", "<Name>А</Name>"), "<Configuration/>"])
def test_files_that_describe_something_else_are_skipped(dump, content):
    (problem,) = read(dump({"Catalogs/А.xml": content})).problems
    assert problem == Problem("Catalogs/А.xml", "skipped: the file does not describe an object of the kind Catalog")


def test_links_out_of_the_dump_are_not_followed(dump, tmp_path):
    put(tmp_path, "secret/Ext/ObjectModule.bsl", "secret.bsl")
    root = dump({"Catalogs/А.xml": metadata("Catalog", "<Name>А</Name>")})
    (root / "Catalogs" / "А").symlink_to(tmp_path / "secret", target_is_directory=True)
    (root / "Catalogs" / "Б" / "Ext").mkdir(parents=True)
    (root / "Catalogs" / "Б" / "Ext" / "ObjectModule.bsl").symlink_to("../../../../secret.bsl")
    ingested = read(root)
    assert [problem.path for problem in ingested.problems] == ["Catalogs/А", "Catalogs/Б/Ext/ObjectModule.bsl"]
    assert all("link" in problem.message for problem in ingested.problems)
    assert not any(one.module_kind == "ObjectModule" for one in ingested.documents)


def test_a_link_inside_the_dump_is_read(dump):
    root = dump()
    (root / "CommonModules" / "Копия" / "Ext").mkdir(parents=True)
    (root / "CommonModules" / "Копия" / "Ext" / "Module.bsl").symlink_to("../../Цены/Ext/Module.bsl")
    assert "CommonModule.Копия.Цена" in {one.full_name for one in read(root).documents}


def test_paths_are_composed_unicode(dump):
    name = unicodedata.normalize("NFD", "Майка")
    (method,) = [
        one
        for one in read(dump({f"Catalogs/{name}/Ext/ObjectModule.bsl": CODE})).documents
        if one.object_kind == "Catalog"
    ]
    assert method.path == "Catalogs/Майка/Ext/ObjectModule.bsl"
    assert method.full_name == "Catalog.Майка.ObjectModule.Цена"


def test_layouts_pictures_and_foreign_folders_are_left_out(dump):
    files = {
        "CommonTemplates/М/Ext/Template.xml": "<broken",
        "Catalogs/Т/Templates/М.xml": metadata("Template", "<Name>М</Name>"),
        "Catalogs/Т/Templates/М/Ext/Template/ru.html": "<p>А</p>",
        "CommonPictures/П/Ext/Picture.xml": "<broken",
        ".git/Catalogs/Х.xml": "<broken",
        "docs/Module.bsl": CODE,
    }
    ingested = read(dump(files))
    assert ingested.problems == []
    assert {one.object_kind for one in ingested.documents} == {"Configuration", "CommonModule"}


def test_links_that_lead_to_each_other(dump):
    root = dump()
    (root / "CommonModules" / "А").symlink_to("Б")
    (root / "CommonModules" / "Б").symlink_to("А")
    ingested = read(root)
    assert [problem.path for problem in ingested.problems] == ["CommonModules/А", "CommonModules/Б"]
    assert "CommonModule.Цены.Цена" in {one.full_name for one in ingested.documents}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_module_in_utf_16_is_read_and_reported(dump, encoding):
    bom = b"\xfe\xff" if encoding == "utf-16-be" else b""
    code = bom + CODE.lstrip("\ufeff").replace("Цена(", "Широкая(").encode(encoding)
    ingested = read(dump({"CommonModules/Ш/Ext/Module.bsl": code}))
    assert "CommonModule.Ш.Широкая" in {one.full_name for one in ingested.documents}
    (problem,) = ingested.problems
    assert problem.path == "CommonModules/Ш/Ext/Module.bsl"
    assert "UTF-16" in problem.message


def test_a_module_with_the_line_ends_of_old_macs_is_reported(dump):
    ingested = read(dump({"CommonModules/М/Ext/Module.bsl": CODE.replace("\r\n", "\r")}))
    (problem,) = ingested.problems
    assert problem.path == "CommonModules/М/Ext/Module.bsl"
    assert "CR alone" in problem.message
