from __future__ import annotations

from rag_demo.evaluate.cases import choose, make_case
from rag_demo.evaluate.golden_sets import (
    facts,
    family,
    foreign,
    identifiers,
    known_items,
    left_out,
    sample,
    unanswerable,
    without_identifiers,
)
from rag_demo.ingest.facts import MemberFact, Origin, Relation
from rag_demo.testing import make_document

ORIGIN = Origin("trade", "Catalogs/Валюты.xml", 1, 2)


def method(name, doc):
    return make_document(f"CommonModule.Курсы.{name}", doc=doc)


def test_a_question_is_the_first_sentence_without_identifiers():
    document = method("Курс", "Возвращает курс валюты на дату, см. РаботаСКурсами. Второе предложение.")
    (case,) = known_items([document])
    assert case.question == "Возвращает курс валюты на дату, см"
    assert case.gold == ("CommonModule.Курсы.Курс",)
    assert case.source_id == document.doc_id


def test_sentences_over_several_methods_and_short_ones_are_left_out():
    same = "Возвращает реквизиты объекта для редактирования."
    documents = [method("А", same), method("Б", same.upper()), method("В", "Коротко."), method("Г", "")]
    assert known_items(documents) == []


def test_without_identifiers():
    assert (
        without_identifiers("Вызывает ПолучитьКурс или get_rate для HTTPСоединение - сразу.")
        == "Вызывает или для - сразу"
    )


def test_identifiers_are_those_of_one_thing():
    documents = [method("ПолучитьКурс", ""), make_document("CommonModule.Цены.ПолучитьКурс"), method("Сбросить", "")]
    assert [(case.question, case.gold) for case in identifiers(documents)] == [
        ("Сбросить", ("CommonModule.Курсы.Сбросить",))
    ]


def test_facts_ask_for_types_dimensions_handlers_and_movements():
    found = [
        MemberFact("Catalog.Валюты.Attribute.Курс", "attribute", "Курс", "Catalog.Валюты", ORIGIN, types="Число"),
        MemberFact("InformationRegister.К.Dimension.В", "dimension", "В", "InformationRegister.К", ORIGIN),
        Relation("handler", "EventSubscription.П", "CommonModule.М.Обработать", ORIGIN),
        Relation("movement", "Document.Заказ", "AccumulationRegister.Остатки", ORIGIN),
        Relation("content", "Subsystem.А", "Catalog.Валюты", ORIGIN),
    ]
    asked = {case.question: (case.gold, case.answer) for case in facts(found)}
    assert asked == {
        "Какого типа реквизит Курс у справочника Валюты?": (("Catalog.Валюты",), "Курс"),
        "Какие измерения у регистра сведений К?": (("InformationRegister.К",), "В"),
        "Какой обработчик у подписки на событие П?": (("EventSubscription.П", "CommonModule.М.Обработать"), ""),
        "Какие движения делает документ Заказ?": (("Document.Заказ",), "Остатки"),
    }


def test_families_and_their_removal():
    assert family("РаботаСКурсамиВалютКлиентСервер") == family("РаботаСКурсамиВалют") == "работаскурсамивалют"
    assert family("Клиент") == "клиент"
    documents = [make_document(f"CommonModule.Модуль{number}.Метод") for number in range(400)]
    removed = left_out(documents)
    assert 5 <= len(removed) <= 40
    assert removed == left_out(documents[::-1])
    gone = unanswerable(
        [make_case("1", "Где?", "known-item", [f"CommonModule.{name}.Метод"]) for name in removed], removed
    )
    assert len(gone) == len(removed)
    assert not any(case.gold for case in gone)


def test_foreign_names_are_unknown_here():
    ours = [make_document("CommonModule.Цены.ПолучитьЦену")]
    theirs = [*ours, make_document("CommonModule.Полёты.ЗапуститьРакету"), make_document("CommonModule.Полёты.Старт")]
    assert [case.question for case in foreign(ours, theirs)] == ["Где используется ЗапуститьРакету?"]


def test_samples_do_not_depend_on_the_order_and_splits_on_the_object_alone():
    cases = [make_case(str(number), "?", "own", [f"Catalog.С{number % 40}"]) for number in range(200)]
    assert sample(cases, 20) == sample(cases[::-1], 20)
    sides = {case.group: {other.split for other in cases if other.group == case.group} for case in cases}
    assert all(len(found) == 1 for found in sides.values())
    assert len(choose(cases, "tune")) + len(choose(cases, "test")) == len(cases)
