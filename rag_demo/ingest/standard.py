"""Attributes that the platform gives to every object of a kind, whether the dump mentions them or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

STANDARD_ATTRIBUTES = {
    "Account": "Счет",
    "ActionPeriod": "ПериодДействия",
    "ActionPeriodIsBasic": "ПериодДействияБазовый",
    "Active": "Активность",
    "BegOfActionPeriod": "ПериодДействияНачало",
    "BegOfBasePeriod": "БазовыйПериодНачало",
    "BusinessProcess": "БизнесПроцесс",
    "CalculationType": "ВидРасчета",
    "Code": "Код",
    "Completed": "Завершен",
    "Date": "Дата",
    "DeletionMark": "ПометкаУдаления",
    "Description": "Наименование",
    "EndOfActionPeriod": "ПериодДействияКонец",
    "EndOfBasePeriod": "БазовыйПериодКонец",
    "Executed": "Выполнена",
    "HeadTask": "ВедущаяЗадача",
    "IsFolder": "ЭтоГруппа",
    "LineNumber": "НомерСтроки",
    "Number": "Номер",
    "OffBalance": "Забалансовый",
    "Order": "Порядок",
    "Owner": "Владелец",
    "Parent": "Родитель",
    "Period": "Период",
    "Posted": "Проведен",
    "Predefined": "Предопределенный",
    "PredefinedDataName": "ИмяПредопределенныхДанных",
    "ReceivedNo": "НомерПринятого",
    "Recorder": "Регистратор",
    "RecordType": "ВидДвижения",
    "Ref": "Ссылка",
    "RegistrationPeriod": "ПериодРегистрации",
    "ReversingEntry": "Сторно",
    "RoutePoint": "ТочкаМаршрута",
    "SentNo": "НомерОтправленного",
    "Started": "Стартован",
    "ThisNode": "ЭтотУзел",
    "Type": "Вид",
    "ValueType": "ТипЗначения",
}

_REFERENCE = "Ref DeletionMark"
_ITEM = f"{_REFERENCE} Code Description Predefined PredefinedDataName"
# By the kind of object; "Owner", "Parent" and the like are left to `standard_attributes`.
_OF_KIND = {
    "AccountingRegister": "Period Recorder LineNumber Active Account",
    "AccumulationRegister": "Period Recorder LineNumber Active RecordType",
    "BusinessProcess": f"{_REFERENCE} Number Date Started Completed HeadTask",
    "CalculationRegister": "Recorder LineNumber Active CalculationType RegistrationPeriod ReversingEntry ActionPeriod "
    "BegOfActionPeriod EndOfActionPeriod BegOfBasePeriod EndOfBasePeriod",
    "Catalog": f"{_ITEM} Owner Parent IsFolder",
    "ChartOfAccounts": f"{_ITEM} Parent Order Type OffBalance",
    "ChartOfCalculationTypes": f"{_ITEM} ActionPeriodIsBasic",
    "ChartOfCharacteristicTypes": f"{_ITEM} Parent IsFolder ValueType",
    "Document": f"{_REFERENCE} Number Date Posted",
    "DocumentJournal": "Ref Date Type Number Posted DeletionMark",
    "Enum": "Ref Order",
    "ExchangePlan": f"{_REFERENCE} Code Description SentNo ReceivedNo ThisNode",
    "InformationRegister": "Period Recorder LineNumber Active",
    "Task": f"{_REFERENCE} Number Date Description Executed BusinessProcess RoutePoint",
}

_Condition = Callable[[Callable[[str], str]], bool]


def _is(name: str, *values: str) -> _Condition:
    return lambda setting: setting(name) in values


def _is_not(name: str, *values: str) -> _Condition:
    return lambda setting: setting(name) not in values


_RECORDED = _is("WriteMode", "RecorderSubordinate")
# EDT leaves defaults out, so an empty value stands for the default.
_CONDITIONS: dict[tuple[str, str], _Condition] = {
    ("", "Code"): _is_not("CodeLength", "", "0"),
    ("", "Description"): _is_not("DescriptionLength", "", "0"),
    ("", "Parent"): _is("Hierarchical", "true"),
    ("ChartOfAccounts", "Parent"): lambda _: True,
    ("", "IsFolder"): lambda setting: (
        setting("Hierarchical") == "true" and setting("HierarchyType") != "HierarchyOfItems"
    ),
    ("", "Owner"): _is_not("Owners", ""),
    ("AccumulationRegister", "RecordType"): _is("RegisterType", "", "Balance"),
    ("InformationRegister", "Period"): _is_not("InformationRegisterPeriodicity", "", "Nonperiodical"),
    ("InformationRegister", "Recorder"): _RECORDED,
    ("InformationRegister", "LineNumber"): _RECORDED,
    ("InformationRegister", "Active"): _RECORDED,
}


def standard_attributes(kind: str, setting: Callable[[str], str]) -> Iterator[str]:
    """English names of what an object has.

    Args:
        kind: of the object.
        setting: value of one of its properties, empty where the dump leaves it out.
    """
    for name in _OF_KIND.get(kind, "").split():
        condition = _CONDITIONS.get((kind, name)) or _CONDITIONS.get(("", name))
        if condition is None or condition(setting):
            yield name
