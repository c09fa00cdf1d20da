"""Answers on members by name, on links between objects, on callers, methods and code of the demo configuration."""

from __future__ import annotations

import dataclasses
import re

import pytest

from rag_demo.chat.asked import what_is_asked
from rag_demo.chat.extractive.callers import calls_of
from rag_demo.chat.extractive.cards import card
from rag_demo.chat.extractive.named import named_members
from rag_demo.chat.extractive.phrases import RUSSIAN
from rag_demo.ingest.facts import MethodFact
from rag_demo.testing import make_document
from tests.unit.rag_demo.chat.bundle import BY_NAME, answer

RATE = "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "Какого типа реквизит Абракадабра у справочника Валюты?",
            "У Catalog.Валюты нет ничего с именем «Абракадабра».",
        ),
        (
            "What is the type of the attribute Foobar of the catalog Валюты?",
            'Catalog.Валюты has nothing with the name "Foobar".',
        ),
        ("Какого типа реквизит Кратность у справочника Валюты?", "InformationRegister.КурсыВалют.Resource.Кратность"),
        ("какой тип у реквизита кратность справочника валюты", "У Catalog.Валюты нет ничего с именем «кратность»."),
        ("Какого типа реквизит ОсновнаВалюта у справочника Валюты?", "Похожие имена: ОсновнаяВалюта."),
    ],
)
def test_a_member_that_is_not_there_is_said_not_to_be(facts, question, said):
    text = answer(facts, question, "Catalog.Валюты").text
    assert said in text
    assert "| НаценкаКурса " in text  # what there is


def test_a_tabular_section_that_is_not_there(facts):
    question = "Какие колонки в табличной части Абракадабра документа РеализацияТоваров?"
    text = answer(facts, question, "Document.РеализацияТоваров").text
    assert "У Document.РеализацияТоваров нет ничего с именем «Абракадабра»." in text
    assert "Табличная часть Товары:" in text


@pytest.mark.parametrize("question", ["реквизиты ТЧ заказа", "состав табличной части заказа поставщику"])
def test_the_object_is_no_tabular_section(facts, question):
    text = answer(facts, question, "Document.ЗаказПоставщику", "Subsystem.Закупки").text
    assert "нет ничего" not in text
    assert "Табличная часть Товары:" in text


@pytest.mark.parametrize(
    ("question", "about", "row"),
    [
        ("Есть ли у справочника Контрагенты реквизит КПП?", "Catalog.Контрагенты", "| КПП | Строка(9) |"),
        ("the type of the КПП attribute of the catalog Контрагенты", "Catalog.Контрагенты", "| КПП  | Строка(9) |"),
        (
            "тип измерения Склад регистра ТоварыНаСкладах",
            "AccumulationRegister.ТоварыНаСкладах",
            "| Склад | Справочник",
        ),
        (
            "реквизит Основная валюта справочника Валюты",
            "Catalog.Валюты",
            "| ОсновнаяВалюта | СправочникСсылка.Валюты |",
        ),
        (
            "Какого типа реквизит Код у справочника Валюты?",
            "Catalog.Валюты",
            "  • Длина кода: 3\n  • Тип кода: Строка\n",
        ),
    ],
)
def test_a_member_that_is_named_is_shown_alone(facts, question, about, row):
    text = answer(facts, question, about).text
    assert row in text
    assert len(re.findall(r"^\|", text, re.MULTILINE)) == 3
    assert "нет ничего" not in text


@pytest.mark.parametrize(
    "question",
    [
        "Какие реквизиты у справочника Валюты?",
        "Какие реквизиты Валюты заполняются?",
        "реквизит валюты",
        "Какие поля Контрагента выгружаются?",
        "Какой реквизит Валюты хранит наценку?",
        "Какой реквизит справочника Валюты хранит наценку?",
        "Which attributes does Валюты have?",
    ],
)
def test_no_member_is_missed_where_none_is_named(facts, question):
    members = facts.members("Catalog.Валюты")
    assert not named_members(question, "Валюты", members).missing


@pytest.mark.parametrize(
    ("question", "about", "listed"),
    [
        ("Что входит в подсистему Продажи?", "Subsystem.Продажи", "Document.РеализацияТоваров"),
        ("What is in the subsystem Продажи?", "Subsystem.Продажи", "Report.ВаловаяПрибыль"),
        ("В какую подсистему входит документ РеализацияТоваров?", "Document.РеализацияТоваров", "Subsystem.Продажи"),
        ("На основании чего вводится РеализацияТоваров?", "Document.РеализацияТоваров", "Document.ЗаказПокупателя"),
        (
            "Что вводится на основании документа ЗаказПокупателя?",
            "Document.ЗаказПокупателя",
            "Document.РеализацияТоваров",
        ),
        ("Кто владелец справочника ДоговорыКонтрагентов?", "Catalog.ДоговорыКонтрагентов", "Catalog.Контрагенты"),
        ("Какие справочники подчинены справочнику Контрагенты?", "Catalog.Контрагенты", "Catalog.ДоговорыКонтрагентов"),
        ("Где используется справочник Валюты?", "Catalog.Валюты", "Catalog.Кассы: Валюта"),
        ("Where is the catalog Валюты used?", "Catalog.Валюты", "Constant.ВалютаУчета"),
    ],
)
def test_what_an_object_is_linked_with_is_listed_and_cited(facts, question, about, listed):
    composed = answer(facts, question, about)
    number = re.search(rf"^  • {re.escape(listed)}[^\[\n]* \[(\d+)\]$", composed.text, re.MULTILINE)
    assert number, composed.text
    assert composed.sources[int(number[1]) - 1].hit.document.full_name == listed.partition(":")[0]


@pytest.mark.parametrize("question", ["Какие права у роли Кладовщик?", "What rights does the role Кладовщик have?"])
def test_the_rights_of_a_role(facts, question):
    text = answer(facts, question, "Role.Кладовщик").text
    assert "  • Права на объекты: 8; ограничений доступа к записям: " in text
    assert "  • Catalog.Номенклатура: Чтение, Просмотр [" in text
    assert re.search(r"  • Document\.ПоступлениеТоваров: Чтение \(с ограничением\), ", text)
    assert "Configuration." not in text


def test_the_roles_that_give_rights_to_an_object(facts):
    text = answer(facts, "Какие роли дают права на документ ПоступлениеТоваров?", "Document.ПоступлениеТоваров").text
    assert "Роли, которые дают права на этот объект: " in text
    assert "  • Role.Кладовщик: Чтение (с ограничением), " in text


def test_no_list_for_an_object_that_was_not_named(facts):
    assert "Состав" not in answer(facts, "Что входит в подсистему Самолёты?", "Subsystem.Продажи").text


@pytest.mark.parametrize("question", ["Где используется ПолучитьКурсВалюты?", "who calls ПолучитьКурсВалюты"])
def test_callers_are_listed_with_the_lines_that_call(facts, question):
    text = answer(facts, question, RATE).text
    assert set(re.findall(r"^  • (\S+) \[\d+\]$", text, re.MULTILINE)) == {
        "Catalog.Валюты.ObjectModule.ПриЗаписи",
        "Catalog.Валюты.Form.ФормаЭлемента.ОбновитьПодписьКурса",
        "CommonModule.ЗаполнениеДокументов.ПрименитьДоговор",
        "CommonModule.РаботаСКурсамиВалют.ПересчитатьВВалюту",
        "CommonModule.РаботаСКурсамиВалютВызовСервера.КурсДляДокумента",
        "Document.ПоступлениеТоваров.ObjectModule.ПередЗаписью",
    }
    assert "    | \tДанные = РаботаСКурсамиВалют.ПолучитьКурсВалюты(Объект.Ссылка);\n" in text


def test_a_scheduled_job_is_told_to_call_its_handler(facts):
    name = "CommonModule.РаботаСКурсамиВалют.ЗагрузитьАктуальныеКурсы"
    text = answer(facts, "Где вызывается ЗагрузитьАктуальныеКурсы?", name).text
    assert "Обработчик: ScheduledJob.ЗагрузкаКурсовВалют (Регламентное задание)." in text


def test_a_call_is_not_one_in_a_comment_a_string_or_of_a_namesake(facts):
    (method,) = (fact for fact in facts.find(RATE) if isinstance(fact, MethodFact))
    lines = [
        "// РаботаСКурсамиВалют.ПолучитьКурсВалюты(Х)",
        'Сообщить("ПолучитьКурсВалюты(Х)");',
        "ЧужойМодуль.ПолучитьКурсВалюты(Х);",
        "ПолучитьКурсВалюты(Х);",
        "Х.ПолучитьКурсВалютыСейчас(1);",
    ]
    other = [make_document(f"CommonModule.Д{n}.М", text=line) for n, line in enumerate(lines)]
    assert calls_of(method, other, only_one=False) == []
    called = make_document(
        "CommonModule.Д.М", text="\nА = МодульРаботаСКурсамиВалют . получитькурсвалюты (Х);", line_start=5
    )
    (call,) = calls_of(method, [*other, called], only_one=False)
    assert (call.caller, call.line.line_start) == (called, 6)
    assert [call.caller for call in calls_of(method, other, only_one=True)] == [other[2]]
    window = make_document("CommonModule.Д.М", text=called.text, line_start=90)
    assert [call.line.line_start for call in calls_of(method, [window, called], only_one=False)] == [6]


def test_the_methods_of_a_module(facts):
    module = "CommonModule.РаботаСКурсамиВалют"
    text = answer(facts, "Какие экспортные методы в модуле РаботаСКурсамиВалют?", module).text
    title, first, *_ = text.split("\n")
    assert title == f"Экспортные методы модуля {module}: 4 [1]"
    assert first.startswith("  • Функция ПолучитьКурсВалюты(Валюта, ДатаКурса) Экспорт — ")
    assert "ТекстСКурсамиНаДату" not in text
    text = answer(facts, "What functions are in the module РаботаСКурсамиВалют?", module).text
    assert "  • Function ТекстСКурсамиНаДату(ДатаКурса)" in text
    text = answer(facts, "Какие методы в модуле менеджера справочника Организации?", "Catalog.Организации").text
    assert "  • Функция РеквизитыНаПечать(" in text


@pytest.mark.parametrize("question", ["Что делает модуль РаботаСКурсамиВалют?", "what is РаботаСКурсамиВалют for"])
def test_a_module_that_is_named_tells_what_it_offers(facts, question):
    text = answer(facts, question, "CommonModule.РаботаСКурсамиВалют").text
    assert len(re.findall(r"^  • \w+ \w+\(.* (?:Экспорт|Export) — ", text, re.MULTILINE)) == 4


@pytest.mark.parametrize(
    "question",
    [
        "модуль РаботаСКурсамиВалют серверный или клиентский?",
        "есть ли в модуле РаботаСКурсамиВалют обработка ошибок",
        "как в модуле РаботаСКурсамиВалют разбирается текст курсов?",
        "где используется модуль РаботаСКурсамиВалют",
        "покажи код модуля РаботаСКурсамиВалют",
        "кто написал модуль РаботаСКурсамиВалют",
    ],
)
def test_a_module_of_which_more_is_asked_does_not_list_what_it_offers(facts, question):
    assert "етоды модуля" not in answer(facts, question, "CommonModule.РаботаСКурсамиВалют").text


def test_the_module_that_is_named_comes_before_one_that_begins_so(facts):
    longer = "CommonModule.РаботаСКурсамиВалютВызовСервера"
    text = answer(facts, "Какие методы в модуле РаботаСКурсамиВалют?", f"{longer}.КурсДляДокумента", RATE).text
    assert text.startswith("Методы модуля CommonModule.РаботаСКурсамиВалют: ")


@pytest.mark.parametrize("question", ["Покажи код функции ПолучитьКурсВалюты", "show the source of ПолучитьКурсВалюты"])
def test_code_is_shown_whole(facts, question):
    text = answer(facts, question, RATE).text
    assert "    | Функция ПолучитьКурсВалюты(Валюта, Знач ДатаКурса = Неопределено) Экспорт\n" in text
    assert re.search(
        r"\n    \| КонецФункции\n    \[1\] CommonModules/РаботаСКурсамиВалют/Ext/Module\.bsl:\d+-\d+", text
    )


@pytest.mark.parametrize(
    ("question", "name", "said"),
    [
        ("какие права у роли ПолныеПрава", "Role.ПолныеПрава", "  • Права на все объекты, в том числе новые\n"),
        ("Какие предопределённые элементы у справочника ВидыЦен?", "Catalog.ВидыЦен", "| Розничная"),
        (
            "Какие табличные части у документа ПоступлениеТоваров?",
            "Document.ПоступлениеТоваров",
            "ДополнительныеРасходы:",
        ),
    ],
)
def test_what_the_name_of_an_object_has_too_is_told(facts, question, name, said):
    assert said in answer(facts, question, name).text


def test_the_name_of_an_object_is_no_quotation(facts):
    assert "<Name>" not in answer(facts, "какие права у роли ПолныеПрава", "Role.ПолныеПрава").text


@pytest.mark.parametrize(
    ("question", "wish"),
    [
        ("Где проверяется лимит задолженности?", ""),
        ("Какой код у валюты рубль?", ""),
        ("Какая функция возвращает код валюты?", ""),
        ("Какие функции считают НДС?", ""),
        ("Покажи реквизит Код справочника Валюты", ""),
        ("Как заполняется продажа на основании заказа?", ""),
        ("покажи текст процедуры ПередЗаписью", "code"),
        ("list all procedures of the module УчетНДС", "methods"),
    ],
)
def test_wishes_are_not_read_into_other_questions(question, wish):
    asked = what_is_asked(question)
    assert {name for name in ("code", "methods", "relations") if getattr(asked, name)} == ({wish} - {""})


@pytest.mark.parametrize(
    "question", ["Для чего нужен регистр КурсыВалют?", "справочник Валюты", "What is the document Инвентаризация?"]
)
def test_an_object_asked_for_by_its_name_is_summed_up(facts, question):
    about, said = {
        "Для": ("InformationRegister.КурсыВалют", "  • Ресурсы: Курс, Кратность\n"),
        "справочник": ("Catalog.Валюты", "  • Реквизиты: НаименованиеПолное, СпособУстановкиКурса, ОсновнаяВалюта, "),
        "What": ("Document.Инвентаризация", "  • Tabular sections: Товары\n"),
    }[question.split()[0]]
    text = answer(facts, question, about).text
    assert said in text
    assert f"{about} — " in text.split("\n\n")[1]


def test_whoever_asks_for_more_than_the_name_gets_no_summary(facts):
    assert "Реквизиты:" not in answer(facts, "Какая длина кода у справочника Валюты?", "Catalog.Валюты").text


@pytest.mark.parametrize(
    ("question", "count", "told"),
    [
        ("У каких справочников есть реквизит ИНН?", 2, "  • Catalog.Организации — ИНН: Строка(12) ["),
        (
            "В каких документах есть реквизит Склад?",
            6,
            "  • Document.Инвентаризация — Склад: ",
        ),
        ("Which documents have the attribute Валюта?", 7, "  • Document.СписаниеДенег — Валюта: "),
        ("У каких объектов есть реквизит ОГРН?", 1, "  • Catalog.Организации — ОГРН: "),
    ],
)
def test_objects_that_have_a_member_are_listed(facts, question, count, told):
    text = answer(facts, question, "Catalog.Валюты").text
    assert told in text
    assert text.count("  • ") == count


@pytest.mark.parametrize("question", ["Сколько реквизитов у справочника Контрагенты?", "how many attributes"])
def test_how_many_are_counted(facts, question):
    text = answer(facts, question, "Catalog.Контрагенты").text
    assert re.search(r"\n(?:Реквизиты|Attributes): 9\n", text)


def test_members_in_dots(facts):
    text = answer(facts, "Какой тип у Справочник.Контрагенты.КПП?", "Catalog.Контрагенты").text
    assert "| КПП | Строка(9) |" in text
    assert "| ИНН" not in text
    text = answer(facts, "Справочник.Контрагенты.Абракадабра", "Catalog.Контрагенты").text
    assert "У Catalog.Контрагенты нет ничего с именем «Абракадабра»." in text
    assert "| КПП | Строка(9) |" in answer(facts, "Что такое Контрагенты.КПП?", "Catalog.Контрагенты").text
    for method in ("Справочники.Организации.РеквизитыНаПечать", "Справочники.Организации.НайтиПоКоду"):
        assert "нет ничего" not in answer(facts, f"Что делает {method}?", "Catalog.Организации").text


def test_http_methods_of_a_service(facts):
    text = answer(facts, "Какие HTTP-методы у сервиса ОбменСМагазином?", "HTTPService.ОбменСМагазином").text
    assert re.search(r"\| Заказ: Отменить +\| DELETE +\|", text)


@pytest.mark.parametrize(
    "question", ["Explain posting of РеализацияТоваров", "Какие модули вызываются при проведении?"]
)
def test_other_words_for_what_happens(facts, question):
    assert "  4. ОбработкаПроведения" in answer(facts, question, "Document.РеализацияТоваров").text


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "Какие предопределённые элементы у справочника Кассы?",
            "У Catalog.Кассы нет того, о чём вы спрашиваете (пред",
        ),
        ("Which dimensions does the catalog Валюты have?", "Catalog.Валюты has none of what you ask for (dimensions)."),
    ],
)
def test_an_object_without_such_members_is_said_to_have_none(facts, question, said):
    about = "Catalog.Кассы" if "Кассы" in question else "Catalog.Валюты"
    assert said in answer(facts, question, about).text


def test_what_does_something_to_an_object_is_not_asked_of_its_members(facts):
    assert "нет того" not in answer(facts, "Какая команда открывает справочник Кассы?", "Catalog.Кассы").text


def test_code_is_shown_of_the_method_that_is_named(facts):
    name = "Document.РеализацияТоваров.ObjectModule.ОбработкаПроведения"
    question = "покажи код ОбработкаПроведения документа РеализацияТоваров"
    text = answer(facts, question, "Document.РеализацияТоваров", name).text
    assert text.startswith(f"Процедура {name} — ")
    assert "    | Процедура ОбработкаПроведения(" in text
    assert "    [2] Documents/РеализацияТоваров/Ext/ObjectModule.bsl:" in text


def test_callers_of_a_method_that_another_space_writes_otherwise(facts):
    called = RATE.replace("КурсВалюты", "курсВалюты")
    other = dataclasses.replace(BY_NAME[RATE], space_id="other", full_name=called, name="ПолучитькурсВалюты")
    text = answer(facts, "кто вызывает ПолучитьКурсВалюты", other).text
    assert text.startswith(f"Функция {called} — ")
    assert "Вызывается в методах: 6\n" in text


@pytest.mark.parametrize(
    ("kind", "told"),
    [("константа", "Constant.ВалютаУчета"), ("функция", "Функция CommonModule.РаботаСКурсамиВалют.ВалютаУчета")],
)
def test_of_a_method_and_an_object_of_one_name_the_kind_tells(facts, kind, told):
    (method,) = (fact for fact in facts.find(RATE) if isinstance(fact, MethodFact))
    full_name = "CommonModule.РаботаСКурсамиВалют.ВалютаУчета"
    namesake = dataclasses.replace(method, full_name=full_name, name="ВалютаУчета")
    document = dataclasses.replace(BY_NAME[RATE], full_name=full_name, name="ВалютаУчета")
    known = WithOneMore(facts, namesake)
    text = answer(known, f"где используется {kind} ВалютаУчета", document, "Constant.ВалютаУчета").text
    assert text.startswith(f"{told} — ")


class WithOneMore:
    """Facts, and one besides."""

    def __init__(self, facts, fact):
        self._facts, self._fact = facts, fact

    def find(self, name, **more):
        known = {self._fact.full_name, self._fact.name}
        return [*self._facts.find(name, **more), *([self._fact] if name in known else [])]

    def __getattr__(self, name):
        return getattr(self._facts, name)


def test_a_string_of_several_lines_is_no_code(facts):
    (method,) = (fact for fact in facts.find(RATE) if isinstance(fact, MethodFact))
    query = make_document(
        "CommonModule.РаботаСКурсамиВалют.М",
        text='Запрос.Текст = "ВЫБРАТЬ ""А"",\n|\tПолучитьКурсВалюты(Х) КАК ""К"",\n|\tПолучитьКурсВалюты(Х)";',
    )
    assert calls_of(method, [query], only_one=False) == []
    after = dataclasses.replace(query, text=query.text + " А = ПолучитьКурсВалюты(Х);")
    (call,) = calls_of(method, [after], only_one=False)
    assert call.line.line_start == after.line_start + 2


@pytest.mark.parametrize("question", ["Где используется регистр КурсыВалют?", "Where is the register КурсыВалют used?"])
def test_code_that_names_an_object_is_listed(facts, question):
    text = answer(facts, question, "InformationRegister.КурсыВалют").text
    assert "  • CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты [" in text
    assert re.search(r"    \| .*РегистрСведений\.КурсыВалют\.СрезПоследних", text)


@pytest.mark.parametrize(
    ("asked", "listed"),
    [("используется модуль РаботаСКурсамиВалют", True), ("вызывается РаботаСКурсамиВалют.НетТакого", False)],
)
def test_code_that_calls_a_module_is_listed(facts, asked, listed):
    text = answer(facts, f"Где {asked}?", "CommonModule.РаботаСКурсамиВалют").text
    assert ("  • Catalog.Валюты.ObjectModule.ПриЗаписи [" in text) is listed


def test_uses_are_listed_of_what_is_named_outright(facts):
    text = answer(facts, "Где применяется скидка?", "CommonModule.СкидкиСервер.РассчитатьСкидки", "Catalog.Скидки").text
    assert "Упоминается" not in text
    assert "Функция CommonModule.СкидкиСервер.РассчитатьСкидки — " in text


def test_the_content_of_a_subsystem_inside_another(facts):
    text = answer(facts, "Что входит в подсистему Валюты?", "Subsystem.Финансы.Subsystem.Валюты").text
    assert "  • Catalog.Валюты — Валюты [" in text


def test_the_handler_of_a_job_is_told_with_its_module(facts):
    job = "ЗагрузкаКурсовВалют"
    text = answer(facts, f"Какой обработчик у регламентного задания {job}?", f"ScheduledJob.{job}").text
    assert "  1. РаботаСКурсамиВалют.ЗагрузитьАктуальныеКурсы — " in text


def test_deprecated_methods_of_a_module(facts):
    text = answer(facts, "Какие методы устарели в модуле УчетНДС?", "CommonModule.УчетНДС").text
    assert text.startswith("Устаревшие методы модуля CommonModule.УчетНДС: 1 ")
    assert "  • Функция НДСВСумме(Сумма, Процент) Экспорт — Устарела. " in text
    none = answer(facts, "Какие методы устарели в модуле РаботаСКурсамиВалют?", "CommonModule.РаботаСКурсамиВалют").text
    assert none.startswith("В модуле CommonModule.РаботаСКурсамиВалют таких методов нет (устаревшие методы). [1]")


def test_what_a_subscription_is_to(facts):
    name = "EventSubscription.ПроверитьДатуЗапрета"
    text = answer(facts, "На что подписана подписка ПроверитьДатуЗапрета?", name).text
    assert "  • Document.РеализацияТоваров" in text


def test_a_parameter_without_a_type_has_its_default_in_brackets(facts):
    method = next(
        one
        for one in facts.methods("CommonModule.РаботаСКурсамиВалют")
        if any(parameter.default for parameter in one.parameters)
    )
    bare = dataclasses.replace(method, doc=method.doc._replace(parameters=()))
    assert "(необязательный, по умолчанию " in "\n".join(card(bare, RUSSIAN))
