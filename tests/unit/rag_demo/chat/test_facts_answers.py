"""Extractive answers out of the facts of the demo configuration."""

from __future__ import annotations

import dataclasses
import re

import pytest

from rag_demo.chat.asked import ALL_EVENTS, what_is_asked
from rag_demo.chat.checking.claims import dotted_names
from rag_demo.chat.extractive.compose import compose
from rag_demo.chat.within import Within
from rag_demo.configurations import bundled
from rag_demo.configurations.golden import load_golden
from rag_demo.index.fact_store import FactStore
from rag_demo.index.facts import Facts
from rag_demo.index.ports import Where
from rag_demo.ingest import read_configuration
from rag_demo.types import Hit, Source
from tests.unit.rag_demo.chat.bundle import BY_NAME, Everything, answer

QUOTE = re.compile(r"((?:^    \|.*\n)+)^    \[(\d+)\] (.+):(\d+)-(\d+)$", re.MULTILINE)
EXAMPLE = re.compile(r"^(?:Пример|Example):\n(?:    .*\n?)+|\"[^\"\n]*\"", re.MULTILINE)


def test_a_method_comes_with_parameters_result_and_example(facts):
    text = answer(
        facts, "Какой функцией получить курс валюты?", "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты"
    ).text
    assert "Если на саму дату курса нет, берётся последний из более ранних. [1]" in text
    assert "  • Валюта (СправочникСсылка.Валюты) — валюта, курс которой нужен." in text
    assert "  • ДатаКурса (Дата, необязательный, по умолчанию Неопределено) — на какую дату" in text
    assert "Возвращает:\n  • Структура\n    • Курс (Число) — курс за Кратность единиц" in text
    assert "Пример:\n    Курс = РаботаСКурсамиВалют.ПолучитьКурсВалюты(Валюта, Дата).Курс;" in text


def test_a_method_without_an_example_is_called_with_its_required_parameters(facts):
    text = answer(
        facts, "Where is the debt limit checked?", "CommonModule.ВзаиморасчетыСервер.ПроверитьЛимитЗадолженности"
    ).text
    assert "Call:\n    ВзаиморасчетыСервер.ПроверитьЛимитЗадолженности(Документ, Отказ);" in text
    assert "Parameters:\n  • Документ (ДокументОбъект.РеализацияТоваров)" in text


def test_a_deprecated_method_says_so(facts):
    assert "Устарела" in answer(facts, "НДС в сумме", "CommonModule.УчетНДС.НДСВСумме").text


def test_attributes_are_a_table_with_types(facts):
    text = answer(facts, "Какие реквизиты у справочника Контрагенты?", "Catalog.Контрагенты").text
    assert text.startswith("Catalog.Контрагенты — Контрагенты [1]\n\nРеквизиты:\n| Имя ")
    assert re.search(r"\| ИНН +\| Строка\(12\) +\| ИНН\. 10 цифр у организации и 12 у предпринимателя +\|", text)
    assert "Табличная часть КонтактныеЛица:" in text
    assert re.search(r"\n    \[1\] Catalogs/Контрагенты\.xml:\d+-\d+\n\nТабличная часть", text)
    table = [line for line in text.split("\n") if line.startswith("|")]
    assert len({len(line) for line in table[:10]}) == 1


def test_a_part_of_an_object_among_the_sources_does_not_stand_for_lines_it_lacks(facts):
    whole = BY_NAME["Catalog.Контрагенты"]
    part = dataclasses.replace(whole, line_end=whole.line_start + 20, text="\n".join(whole.text.split("\n")[:21]))
    question = "Какие реквизиты у справочника Контрагенты?"
    composed = compose(question, [Source(1, Hit(part, 1.0))], {}, knowledge=facts, library=Everything())
    assert [source.hit.document for source in composed.sources] == [part, whole]
    assert "    [2] Catalogs/Контрагенты.xml:" in composed.text


def test_only_what_was_asked_for(facts):
    text = answer(facts, "какие колонки в ТЧ Товары у заказа покупателя", "Document.ЗаказПокупателя").text
    assert "Табличная часть Товары:" in text
    assert "Реквизиты:" not in text
    text = answer(facts, "Какие измерения у регистра Курсы валют?", "InformationRegister.КурсыВалют").text
    assert "Измерения:" in text
    assert "Ресурсы:" not in text


def test_values_of_an_enumeration(facts):
    text = answer(facts, "Какие значения у перечисления СтатусыЗаказов", "Enum.СтатусыЗаказов").text
    assert [line for line in text.split("\n") if "ВРезерве" in line]
    assert text.count("\n|") == 8


def test_the_first_source_that_has_what_is_asked_for_gives_the_table(facts):
    text = answer(facts, "Какие реквизиты у договоров?", "Enum.ВидыДоговоров", "Catalog.ДоговорыКонтрагентов").text
    assert text.startswith("Catalog.ДоговорыКонтрагентов — Договоры контрагентов [2]")


def test_what_happens_is_told_in_the_order_of_the_platform(facts):
    composed = answer(facts, "Что происходит при проведении документа РеализацияТоваров?", "Document.РеализацияТоваров")
    steps = re.findall(r"^  \d\. (\S+)", composed.text, re.MULTILINE)
    assert steps == [
        "ОбработкаПроверкиЗаполнения",
        "ПередЗаписью",
        "ДатыЗапретаИзменения.ПередЗаписьюДокумента",
        "ОбработкаПроведения",
    ]
    assert "(подписка ПроверитьДатуЗапрета)" in composed.text
    calls = re.findall(r"→ (\S+)", composed.text.split("  4. ")[1])
    assert calls[:3] == [
        "ЗапасыСервер.ЗаблокироватьОстатки",
        "ЗапасыСервер.ОтразитьТовары",
        "ПартионныйУчет.СписатьПоФИФО",
    ]
    assert "Движения по регистрам: РегистрНакопления.ТоварыНаСкладах" in composed.text
    assert [source.n for source in composed.sources] == list(range(1, len(composed.sources) + 1))
    cited = BY_NAME["Document.РеализацияТоваров.ObjectModule.ОбработкаПроведения"]
    assert cited in [source.hit.document for source in composed.sources]


@pytest.fixture(scope="module")
def extended(facts, tmp_path_factory):
    """The facts of the configuration and of the extension of it."""
    store = FactStore.create(tmp_path_factory.mktemp("extension") / "facts.sqlite")
    store.add(read_configuration(bundled().parent / "extension", space_id="extension").facts)
    store.seal()
    yield Facts([*facts._readers, store.at(1)])
    store.close()


def test_what_an_extension_puts_in_the_way_is_told(extended):
    text = answer(extended, "Что происходит при проведении реализации?", "Document.РеализацияТоваров").text
    before = "Перед — Документ.РеализацияТоваров.ObjectModule.Мк_ОбработкаПроведенияПеред"
    assert f"       В расширении: {before}, После — " in text
    text = answer(extended, "проверить остатки", "CommonModule.ЗапасыСервер.ПроверитьОстатки").text
    assert "В расширении: Вместо — ЗапасыСервер.Мк_ПроверитьОстатки." in text


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Which documents write to the register ТоварыНаСкладах?", "Documents that write to this register: "),
        ("Какие документы делают движения по регистру ТоварыНаСкладах?", "Документы, которые делают движения"),
        ("регистраторы регистра ТоварыНаСкладах", "Документы, которые делают движения"),
    ],
)
def test_documents_that_write_to_a_register_are_listed(facts, question, title):
    composed = answer(facts, question, "Document.ЗаказПокупателя", "AccumulationRegister.ТоварыНаСкладах")
    listed = re.findall(r"^  • (Document\.\w+) — .+ \[(\d+)\]$", composed.text, re.MULTILINE)
    assert {name for name, _ in listed} == {
        relation.source for relation in facts.movers("AccumulationRegister.ТоварыНаСкладах")
    }
    for name, number in listed:
        assert composed.sources[int(number) - 1].hit.document.full_name == name
    assert composed.text.startswith("AccumulationRegister.ТоварыНаСкладах — Товары на складах [2]")
    assert f"{title}" in composed.text


def test_no_list_of_a_register_that_was_not_asked_for(facts):
    question = "Which documents write to the register Airplanes?"
    assert "Documents that write" not in answer(facts, question, "AccumulationRegister.ТоварыНаСкладах").text


def test_registers_that_a_document_writes_to_are_listed(facts):
    question = "Which registers does the document РеализацияТоваров write to?"
    text = answer(facts, question, "Document.РеализацияТоваров").text
    assert "Registers that the document writes to: " in text
    assert "  • AccumulationRegister.ТоварыНаСкладах — Товары на складах [" in text


def test_all_handlers_of_an_object(facts):
    text = answer(
        facts, "Which event handlers does the document РеализацияТоваров have?", "Document.РеализацияТоваров"
    ).text
    assert "Handlers:\n  1. " in text
    assert {"ОбработкаПроведения", "ОбработкаЗаполнения", "ПередЗаписью"} <= set(
        re.findall(r"^  \d+\. (\w+)", text, re.MULTILINE)
    )


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (Where(), True),
        (Where(doc_types=("method", "metadata_object")), True),
        (Where(doc_types=("method",)), False),
        (Where(kinds=("Catalog",)), True),
        (Where(kinds=("Document",)), False),
        (Where(("another",)), False),
    ],
)
def test_tables_keep_to_the_filter(facts, where, told):
    question = "Какие реквизиты у справочника Контрагенты?"
    method = next(name for name in BY_NAME if name.startswith("Catalog.Контрагенты.ManagerModule."))
    sources = [Source(1, Hit(BY_NAME[method], 1.0))]
    text = compose(question, sources, {}, knowledge=Within(facts, where), library=Everything()).text
    assert ("Реквизиты:" in text) is told


def test_what_happens_in_english(facts):
    text = answer(facts, "What happens when a sale document is posted?", "Document.РеализацияТоваров").text
    assert "What happens:\n  1. " in text
    assert "Movements in registers:" in text


@pytest.mark.parametrize(
    ("question", "events", "members"),
    [
        (
            "Что происходит при записи справочника Валюты?",
            ("ОбработкаПроверкиЗаполнения", "ПередЗаписью", "ПриЗаписи"),
            (),
        ),
        ("Какие движения делает реализация товаров?", True, ()),
        ("Что будет при отмене проведения?", ("ПередЗаписью", "ПриЗаписи", "ОбработкаУдаленияПроведения"), ()),
        ("Which event handlers does the document X have?", ALL_EVENTS, ()),
        ("Какие обработчики у документа Х?", ALL_EVENTS, ()),
        ("Какие значения у перечисления?", (), ("enum_value", "predefined")),
        ("Где проверяется лимит?", (), ()),
        ("Что делает кнопка «Загрузить курс»?", (), ()),
    ],
)
def test_what_is_asked(question, events, members):
    asked = what_is_asked(question)
    assert bool(asked.events) if events is True else asked.events == events
    assert asked.members == members


GOLDEN = [
    (wording, question.gold) for question in load_golden() if not question.refuse for wording in question.wordings
]


def test_every_quote_and_every_name_of_every_golden_answer_is_true(facts):
    """With the gold among the sources: quotations word for word in their lines, names that exist."""
    quotes = named = 0
    for wording, gold in GOLDEN:
        composed = answer(facts, wording, *[name for name in gold if name in BY_NAME][:3])
        for quoted, number, path, first, last in QUOTE.findall(composed.text):
            lines = [line.removeprefix("    | ") for line in quoted.removesuffix("\n").split("\n")]
            assert lines == lines_of(path, int(first), int(last))
            assert composed.sources[int(number) - 1].hit.document.path == path
            quotes += 1
        # Examples out of comments, in lines or in quotation marks, are code with variables of its own.
        said = EXAMPLE.sub("", QUOTE.sub("", composed.text)).replace("Характеристика.", "ПланВидовХарактеристик.")
        for name in dotted_names(said):
            assert facts.exists(name), (wording, name)
            named += 1
    assert quotes > 300
    assert named > 1_000


def lines_of(path, first, last):
    text = (bundled() / path).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    return text.split("\n")[first - 1 : last]
