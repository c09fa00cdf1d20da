"""The Designer dump and the EDT project describe the same objects; read independently of the build."""

import re

import pytest

from rag_demo.configurations import bundled, bundled_extension, survey

PAIRS = {
    "main": (bundled(), bundled().parent / "edt"),
    "extension": (bundled_extension(), bundled().parent / "extension_edt"),
}
CORE = "{http://v8.1c.ru/8.1/data/core}"
MD = "{http://v8.1c.ru/8.3/MDClasses}"
FORM = "{http://v8.1c.ru/8.3/xcf/logform}"
PARTS = {
    "Attribute": "attributes", "Dimension": "dimensions", "Resource": "resources", "EnumValue": "enumValues",
    "TabularSection": "tabularSections", "Column": "columns", "URLTemplate": "urlTemplates", "Method": "methods",
    "Command": "commands",
}  # fmt: skip
TYPES = {
    "xs:string": "String",
    "xs:decimal": "Number",
    "xs:boolean": "Boolean",
    "xs:dateTime": "Date",
    "v8:UUID": "UUID",
}


def designer_text(node, name):
    return node.findtext(f"{MD}Properties/{MD}{name}/{CORE}item/{CORE}content") or ""


def designer_type(node):
    found = node.find(f"{MD}Properties/{MD}Type")
    names = [] if found is None else [child.text for child in found if child.tag in (f"{CORE}Type", f"{CORE}TypeSet")]
    length = None if found is None else found.findtext(f"{CORE}StringQualifiers/{CORE}Length")
    digits = None if found is None else found.findtext(f"{CORE}NumberQualifiers/{CORE}Digits")
    return [TYPES.get(name, name.split(":")[-1]) for name in names], length if length != "0" else None, digits


def designer_parts(node):
    for tag, edt_tag in PARTS.items():
        for child in node.findall(f"{MD}ChildObjects/{MD}{tag}"):
            name = child.findtext(f"{MD}Properties/{MD}Name")
            facts = (
                child.get("uuid"),
                designer_text(child, "Synonym"),
                designer_text(child, "ToolTip"),
                *designer_type(child),
            )
            yield (edt_tag, name), (facts, dict(designer_parts(child)))


def edt_text(node, name):
    return node.findtext(f"{name}/value") or ""


def edt_type(node):
    found = node.find("type")
    names = [] if found is None else [child.text for child in found.findall("types")]
    length = None if found is None else found.findtext("stringQualifiers/length")
    digits = None if found is None else found.findtext("numberQualifiers/precision")
    return names, length, digits


def edt_parts(node):
    for tag in PARTS.values():
        for child in node.findall(tag):
            facts = (child.get("uuid"), edt_text(child, "synonym"), edt_text(child, "toolTip"), *edt_type(child))
            yield (tag, child.findtext("name")), (facts, dict(edt_parts(child)))


def edt_objects(project):
    found = {}
    for path in sorted((project / "src").rglob("*.mdo")):
        root = survey.read_xml(path)
        kind = root.tag.split("}")[1]
        if kind == "Configuration":
            continue
        name = f"{kind}.{root.findtext('name')}"
        parent = root.findtext("parentSubsystem")
        found[f"{parent}.{name}" if parent else name] = (path, root)
    return found


@pytest.fixture(scope="module", params=PAIRS, ids=list(PAIRS))
def pair(request):
    designer, edt = PAIRS[request.param]
    both = {name: item for name, item in survey.objects(designer).items() if item.kind != "Language"}
    return both, edt_objects(edt), designer, edt


def test_the_same_objects(pair):
    designer, edt, *_ = pair
    assert sorted(designer) == sorted(edt)
    assert all(designer[name].element.get("uuid") == edt[name][1].get("uuid") for name in designer)


def test_the_same_parts_types_and_texts(pair):
    designer, edt, *_ = pair
    compared = 0
    for name, item in designer.items():
        left, right = dict(designer_parts(item.element)), dict(edt_parts(edt[name][1]))
        compared += len(left)
        assert left == right, name
        if item.property("ObjectBelonging") != "Adopted":
            assert item.synonym == edt_text(edt[name][1], "synonym"), name
    assert compared > 1


def test_the_same_lists(pair):
    designer, edt, *_ = pair
    lists = {"RegisterRecords": "registerRecords", "BasedOn": "basedOn", "Owners": "owners", "Content": "content",
             "RegisteredDocuments": "registeredDocuments"}  # fmt: skip
    for name, item in designer.items():
        for left, right in lists.items():
            assert item.references(left) == [node.text for node in edt[name][1].findall(right)], f"{name}.{left}"
        for left, right in (("Form", "forms"), ("Template", "templates")):
            own = [node.text for node in item.children(left)]
            assert own == [node.findtext("name") for node in edt[name][1].findall(right)], name
        for left in ("Handler", "MethodName", "Event", "ReturnValuesReuse"):
            tag = left[:1].lower() + left[1:]
            expected = item.property(left)
            assert (edt[name][1].findtext(tag) or "DontUse") == expected or not expected, f"{name}.{left}"


def test_standard_attributes_and_input_fields(pair):
    designer, edt, *_ = pair
    renamed = 0
    for name, item in designer.items():
        own = item.element.findall(f"{MD}Properties/{MD}StandardAttributes/*")
        left = [(node.get("name"), readable(node, "Synonym"), readable(node, "ToolTip")) for node in own]
        right = [
            (node.findtext("name"), edt_text(node, "synonym"), edt_text(node, "toolTip"))
            for node in edt[name][1].findall("standardAttributes")
        ]
        renamed += sum(bool(facts[1]) for facts in left)
        assert left == right, name
        fields = [node.text for node in item.element.findall(f"{MD}Properties/{MD}InputByString/*")]
        assert fields == [node.text for node in edt[name][1].findall("inputByString")], name
    assert renamed >= 4 or len(designer) < 20


def readable(node, name):
    prefix = "{http://v8.1c.ru/8.3/xcf/readable}"
    return node.findtext(f"{prefix}{name}/{CORE}item/{CORE}content") or ""


def test_flags_of_common_modules(pair):
    designer, edt, *_ = pair
    for name, item in designer.items():
        if item.kind == "CommonModule":
            for flag in ("server", "clientManagedApplication", "serverCall", "privileged", "externalConnection"):
                if item.property("ObjectBelonging") != "Adopted":
                    left = item.property(flag[:1].upper() + flag[1:]) == "true"
                    assert left == (edt[name][1].findtext(flag) == "true"), f"{name}.{flag}"


def test_predefined_items(pair):
    designer, edt, *_ = pair
    for name, item in designer.items():
        path = item.path.with_suffix("") / "Ext" / "Predefined.xml"
        left = (
            re.findall(r'<Item id="([^"]+)">\s*<Name>(\w+)<', path.read_text(encoding="utf-8-sig"))
            if path.exists()
            else []
        )
        right = [(node.get("id"), node.findtext("name")) for node in edt[name][1].findall("predefined/items")]
        assert left == right, name


def test_modules_and_help_are_the_same_text(pair):
    _, _, designer, edt = pair
    left = sorted(text(path) for suffix in ("*.bsl", "ru.html") for path in designer.rglob(suffix))
    right = sorted(text(path) for suffix in ("*.bsl", "ru.html") for path in edt.rglob(suffix))
    assert left == right
    assert len(left) >= 5


def text(path):
    return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")


def test_edt_files_have_no_mark_and_no_carriage_return(pair):
    edt = pair[3]
    for path in edt.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not content.startswith(b"\xef\xbb\xbf"), path
            assert b"\r" not in content, path


def test_forms_have_the_same_handlers_commands_and_paths(pair):
    _, _, designer, edt = pair
    left = sorted(designer_form(path) for path in designer.rglob("Form.xml"))
    right = sorted(edt_form(path) for path in edt.rglob("Form.form"))
    assert left == right


def designer_form(path):
    root = survey.read_xml(path)
    events = sorted(f"{node.get('name')}={node.text}" for node in root.iter(f"{FORM}Event"))
    actions = [node.findtext(f"{FORM}Action") for node in root.iter(f"{FORM}Command")]
    paths = [node.text for node in root.iter(f"{FORM}DataPath")]
    own = [node.get("name") for node in root.findall(f"{FORM}Attributes/{FORM}Attribute")]
    return events, actions, paths, own


def edt_form(path):
    root = survey.read_xml(path)
    handlers = list(root.iter("handlers"))
    events = sorted(f"{node.findtext('event')}={node.findtext('name')}" for node in handlers)
    actions = [node.findtext("action/handler/name") for node in root.findall("formCommands")]
    paths = [node.findtext("segments") for node in root.iter("dataPath")]
    return events, actions, paths, [node.findtext("name") for node in root.findall("attributes")]
