"""Files that complete an object: the schedule of a job, the content of an exchange plan."""

from __future__ import annotations

from collections.abc import Iterator

from rag_demo.ingest.parts import Unit
from rag_demo.ingest.type_names import reference_name
from rag_demo.ingest.xml_tree import Element

_DAYS = ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")
_MONTHS = 12


def schedule_units(document: Element) -> Iterator[Unit]:
    """When a scheduled job runs, in words."""
    for schedule in document.walk():
        if schedule.tag == "Schedule":
            yield Unit(schedule.line, schedule.line_end, f"Расписание: {', '.join(_said(schedule))}")


def _said(schedule: Element) -> Iterator[str]:
    attributes = schedule.attributes
    yield _days(attributes.get("DaysRepeatPeriod", "1"), schedule.value("WeekDays").split())
    if begin := _clock(attributes.get("BeginTime", "")):
        yield f"начало в {begin}"
    if end := _clock(attributes.get("EndTime", "")):
        yield f"до {end}"
    if (seconds := attributes.get("RepeatPeriodInDay", "0")).isdecimal() and int(seconds):
        yield f"повторять каждые {_duration(int(seconds))}"
    months = schedule.value("Months").split()
    if 0 < len(months) < _MONTHS:
        yield f"месяцы: {' '.join(months)}"


def _days(period: str, weekdays: list[str]) -> str:
    names = [_DAYS[int(day) - 1] for day in weekdays if day in {"1", "2", "3", "4", "5", "6", "7"}]
    if 0 < len(names) < len(_DAYS):
        return f"дни недели: {' '.join(names)}"
    if period == "0":
        return "один раз"
    return "каждый день" if period == "1" else f"раз в {period} дн."


def _clock(time: str) -> str:
    return "" if time.startswith("00:00") else time[:5]


def _duration(seconds: int) -> str:
    if seconds % 60:
        return f"{seconds} сек."
    return f"{seconds // 60} мин." if seconds % 3600 else f"{seconds // 3600} ч"


def exchange_units(document: Element) -> Iterator[Unit]:
    """Objects that an exchange plan registers."""
    for item in document.all("Item"):
        if reference := item.value("Metadata"):
            recorded = " (авторегистрация)" if item.value("AutoRecord") == "Allow" else ""
            yield Unit(item.line, item.line_end, reference_name(reference) + recorded, "Состав плана обмена")
