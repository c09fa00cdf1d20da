"""Dashboards and alert rules: they parse, and they ask for metrics that exist, with labels these metrics have."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess

import pytest
import yaml

from hybrid_embeddings.observability.catalogue import METRICS as ENGINE_METRICS
from rag_demo.observability.catalogue import METRICS as CHAT_METRICS
from tests.scrapes import DEPLOY, expressions

DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
PROMTOOL = shutil.which("promtool")
ALL_METRICS = (*ENGINE_METRICS, *CHAT_METRICS)
SERIES = {
    metric.name + suffix: {*metric.labels, "instance", "job", "pid", *(["le"] if suffix == "_bucket" else [])}
    for metric in ALL_METRICS
    for suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
}


CASES = list(expressions())


@pytest.mark.parametrize(("where", "expression", "legend"), CASES, ids=[case[0] for case in CASES])
def test_expressions_name_metrics_and_labels_that_exist(where, expression, legend):
    names = re.findall(r"\b(?:embedding|rag)_[a-z0-9_]+", expression)
    assert names, where
    for name in names:
        assert name in SERIES, f"{where}: there is no {name}"
    allowed = set().union(*(SERIES[name] for name in names))
    used = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', expression))
    for grouped in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        used |= {label.strip() for label in grouped.split(",") if label.strip()}
    used |= set(re.findall(r"{{\s*(?:\$labels\.)?(\w+)\s*}}", legend))
    assert used <= allowed, f"{where}: {used - allowed}"


def test_every_metric_is_on_a_dashboard_or_in_an_alert():
    shown = " ".join(expression for _, expression, _ in CASES)
    missing = [metric.name for metric in ALL_METRICS if metric.name not in shown]
    assert sorted(missing) == sorted(NOT_SHOWN)


# Looked up when something is wrong, not watched.
NOT_SHOWN = [
    "embedding_gpu_count",
    "embedding_lane_error",
    "embedding_lanes_refused_total",
    "embedding_memory_pool_fragmentation",
    "embedding_tokenize_seconds",
    "embedding_tokens_processed_total",
    "embedding_truncated_texts_total",
]


def test_dashboards_are_what_the_table_makes_of_them(monkeypatch):
    monkeypatch.syspath_prepend(DEPLOY)  # as for a script in that folder
    made = runpy.run_path(str(DEPLOY / "dashboards.py"))
    assert {file.stem for file in DASHBOARDS} == set(made["DASHBOARDS"])
    for file in DASHBOARDS:
        title, panels = made["DASHBOARDS"][file.stem]
        assert json.loads(file.read_text(encoding="utf-8")) == made["dashboard"](f"hybrid-{file.stem}", title, panels)


def test_panels_do_not_overlap():
    for file in DASHBOARDS:
        places = [tuple(panel["gridPos"][axis] for axis in "xy") for panel in json.loads(file.read_text())["panels"]]
        assert len(set(places)) == len(places)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: apt install prometheus)")
def test_promtool_parses_every_expression(tmp_path):
    rules = [
        {"record": f"case:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, (_, expression, _) in enumerate(CASES)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    for arguments in (["rules", file], ["rules", ALERTS], ["config", DEPLOY / "prometheus" / "prometheus.yml"]):
        done = subprocess.run([PROMTOOL, "check", *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# What happened, as series of promtool (value, step × times), and the alert that has to fire after so many minutes.
SITUATIONS = [
    ("IndexUpdateFails", 6, {'rag_index_updates_total{result="failed"}': "0+0x4 1+0x20"}),
    ("CacheRecordsDamaged", 6, {'embedding_cache_damaged_total{layer="redis"}': "0+0x4 7+0x20"}),
    ("BreakerOpen", 6, {'embedding_circuit_breaker_state{component="cache:redis"}': "0+0x2 2+0x20"}),
    (
        "ErrorBudgetBurnsFast",  # two workers behind one address
        6,
        {
            'embedding_slo_burn_rate{objective="error_rate",span="fast",pid="1"}': "7+0x20",
            'embedding_slo_burn_rate{objective="error_rate",span="fast",pid="2"}': "0+0x20",
            'embedding_slo_warning{objective="error_rate",pid="1"}': "1+0x20",
            'embedding_slo_warning{objective="error_rate",pid="2"}': "0+0x20",
        },
    ),
    (
        "ErrorRateCritical",
        10,
        {
            'embedding_requests_total{status="ok"}': "0+60x20",
            'embedding_requests_total{status="error"}': "0+1x20",
            'embedding_target{target="error_rate_critical"}': "0.01+0x20",
        },
    ),
    (
        "FewSearchesFindEvidence",
        60,
        {'rag_retrieval_total{result="none"}': "0+6x90", 'rag_retrieval_total{result="evidence"}': "0+4x90"},
    ),
]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: apt install prometheus)")
@pytest.mark.parametrize(("alert", "minutes", "series"), SITUATIONS, ids=[case[0] for case in SITUATIONS])
def test_an_alert_fires_when_it_should_and_not_otherwise(tmp_path, alert, minutes, series):
    quiet = {name: re.sub(r"\S+$", "0+0x90", values.split()[0]) for name, values in series.items()}
    groups = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in given.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)',
                    "eval_time": f"{minutes}m",
                    "exp_samples": [{"labels": "{}", "value": fires}],
                }
            ],
        }
        for given, fires in ((series, 1), (quiet, 0))
    ]
    file = tmp_path / "situations.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "tests": groups}), encoding="utf-8")
    done = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
