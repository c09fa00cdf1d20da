"""Facts of a dump: what it says outright, whatever its format."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import rag_demo.configurations
from rag_demo.ingest import read_configuration
from rag_demo.ingest.facts import Fact, MemberFact, MethodFact, ObjectFact, Origin, Relation

from .conftest import child, metadata, text

TRADE = Path(rag_demo.configurations.__file__).parent / "trade"
NOWHERE = Origin("", "", 0, 0)


def facts_of(root: Path) -> list[Fact]:
    return read_configuration(root, space_id="main").facts


@pytest.fixture(scope="module")
def designer() -> list[Fact]:
    return facts_of(TRADE / "designer")


def without_place(fact: Fact) -> Fact:
    changes = {"origin": NOWHERE} | ({"line_header": 0} if isinstance(fact, MethodFact) else {})
    return dataclasses.replace(fact, **changes)


def named(facts: list[Fact], full_name: str) -> list[Fact]:
    return [fact for fact in facts if not isinstance(fact, Relation) and fact.full_name == full_name]


def relations(facts: list[Fact], kind: str, source: str) -> list[tuple[str, str]]:
    return [
        (fact.target, fact.detail)
        for fact in facts
        if isinstance(fact, Relation) and (fact.kind, fact.source) == (kind, source)
    ]


@pytest.mark.parametrize("pair", [("designer", "edt"), ("extension", "extension_edt")])
def test_both_formats_say_the_same(pair):
    one, other = ({comparable(fact) for fact in facts_of(TRADE / name)} for name in pair)
    assert len(one) > 30
    # Designer dumps the languages, EDT keeps them in the file of the configuration.
    assert {getattr(fact, "kind", "") for fact in one ^ other} == {"Language"}


def comparable(fact: Fact) -> Fact:
    """A fact without what the formats do not share: places, defaults that EDT leaves out, synonyms of templates."""
    fact = without_place(fact)
    if isinstance(fact, ObjectFact):
        return dataclasses.replace(fact, properties=())
    return dataclasses.replace(fact, synonym="") if getattr(fact, "kind", "") == "template" else fact


def test_a_fact_stands_on_the_lines_it_names(designer):
    for fact in designer:
        lines = (TRADE / "designer" / fact.origin.path).read_text("utf-8-sig").split("\n")
        said = "\n".join(lines[fact.origin.line_start - 1 : fact.origin.line_end])
        name = fact.target.rpartition(".")[2] if isinstance(fact, Relation) else fact.name
        is_default = isinstance(fact, MemberFact) and fact.kind == "standard_attribute"
        # Rights stand in a file of their own.
        by_event = isinstance(fact, Relation) and fact.kind in {"subject", "handler", "extends", "right", "denial"}
        assert fact.origin.space_id == "main"
        assert is_default or name in said or by_event, fact


def test_an_object_and_its_members(dump):
    order = metadata(
        "Document",
        f"<Name>Заказ</Name>{text('Synonym', 'Заказ покупателя')}<Comment>Для продаж</Comment>"
        f"<RegisterRecords>\n<xr:Item>AccumulationRegister.Продажи</xr:Item>\n</RegisterRecords>"
        f"<BasedOn>\n<xr:Item>Document.Счет</xr:Item>\n</BasedOn>{text('Explanation', 'Заказы клиентов')}",
        child(
            "Attribute",
            f"<Name>Склад</Name>{text('Synonym', 'Место')}<Comment>откуда</Comment>{text('ToolTip', 'Где лежит')}"
            "<Type><v8:Type>cfg:CatalogRef.Склады</v8:Type><v8:TypeSet>cfg:DefinedType.Место</v8:TypeSet></Type>",
        )
        + child("TabularSection", "<Name>Товары</Name>", child("Attribute", "<Name>Цена</Name>"))
        + "<Form>ФормаДокумента</Form>\n<Template>Печать</Template>",
    )
    facts = facts_of(dump({"Documents/Заказ.xml": order}))
    (document,) = named(facts, "Document.Заказ")
    assert (document.synonym, document.comment, document.tooltip) == (
        "Заказ покупателя",
        "Для продаж",
        "Заказы клиентов",
    )
    (attribute,) = named(facts, "Document.Заказ.Attribute.Склад")
    assert dataclasses.replace(attribute, origin=NOWHERE) == MemberFact(
        full_name="Document.Заказ.Attribute.Склад",
        kind="attribute",
        name="Склад",
        owner="Document.Заказ",
        origin=NOWHERE,
        synonym="Место",
        comment="откуда",
        tooltip="Где лежит",
        types="СправочникСсылка.Склады, ОпределяемыйТип.Место",
    )
    (price,) = named(facts, "Document.Заказ.TabularSection.Товары.Attribute.Цена")
    assert (price.kind, price.parent) == ("tabular_section_attribute", "Товары")
    assert named(facts, "Document.Заказ.Template.Печать")
    assert not named(facts, "Document.Заказ.Form.ФормаДокумента")  # its own file would say it
    assert relations(facts, "movement", "Document.Заказ") == [("AccumulationRegister.Продажи", "Движения")]
    assert relations(facts, "based_on", "Document.Заказ") == [("Document.Счет", "Вводится на основании")]
    assert relations(facts, "type", "Document.Заказ.Attribute.Склад") == [
        ("Catalog.Склады", "Ref"),
        ("DefinedType.Место", ""),
    ]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("<CodeLength>0</CodeLength><DescriptionLength>50</DescriptionLength>", {"Наименование"}),
        ("<CodeLength>9</CodeLength><Hierarchical>true</Hierarchical>", {"Код", "Родитель", "ЭтоГруппа"}),
        (
            (
                "<Hierarchical>true</Hierarchical><HierarchyType>HierarchyOfItems</HierarchyType>"
                "<Owners><xr:Item>Catalog.А</xr:Item></Owners>"
            ),
            {"Родитель", "Владелец"},
        ),
    ],
)
def test_standard_attributes_follow_the_settings(dump, properties, expected):
    facts = facts_of(dump({"Catalogs/Б.xml": metadata("Catalog", f"<Name>Б</Name>{properties}")}))
    found = {fact.name for fact in facts if isinstance(fact, MemberFact) and fact.kind == "standard_attribute"}
    always = {"Ссылка", "ПометкаУдаления", "Предопределенный", "ИмяПредопределенныхДанных"}
    assert found == expected | always


def test_every_handler_of_the_demo_configuration_is_a_method(designer):
    methods = {fact.full_name for fact in designer if isinstance(fact, MethodFact)}
    handlers = [fact for fact in designer if isinstance(fact, Relation) and fact.kind == "handler"]
    assert {fact.source.partition(".")[0] for fact in handlers} >= {
        "CommonCommand", "Document", "EventSubscription", "HTTPService", "ScheduledJob",
    }  # fmt: skip
    assert len(handlers) > 100
    assert [fact for fact in handlers if fact.target not in methods] == []


def test_a_subscription_names_its_event_its_objects_and_its_handler(designer):
    name = "EventSubscription.ПроверитьДатуЗапрета"
    assert relations(designer, "handler", name) == [
        ("CommonModule.ДатыЗапретаИзменения.ПередЗаписьюДокумента", "ПередЗаписью")
    ]
    assert ("Document.РеализацияТоваров", "ПередЗаписью") in relations(designer, "subject", name)


def test_methods_carry_their_comment_in_parts(designer):
    (method,) = named(designer, "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты")
    assert method.is_function
    assert method.export
    assert [parameter.name for parameter in method.parameters] == [field.name for field in method.doc.parameters]
    assert all(field.types for field in method.doc.parameters)
    assert method.doc.returns


def test_an_extension_names_what_it_extends():
    facts = facts_of(TRADE / "extension")
    found = {(fact.source, fact.target, fact.detail) for fact in facts if getattr(fact, "kind", "") == "extends"}
    posting = "Document.РеализацияТоваров.ObjectModule"
    assert (f"{posting}.Мк_ОбработкаПроведенияПеред", f"{posting}.ОбработкаПроведения", "Перед") in found
    assert {detail for _, _, detail in found} <= {"Перед", "После", "Вместо", "ИзменениеИКонтроль"}
    (adopted,) = named(facts, "Catalog.Номенклатура")
    assert adopted.adopted


def test_handlers_that_a_form_of_an_extension_adds_say_how(dump):
    form = (
        '<Form xmlns="http://v8.1c.ru/8.3/xcf/logform">\n<Events>\n'
        '<Event name="OnOpen" callType="After">Мк_ПриОткрытииПосле</Event>\n</Events>\n</Form>'
    )
    facts = facts_of(dump({"CommonForms/Ф/Ext/Form.xml": form}))
    assert relations(facts, "handler", "CommonForm.Ф") == [("CommonForm.Ф.Мк_ПриОткрытииПосле", "ПриОткрытии (После)")]


def test_rights_are_facts_of_the_role(dump):
    def right(name, inside=""):
        return f"<right>\n<name>{name}</name>\n<value>true</value>{inside}</right>"

    condition = "<restrictionByCondition><condition>ГДЕ ИСТИНА</condition></restrictionByCondition>"
    objects = [
        ("Catalog.Цены", right("Insert") + right("Read", condition) + right("InputByString")),
        ("Catalog.Цены.Attribute.Курс", right("View")),
        ("Catalog.Тайны", "<right><name>Read</name><value>false</value></right>"),
        ("Subsystem.А.Subsystem.Б", right("View")),
    ]
    rights = "".join(f"<object><name>{name}</name>{said}</object>" for name, said in objects)
    files = {"Roles/Кассир.xml": metadata("Role", "<Name>Кассир</Name>"), "Roles/Кассир/Ext/Rights.xml": rights}
    facts = read_configuration(dump(files), space_id="main").facts
    assert relations(facts, "right", "Role.Кассир") == [
        ("Catalog.Цены", "Чтение (с ограничением), Добавление"),
        ("Subsystem.А.Subsystem.Б", "Просмотр"),
    ]


def test_a_role_with_rights_to_all_objects_says_so_and_what_it_denies(dump):
    denied = "<right><name>Read</name><value>true</value></right><right><name>Delete</name><value>false</value></right>"
    rights = f"<setForNewObjects>true</setForNewObjects><object><name>Catalog.Цены</name>{denied}</object>"
    files = {"Roles/Полные.xml": metadata("Role", "<Name>Полные</Name>"), "Roles/Полные/Ext/Rights.xml": rights}
    facts = read_configuration(dump(files), space_id="main").facts
    everything, prices = relations(facts, "right", "Role.Полные")
    assert everything[0] == "*"
    assert "Удаление" in everything[1]
    assert prices == ("Catalog.Цены", "Чтение")
    assert relations(facts, "denial", "Role.Полные") == [("Catalog.Цены", "Удаление")]
