"""Runs benchmarks one after the other in one process: most of a tiny one is the import of its libraries.

Called by test_smoke.py as ``run_tiny.py PLAN OUT``: PLAN is a JSON object of names and arguments; OUT gets a result or
a traceback for each.
"""

import importlib
import json
import os
import sys
import traceback
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(name: str, arguments: list[str], out: Path) -> None:
    sys.argv = [f"{name}.py", *arguments, "--json", str(out / f"{name}.json")]
    before = dict(os.environ)
    try:
        importlib.import_module(name).main()
    except (Exception, SystemExit):  # noqa: BLE001 - the others shall run, too
        (out / f"{name}.error").write_text(traceback.format_exc(), encoding="utf-8")
    os.environ.clear()
    os.environ.update(before)


def main() -> None:
    sys.path.insert(0, str(BENCHMARKS))
    importlib.import_module("common")  # it switches the caches off, for all of them
    plan, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name, arguments in json.loads(plan.read_text(encoding="utf-8")).items():
        run(name, arguments, out)


if __name__ == "__main__":
    main()
