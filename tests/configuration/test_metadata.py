"""Every reference, type and handler in the XML of the dump leads somewhere."""

import re
import unicodedata
from collections import Counter

import pytest

from rag_demo.configurations import bundled, bundled_extension, survey

REFERENCE = re.compile(r"(Catalog|Document|Enum|ChartOfCharacteristicTypes|InformationRegister|DataProcessor|Report)")
FORM = "{http://v8.1c.ru/8.3/xcf/logform}"
XML_FILES = [*sorted(bundled().rglob("*.xml")), *sorted(bundled_extension().rglob("*.xml"))]
STANDARD_FIELDS = {"Number", "Date", "Code", "Description", "Parent", "Owner", "Period", "Ref", "Posted"}


@pytest.mark.parametrize(
    ("kind", "at_least"),
    [
        ("Catalog", 14), ("Document", 9), ("InformationRegister", 5), ("AccumulationRegister", 4), ("Enum", 8),
        ("Constant", 8), ("ChartOfCharacteristicTypes", 2), ("Report", 3), ("DataProcessor", 3), ("CommonModule", 20),
        ("Role", 4), ("Subsystem", 8), ("EventSubscription", 3), ("ScheduledJob", 3), ("HTTPService", 1),
        ("CommonCommand", 2), ("CommonForm", 1), ("SessionParameter", 1), ("FunctionalOption", 1), ("DefinedType", 1),
    ],
)  # fmt: skip
def test_there_are_enough_objects(objects, kind, at_least):
    assert sum(item.kind == kind for item in objects.values()) >= at_least


def test_the_root_lists_exactly_the_objects_of_the_dump(dump, objects):
    root = survey.read_xml(dump / "Configuration.xml")
    listed = root.find(".//{*}ChildObjects")
    names = [f"{child.tag.split('}')[1]}.{child.text}" for child in listed]
    assert sorted(names) == sorted(name for name in objects if name.count(".") == 1)


def test_every_document_posts(objects, exported_handlers):
    for item in objects.values():
        if item.kind == "Document":
            assert item.property("Posting") == "Allow"
            assert item.references("RegisterRecords"), item.full_name
            assert "ОбработкаПроведения" in exported_handlers[f"{item.full_name}.ObjectModule"], item.full_name


@pytest.fixture(scope="module")
def exported_handlers(modules):
    return {module.full_name: {method.name: method for method in module.methods} for module in modules}


@pytest.mark.parametrize("path", XML_FILES, ids=lambda path: path.stem)
def test_types_resolve(objects, extension_objects, path):
    text = path.read_text(encoding="utf-8-sig")
    known = objects | extension_objects
    for kind, name in re.findall(r"<v8:Type(?:Set)?>cfg:(\w+)\.(\w+)</v8:Type", text):
        if kind == "Characteristic":
            full_name = f"ChartOfCharacteristicTypes.{name}"
        elif kind == "DefinedType":
            full_name = f"DefinedType.{name}"
        else:
            full_name = f"{re.sub('(Ref|Object|RecordManager|RecordSet)$', '', kind)}.{name}"
        assert full_name in known, f"{kind}.{name}"


@pytest.mark.parametrize("path", XML_FILES, ids=lambda path: path.stem)
def test_references_resolve(names, extension_objects, objects, path):
    known = names | set(extension_objects) | {f"Configuration.{'ТорговыйДомМаяк'}"}
    root = survey.read_xml(path)
    places = [
        *root.iter("{http://v8.1c.ru/8.3/xcf/readable}Item"),
        *root.iter("{http://v8.1c.ru/8.3/xcf/readable}Object"),
    ]
    places += [
        node
        for node in root.iter()
        if re.search(r"\}Default\w*Form$|\}MainDataCompositionSchema$|\}Location$", node.tag)
    ]
    places += list(root.iter("{http://v8.1c.ru/8.2/roles}name"))
    for node in places:
        text = (node.text or "").strip()
        if re.match(r"[A-Z]\w+\.", text):
            assert text in known, text


def test_handlers_of_subscriptions_and_jobs_exist(objects, exported_handlers):
    counts = {"BeforeWrite": (2, 4), "OnWrite": (2,), "Filling": (4,), "OnSetNewNumber": (3,)}
    for item in objects.values():
        if item.kind == "EventSubscription":
            handler, allowed = item.property("Handler"), counts[item.property("Event")]
        elif item.kind == "ScheduledJob":
            handler, allowed = item.property("MethodName"), (0,)
        else:
            continue
        module, _, name = handler.rpartition(".")
        method = exported_handlers[module][name]
        assert method.export, item.full_name
        assert len(method.parameters) in allowed, item.full_name


def test_handlers_of_the_http_service_exist(objects, exported_handlers):
    service = objects["HTTPService.ОбменСМагазином"]
    handlers = [node.text for node in service.element.iter("{http://v8.1c.ru/8.3/MDClasses}Handler")]
    assert len(handlers) >= 5
    for name in handlers:
        assert len(exported_handlers[service.full_name][name].parameters) == 1


def forms():
    for path in sorted(bundled().rglob("Form.xml")):
        yield pytest.param(path, id="/".join(path.parts[-6:-2]))


@pytest.mark.parametrize("path", list(forms()))
def test_a_form_has_its_handlers_and_its_data(dump, objects, exported_handlers, path):
    root = survey.read_xml(path)
    module_path = path.parent / "Form" / "Module.bsl"
    methods = exported_handlers[survey.module_name(module_path.relative_to(dump).as_posix())]
    client = {"OnChange", "OnOpen", "BeforeWrite", "AfterWrite", "ExternalEvent", "Selection"}
    for event in root.iter(f"{FORM}Event"):
        assert event.text in methods, event.text
        expected = "&НаКлиенте" if event.get("name") in client else "&Н"
        assert methods[event.text].directive.startswith(expected)
    commands = {node.get("name"): node.findtext(f"{FORM}Action") for node in root.iter(f"{FORM}Command")}
    assert set(commands.values()) <= set(methods)
    buttons = [node.text.rsplit(".", 1)[-1] for node in root.iter(f"{FORM}CommandName")]
    assert set(buttons) == set(commands)
    for node in root.iter(f"{FORM}DataPath"):
        assert resolves(node.text, root, objects), node.text
    ids = [node.get("id") for node in root.findall(f"{FORM}ChildItems//*[@id]")]
    assert len(set(ids)) == len(ids)


def resolves(path, root, objects):
    first, *rest = path.split(".")
    attribute = root.find(f"{FORM}Attributes/{FORM}Attribute[@name='{first}']")
    if attribute is None:
        return False
    kind = attribute.findtext(".//{http://v8.1c.ru/8.1/data/core}Type")
    if not rest:
        return True
    if kind == "cfg:DynamicList":
        full_name = attribute.findtext(f"{FORM}Settings/{FORM}MainTable")
    else:
        full_name = re.sub(r"(Object|RecordManager)\.", ".", kind.removeprefix("cfg:"))
    item = objects[full_name]
    if len(rest) == 1:
        parts = {name.rsplit(".", 1)[-1] for name in item.part_names() if name.count(".") == 3}
        return rest[0] in parts | STANDARD_FIELDS
    return f"{full_name}.TabularSection.{rest[0]}.Attribute.{rest[1]}" in set(item.part_names())


@pytest.mark.parametrize("path", list(forms()))
def test_the_code_of_a_form_uses_its_own_items_and_data(objects, path):
    root = survey.read_xml(path)
    code = re.sub(r"//[^\n]*", "", (path.parent / "Form" / "Module.bsl").read_text(encoding="utf-8-sig"))
    items = {node.get("name") for node in root.iter() if node.get("name") and node.tag != f"{FORM}Attribute"}
    assert set(re.findall(r"(?<![\w.])Элементы\.(\w+)", code)) <= items
    main = root.find(f"{FORM}Attributes/{FORM}Attribute[@name='Объект']")
    if main is None:
        return
    kind, name = main.findtext(".//{http://v8.1c.ru/8.1/data/core}Type").removeprefix("cfg:").split("Object.")
    parts = {part.split(".")[3] for part in objects[f"{kind}.{name}"].part_names() if part.count(".") == 3}
    standard = {"Ссылка", "Код", "Наименование", "Дата", "Номер"}
    used = set(re.findall(r"(?<![\w.])Объект\.(\w+)", code))
    assert used <= parts | standard, used - parts - standard


def test_commands_and_forms_have_modules(dump, objects):
    for item in objects.values():
        folder = item.path.with_suffix("")
        for command in item.children("Command"):
            name = command.findtext("{*}Properties/{*}Name")
            assert (folder / "Commands" / name / "Ext" / "CommandModule.bsl").exists()
        if item.kind == "CommonCommand":
            assert (folder / "Ext" / "CommandModule.bsl").exists()
        if item.kind == "CommonModule":
            assert (folder / "Ext" / "Module.bsl").exists(), item.full_name


@pytest.mark.parametrize("root", [bundled(), bundled_extension()], ids=["main", "extension"])
def test_every_module_belongs_to_an_object(root):
    known = survey.objects(root)
    for module in survey.modules(root):
        owner = ".".join(module.full_name.split(".")[:2])
        assert owner in known or owner.startswith("Configuration."), module.full_name
        parts = module.full_name.split(".")
        if len(parts) == 4:
            children = known[owner].children(parts[2])
            found = {child.findtext("{*}Properties/{*}Name") or child.text for child in children}
            assert parts[3] in found, module.full_name


def test_uuids_are_unique(dump):
    found = Counter()
    for path in dump.rglob("*.xml"):
        found.update(re.findall(r' (?:uu)?id="([0-9a-f-]{36})"', path.read_text(encoding="utf-8-sig")))
    assert [uuid for uuid, times in found.items() if times > 1] == []


def test_help_pages_are_where_they_are_promised(objects):
    promised = {name for name, item in objects.items() if item.property("IncludeHelpInContents") == "true"}
    promised = {name for name in promised if not name.startswith("Subsystem.")}
    with_page = {
        name for name, item in objects.items() if (item.path.with_suffix("") / "Ext" / "Help" / "ru.html").exists()
    }
    assert promised == with_page
    assert len(with_page) >= 8


def test_help_links_resolve(objects, dump):
    for page in dump.rglob("ru.html"):
        for target in re.findall(r"v8help://\w+/([\w.]+)", page.read_text(encoding="utf-8-sig")):
            assert ".".join(target.split(".")[:2]) in objects, f"{page}: {target}"


def test_dumps_have_the_expected_version_and_form(dump):
    for path in XML_FILES:
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf<?xml")
        assert b"\r\n" in content
        versions = set(
            re.findall(rb'^<(?:MetaDataObject|Form|Help|Rights)\b[^>]* version="([^"]+)"', content, re.MULTILINE)
        )
        assert versions <= {b"2.17"}, path
    for path in dump.rglob("*"):
        assert unicodedata.is_normalized("NFC", path.name)


def test_a_broken_reference_would_be_noticed(names):
    assert "Catalog.НетТакого" not in names
    assert "Catalog.Валюты.Attribute.НаименованиеПолное" in names
    assert "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты" in names
