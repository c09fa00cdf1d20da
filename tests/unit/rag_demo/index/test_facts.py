"""Facts in SQLite: every fact comes back as it was, files are replaced by revision, names are found in any form."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import rag_demo.configurations
from rag_demo.errors import IndexBroken
from rag_demo.index.fact_store import FactReader, FactStore
from rag_demo.index.facts import Facts
from rag_demo.index.names import name_key
from rag_demo.ingest import read_configuration
from rag_demo.ingest.facts import Fact, MemberFact, MethodFact, ObjectFact, Origin, Relation

TRADE = Path(rag_demo.configurations.__file__).parent / "trade"


@pytest.fixture(scope="module")
def trade() -> list[Fact]:
    return read_configuration(TRADE / "designer", space_id="торговля").facts


@pytest.fixture(scope="module")
def facts(trade, tmp_path_factory) -> Iterator[Facts]:
    folder = tmp_path_factory.mktemp("facts")
    extension = read_configuration(TRADE / "extension", space_id="магазин").facts
    found = Facts([stored(trade, folder / "main.sqlite"), stored(extension, folder / "extension.sqlite")])
    yield found
    found.close()


def stored(facts: list[Fact], file: Path) -> FactReader:
    store = FactStore.create(file)
    store.add(facts)
    store.seal()
    store.close()
    return FactReader.open(file)


def names(found) -> list[str]:
    return [fact.full_name for fact in found]


class TestStore:
    def test_every_fact_comes_back_as_it_was(self, trade, tmp_path):
        reader = stored(trade, tmp_path / "facts.sqlite")
        for fact in trade:
            if isinstance(fact, Relation):
                source, target = name_key(fact.source), name_key(fact.target)
                assert fact in reader.relations(fact.kind, source=source, target=target)
            else:
                assert fact in reader.named(name_key(fact.full_name))
        reader.close()

    def test_a_file_is_replaced_at_a_revision(self, tmp_path):
        with_file = FactStore.create(tmp_path / "facts.sqlite")
        with_file.add([method("Старый"), method("Чужой", path="other.bsl")])
        with_file.seal()
        with_file.replace("m.bsl", [method("Новый")], revision=2)
        with_file.seal()
        assert found_at(with_file, 1) == {"Старый", "Чужой"}
        assert found_at(with_file, 2) == {"Новый", "Чужой"}
        with_file.remove(["other.bsl"], revision=3)
        with_file.seal()
        assert found_at(with_file, 3) == {"Новый"}
        with_file.close()

    def test_collecting_keeps_the_revision_in_use(self, tmp_path):
        store = FactStore.create(tmp_path / "facts.sqlite")
        store.add([method("Старый")])
        store.seal()
        store.replace("m.bsl", [method("Новый")], revision=2)
        store.collect(2)
        store.seal()
        assert found_at(store, 2) == {"Новый"}
        assert rows(tmp_path / "facts.sqlite") == [1, 1, 1]
        store.close()

    def test_collecting_undoes_an_update_that_was_never_switched_to(self, tmp_path):
        store = FactStore.create(tmp_path / "facts.sqlite")
        store.add([method("Старый")])
        store.seal()
        store.replace("m.bsl", [method("Новый")], revision=2)
        store.seal()
        store.close()
        store = FactStore.open(tmp_path / "facts.sqlite")
        store.collect(1)
        store.seal()
        assert found_at(store, 1) == found_at(store, 2) == {"Старый"}
        store.close()

    def test_what_was_not_sealed_is_dropped(self, tmp_path):
        store = FactStore.create(tmp_path / "facts.sqlite")
        store.add([method("Старый")])
        store.seal()
        store.replace("m.bsl", [method("Новый")], revision=2)
        store.close()
        store = FactStore.open(tmp_path / "facts.sqlite")
        assert found_at(store, 2) == {"Старый"}
        store.close()

    @pytest.mark.parametrize("content", [None, b"not a database", b""])
    def test_a_file_that_cannot_be_read_is_told(self, tmp_path, content):
        if content is not None:
            (tmp_path / "facts.sqlite").write_bytes(content)
        with pytest.raises(IndexBroken, match="Index again"):
            FactReader.open(tmp_path / "facts.sqlite")


def method(name: str, path: str = "m.bsl") -> MethodFact:
    full_name, origin = f"CommonModule.М.{name}", Origin("main", path, 1, 2)
    return MethodFact(
        full_name, name, "CommonModule.М", "CommonModule", "CommonModule.М", origin, 1, f"Процедура {name}()"
    )


def found_at(store: FactStore, revision: int) -> set[str]:
    reader = store.at(revision)
    found = {fact.name for fact in reader.methods("commonmodule.м")}
    reader.close()
    return found


def rows(file: Path) -> list[int]:
    connection = sqlite3.connect(file)
    counted = [
        connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in ("files", "facts", "names")
    ]
    connection.close()
    return counted


class TestLookUps:
    @pytest.mark.parametrize(
        ("name", "full_name"),
        [
            ("Справочники.Валюты", "Catalog.Валюты"),
            ("справочникссылка.валюты", "Catalog.Валюты"),
            ("ПолучитьКурсВалюты", "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты"),
            ("РаботаСКурсамиВалют.ПолучитьКурсВалюты()", "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты"),
            ("Документы.ЗаказПокупателя.Товары.Цена", "Document.ЗаказПокупателя.TabularSection.Товары.Attribute.Цена"),
            ("Справочник.Валюты.Наименование", "Catalog.Валюты.StandardAttribute.Description"),
            ("РегистрСведений.КурсыВалют.СрезПоследних", "InformationRegister.КурсыВалют"),
            ("Товары.Цена", "Document.ЗаказПокупателя.TabularSection.Товары.Attribute.Цена"),
        ],
    )
    def test_a_name_in_any_form(self, facts, name, full_name):
        assert full_name in names(facts.find(name, limit=50))
        assert facts.exists(name)

    @pytest.mark.parametrize(
        "name",
        ["", ".", "Справочник.Валюты.Несуществующий", "Документы.Валюты", "Цены.НетТакого", "%", "_", "КурсВалюты%"],
    )
    def test_what_does_not_exist(self, facts, name):
        assert facts.find(name) == []
        assert not facts.exists(name)

    def test_objects_come_before_members_and_exported_methods_before_others(self, facts):
        found = facts.find("Валюты", limit=50)
        assert isinstance(found[0], ObjectFact)
        kinds = [type(fact) for fact in found]
        assert kinds == sorted(kinds, key=[ObjectFact, MemberFact, MethodFact].index)

    def test_the_configuration_comes_before_an_extension_that_adopted_the_object(self, facts):
        found = facts.object("Справочник.Номенклатура")
        assert (found.adopted, found.origin.space_id) == (False, "торговля")
        assert facts.object("Константы.Мк_БонусИменинника").origin.space_id == "магазин"
        assert facts.object("Справочник.Нет") is None

    def test_members_in_the_order_of_the_file_each_once(self, facts):
        members = facts.members("Документы.РеализацияТоваров")
        own = [one for one in members if one.kind == "attribute" and one.origin.space_id == "торговля"]
        assert own == sorted(own, key=lambda member: member.origin.line_start)
        assert [one.name for one in members if one.origin.space_id == "магазин"] == ["Мк_ОтправитьЧек"]
        assert len({member.full_name for member in members}) == len(members)
        sections = facts.members("Документы.РеализацияТоваров", kinds=["tabular_section"])
        assert names(sections) == ["Document.РеализацияТоваров.TabularSection.Товары"]

    def test_methods_of_a_module_and_of_an_object(self, facts):
        everywhere = facts.methods("Документ.РеализацияТоваров")
        assert {fact.module_kind for fact in everywhere} >= {"ObjectModule", "FormModule"}
        assert {fact.module_kind for fact in facts.methods("Document.РеализацияТоваров.МодульОбъекта")} == {
            "ObjectModule"
        }
        exported = facts.methods("РаботаСКурсамиВалют", export_only=True)
        assert exported
        assert all(fact.export for fact in exported)

    def test_handlers_of_an_object_with_the_subscriptions_to_it(self, facts):
        handlers = facts.handlers("Документ.РеализацияТоваров")
        events = {(one.relation.source, one.relation.detail) for one in handlers}
        assert ("EventSubscription.ПроверитьДатуЗапрета", "ПередЗаписью") in events
        assert ("Document.РеализацияТоваров", "ОбработкаПроведения") in events
        assert all(one.method is not None for one in handlers)

    def test_a_handler_knows_what_it_handles(self, facts):
        (relation,) = facts.relations_to("ДатыЗапретаИзменения.ПередЗаписьюДокумента", "handler")
        assert relation.source == "EventSubscription.ПроверитьДатуЗапрета"

    def test_a_handler_that_is_not_there(self, tmp_path):
        lost = Relation("handler", "ScheduledJob.А", "CommonModule.Нет.Нет", Origin("main", "a.xml", 1, 1), "")
        facts = Facts([stored([lost], tmp_path / "facts.sqlite")])
        assert [(one.relation, one.method) for one in facts.handlers("РегламентноеЗадание.А")] == [(lost, None)]
        facts.close()

    def test_movements_both_ways(self, facts):
        moved = {relation.target for relation in facts.movements("РеализацияТоваров")}
        assert "AccumulationRegister.ТоварыНаСкладах" in moved
        movers = {relation.source for relation in facts.movers("РегистрыНакопления.ТоварыНаСкладах")}
        assert "Document.РеализацияТоваров" in movers

    def test_where_an_object_is_listed(self, facts):
        assert "Subsystem.Финансы.Subsystem.Валюты" in {one.source for one in facts.subsystems("Справочник.Валюты")}
        assert "Catalog.Валюты" in {one.target for one in facts.content("Subsystem.Финансы.Subsystem.Валюты")}

    def test_attributes_of_a_type(self, facts):
        found = names(facts.of_type("СправочникСсылка.Валюты"))
        assert "Catalog.БанковскиеСчета.Attribute.Валюта" in found
        assert not any(".FormAttribute." in name for name in found)
        assert len(facts.of_type("Справочник.Контрагенты", forms=True)) > len(facts.of_type("Справочник.Контрагенты"))

    def test_defined_types_are_followed(self, tmp_path):
        def at(line: int) -> Origin:
            return Origin("main", "a.xml", line, line)

        given: list[Fact] = [
            MemberFact("Document.Д.Attribute.Кому", "attribute", "Кому", "Document.Д", at(1)),
            Relation("type", "Document.Д.Attribute.Кому", "DefinedType.Внешний", at(1)),
            Relation("type", "DefinedType.Внешний", "DefinedType.Внутренний", at(2)),
            Relation("type", "DefinedType.Внутренний", "Catalog.Люди", at(3), "Ref"),
            Relation("type", "DefinedType.Внутренний", "DefinedType.Внешний", at(4)),
        ]
        facts = Facts([stored(given, tmp_path / "facts.sqlite")])
        assert names(facts.of_type("Справочник.Люди")) == ["Document.Д.Attribute.Кому"]
        facts.close()

    def test_an_extension_is_joined_to_the_method_that_it_extends(self, facts):
        wrapped = facts.wrappers("Документ.РеализацияТоваров.МодульОбъекта.ОбработкаПроведения")
        assert {(one.method.name, one.relation.detail) for one in wrapped} == {
            ("Мк_ОбработкаПроведенияПеред", "Перед"),
            ("Мк_ОбработкаПроведенияПосле", "После"),
        }
        (back,) = facts.wrapped("CommonModule.ЗапасыСервер.Мк_ПроверитьОстатки")
        assert back.method.full_name == "CommonModule.ЗапасыСервер.ПроверитьОстатки"
        assert (back.method.origin.space_id, back.relation.origin.space_id) == ("торговля", "магазин")
