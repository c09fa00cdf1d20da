"""A plan as people read it, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rag_demo.planning import arithmetic
from rag_demo.planning.types import GB, Gpu, Need, Plan, Serving
from rag_demo.planning.words import LANGUAGES

Words = Mapping[str, str]


def as_text(plan: Plan, language: str) -> str:
    """Everything about a plan, some forty lines."""
    words = LANGUAGES[language]
    blocks = [list(_facts(plan, words)), list(_recommendation(plan, words))]
    if plan.serving is not None:
        blocks += [list(_times(plan, plan.serving, words)), list(_formulas(plan, plan.serving, words))]
    blocks.append([words[key].format(**values) for key, values in plan.warnings])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def summary(plan: Plan) -> str:
    """One line: tier and model."""
    if plan.serving is None:
        return f"{plan.profile}, extractive"
    return f"{plan.profile}, {plan.serving.llm.name} ({plan.serving.llm.quantisation})"


def as_json(plan: Plan, values: Mapping[str, str]) -> dict[str, Any]:
    """The same for programs; ``env`` has the lines of the file, secrets masked."""
    found = asdict(plan)
    found["ram"] |= {"total_bytes": plan.ram.total_bytes}
    found["disk"] |= {"total_bytes": plan.disk.total_bytes}
    if plan.serving is not None:
        found["serving"] |= {
            "used_bytes": plan.serving.used_bytes,
            "needed_window_tokens": arithmetic.needed_window(plan.demand),
            "alone": asdict(plan.serving.alone) | {"total_s": plan.serving.alone.total_s},
            "full": asdict(plan.serving.full) | {"total_s": plan.serving.full.total_s},
            "formulas": formulas(plan, plan.serving),
        }
    found["warnings"] = [LANGUAGES["en"][key].format(**values_) for key, values_ in plan.warnings]
    return found | {"env": masked(values)}


def masked(values: Mapping[str, str]) -> dict[str, str]:
    """The values with passwords hidden, also where they stand inside of others."""
    secrets = [value for name, value in values.items() if name.endswith(("PASSWORD", "API_KEY")) and value]
    hidden = dict(values)
    for secret in secrets:
        hidden = {name: value.replace(secret, "***") for name, value in hidden.items()}
    return hidden


def _facts(plan: Plan, words: Words) -> Iterator[str]:
    machine, demand = plan.machine, plan.demand
    yield (
        f"{words['machine']}: {words['gpus']} {_cards(machine.gpus) or words['none']}; {words['ram']} "
        f"{_gb(machine.ram_bytes)}; {words['disk']} {_gb(machine.disk_bytes)}; {machine.cores} {words['cores']}"
        + (f" ({', '.join(machine.cpu_features)})" if machine.cpu_features else "")
    )
    yield (
        f"{words['demand']}: {demand.documents:,} {words['documents']}, {demand.users} {words['users']}, "
        f"{demand.answer_tokens} {words['answer']}, {demand.sources} {words['sources']}"
    )


def _recommendation(plan: Plan, words: Words) -> Iterator[str]:
    serving = plan.serving
    if serving is None:
        yield f"{words['recommended']}: {plan.profile}, {words['extractive']}"
    else:
        yield (
            f"{words['recommended']}: {summary(plan)} {words['on']} {_cards(serving.gpus)}, {serving.llm.engine}, "
            f"{words['window']} {serving.window_tokens:,}, {words['at_once']}: {serving.concurrency}"
        )
        parts = {"weights": serving.weights_bytes, "kv": serving.kv_bytes, "overhead": serving.overhead_bytes}
        yield _need(words["memory_gpu"], Need(parts, round(serving.usable_bytes)), words)
    least, most = plan.qdrant_bytes
    yield f"  {words['qdrant']}: {least / 1e6:,.0f}–{most / 1e6:,.0f} MB"
    yield _need(words["memory_ram"], plan.ram, words)
    yield _need(words["disk_need"], plan.disk, words)


def _times(plan: Plan, serving: Serving, words: Words) -> Iterator[str]:
    yield f"{words['latency']}:"
    for name, latency in ((words["alone"], serving.alone), (words["full"].format(n=serving.concurrency), serving.full)):
        yield (
            f"  {name}: {latency.prefill_s:.1f} + {latency.decode_s:.1f} = {latency.total_s:.1f} {words['s']} "
            f"({latency.tokens_per_s:.0f} {words['speed']})"
        )
    yield f"  {words['search']}"
    yield f"{words['halve']}:"
    for measure in plan.measures:
        yield f"  {words[measure.name]}: {measure.before_s:.1f} → {measure.after_s:.1f} {words['s']}"
    yield f"  {words['q4'].format(q=serving.llm.quantisation)}"
    yield words["estimates"]


def _formulas(plan: Plan, serving: Serving, words: Words) -> Iterator[str]:
    yield f"{words['formulas']}:"
    yield from (f"  {line}" for line in formulas(plan, serving))


def formulas(plan: Plan, serving: Serving) -> list[str]:
    """The sums with their numbers, as they stand in `arithmetic`."""
    llm, demand, n = serving.llm, plan.demand, serving.concurrency
    bandwidth = sum(gpu.bandwidth_bytes_per_s for gpu in serving.gpus)
    flops = sum(gpu.flops_per_s for gpu in serving.gpus)
    number = arithmetic.BYTES_Q8_0 if llm.engine == "ollama" else arithmetic.BYTES_16_BIT
    step = arithmetic.step_bytes(llm, demand, at_once=1)
    held = arithmetic.kv_tokens(llm, window=serving.window_tokens, concurrency=n, needed=_needed(plan))
    return [
        (
            f"needed window = prompt {serving.prompt_tokens:,} + answer {demand.answer_tokens:,} "
            f"+ margin {arithmetic.MARGIN_TOKENS} = {_needed(plan):,} tokens"
        ),
        f"answers at once = users {demand.users} × 25 s / (25 s + 60 s) = {serving.wanted_concurrency}",
        (
            f"KV cache = 2 × {llm.layers} layers × {llm.kv_heads} heads × {llm.head_size} × {number:g} bytes × "
            f"{held:,} tokens = {serving.kv_bytes / GB:.2f} GB"
        ),
        (
            f"tokens/s = 1 / ({step / GB:.2f} GB read per token / ({bandwidth / 1e9:,.0f} GB/s × "
            f"{arithmetic.BANDWIDTH_SHARE}) + {llm.layers} layers × {arithmetic.layer_s(llm) * 1000:g} ms) "
            f"= {serving.alone.tokens_per_s:.0f}"
        ),
        (
            f"prefill = 2 × {llm.active_parameters / 1e9:.1f}e9 active parameters × {serving.prompt_tokens:,} tokens / "
            f"({flops / 1e12:,.0f} TFLOP/s × {arithmetic.FLOPS_SHARE}) = {serving.alone.prefill_s:.2f} s"
        ),
        f"vectors = {demand.documents:,} × {demand.dimension} × 4 bytes × 1.5 = {plan.qdrant_bytes[1] / 1e6:,.0f} MB",
    ]


def _needed(plan: Plan) -> int:
    return arithmetic.needed_window(plan.demand)


def _need(name: str, need: Need, words: Words) -> str:
    parts = " + ".join(f"{words[part]} {value / GB:.1f}" for part, value in need.parts.items())
    return f"  {name}: {parts} = {need.total_bytes / GB:.1f} / {need.available_bytes / GB:.1f} GB"


def _cards(gpus: tuple[Gpu, ...]) -> str:
    return ", ".join(f"{count} × {gpu.name} {_gb(gpu.memory_bytes)}" for gpu, count in Counter(gpus).items())


def _gb(size: float) -> str:
    return f"{size / GB:.0f} GB"
