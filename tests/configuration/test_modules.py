"""Modules are valid BSL, rich enough, and as untidy as a real configuration."""

from collections import Counter

import pytest

from rag_demo.configurations import bundled, bundled_extension, survey

MODULES = survey.modules(bundled()) + survey.modules(bundled_extension())


@pytest.fixture(scope="module")
def parser():
    hbk = pytest.importorskip("tree_sitter_hbk")
    tree_sitter = pytest.importorskip("tree_sitter")
    return tree_sitter.Parser(tree_sitter.Language(hbk.language()))


def broken_nodes(node):
    if node.type == "ERROR" or node.is_missing:
        yield node.start_point.row + 1
    for child in node.children:
        if child.has_error:
            yield from broken_nodes(child)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.full_name)
def test_a_module_parses_without_errors(parser, module):
    tree = parser.parse(module.text.encode())
    assert not tree.root_node.has_error, f"lines {list(broken_nodes(tree.root_node))}"


def test_the_parser_would_notice_an_error(parser):
    assert parser.parse("Процедура А()\n\tЕсли Истина Тогда\nКонецПроцедуры".encode()).root_node.has_error


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.full_name)
def test_the_parser_finds_the_same_methods(parser, module):
    root = parser.parse(module.text.encode()).root_node
    found, pending = [], [root]
    while pending:
        node = pending.pop()
        pending.extend(node.children)
        if node.type in ("procedure_definition", "function_definition"):
            found.append(node.child_by_field_name("name").text.decode())
    assert sorted(found) == sorted(method.name for method in module.methods)


def test_there_are_enough_methods(methods):
    assert len(methods) >= 220
    assert len({method.full_name for method in methods}) == len(methods)


def test_public_methods_have_comments_and_many_private_ones_do_not(modules):
    public, private = [], []
    for module in modules:
        for method in module.methods:
            (public if method.export else private).append(bool(method.comment))
    assert sum(public) / len(public) > 0.9
    assert 0.1 < sum(private) / len(private) < 0.6


def test_comments_follow_the_convention(methods):
    comments = [method.comment for method in methods]
    for word, at_least in (("Параметры:", 60), ("Возвращаемое значение:", 50), ("Пример:", 2), ("Устарела.", 2)):
        assert sum(word in comment for comment in comments) >= at_least, word
    assert sum("Parameters:" in comment for comment in comments) >= 2


def test_every_documented_parameter_exists(methods):
    for method in methods:
        if "Параметры:" not in method.comment:
            continue
        section = method.comment.split("Параметры:")[1].split("Возвращаемое значение:")[0].split("Пример:")[0]
        described = [
            line[4:].split(" - ")[0].strip()
            for line in section.split("\n")
            if line.startswith("//  ") and line[4:5] not in (" ", "*", "") and " - " in line
        ]
        unknown = [name for name in described if name.isidentifier() and name not in method.parameters]
        assert not unknown, f"{method.full_name}: {unknown}"


def test_the_mess_of_real_life_is_there(modules, dump):
    text = "\n".join(module.text for module in modules)
    assert "Асинх " in text
    assert "Ждать " in text
    assert "#Если Сервер" in text
    assert "МенеджерВременныхТаблиц" in text
    assert "Function " in text
    assert "Function GetWithRetry" in text
    assert any("ё" in line for line in text.split("\n") if line.lstrip().startswith("//"))
    raw = [path.read_bytes() for path in dump.rglob("*.bsl")]
    assert all(content.startswith(b"\xef\xbb\xbf") for content in raw)
    ends = Counter(line_end(content) for content in raw)
    assert ends["crlf"] > 20 * ends["lf"] > 0
    assert ends["mixed"] > 0


def line_end(content):
    crlf, lf = content.count(b"\r\n"), content.count(b"\n")
    return "crlf" if crlf == lf else "mixed" if crlf else "lf"


def test_messages_are_localised(modules):
    text = "\n".join(module.text for module in modules)
    assert text.count('НСтр("ru = ') > 80
    assert text.count("; en = '") >= 6
