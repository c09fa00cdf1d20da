"""The extension borrows objects that exist and wraps methods that exist."""

import re

from rag_demo.configurations import bundled_extension

MD = "{http://v8.1c.ru/8.3/MDClasses}"


def test_borrowed_objects_point_to_the_originals(objects, extension_objects):
    borrowed = 0
    for name, item in extension_objects.items():
        if item.property("ObjectBelonging") != "Adopted":
            assert item.name.startswith("Мк_"), f"{name}: own objects carry the prefix"
            continue
        borrowed += 1
        assert item.property("ExtendedConfigurationObject") == objects[name].element.get("uuid"), name
    assert borrowed >= 5


def test_own_attributes_carry_the_prefix(extension_objects):
    added = [part for item in extension_objects.values() for part in item.part_names() if ".Attribute." in part]
    assert len(added) >= 2
    assert all(part.rsplit(".", 1)[-1].startswith("Мк_") for part in added)


def test_interceptors_name_existing_methods(methods, extension_modules):
    known = {method.full_name: method for method in methods}
    used = set()
    for module in extension_modules:
        for method in module.methods:
            match = re.match(r'&(Вместо|Перед|После)\("(\w+)"\)', method.directive)
            if match:
                used.add(match[1])
                original = known[f"{module.full_name}.{match[2]}"]
                assert len(original.parameters) == len(method.parameters), method.full_name
                assert ("ПродолжитьВызов(" in method.body) == (match[1] == "Вместо"), method.full_name
    assert used == {"Вместо", "Перед", "После"}


def test_the_root_is_an_extension():
    text = (bundled_extension() / "Configuration.xml").read_text(encoding="utf-8-sig")
    assert "<ConfigurationExtensionPurpose>Customization<" in text
    assert "<NamePrefix>Мк_<" in text
