from __future__ import annotations

import os

import pytest

from rag_demo.index.changes import compare, still_as_read
from rag_demo.ingest import Listed

NOW = 2 * 10**18


@pytest.fixture
def folder(tmp_path):
    for name in ("а", "б", "в"):
        file = tmp_path / name
        file.write_text(name, encoding="utf-8")
        os.utime(file, ns=(10**18, 10**18))
    return tmp_path


def listing(folder, *names, **needs):
    return [Listed(name, folder / name, needs.get(name, ())) for name in names]


def look(listed, known=None, now_ns=NOW):
    return compare(listed, known or {}, now_ns=now_ns)


def test_the_first_look_finds_everything_new(folder):
    changes = look(listing(folder, "а", "б"))
    assert (changes.added, changes.changed, changes.removed) == (("а", "б"), (), ())
    assert changes.states["а"].size_bytes == 2
    assert changes.states["а"].mtime_ns == 10**18


def test_the_second_look_finds_nothing(folder):
    known = look(listing(folder, "а", "б")).states
    changes = look(listing(folder, "а", "б"), known)
    assert not changes
    assert changes.touched == ()


def test_changed_added_removed(folder):
    known = look(listing(folder, "а", "б")).states
    (folder / "а").write_text("другое", encoding="utf-8")
    changes = look(listing(folder, "а", "в"), known)
    assert (changes.added, changes.changed, changes.removed) == (("в",), ("а",), ("б",))


def test_another_time_alone_is_no_change(folder):
    known = look(listing(folder, "а")).states
    os.utime(folder / "а", ns=(10**18, 10**18 + 1))
    changes = look(listing(folder, "а"), known)
    assert not changes
    assert changes.touched[0].mtime_ns == 10**18 + 1


def test_a_change_within_the_tick_of_the_clock_is_seen(folder):
    """The same size and time as before, because both writes fell into one tick."""
    at = 10**18
    known = look(listing(folder, "а"), now_ns=at + 1000).states
    (folder / "а").write_text("о", encoding="utf-8")
    os.utime(folder / "а", ns=(at, at))
    assert look(listing(folder, "а"), known).changed == ("а",)


def test_what_depends_on_a_changed_file_is_read_again(folder):
    listed = listing(folder, "а", "б", "в", б=("а",))
    known = look(listed).states
    (folder / "а").write_text("другое", encoding="utf-8")
    assert look(listed, known).changed == ("а", "б")
    (folder / "а").unlink()
    gone = listing(folder, "б", "в", б=("а",))
    assert look(gone, known).changed == ("б",)


def test_a_dependency_that_was_not_there_before(folder):
    known = look(listing(folder, "а", "б")).states
    assert look(listing(folder, "а", "б", б=("а",)), known).changed == ("б",)


def test_a_file_that_cannot_be_opened_is_read_each_time(folder):
    listed = [Listed("нет", folder / "нет")]
    known = look(listed).states
    assert look(listed, known).changed == ("нет",)


def test_a_file_written_while_it_was_read_is_read_again(folder):
    (listed,) = listing(folder, "а")
    state = look([listed]).states["а"]
    assert still_as_read(listed, state) == state
    (folder / "а").write_text("новое содержание", encoding="utf-8")
    kept = still_as_read(listed, state)
    assert look([listed], {"а": kept}).changed == ("а",)
    (folder / "а").unlink()
    assert still_as_read(listed, state).digest == ""


def test_progress(folder):
    told = []
    compare(listing(folder, "а", "б"), {}, now_ns=NOW, on_progress=lambda done, all_: told.append((done, all_)))
    assert told == [(1, 2), (2, 2)]
