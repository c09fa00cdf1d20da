"""Objectives and error budgets."""

from __future__ import annotations

from boards.panel import Panel, target

PANELS = (
    Panel(
        "Error budget left",
        (("embedding_slo_error_budget_remaining", "{{objective}}"),),
        "percentunit",
        kind="bargauge",
        minimum=None,
    ),
    Panel(
        "Objectives that are kept",
        (("1 - avg (embedding_slo_violated)", "kept"), target("slo_compliance")),
        "percentunit",
    ),
    Panel("Violated", (("embedding_slo_violated", "{{objective}}"),), kind="stat"),
    Panel("Will be violated", (("embedding_slo_warning", "{{objective}}"),), kind="stat"),
    Panel(
        "Latency against its limit",
        (
            ('embedding_slo_value{objective=~"latency.*"}', "{{objective}}"),
            ('embedding_slo_limit{objective=~"latency.*"}', "limit {{objective}}"),
        ),
        "s",
    ),
    Panel(
        "Errors against their limit",
        (
            ('embedding_slo_value{objective="error_rate"}', "error rate"),
            ('embedding_slo_limit{objective="error_rate"}', "limit"),
        ),
        "percentunit",
    ),
    Panel(
        "Availability and hit rate",
        (
            ('embedding_slo_value{objective=~"availability|cache_hit_rate"}', "{{objective}}"),
            ('embedding_slo_limit{objective=~"availability|cache_hit_rate"}', "limit {{objective}}"),
        ),
        "percentunit",
    ),
    Panel(
        "Budget over time", (("embedding_slo_error_budget_remaining", "{{objective}}"),), "percentunit", minimum=None
    ),
    Panel(
        "Burn rate",
        (("embedding_slo_burn_rate", "{{objective}} {{span}}"),),
        meaning="1 uses up the budget exactly at the end of the window.",
    ),
    Panel("Budget gone in", (("embedding_slo_exhausted_in_seconds < Inf", "{{objective}}"),), "s"),
    Panel("Targets", (("embedding_target", "{{target}}"),), kind="stat"),
)
