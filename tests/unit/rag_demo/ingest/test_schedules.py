"""Schedules of jobs and contents of exchange plans."""

from __future__ import annotations

import pytest

from rag_demo.ingest.schedules import schedule_units
from rag_demo.ingest.xml_tree import parse_xml

from .conftest import find, metadata, read


@pytest.mark.parametrize(
    ("attributes", "days", "expected"),
    [
        ('BeginTime="08:30:00" DaysRepeatPeriod="1"', "1 2 3 4 5 6 7", "каждый день, начало в 08:30"),
        (
            'BeginTime="00:00:00" DaysRepeatPeriod="1" RepeatPeriodInDay="900"',
            "6 7",
            "дни недели: суббота воскресенье, повторять каждые 15 мин.",
        ),
        ('DaysRepeatPeriod="0" RepeatPeriodInDay="85"', "", "один раз, повторять каждые 85 сек."),
        (
            'DaysRepeatPeriod="7" RepeatPeriodInDay="7200" EndTime="23:00:00"',
            "",
            "раз в 7 дн., до 23:00, повторять каждые 2 ч",
        ),
        ('DaysRepeatPeriod="x" RepeatPeriodInDay="y"', "0 9 z", "раз в x дн."),
    ],
)
def test_schedules_in_words(attributes, days, expected):
    xml = f"<JobSchedule>\n<Schedule {attributes}>\n<ent:WeekDays>{days}</ent:WeekDays>\n</Schedule>\n</JobSchedule>"
    (unit,) = schedule_units(parse_xml(xml))
    assert (unit.line_start, unit.line_end, unit.text) == (2, 4, f"Расписание: {expected}")


def test_they_are_documents_of_their_objects(dump):
    documents = read(
        dump(
            {
                "ScheduledJobs/Ночь.xml": metadata("ScheduledJob", "<Name>Ночь</Name>"),
                "ScheduledJobs/Ночь/Ext/Schedule.xml": '<JobSchedule><Schedule BeginTime="03:00:00"/></JobSchedule>',
                "ExchangePlans/Сайт.xml": metadata("ExchangePlan", "<Name>Сайт</Name>"),
                "ExchangePlans/Сайт/Ext/Content.xml": (
                    "<ExchangePlanContent>\n<Item><Metadata>Catalog.Цены</Metadata><AutoRecord>Allow</AutoRecord></Item>\n"
                    "<Item><Metadata>Document.Заказ</Metadata><AutoRecord>Deny</AutoRecord></Item>\n</ExchangePlanContent>"
                ),
            }
        )
    )
    _, schedule = find(documents, "ScheduledJob.Ночь")
    assert schedule.header == "Регламентное задание Ночь › Расписание"
    assert schedule.body == "Расписание: каждый день, начало в 03:00"
    _, content = find(documents, "ExchangePlan.Сайт")
    assert content.body == "Состав плана обмена: Справочник.Цены (авторегистрация), Документ.Заказ"
