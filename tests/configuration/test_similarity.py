"""No filler: no two methods share more than half of their lines."""

import re
from collections import Counter, defaultdict

import pytest

from rag_demo.configurations import bundled, bundled_extension, survey

STRUCTURE = re.compile(
    r"^(?:конец\w+;?|иначе|исключение|попытка|возврат;|продолжить;|прервать;|end\w+;?|else|try|except|[|]?[()\]}]*;?)$",
    re.IGNORECASE,
)
SMALLEST = 4


def lines_of(body):
    stripped = (re.sub(r"\s+", " ", line.split("//")[0]).strip() for line in body.split("\n")[1:])
    return Counter(line for line in stripped if line and line != "|" and not STRUCTURE.match(line))


def similar(bodies, limit=0.5):
    """Pairs of names that share more than ``limit`` of the lines of the shorter one."""
    counted = {name: lines_of(body) for name, body in bodies.items()}
    counted = {name: lines for name, lines in counted.items() if lines.total() >= SMALLEST}
    by_line = defaultdict(set)
    for name, lines in counted.items():
        for line in lines:
            by_line[line].add(name)
    candidates = {(a, b) for names in by_line.values() for a in names for b in names if a < b}
    for a, b in sorted(candidates):
        shared = (counted[a] & counted[b]).total() / min(counted[a].total(), counted[b].total())
        if shared > limit:
            yield f"{a} ~ {b}: {shared:.2f}"


def test_no_two_methods_share_more_than_half_of_their_lines():
    bodies = {}
    for root in (bundled(), bundled_extension()):
        for module in survey.modules(root):
            bodies.update({f"{root.name}:{method.full_name}": method.body for method in module.methods})
    assert len(bodies) > 220
    assert list(similar(bodies)) == []


def test_very_short_methods_are_rare(methods):
    short = [method.full_name for method in methods if lines_of(method.body).total() < SMALLEST]
    assert len(short) / len(methods) < 0.35
    assert len(methods) - len(short) >= 220


@pytest.mark.parametrize(("second", "found"), [("А;\nБ;\nВ;\nЖ;\n", 1), ("А;\nБ;\nХ;\nЖ;\n", 0)])
def test_the_measure_notices_copies(second, found):
    first = "Процедура Первая()\nА;\nБ;\nВ;\nГ;\nКонецПроцедуры"
    assert len(list(similar({"1": first, "2": f"Процедура Вторая()\n{second}КонецПроцедуры"}))) == found
