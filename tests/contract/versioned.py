"""What every versioned index must do: a reader sees one revision, whatever is written meanwhile."""

from __future__ import annotations

import pytest

from rag_demo.index.ports import version_of
from rag_demo.testing import make_document

OLD = make_document("CommonModule.Цены.ПолучитьЦену", content_hash="1")
CHANGED = make_document("CommonModule.Цены.ПолучитьЦену", content_hash="2")
STAYS = make_document("CommonModule.Склад.Остаток", content_hash="1")
NEW = make_document("CommonModule.Склад.Приход", content_hash="1")


class VersionedContract:
    """Inherited by the contracts of both sorts of index; ``index`` is a fixture of theirs."""

    def put(self, index, documents, revision):
        """Add documents from a revision on."""
        raise NotImplementedError

    def shown(self, reader) -> list[str]:
        """Ids of all documents that a search shows."""
        raise NotImplementedError

    def seen(self, index, revision):
        reader = index.at(revision)
        shown = self.shown(reader)
        assert reader.count() == len(shown)
        reader.close()
        return sorted(shown)

    @pytest.fixture
    def updated(self, index):
        """Revision 1 holds two documents; in revision 2 one of them is changed and one is new."""
        self.put(index, [OLD, STAYS], 1)
        index.seal()
        self.put(index, [CHANGED, NEW], 2)
        index.retire([version_of(OLD)], revision=2)
        index.seal()
        return index

    def test_each_revision_shows_its_own_rows(self, updated):
        assert self.seen(updated, 1) == sorted([OLD.doc_id, STAYS.doc_id])
        assert self.seen(updated, 2) == sorted([CHANGED.doc_id, STAYS.doc_id, NEW.doc_id])
        assert updated.versions() == {version_of(document) for document in (CHANGED, STAYS, NEW)}

    def test_a_reader_stays_at_its_revision(self, index):
        self.put(index, [OLD, STAYS], 1)
        index.seal()
        reader = index.at(1)
        before = sorted(self.shown(reader))
        self.put(index, [CHANGED, NEW], 2)
        index.retire([version_of(OLD)], revision=2)
        assert sorted(self.shown(reader)) == before
        index.seal()
        assert sorted(self.shown(reader)) == before
        assert reader.count() == 2
        reader.close()

    def test_collecting_after_the_switch_deletes_what_ended(self, updated):
        updated.collect(2)
        updated.seal()
        assert self.seen(updated, 2) == sorted([CHANGED.doc_id, STAYS.doc_id, NEW.doc_id])
        assert STAYS.doc_id in self.seen(updated, 1)
        assert OLD.doc_id not in self.seen(updated, 1)

    def test_collecting_before_the_switch_undoes_the_update(self, updated):
        updated.collect(1)
        updated.seal()
        for revision in (1, 2):
            assert self.seen(updated, revision) == sorted([OLD.doc_id, STAYS.doc_id])
        assert updated.versions() == {version_of(OLD), version_of(STAYS)}

    def test_an_update_can_be_made_again_after_it_was_undone(self, updated):
        updated.collect(1)
        self.put(updated, [CHANGED, NEW], 2)
        updated.retire([version_of(OLD)], revision=2)
        updated.seal()
        assert self.seen(updated, 2) == sorted([CHANGED.doc_id, STAYS.doc_id, NEW.doc_id])

    def test_content_that_comes_back(self, updated):
        updated.collect(2)
        self.put(updated, [OLD], 3)
        updated.retire([version_of(CHANGED)], revision=3)
        updated.seal()
        assert self.seen(updated, 2) == sorted([CHANGED.doc_id, STAYS.doc_id, NEW.doc_id])
        assert self.seen(updated, 3) == sorted([OLD.doc_id, STAYS.doc_id, NEW.doc_id])
        assert updated.versions() == {version_of(document) for document in (OLD, STAYS, NEW)}

    def test_collecting_when_there_is_nothing_changes_nothing(self, updated):
        for _ in range(2):
            updated.collect(2)
            updated.seal()
        assert updated.versions() == {version_of(document) for document in (CHANGED, STAYS, NEW)}

    def test_unknown_versions_are_ignored(self, updated):
        updated.retire([version_of(make_document("CommonModule.Нет.Нет"))], revision=3)
        updated.seal()
        assert len(self.seen(updated, 3)) == 3
        assert len(updated.versions()) == 3
