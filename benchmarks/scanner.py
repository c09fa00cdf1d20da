"""Our scanner of modules beside a full grammar (tree-sitter-hbk): the same methods on the same lines, and how fast.

    python benchmarks/scanner.py DUMP [DUMP …] [--rounds 3] [--json RESULT.json]

Where the grammar reports no error, both must find the same methods; every difference is listed. The grammar builds a
tree of every statement, which a scanner does not, so the ratio of the times says what a full parse would cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from common import in_turn, median, report

from rag_demo.ingest.bsl import scan

DEFINITIONS = {"procedure_definition", "function_definition"}


class Found(NamedTuple):
    """A method: lines of its header and of its end word, from 1."""

    name: str
    line_header: int
    line_end: int
    export: bool


def by_grammar(tree: Any) -> list[Found]:
    found, stack = [], [tree.root_node]
    while stack:
        for node in stack.pop().children:
            if node.type not in DEFINITIONS:
                stack.append(node)
                continue
            name = node.child_by_field_name("name")
            export = node.child_by_field_name("export") is not None
            # The grammar's node may begin with a directive or "Асинх"; the name stands on the line of the header.
            found.append(Found(name.text.decode(), name.start_point[0] + 1, node.end_point[0] + 1, export))
    return sorted(found, key=lambda method: method.line_header)


def by_scanner(text: str) -> list[Found]:
    return [Found(one.name, one.line_header, one.line_end, one.export) for one in scan(text).methods]


def differences(path: str, text: str, tree: Any) -> Iterator[str]:
    ours, theirs = by_scanner(text), by_grammar(tree)
    for who, only in (("scanner", set(ours) - set(theirs)), ("grammar", set(theirs) - set(ours))):
        for method in sorted(only, key=lambda method: method.line_header):
            yield f"{path}: only the {who}: {method.name} {method.line_header}-{method.line_end} export={method.export}"


def compared(root: Path, parser: Any, rounds: int) -> dict[str, Any]:
    paths = sorted(root.rglob("*.bsl"))
    texts = [path.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n") for path in paths]
    encoded = [text.encode() for text in texts]
    seconds = in_turn(
        {
            "scanner": lambda: [scan(text) for text in texts],
            "grammar": lambda: [parser.parse(content) for content in encoded],
        },
        rounds=rounds,
    )
    trees = [parser.parse(content) for content in encoded]
    whole = [not tree.root_node.has_error for tree in trees]
    listed = [
        difference
        for path, text, tree, fits in zip(paths, texts, trees, whole, strict=True)
        if fits
        for difference in differences(path.relative_to(root).as_posix(), text, tree)
    ]
    megabytes = sum(map(len, encoded)) / 1e6
    return {
        "modules": len(paths),
        "megabytes": round(megabytes, 1),
        "methods": sum(len(by_scanner(text)) for text in texts),
        "modules_with_grammar_errors": whole.count(False),
        "differences_elsewhere": listed,
        "mb_per_s": {name: round(megabytes / median(times), 1) for name, times in seconds.items()},
        "ratio": round(median(seconds["grammar"]) / median(seconds["scanner"]), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dumps", nargs="+", type=Path, metavar="DUMP")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args()

    import tree_sitter
    import tree_sitter_hbk

    grammar = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hbk.language()))
    report({str(dump.name): compared(dump, grammar, options.rounds) for dump in options.dumps}, options.json)


if __name__ == "__main__":
    main()
