"""Writes what is made from code: ``env.example``, the table of metrics, pages of ``reference/``. A test compares."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hybrid_embeddings.cli
import hybrid_embeddings.errors
import rag_demo.cli
import rag_demo.errors
from hybrid_embeddings import Settings
from hybrid_embeddings.observability.catalogue import METRICS as ENGINE_METRICS
from hybrid_embeddings.observability.catalogue import reference
from hybrid_embeddings.settings import describe as engine_options
from rag_demo.observability.catalogue import LABELS
from rag_demo.observability.catalogue import METRICS as CHAT_METRICS
from rag_demo.settings import describe as demo_options

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "observability.md"
METRICS_BEGIN, METRICS_END = "<!-- metrics:begin -->", "<!-- metrics:end -->"
HEADER = """\
# Every option with its default. Copy to .env and uncomment what you want to change.
# Arguments of a program beat the environment, the environment beats .env.
"""
_MADE = "<!-- Made by docs/generate.py; do not edit. -->\n\n"


def env_example() -> str:
    """Return the text of ``env.example``."""
    sections = {
        "The embedding engine": engine_options(),
        "rag-demo": [(option.name, option.default, option.meaning) for option in demo_options()],
    }
    lines = [HEADER]
    for title, options in sections.items():
        lines.append(f"# --- {title}\n")
        lines += [f"# {meaning}\n# {name}={default}\n" for name, default, meaning in options]
    return "\n".join(lines)


def with_metrics(page: str) -> str:
    """Return a page with the table of metrics between its marks."""
    head, begin, rest = page.partition(METRICS_BEGIN)
    _, end, tail = rest.partition(METRICS_END)
    return f"{head}{begin}\n\n{reference((*ENGINE_METRICS, *CHAT_METRICS), LABELS)}\n{end}{tail}"


def pages() -> dict[Path, str]:
    """Return the pages of the reference by their paths."""
    folder = ROOT / "docs" / "reference"
    made = {"settings": _settings, "commands": _commands, "errors": _errors, "http": _http}
    return {folder / f"{name}.md": _MADE + make() for name, make in made.items()}


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    cells = [headings, ("---",) * len(headings), *rows]
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in cells]
    return "".join(f"| {' | '.join(row)} |\n" for row in escaped)


def _code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def _sentence(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _settings() -> str:
    arguments = [field.name for field in dataclasses.fields(Settings)]
    engine = [
        (_code(name), _code(argument), _code(default), meaning)
        for argument, (name, default, meaning) in zip(arguments, engine_options(), strict=True)
    ]
    demo = [(_code(option.name), _code(option.default), option.meaning) for option in demo_options()]
    return (
        "# Settings\n\nEvery option can be an environment variable or a line of `.env` in the working folder. Those of "
        "the engine can be arguments, too: `Settings.load(precision='exact')`, the usual ones of `EmbeddingService` "
        "itself. Arguments beat the environment, the environment beats `.env`. A value that cannot be used is an error "
        "that says what is allowed. As a file: `env.example`.\n\n## The engine\n\n"
        + _table(("variable", "argument", "default", "meaning"), engine)
        + "\n## rag-demo\n\n`rag-demo` reads those of the engine, too.\n\n"
        + _table(("variable", "default", "meaning"), demo)
    )


def _commands() -> str:
    text = (
        "# Commands\n\nBoth programs end with status 0 when all went well, 2 when the input is wrong or something is "
    )
    text += "missing, 130 after Ctrl-C; `hybrid-embeddings` with 1 when a check found something.\n"
    for module in (rag_demo.cli, hybrid_embeddings.cli):
        parser = module._parser()  # noqa: SLF001 - of our own
        text += f"\n## {parser.prog}\n" + "".join(_command(parser))
    return text


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The commands below a parser, each with its options, those below them included."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
        for name, command in action.choices.items():
            options = [_option(option) for option in command._actions if option.nargs != "A..."]  # noqa: SLF001
            rows = [row for row in options if row[0] != "`-h, --help`"]
            yield f"\n### {command.prog}\n\n{helps[name][:1].upper()}{helps[name][1:]}.\n"
            if rows:
                yield "\n" + _table(("argument", "meaning"), rows)
            yield from _command(command)


def _option(option: argparse.Action) -> tuple[str, str]:
    value = option.metavar or (option.choices and "|".join(map(str, option.choices))) or ""
    names = ", ".join(option.option_strings)
    takes_value = option.nargs != 0
    written = f"{names} {value if takes_value else ''}".strip() if names else str(value or option.dest)
    return _code(written), option.help or ""


def _errors() -> str:
    text = (
        "# Errors\n\nErrors that a program raises on purpose. Messages say what is wrong, where, and what to do; they "
    )
    text += "never hold a text that was embedded.\n"
    for module in (hybrid_embeddings.errors, rag_demo.errors):
        text += f"\n## {module.__name__}\n\n" + _table(("error", "is a", "when"), _classes(module))
    return text


def _classes(module: ModuleType) -> list[tuple[str, ...]]:
    classes = [
        value for value in vars(module).values() if inspect.isclass(value) and value.__module__ == module.__name__
    ]
    return [
        (
            _code(each.__name__),
            ", ".join(_code(base.__name__) for base in each.__bases__),
            _sentence(each.__doc__ or "").removeprefix("Base class: "),
        )
        for each in classes
    ]


def _http() -> str:
    described = _openapi()
    text = "# HTTP\n\nWhat `rag-demo serve` answers; how to use it: [The chat over HTTP](../web.md). The same for "
    text += "programs: `/openapi.json`. The tools for agents (`/mcp/`) describe themselves by their protocol.\n"
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            about = _sentence(operation.get("description", operation["summary"]))
            text += f"\n## {method.upper()} {path}\n\n{about}\n"
            if inputs := [_parameter(each) for each in operation.get("parameters", [])] + _body(operation, described):
                text += "\n" + _table(("input", "type", "default", "meaning"), inputs)
            text += f"\nAnswer: {_answer(operation)}.\n"
    text += "\n## Schemas\n"
    for name, schema in described["components"]["schemas"].items():
        if "properties" in schema and not name.startswith(("HTTPValidation", "Validation")):
            text += f"\n### {name}\n\n" + _table(("field", "type", "default", "meaning"), _fields(schema))
    return text


def _openapi() -> dict[str, Any]:
    """The description that the server gives of itself; nothing is loaded for it."""
    from hybrid_embeddings import EmbeddingService
    from rag_demo.library import Library
    from rag_demo.settings import Settings as DemoSettings
    from rag_demo.web.server import build

    with tempfile.TemporaryDirectory() as folder:
        settings = DemoSettings(data_dir=folder)
        app: Any = build(Library(settings), EmbeddingService(), settings)
        described: dict[str, Any] = app.openapi()
        return described


def _parameter(parameter: dict[str, Any]) -> tuple[str, ...]:
    return _field(parameter["name"], parameter["schema"], required=parameter.get("required", False))


def _body(operation: dict[str, Any], described: dict[str, Any]) -> list[tuple[str, ...]]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        return _fields(described["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return []


def _answer(operation: dict[str, Any]) -> str:
    for kind, content in operation["responses"]["200"].get("content", {}).items():
        return _type(content.get("schema", {})) or _code(kind)
    return "as told above"


def _fields(schema: dict[str, Any]) -> list[tuple[str, ...]]:
    required = schema.get("required", [])
    return [_field(name, each, required=name in required) for name, each in schema["properties"].items()]


def _field(name: str, schema: dict[str, Any], *, required: bool) -> tuple[str, ...]:
    default = "required" if required else _code(schema.get("default", "")) or ""
    return _code(name), _type(schema), default, _sentence(schema.get("description", ""))


def _type(schema: dict[str, Any]) -> str:
    """Name of a type; of a schema, a link to its section."""
    if reference_to := schema.get("$ref"):
        name = reference_to.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(each) for each in alternatives)
    if schema.get("type") == "array":
        items = _type(schema.get("items", {})) or "anything"
        return f"list of ({items})" if " or " in items else f"list of {items}"
    if choices := schema.get("enum"):
        return " or ".join(_code(choice) for choice in choices)
    return str(schema.get("type", ""))


if __name__ == "__main__":
    (ROOT / "env.example").write_text(env_example(), encoding="utf-8")
    PAGE.write_text(with_metrics(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
