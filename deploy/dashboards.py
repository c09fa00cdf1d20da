"""Writes the Grafana dashboards: ``python deploy/dashboards.py``. Panels are tables in ``boards``; the JSON follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boards import caches, chat, engine, objectives
from boards.panel import Panel

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
_DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 7


def dashboard(uid: str, title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    """Return the model of a dashboard as Grafana 10 and later import it."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["hybrid-embeddings"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    per_row = _COLUMNS // _WIDTH
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.minimum is not None:
        defaults["min"] = panel.minimum
    return {
        "id": number + 1,
        "title": panel.title,
        "description": panel.meaning,
        "type": panel.kind,
        "datasource": _DATASOURCE,
        "gridPos": {"x": number % per_row * _WIDTH, "y": number // per_row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _DATASOURCE, "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }


DASHBOARDS = {
    "engine": ("Embeddings: devices and calls", engine.PANELS),
    "caches": ("Embeddings: caches", caches.PANELS),
    "objectives": ("Embeddings: objectives and error budgets", objectives.PANELS),
    "chat": ("Chat: questions, sources, language models", chat.PANELS),
}


def main() -> None:
    """Write every dashboard."""
    for name, (title, panels) in DASHBOARDS.items():
        text = json.dumps(dashboard(f"hybrid-{name}", title, panels), ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
