"""Whatever the code names exists: modules, methods, managers, values, tables of queries and their fields."""

import re
from collections import defaultdict

import pytest

STRING = re.compile(r'"(?:[^"\n]|""|\n[ \t]*\|)*"')
MANAGERS = {
    "Справочники": "Catalog", "Документы": "Document", "Перечисления": "Enum", "Константы": "Constant",
    "РегистрыСведений": "InformationRegister", "РегистрыНакопления": "AccumulationRegister", "Отчеты": "Report",
    "Обработки": "DataProcessor", "ПараметрыСеанса": "SessionParameter",
    "ПланыВидовХарактеристик": "ChartOfCharacteristicTypes",
}  # fmt: skip
SINGULAR = {
    "Справочник": "Catalog", "Документ": "Document", "Перечисление": "Enum", "Отчет": "Report",
    "РегистрСведений": "InformationRegister", "РегистрНакопления": "AccumulationRegister",
    "Обработка": "DataProcessor", "ОбщаяФорма": "CommonForm", "ПланВидовХарактеристик": "ChartOfCharacteristicTypes",
}  # fmt: skip
PLATFORM = {
    "СоздатьЭлемент",
    "СоздатьДокумент",
    "СоздатьНаборЗаписей",
    "СоздатьМенеджерЗаписи",
    "НайтиПоКоду",
    "НайтиПоНаименованию",
    "НайтиПоРеквизиту",
    "ПустаяСсылка",
    "Выбрать",
    "Получить",
    "Установить",
    "ПолучитьМакет",
}


def code_of(text):
    """Code without comments; strings stay, because comments may only begin outside them."""
    out, position = [], 0
    for match in re.finditer(r'"(?:[^"]|"")*"|//[^\n]*', text):
        out.append(text[position : match.start()])
        out.append(match[0] if match[0].startswith('"') else "")
        position = match.end()
    return "".join([*out, text[position:]])


def bare(text):
    return re.sub(r'"(?:[^"]|"")*"', '""', code_of(text))


@pytest.fixture(scope="session")
def exported(methods):
    found = defaultdict(dict)
    for method in methods:
        if method.export:
            found[method.full_name.rsplit(".", 1)[0]][method.name] = method
    return found


def test_calls_of_common_modules_exist_and_are_exported(objects, modules, extension_modules, exported):
    common = {item.name for item in objects.values() if item.kind == "CommonModule"}
    seen = 0
    for module in [*modules, *extension_modules]:
        for name, method in re.findall(r"(?<![\w.])(\w+)\.(\w+)\s*\(", bare(module.text)):
            if name in common and "Объект" not in name:
                seen += 1
                assert method in exported[f"CommonModule.{name}"], f"{module.full_name}: {name}.{method}"
    assert seen > 250


def test_calls_pass_a_possible_number_of_arguments(modules, exported):
    for module in modules:
        text = bare(module.text)
        for match in re.finditer(r"(?<![\w.])(\w+)\.(\w+)\s*\(", text):
            method = exported.get(f"CommonModule.{match[1]}", {}).get(match[2])
            if method is not None:
                given = len(arguments(text, match.end() - 1))
                assert given <= len(method.parameters), f"{module.full_name}: {match[0]}"


def arguments(text, start):
    depth, parts, current = 0, [], ""
    for symbol in text[start:]:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(symbol, 0)
        if depth == 0:
            break
        if symbol == "," and depth == 1:
            parts.append(current)
            current = ""
        elif not (symbol == "(" and depth == 1):
            current += symbol
    return [*parts, current] if parts or current.strip() else []


def test_client_code_calls_only_what_it_can_reach(objects, modules):
    def flag(name, prop):
        item = objects.get(f"CommonModule.{name}")
        return item is not None and item.property(prop) == "true"

    checked = 0
    for module in modules:
        client_module = flag(module.full_name.removeprefix("CommonModule."), "ClientManagedApplication")
        for method in module.methods:
            if not client_module and method.directive not in ("&НаКлиенте", "&НаКлиентеНаСервереБезКонтекста"):
                continue
            for name, called in re.findall(r"(?<![\w.])(\w+)\.(\w+)\s*\(", bare(method.body)):
                if f"CommonModule.{name}" in objects:
                    checked += 1
                    assert flag(name, "ClientManagedApplication") or flag(name, "ServerCall"), (
                        f"{method.full_name} calls {name}.{called}"
                    )
            assert not re.search(
                r"Новый Запрос\b|(?<![\w.])(?:Справочники|Документы|Константы)\.", bare(method.body)
            ), method.full_name
    assert checked > 40


def test_managers_have_what_is_asked_of_them(objects, modules, exported):
    pattern = re.compile(rf"(?<![\w.])({'|'.join(MANAGERS)})\.(\w+)(?:\.(\w+)(\s*\()?)?")
    for module in modules:
        for group, name, member, call in pattern.findall(bare(module.text)):
            full_name = f"{MANAGERS[group]}.{name}"
            where = f"{module.full_name}: {group}.{name}.{member}"
            assert full_name in objects, where
            if call:
                assert member in PLATFORM or member in exported[f"{full_name}.ManagerModule"], where
            elif member and MANAGERS[group] in ("Enum", "Catalog", "ChartOfCharacteristicTypes"):
                assert member in values_of(objects[full_name]), where


def values_of(item):
    predefined = item.path.with_suffix("") / "Ext" / "Predefined.xml"
    text = predefined.read_text(encoding="utf-8-sig") if predefined.exists() else ""
    named = set(re.findall(r"<Name>(\w+)</Name>", text))
    return named | {name.rsplit(".", 1)[-1] for name in item.part_names() if ".EnumValue." in name}


def test_predefined_values_in_strings_exist(objects, modules):
    pattern = re.compile(r"(?:ПредопределенноеЗначение\(\"|ЗНАЧЕНИЕ\()(\w+)\.(\w+)\.(\w+)")
    seen = 0
    for module in modules:
        for group, name, value in pattern.findall(module.text):
            seen += 1
            item = objects[f"{SINGULAR[group]}.{name}"]
            assert value == "ПустаяСсылка" or value in values_of(item), f"{module.full_name}: {group}.{name}.{value}"
    assert seen > 15


def test_movements_belong_to_the_document(objects, modules):
    for module in modules:
        owner = objects.get(".".join(module.full_name.split(".")[:2]))
        if owner is None or owner.kind != "Document":
            continue
        registers = {reference.split(".")[1] for reference in owner.references("RegisterRecords")}
        used = set(re.findall(r"(?<![\w.])Движения\.(\w+)", bare(module.text)))
        assert used <= registers, f"{module.full_name}: {used - registers}"


def test_every_declared_movement_is_made(objects, modules):
    text = "\n".join(bare(module.text) for module in modules)
    for item in objects.values():
        for register in item.references("RegisterRecords"):
            assert f"Движения.{register.split('.')[1]}" in text, f"{item.full_name}: {register}"


def test_templates_and_their_areas_exist(objects, modules):
    templates = {
        name.rsplit(".", 1)[-1] for item in objects.values() for name in item.part_names() if ".Template." in name
    }
    templates |= {item.name for item in objects.values() if item.kind == "CommonTemplate"}
    areas = set()
    for item in objects.values():
        for path in item.path.with_suffix("").rglob("Template.xml"):
            areas |= set(re.findall(r"<name>(\w+)</name>", path.read_text(encoding="utf-8-sig")))
    for module in modules:
        for name in re.findall(r'Получить(?:Общий)?Макет\("(\w+)"\)|"(ПФ_MXL_\w+)"', module.text):
            assert (name[0] or name[1]) in templates, f"{module.full_name}: {name}"
        for name in re.findall(r'ПолучитьОбласть\("(\w+)"\)', module.text):
            assert name in areas, f"{module.full_name}: {name}"


STANDARD = {"Код", "Наименование", "Дата", "Номер", "Проведен", "Владелец", "ПометкаУдаления", "Родитель"}


def test_attributes_read_by_name_exist(objects, modules, extension_objects):
    known = set(STANDARD)
    for item in [*objects.values(), *extension_objects.values()]:
        known |= {name.rsplit(".", 1)[-1] for name in item.part_names() if ".Attribute." in name}
    pattern = re.compile(r"Значени[ея]Реквизит(?:а|ов|аОбъекта|овОбъекта)\([^\"\n]*?\"([^\"]+)\"")
    seen = 0
    for module in modules:
        for listed in pattern.findall(code_of(module.text)):
            for name in re.split(r"[,.\s]+", listed):
                seen += 1
                assert name in known, f"{module.full_name}: {name}"
    assert seen > 50


def test_bare_calls_are_local_or_belong_to_the_platform(modules):
    unknown = defaultdict(set)
    for module in modules:
        local = {method.name for method in module.methods}
        text = re.sub(r"\bНовый\s+\w+", "", bare(module.text))
        text = re.sub(r"\bNew\s+\w+", "", text)
        for name in re.findall(r"(?<![\w.&#])([А-ЯЁа-яёA-Za-z_]\w*)\s*\(", text):
            if name not in local and name not in KEYWORDS and name not in GLOBALS:
                unknown[name].add(module.full_name)
    assert not unknown


KEYWORDS = {
    "Если",
    "ИначеЕсли",
    "И",
    "Или",
    "Не",
    "Возврат",
    "Для",
    "Каждого",
    "Из",
    "По",
    "Пока",
    "Новый",
    "Тогда",
    "Ждать",
    "If",
    "And",
    "Or",
    "Not",
    "Return",
    "For",
}
GLOBALS = {
    "ВРег",
    "НРег",
    "СокрЛП",
    "СокрП",
    "СокрЛ",
    "Лев",
    "Прав",
    "Сред",
    "СтрДлина",
    "СтрЗаменить",
    "СтрНайти",
    "СтрШаблон",
    "СтрРазделить",
    "СтрСоединить",
    "СтрНачинаетсяС",
    "ПустаяСтрока",
    "КодСимвола",
    "Число",
    "Строка",
    "Дата",
    "Тип",
    "ТипЗнч",
    "Окр",
    "Цел",
    "Макс",
    "Мин",
    "Формат",
    "НСтр",
    "ЧислоПрописью",
    "Год",
    "Месяц",
    "День",
    "НачалоДня",
    "КонецДня",
    "ДеньНедели",
    "ТекущаяДата",
    "ТекущаяДатаСеанса",
    "ЗначениеЗаполнено",
    "ЗаполнитьЗначенияСвойств",
    "ИнформацияОбОшибке",
    "КраткоеПредставлениеОшибки",
    "ПодробноеПредставлениеОшибки",
    "ЗаписьЖурналаРегистрации",
    "ПравоДоступа",
    "РольДоступна",
    "УстановитьПривилегированныйРежим",
    "НачатьТранзакцию",
    "ЗафиксироватьТранзакцию",
    "ОтменитьТранзакцию",
    "ПолучитьОбщийМакет",
    "ПредопределенноеЗначение",
    "Оповестить",
    "ОповеститьОбИзменении",
    "ОткрытьФорму",
    "ПоказатьПредупреждение",
    "ПоказатьОповещениеПользователя",
    "ПоказатьЗначение",
    "ВопросАсинх",
    "ВвестиЧислоАсинх",
    "ВвестиЗначениеАсинх",
    "ПодключитьОбработчикОжидания",
    "Состояние",
    "Сигнал",
    "ОбновитьИнтерфейс",
    "РеквизитФормыВЗначение",
    "ЗначениеВРеквизитФормы",
    "Записать",
    "Закрыть",
    "ЭтоНовый",
    "МоментВремени",
    "ПолучитьМакет",
    "СоздатьМенеджерЗаписи",
    "НайтиПоНаименованию",
    "StrStartsWith",
    "StrReplace",
    "StrFind",
    "StrTemplate",
    "Lower",
    "Mid",
    "Left",
    "Number",
    "Max",
    "BriefErrorDescription",
    "ErrorInfo",
    "NStr",
    "WriteJSON",
    "ReadJSON",
}


def test_records_have_the_fields_that_are_filled(objects, methods):
    """``Х = Движения.Р.ДобавитьПриход()`` or a record manager: only fields of that register are assigned."""
    made = re.compile(
        r"(\w+) = (?:\w+\.)*(Движения|РегистрыСведений)\.(\w+)\.(?:Добавить\w*|СоздатьМенеджерЗаписи)\(\)"
    )
    through_set = re.compile(r"(\w+) = (?:\w+\.)?Движения\.(\w+);")
    checked = 0
    for method in methods:
        text = bare(method.body)
        found = {match[1]: match[3] for match in made.finditer(text)}
        sets = dict(through_set.findall(text))
        for name, source in re.findall(r"(\w+) = (\w+)\.Добавить\w*\(\)", text):
            if source in sets:
                found[name] = sets[source]
        for variable, register in found.items():
            item = objects.get(f"AccumulationRegister.{register}") or objects[f"InformationRegister.{register}"]
            fields = {name.rsplit(".", 1)[-1] for name in item.part_names()} | {"Период", "ВидДвижения"}
            assigned = set(re.findall(rf"(?<![\w.]){variable}\.(\w+) = ", text))
            checked += len(assigned)
            assert assigned <= fields, f"{method.full_name}: {register} has no {assigned - fields}"
    assert checked > 80
