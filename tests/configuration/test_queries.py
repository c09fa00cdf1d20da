"""Queries read tables that exist and fields that these tables have."""

import re

import pytest

from rag_demo.configurations import bundled, survey

TABLES = {
    "Справочник": "Catalog", "Документ": "Document", "РегистрСведений": "InformationRegister",
    "РегистрНакопления": "AccumulationRegister",
}  # fmt: skip
COMMON = {"Ссылка", "ПометкаУдаления", "Представление", "ВерсияДанных"}
STANDARD = {
    "Catalog": COMMON | {"Код", "Наименование", "Родитель", "Владелец", "ЭтоГруппа", "Предопределенный"},
    "Document": COMMON | {"Номер", "Дата", "Проведен", "МоментВремени"},
    "InformationRegister": {"Период", "Регистратор", "Активность", "НомерСтроки"},
    "AccumulationRegister": {"Период", "Регистратор", "Активность", "НомерСтроки", "ВидДвижения", "МоментВремени"},
}
VIRTUAL = {
    "Остатки": ("Остаток",),
    "Обороты": ("Оборот", "Приход", "Расход"),
    "СрезПоследних": ("",),
}
SOURCE = re.compile(r"(?<![\w.&])(Справочник|Документ|РегистрСведений|РегистрНакопления)\.(\w+)(?:\.(\w+))?")


def texts_of_queries():
    for module in survey.modules(bundled()):
        for match in re.finditer(r'"(?:[^"]|"")*"', module.text):
            text = re.sub(r"\n[ \t]*\|", "\n", match[0])[1:-1]
            if re.search(r"^\s*ВЫБРАТЬ\b", text) and re.search(r"\bИЗ\b", text):
                yield module.full_name, text
    for item in survey.objects(bundled()).values():
        for path in item.path.with_suffix("").rglob("Template.xml"):
            for text in re.findall(r"<query>(.*?)</query>", path.read_text(encoding="utf-8-sig"), re.DOTALL):
                yield f"{item.full_name}.Template", text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")


QUERIES = list(texts_of_queries())


def skip_arguments(text, position):
    """The position after a bracketed list of parameters that may stand at ``position``."""
    if text[position : position + 1] != "(":
        return position
    depth = 0
    for index in range(position, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)


def sources(text, objects):
    """Alias → the set of fields; also asserts that the table exists."""
    found = {}
    for match in SOURCE.finditer(text):
        before = text[: match.start()].rstrip()
        if not re.search(r"(?:ИЗ|СОЕДИНЕНИЕ)$", before):
            continue
        item = objects[f"{TABLES[match[1]]}.{match[2]}"]
        alias = re.match(r"\s+КАК\s+(\w+)", text[skip_arguments(text, match.end()) :])
        assert alias, f"no alias after {match[0]}"
        found[alias[1]] = fields_of(item, match[3])
    return found


def fields_of(item, part):
    names = list(item.part_names())
    own = {name.split(".")[3]: name for name in names if name.count(".") == 3}
    columns = {
        name
        for name, full in own.items()
        if full.split(".")[2] in ("Attribute", "Dimension", "Resource", "TabularSection")
    }
    if part in VIRTUAL:
        resources = {name for name, full in own.items() if ".Resource." in full}
        dimensions = {name for name, full in own.items() if ".Dimension." in full}
        attributes = columns if part == "СрезПоследних" else set()
        return (
            dimensions
            | attributes
            | {name + end for name in resources for end in VIRTUAL[part]}
            | {"Период", "Регистратор"}
        )
    if part:
        prefix = f"{item.full_name}.TabularSection.{part}."
        inner = {name.split(".")[-1] for name in names if name.startswith(prefix)}
        assert inner, f"{item.full_name} has no tabular section {part}"
        return inner | {"Ссылка", "НомерСтроки"}
    return columns | STANDARD[item.kind]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[0])
def test_a_query_reads_existing_fields(objects, query):
    where, text = query
    found = sources(text, objects)
    assert found or "ПОМЕСТИТЬ" in text or "ИЗ\n\tВТ_" in text, f"{where} reads nothing"
    for alias, field in re.findall(r"(?<![\w.&])(\w+)\.(\w+)", text):
        if alias in found:
            assert field in found[alias], f"{where}: {alias}.{field}"


def test_there_are_enough_queries():
    assert len(QUERIES) >= 50


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[0])
def test_brackets_of_a_query_match(query):
    assert query[1].count("(") == query[1].count(")")


def test_parameters_of_queries_are_set(methods):
    for method in methods:
        strings = " ".join(re.findall(r'"(?:[^"]|"")*"', method.body))
        if "ВЫБРАТЬ" not in strings:
            continue
        used = set(re.findall(r"&(\w+)", strings))
        given = set(re.findall(r'УстановитьПараметр\("(\w+)"', method.body))
        assert used == given, f"{method.full_name}: {used ^ given}"
