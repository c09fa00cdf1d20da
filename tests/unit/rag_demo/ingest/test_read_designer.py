"""A Designer dump as documents."""

from __future__ import annotations

import pytest

from rag_demo.ingest import read_configuration

from .conftest import child, find, metadata, read, text


def test_configuration_and_progress(dump):
    seen = []
    ingested = read_configuration(dump(), space_id="main", on_progress=lambda done, total: seen.append((done, total)))
    assert (ingested.configuration_name, ingested.configuration_version) == ("Маяк", "1.2.3")
    assert ingested.format == "designer 2.20"
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_method_document(dump):
    (method,) = find(read(dump()), "CommonModule.Цены.Цена", "method")
    assert method.path == "CommonModules/Цены/Ext/Module.bsl"
    assert (method.line_start, method.line_end) == (3, 7)
    assert method.text == "// Возвращает цену.\n//\nФункция Цена(Товар) Экспорт\n\tВозврат 1;\nКонецФункции"
    assert method.header == "Общий модуль Цены › ПрограммныйИнтерфейс › Функция Цена(Товар) Экспорт"
    assert (method.name, method.synonym, method.doc) == ("Цена", "Цены товаров", "Возвращает цену.")
    assert (method.module_kind, method.region, method.body) == ("CommonModule", "ПрограммныйИнтерфейс", "Возврат 1;")
    assert method.export
    assert method.is_function


def test_every_document_is_exactly_the_lines_it_names(dump):
    root = dump({"Documents/Заказ.xml": ORDER, "Documents/Заказ/Ext/ObjectModule.bsl": "Перем А;\nБ = 1;\n"})
    documents = read(root)
    assert len(documents) >= 6
    for one in documents:
        lines = (root / one.path).read_text("utf-8-sig").split("\n")
        assert one.text == "\n".join(lines[one.line_start - 1 : one.line_end])


STRING = (
    "<Type>\n<v8:Type>xs:string</v8:Type>\n<v8:StringQualifiers>\n<v8:Length>150</v8:Length>\n"
    "</v8:StringQualifiers>\n</Type>"
)
NUMBER = (
    "<Type>\n<v8:Type>xs:decimal</v8:Type>\n<v8:NumberQualifiers>\n<v8:Digits>15</v8:Digits>\n"
    "<v8:FractionDigits>2</v8:FractionDigits>\n</v8:NumberQualifiers>\n</Type>"
)
ORDER = metadata(
    "Document",
    f"<Name>Заказ</Name>\n{text('Synonym', 'Заказ покупателя', 'Customer order')}\n<Comment>Для продаж</Comment>\n"
    f"<Posting>Allow</Posting>\n<RegisterRecords>\n<xr:Item>AccumulationRegister.Продажи</xr:Item>\n"
    f"<xr:Item>InformationRegister.Цены</xr:Item>\n</RegisterRecords>\n{text('Explanation', 'Заказы клиентов')}",
    child(
        "Attribute",
        f"<Name>Склад</Name>\n{text('Synonym', 'Склад')}\n<Type>\n<v8:Type>cfg:CatalogRef.Склады</v8:Type>\n</Type>",
    )
    + "\n"
    + child(
        "TabularSection",
        f"<Name>Товары</Name>\n{text('Synonym', 'Товары')}",
        child(
            "Attribute", f"<Name>Сумма</Name>\n{text('Synonym', 'Сумма строки')}\n{NUMBER}\n{text('ToolTip', 'С НДС')}"
        ),
    )
    + "\n<Form>ФормаДокумента</Form>\n<Form>ФормаСписка</Form>",
)


def test_documents_come_in_the_order_of_paths_and_lines(dump):
    documents = read(dump({"Documents/Заказ.xml": ORDER, "Documents/Заказ/Ext/ObjectModule.bsl": "Перем А;\n"}))
    places = [(one.path, one.line_start) for one in documents]
    assert places == sorted(places)
    assert places[0][0].startswith("CommonModules/")


def test_flags_of_a_common_module(dump):
    flags = "<Global>false</Global>\n<Server>true</Server>\n<ServerCall>true</ServerCall>"
    xml = metadata("CommonModule", f"<Name>Цены</Name>\n{flags}")
    (module,) = find(read(dump({"CommonModules/Цены.xml": xml})), "CommonModule.Цены")
    assert module.body.split("\n")[1:] == ["Признаки: Сервер, Вызов сервера"]


def test_an_object_with_few_children_is_one_document(dump):
    (order,) = find(read(dump({"Documents/Заказ.xml": ORDER})), "Document.Заказ")
    assert order.header == "Документ Заказ"
    assert (order.synonym, order.object_kind, order.object_name) == ("Заказ покупателя", "Document", "Заказ")
    assert order.text.startswith("<Document uuid=")
    assert order.text.endswith("</Document>")
    assert order.body.split("\n") == [
        "Документ Заказ (Document.Заказ)",
        "Синоним: Заказ покупателя",
        "Синоним (en): Customer order",
        "Комментарий: Для продаж",
        "Проведение: разрешено",
        "Движения: РегистрНакопления.Продажи, РегистрСведений.Цены",
        "Пояснение: Заказы клиентов",
        "Реквизит Склад (Склад): СправочникСсылка.Склады",
        "Табличная часть Товары (Товары)",
        "Реквизит Товары.Сумма (Сумма строки): Число(15,2); подсказка: С НДС",
        "Формы: ФормаДокумента, ФормаСписка",
    ]


def test_a_large_object_is_split_into_contiguous_parts(dump):
    attributes = "\n".join(child("Attribute", f"<Name>Поле{number}</Name>\n{STRING}") for number in range(100))
    parts = find(
        read(dump({"Catalogs/Большой.xml": metadata("Catalog", "<Name>Большой</Name>", attributes)})), "Catalog.Большой"
    )
    assert len(parts) > 3
    assert len({part.doc_id for part in parts}) == len(parts)
    before = 0
    for part in parts:
        assert part.header == "Справочник Большой"
        assert before < part.line_start <= part.line_end < part.line_start + 250
        before = part.line_end
        for line in part.body.split("\n"):
            if line.startswith("Реквизит"):
                assert line.endswith(": Строка(150)")
                assert f"<Name>{line.split()[1].rstrip(':')}</Name>" in part.text
    assert sum(part.body.count("Реквизит") for part in parts) == 100


def test_a_register_names_its_dimensions_and_resources(dump):
    xml = metadata(
        "InformationRegister",
        "<Name>Цены</Name>\n<InformationRegisterPeriodicity>Day</InformationRegisterPeriodicity>\n<WriteMode>Independent</WriteMode>",
        child("Dimension", "<Name>Товар</Name>") + child("Resource", f"<Name>Цена</Name>\n{NUMBER}"),
    )
    (register,) = find(read(dump({"InformationRegisters/Цены.xml": xml})), "InformationRegister.Цены")
    assert (
        "Периодичность: в пределах дня\nРежим записи: независимый\nИзмерение Товар\nРесурс Цена: Число(15,2)"
        in register.body
    )


def test_handlers_of_jobs_subscriptions_and_services(dump):
    documents = read(
        dump(
            {
                "ScheduledJobs/Курсы.xml": metadata(
                    "ScheduledJob",
                    "<Name>Курсы</Name>\n<MethodName>CommonModule.Цены.Цена</MethodName>\n<Use>false</Use>",
                ),
                "EventSubscriptions/Запись.xml": metadata(
                    "EventSubscription",
                    "<Name>Запись</Name>\n<Source>\n<v8:Type>cfg:DocumentObject.Заказ</v8:Type>\n"
                    '<v8:Type xmlns:d5p1="http://v8.1c.ru/8.1/data/enterprise/current-config">d5p1:CatalogObject.Товары'
                    "</v8:Type>\n</Source>\n<Event>BeforeWrite</Event>\n<Handler>CommonModule.Цены.Цена</Handler>",
                ),
                "HTTPServices/Api.xml": metadata(
                    "HTTPService",
                    "<Name>Api</Name>\n<RootURL>api</RootURL>",
                    child(
                        "URLTemplate",
                        "<Name>Цены</Name>\n<Template>/prices</Template>",
                        child("Method", "<Name>Get</Name>\n<HTTPMethod>GET</HTTPMethod>\n<Handler>ЦеныGet</Handler>"),
                    ),
                ),
                "HTTPServices/Api/Ext/Module.bsl": "Функция ЦеныGet(Запрос)\nКонецФункции",
            }
        )
    )
    (job,) = find(documents, "ScheduledJob.Курсы")
    assert "Метод: ОбщийМодуль.Цены.Цена (CommonModule.Цены.Цена)\nИспользование: нет" in job.body
    (subscription,) = find(documents, "EventSubscription.Запись")
    assert "Источник: ДокументОбъект.Заказ, СправочникОбъект.Товары" in subscription.body
    assert "Событие: ПередЗаписью (BeforeWrite)" in subscription.body
    (service,) = find(documents, "HTTPService.Api")
    assert "Шаблон URL Цены; шаблон /prices\nМетод Цены.Get; HTTP-метод GET; обработчик ЦеныGet" in service.body
    (handler,) = find(documents, "HTTPService.Api.ЦеныGet", "method")
    assert handler.module_kind == "HTTPServiceModule"


def test_nested_subsystems_are_objects_of_their_own(dump):
    content = "<Name>Склад</Name>\n<Content>\n<xr:Item>Catalog.Товары</xr:Item>\n</Content>"
    documents = read(dump({"Subsystems/Учет/Subsystems/Склад.xml": metadata("Subsystem", content)}))
    (subsystem,) = find(documents, "Subsystem.Учет.Subsystem.Склад")
    assert subsystem.object_name == "Склад"
    assert "Состав: Справочник.Товары" in subsystem.body


FORM = """<?xml version="1.0" encoding="UTF-8"?>
<Form xmlns="http://v8.1c.ru/8.3/xcf/logform" xmlns:v8="http://v8.1c.ru/8.1/data/core">
<Title><v8:item><v8:lang>ru</v8:lang><v8:content>Товар</v8:content></v8:item></Title>
<Events>
<Event name="OnCreateAtServer">ПриСозданииНаСервере</Event>
</Events>
<ChildItems>
<InputField name="Код" id="1">
<Events>
<Event name="OnChange">КодПриИзменении</Event>
</Events>
</InputField>
</ChildItems>
<Attributes>
<Attribute name="Объект" id="1">
<Type><v8:Type>cfg:CatalogObject.Товары</v8:Type></Type>
</Attribute>
</Attributes>
<Commands>
<Command name="Печать" id="1">
<Title><v8:item><v8:lang>ru</v8:lang><v8:content>Напечатать</v8:content></v8:item></Title>
<Action>Печать</Action>
</Command>
</Commands>
</Form>
"""


def test_a_form_document(dump):
    files = {
        "Catalogs/Товары/Forms/Ф.xml": metadata("Form", f"<Name>Ф</Name>\n{text('Synonym', 'Форма товара')}"),
        "Catalogs/Товары/Forms/Ф/Ext/Form.xml": FORM,
    }
    (form,) = find(read(dump(files)), "Catalog.Товары.Form.Ф", "form")
    assert (form.synonym, form.header) == ("Форма товара", "Справочник Товары › Форма Ф")
    assert (form.line_start, form.line_end) == (3, 23)
    assert form.body.split("\n") == [
        "Заголовок: Товар",
        "Событие формы: ПриСозданииНаСервере → ПриСозданииНаСервере",
        "Поле ввода Код: ПриИзменении → КодПриИзменении",
        "Реквизит формы Объект: СправочникОбъект.Товары",
        "Команда формы Печать (Напечатать) → Печать",
    ]


def test_predefined_items_help_and_rights(dump):
    predefined = (
        "<PredefinedData>\n<Item>\n<Name>Розница</Name>\n<Code>01</Code>\n<Description>Розничная цена</Description>\n"
        "</Item>\n</PredefinedData>"
    )
    help_page = (
        "<!DOCTYPE html><html><head><style>p {color: red}</style></head><body>\n<h1>Цены</h1>\n"
        "<p>Чтобы изменить цену, нажмите &laquo;Изменить&raquo;\n<b>в списке</b>.</p>\n</body></html>"
    )
    documents = read(
        dump(
            {
                "Catalogs/Цены.xml": metadata("Catalog", "<Name>Цены</Name>"),
                "Catalogs/Цены/Ext/Predefined.xml": predefined,
                "Catalogs/Цены/Ext/Help/ru.html": help_page,
                "Roles/Кассир.xml": metadata("Role", "<Name>Кассир</Name>"),
                "Roles/Кассир/Ext/Rights.xml": "<Rights><object>\n</object><object>\n</object></Rights>",
            }
        )
    )
    _, items = find(documents, "Catalog.Цены")
    assert items.body == "Предопределенные элементы: Розница (Розничная цена; 01)"
    (page,) = find(documents, "Catalog.Цены", "help")
    assert page.body == "Цены\nЧтобы изменить цену, нажмите «Изменить» в списке."
    assert (page.line_start, page.line_end) == (2, 4)
    (role,) = find(documents, "Role.Кассир")
    assert "Права на объекты: 2" in role.body


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ("", "Права на все объекты, в том числе новые"),
        (
            "<object><right><value>false</value></right></object><object><right><value>true</value></right></object>",
            "Права на все объекты, в том числе новые; объектов с запретами: 1",
        ),
    ],
)
def test_a_role_with_rights_for_new_objects_reaches_all(dump, objects, said):
    rights = f"<Rights><setForNewObjects>true</setForNewObjects>{objects}</Rights>"
    files = {"Roles/Админ.xml": metadata("Role", "<Name>Админ</Name>"), "Roles/Админ/Ext/Rights.xml": rights}
    (role,) = find(read(dump(files)), "Role.Админ")
    assert role.body.endswith(said)


def test_a_type_of_several_types_keeps_their_qualifiers(dump):
    others = "<v8:Type>cfg:CatalogRef.Цены</v8:Type>\n<v8:Type>xs:dateTime</v8:Type>\n</Type>"
    several = NUMBER.replace("</Type>", others)
    kinds = metadata("ChartOfCharacteristicTypes", f"<Name>Виды</Name>\n{several}")
    (found,) = find(read(dump({"ChartsOfCharacteristicTypes/Виды.xml": kinds})), "ChartOfCharacteristicTypes.Виды")
    assert found.body.endswith("Тип: Число(15,2), СправочникСсылка.Цены, Дата и время")


def test_of_hundreds_of_types_the_length_of_a_string_is_cited(dump):
    names = "\n".join(f"<v8:Type>cfg:CatalogRef.СправочникСДлиннымИменем{n}</v8:Type>" for n in range(200))
    length = "<v8:StringQualifiers>\n<v8:Length>77</v8:Length>\n</v8:StringQualifiers>"
    types = f"<Type>\n<v8:Type>xs:string</v8:Type>\n{names}\n{length}\n</Type>"
    parts = find(
        read(dump({"DefinedTypes/Любой.xml": metadata("DefinedType", f"<Name>Любой</Name>\n{types}")})),
        "DefinedType.Любой",
    )
    assert len(parts) > 1
    (said,) = (part for part in parts if "Строка(77)" in part.body)
    assert "<v8:Length>77</v8:Length>" in said.text
