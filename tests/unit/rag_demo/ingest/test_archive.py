"""Dumps in ZIP archives, honest and hostile ones."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest

from rag_demo.errors import NotADump
from rag_demo.ingest.archive import ArchiveLimits, opened

from .conftest import SMALL_DUMP


def packed(file: Path, files: dict[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()
    }


def test_a_folder_is_itself(tmp_path):
    with opened(tmp_path) as found:
        assert found.folder == tmp_path
        assert found.problems == []


@pytest.mark.parametrize("prefix", ["", "выгрузка/src/cf/"])
def test_a_dump_is_found_wherever_it_lies_in_the_archive(tmp_path, prefix):
    files = {prefix + name: content for name, content in SMALL_DUMP.items()}
    with opened(packed(tmp_path / "дамп.zip", {**files, f"{prefix}Ext/Logo.png": b"\0"})) as found:
        assert contents(found.folder) == dict(SMALL_DUMP)
        folder = found.folder
    assert not folder.exists()


def test_the_temporary_folder_goes_after_an_error_too(tmp_path):
    def fails() -> None:
        with opened(packed(tmp_path / "a.zip", dict(SMALL_DUMP))) as found:
            folders.append(found.folder)
            raise OSError("disk")

    folders: list[Path] = []
    with pytest.raises(OSError, match="disk"):
        fails()
    assert not folders[0].exists()


def rename(file: Path, old: str, new: bytes) -> None:
    """Write other bytes of the same length in the place of a name, as old archivers would."""
    content = file.read_bytes()
    assert len(old) == len(new)
    assert content.count(old.encode()) == 2
    file.write_bytes(content.replace(old.encode(), new))


@pytest.mark.parametrize("encoding", ["cp866", "utf-8"])
def test_cyrillic_names_without_a_flag(tmp_path, encoding):
    raw = "CommonModules/Цены.xml".encode(encoding)
    holder = "CommonModules/" + "x" * (len(raw) - 18) + ".xml"
    file = packed(tmp_path / "old.zip", {"Configuration.xml": SMALL_DUMP["Configuration.xml"], holder: "<a/>"})
    rename(file, holder, raw)
    with opened(file) as found:
        assert (found.folder / "CommonModules/Цены.xml").is_file()


def test_a_unicode_path_field_wins(tmp_path):
    name = "CommonModules/Цены.xml".encode()
    entry = zipfile.ZipInfo("CommonModules/_.xml")
    body = b"\x01" + b"\0\0\0\0" + name
    entry.extra = b"\x75\x70" + len(body).to_bytes(2, "little") + body
    with zipfile.ZipFile(tmp_path / "7.zip", "w") as archive:
        archive.writestr("Configuration.xml", SMALL_DUMP["Configuration.xml"])
        archive.writestr(entry, "<a/>")
    with opened(tmp_path / "7.zip") as found:
        assert (found.folder / "CommonModules/Цены.xml").is_file()


def test_names_with_backslashes_are_folders(tmp_path):
    holder = "CommonModules/a.xml"
    file = packed(tmp_path / "w.zip", {"Configuration.xml": SMALL_DUMP["Configuration.xml"], holder: "<a/>"})
    rename(file, holder, rb"CommonModules\a.xml")
    with opened(file) as found:
        assert (found.folder / "CommonModules" / "a.xml").is_file()


@pytest.mark.parametrize(
    "name", ["../evil.xml", "a/../../evil.xml", "/etc/evil.xml", "C:/evil.xml", "..\\evil.xml", "C:evil.xml"]
)
def test_no_file_leaves_the_archive(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where it is unpacked, so that we see what is left there
    file = packed(tmp_path / "a.zip", {name: "<a/>"})
    with pytest.raises(NotADump, match="leads out of it"), opened(file):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_links_are_not_made(tmp_path):
    link = zipfile.ZipInfo("Catalogs/Ссылка.xml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("Configuration.xml", SMALL_DUMP["Configuration.xml"])
        archive.writestr(link, "/etc/passwd")
    with opened(tmp_path / "a.zip") as found:
        assert [problem.path for problem in found.problems] == ["Catalogs/Ссылка.xml"]
        assert "a link" in found.problems[0].message
        assert not (found.folder / "Catalogs").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    file = packed(tmp_path / "bomb.zip", {"Configuration.xml": "<a/>", "Catalogs/А.xml": b"0" * 5_000_000})
    limits = ArchiveLimits(free_bytes=1_000_000)
    with pytest.raises(NotADump, match="times its size"), opened(file, limits=limits):
        pass
    with pytest.raises(NotADump, match="the limits are"), opened(file, limits=ArchiveLimits(total_bytes=1_000)):
        pass


def test_a_file_above_the_limit_is_skipped(tmp_path):
    file = packed(tmp_path / "a.zip", {**SMALL_DUMP, "Catalogs/А.xml": "x" * 5_000})
    with opened(file, limits=ArchiveLimits(file_bytes=4_000)) as found:
        assert [problem.path for problem in found.problems] == ["Catalogs/А.xml"]
        assert contents(found.folder) == dict(SMALL_DUMP)


@pytest.mark.parametrize(
    ("files", "limits", "message"),
    [
        ({"/".join("a" * 40) + "/b.xml": ""}, ArchiveLimits(), "nested more than"),
        ({f"{number}.xml": "" for number in range(6)}, ArchiveLimits(entries=5), "holds 6 files"),
        ({"a.txt": ""}, ArchiveLimits(), "no configuration dump"),
        ({"a/Configuration.xml": "", "b/Configuration.xml": ""}, ArchiveLimits(), "several .*: a, b"),
    ],
)
def test_what_else_is_refused(tmp_path, files, limits, message):
    with pytest.raises(NotADump, match=message), opened(packed(tmp_path / "a.zip", files), limits=limits):
        pass


def test_an_encrypted_archive_is_refused(tmp_path):
    file = packed(tmp_path / "a.zip", {"Configuration.xml": "<a/>"})
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(content)
    with pytest.raises(NotADump, match="encrypted"), opened(file):
        pass


def test_a_damaged_entry_is_skipped_and_told(tmp_path):
    file = packed(tmp_path / "a.zip", {**SMALL_DUMP, "Catalogs/А.xml": "<искать/>"}, compression=zipfile.ZIP_STORED)
    file.write_bytes(file.read_bytes().replace("<искать/>".encode(), "<ИСКАТЬ/>".encode()))
    with opened(file) as found:
        assert [problem.path for problem in found.problems] == ["Catalogs/А.xml"]
        assert found.problems[0].message.startswith("skipped:")


def test_a_cut_archive_is_refused(tmp_path):
    file = packed(tmp_path / "a.zip", dict(SMALL_DUMP))
    shutil.copy(file, tmp_path / "b.zip")
    content = file.read_bytes()
    (tmp_path / "b.zip").write_bytes(content[: content.index(b"PK\x01\x02")] + content[-22:])
    with pytest.raises(NotADump, match="damaged"), opened(tmp_path / "b.zip"):
        pass
