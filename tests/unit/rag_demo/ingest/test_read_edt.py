"""An EDT project gives the same documents as the Designer dump of the same configuration."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

import rag_demo.configurations
from rag_demo.errors import NotADump
from rag_demo.ingest import read_configuration
from rag_demo.types import Document

from .conftest import find, read

TRADE = Path(rag_demo.configurations.__file__).parent / "trade"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<mdclass:{kind} xmlns:mdclass="http://g5.1c.ru/v8/dt/metadata/mdclass" '
    'xmlns:core="http://g5.1c.ru/v8/dt/mcore" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" uuid="1">\n'
)


def mdo(kind: str, content: str) -> str:
    return f"{HEAD.format(kind=kind)}{content}\n</mdclass:{kind}>\n"


CONFIGURATION = mdo(
    "Configuration",
    "<name>Маяк</name>\n<synonym>\n<key>ru</key>\n<value>Торговый дом</value>\n</synonym>\n<version>1.2.3</version>\n"
    "<languages uuid='2'>\n<name>Русский</name>\n</languages>\n<catalogs>Catalog.Цены</catalogs>",
)
CATALOG = mdo(
    "Catalog",
    """<producedTypes>
<objectType typeId="1"/>
</producedTypes>
<name>Цены</name>
<synonym>
<key>en</key>
<value>Prices</value>
</synonym>
<synonym>
<key>ru</key>
<value>Цены товаров</value>
</synonym>
<comment>Для касс</comment>
<standardAttributes>
<name>Code</name>
<synonym>
<key>ru</key>
<value>Номер прайса</value>
</synonym>
</standardAttributes>
<codeLength>9</codeLength>
<attributes uuid="3">
<name>Сумма</name>
<synonym>
<key>ru</key>
<value>Сумма цены</value>
</synonym>
<type>
<types>Number</types>
<numberQualifiers>
<precision>15</precision>
<scale>2</scale>
<nonNegative>true</nonNegative>
</numberQualifiers>
</type>
</attributes>
<tabularSections uuid="4">
<name>Скидки</name>
<attributes uuid="5">
<name>Клиент</name>
<type>
<types>CatalogRef.Клиенты</types>
<types>String</types>
<stringQualifiers>
<length>10</length>
</stringQualifiers>
</type>
</attributes>
</tabularSections>
<forms uuid="6">
<name>Ф</name>
<synonym>
<key>ru</key>
<value>Форма цены</value>
</synonym>
</forms>
<predefined>
<items id="7">
<name>Розница</name>
<description>Розничная</description>
<code xsi:type="core:StringValue">
<value>01</value>
</code>
<content id="8">
<name>Акция</name>
</content>
</items>
</predefined>""",
)
FORM = """<?xml version="1.0" encoding="UTF-8"?>
<form:Form xmlns:form="http://g5.1c.ru/v8/dt/form" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <items xsi:type="form:FormGroup">
    <name>Группа</name>
    <items xsi:type="form:FormField">
      <name>Код</name>
      <title>
        <key>ru</key>
        <value>Номер</value>
      </title>
      <type>InputField</type>
      <handlers>
        <event>OnChange</event>
        <name>КодПриИзменении</name>
      </handlers>
    </items>
    <type>UsualGroup</type>
  </items>
  <handlers>
    <event>OnOpen</event>
    <name>ПриОткрытии</name>
  </handlers>
  <attributes>
    <name>Объект</name>
    <valueType>
      <types>CatalogObject.Цены</types>
    </valueType>
  </attributes>
  <formCommands>
    <name>Печать</name>
    <action xsi:type="form:FormCommandHandlerContainer">
      <handler>
        <name>НапечататьЦены</name>
      </handler>
    </action>
  </formCommands>
</form:Form>
"""
PROJECT = {
    "src/Configuration/Configuration.mdo": CONFIGURATION,
    "src/Configuration/SessionModule.bsl": "Процедура УстановкаПараметровСеанса(Имена)\nКонецПроцедуры",
    "src/Catalogs/Цены/Цены.mdo": CATALOG,
    "src/Catalogs/Цены/ObjectModule.bsl": "Процедура ПередЗаписью(Отказ)\nКонецПроцедуры",
    "src/Catalogs/Цены/Forms/Ф/Form.form": FORM,
    "src/Catalogs/Цены/Forms/Ф/Module.bsl": "Процедура ПриОткрытии()\nКонецПроцедуры",
    "src/Catalogs/Цены/Help/ru.html": "<html><body>\n<p>О ценах</p>\n</body></html>",
    "src/Roles/Кассир/Кассир.mdo": mdo("Role", "<name>Кассир</name>"),
    "src/Roles/Кассир/Rights.rights": "<Rights><object>\n</object></Rights>",
}


@pytest.fixture
def project(tmp_path):
    def write(changes=None) -> Path:
        root = tmp_path / "project"
        for path, content in {**PROJECT, **(changes or {})}.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")
        return root

    return write


def test_configuration(project):
    ingested = read_configuration(project(), space_id="main")
    assert (ingested.configuration_name, ingested.configuration_version) == ("Маяк", "1.2.3")
    assert ingested.format == "edt"
    assert ingested.problems == []


def test_an_object(project):
    catalog, items = find(read(project()), "Catalog.Цены")
    assert catalog.path == "src/Catalogs/Цены/Цены.mdo"
    assert catalog.body.split("\n") == [
        "Справочник Цены (Catalog.Цены)",
        "Синоним: Цены товаров",
        "Синоним (en): Prices",
        "Комментарий: Для касс",
        "Стандартный реквизит Код: Номер прайса",
        "Длина кода: 9",
        "Реквизит Сумма (Сумма цены): Число(15,2, неотрицательное)",
        "Табличная часть Скидки",
        "Реквизит Скидки.Клиент: СправочникСсылка.Клиенты, Строка(10)",
        "Формы: Ф (Форма цены)",
    ]
    assert items.body == "Предопределенные элементы: Розница (Розничная; 01), Акция"
    assert items.text.startswith('<items id="7">')


def test_forms_modules_help_and_rights(project):
    documents = read(project())
    (form,) = find(documents, "Catalog.Цены.Form.Ф", "form")
    assert form.synonym == "Форма цены"
    assert form.body.split("\n") == [
        "Поле ввода Код: Номер",
        "Поле ввода Код: ПриИзменении → КодПриИзменении",
        "Событие формы: ПриОткрытии → ПриОткрытии",
        "Реквизит формы Объект: СправочникОбъект.Цены",
        "Команда формы Печать → НапечататьЦены",
    ]
    methods = {one.full_name: one.module_kind for one in documents if one.doc_type == "method"}
    assert methods == {
        "Configuration.SessionModule.УстановкаПараметровСеанса": "SessionModule",
        "Catalog.Цены.ObjectModule.ПередЗаписью": "ObjectModule",
        "Catalog.Цены.Form.Ф.ПриОткрытии": "FormModule",
    }
    (page,) = find(documents, "Catalog.Цены", "help")
    assert page.body == "О ценах"
    (role,) = find(documents, "Role.Кассир")
    assert "Права на объекты: 1" in role.body


def test_the_source_folder_alone_is_enough(project):
    documents = read(project() / "src")
    assert find(documents, "Catalog.Цены")[0].path == "Catalogs/Цены/Цены.mdo"


def test_a_project_below_the_folder_is_named(project):
    root = project()
    with pytest.raises(NotADump, match="Give that folder") as caught:
        read(root.parent)
    assert str(caught.value).endswith(str(root))


def test_old_projects_are_refused(project):
    old = CONFIGURATION.replace('uuid="1"', 'uuid="1" name="Маяк"')
    with pytest.raises(NotADump, match="2017"):
        read(project({"src/Configuration/Configuration.mdo": old}))


def bodies(root: Path) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    one: Document
    for one in read(root):
        found[one.doc_type, one.full_name].update(one.body.split("\n"))
    return found


@pytest.mark.parametrize(("designer", "edt"), [("designer", "edt"), ("extension", "extension_edt")])
def test_the_demo_configuration_reads_alike_in_both_formats(designer, edt):
    left, right = bodies(TRADE / designer), bodies(TRADE / edt)
    # EDT keeps languages in the file of the configuration and leaves out what has its default value.
    assert {key for key in left if not key[1].startswith("Language.")} == set(right)
    for key, lines in right.items():
        if key[0] == "method":
            assert lines == left[key]
        said = {line for line in left[key] if line.startswith(("Реквизит", "Измерение", "Ресурс", "Движения", "Метод"))}
        assert said <= lines


def test_an_extension_says_what_it_adopts_and_changes():
    ingested = read_configuration(TRADE / "extension", space_id="main")
    assert ingested.format == "designer 2.17 extension"
    assert any("Принадлежность объекта: заимствованный" in one.body for one in ingested.documents)
    changed = [one for one in ingested.documents if "(" in one.context]
    assert changed
    for one in changed:
        assert f"&{one.context.split(', ')[-1]}" in one.header


@pytest.mark.parametrize(
    ("kind", "folder", "said"),
    [
        ("AccumulationRegister", "AccumulationRegisters", "Вид регистра: остатки"),
        ("InformationRegister", "InformationRegisters", "Периодичность: непериодический"),
    ],
)
def test_defaults_that_edt_leaves_out_are_told_of_own_objects(tmp_path, kind, folder, said):
    files = {"Configuration/Configuration.mdo": "<Configuration><name>А</name></Configuration>"}
    for name, more in (("Свой", ""), ("Чужой", "<objectBelonging>Adopted</objectBelonging>")):
        files[f"{folder}/{name}/{name}.mdo"] = f"<{kind}>\n<name>{name}</name>\n{more}</{kind}>"
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    bodies_of = {one.object_name: one.body for one in read_configuration(tmp_path, space_id="main").documents}
    assert said in bodies_of["Свой"]
    assert said not in bodies_of["Чужой"]
