"""From a machine and a demand to a plan; what does not fit is refused. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from rag_demo.errors import PlanRefused
from rag_demo.planning import arithmetic
from rag_demo.planning.catalogue import MODELS
from rag_demo.planning.resources import disk_need, ram_need
from rag_demo.planning.types import GB, Demand, Gpu, Llm, Machine, Measure, Plan, Serving, Wish

_USUAL = Demand(documents=0)
_SHORT_ANSWER_TOKENS, _FEW_SOURCES = 256, 3
_LOADING_BYTES_PER_S = 1.5 * GB  # weights from an NVMe disk into the card


def recommend(machine: Machine, demand: Demand, wish: Wish | None = None) -> Plan:
    """The largest language model that fits and answers in time, and everything that follows from it.

    Raises:
        PlanRefused: the window would cut prompt or answer, or model, memory or disk do not suffice; tells the sums.
    """
    wish = wish or Wish()
    serving = _wished(machine, demand, wish) if wish.model else _chosen(machine, demand, wish)
    profile = serving.llm.profile if serving else "cpu"
    vectors = arithmetic.qdrant_bytes(demand.documents, demand.dimension)
    plan = Plan(
        profile,
        machine,
        demand,
        serving,
        vectors,
        ram_need(profile, machine, demand, vectors[1]),
        disk_need(profile, machine, demand, vectors[1], serving.weights_bytes if serving else 0.0),
        measures=_measures(serving, demand) if serving else (),
        warnings=tuple(_warnings(machine, serving)),
    )
    _check_room(plan)
    return plan


def _chosen(machine: Machine, demand: Demand, wish: Wish) -> Serving | None:
    """The last model of the table that fits on some of the cards; None: extractive answers."""
    refused: PlanRefused | None = None
    for llm in reversed(MODELS):
        for gpus in _groups(machine, llm):
            if sum(gpu.memory_bytes for gpu in gpus) < llm.least_memory_bytes:
                continue
            if arithmetic.latency(llm, gpus, _USUAL, at_once=1).decode_s > llm.longest_decode_s:
                continue
            try:
                return _serve(llm, gpus, demand, wish)
            except PlanRefused as reason:
                refused = refused or reason
    if refused and (wish.window_tokens or wish.concurrency or _needs_more_than_any(demand)):
        raise refused  # what was asked for is the reason, not the machine
    return None


def _wished(machine: Machine, demand: Demand, wish: Wish) -> Serving:
    """The model that the user names, however slow."""
    named = [llm for llm in MODELS if wish.model in {llm.name, llm.name.rpartition("/")[2]}]
    if not named:
        raise PlanRefused(f"No figures of {wish.model!r} here. Known: {', '.join(llm.name for llm in MODELS)}.")
    refused: PlanRefused | None = None
    for gpus in _groups(machine, named[0]):
        try:
            return _serve(named[0], gpus, demand, wish)
        except PlanRefused as reason:
            refused = refused or reason
    raise refused or PlanRefused(f"{wish.model} needs a card, and there is none.")


def _groups(machine: Machine, llm: Llm) -> Iterator[tuple[Gpu, ...]]:
    """Cards that can serve a model together, most first: equal ones, a power of two that divides its heads."""
    for gpu, count in sorted(Counter(machine.gpus).items(), key=lambda pair: -pair[0].memory_bytes * pair[1]):
        together = 1
        while llm.engine == "vllm" and together * 2 <= count and llm.attention_heads % (together * 2) == 0:
            together *= 2
        while together >= 1:
            yield (gpu,) * together
            together //= 2


def _serve(llm: Llm, gpus: tuple[Gpu, ...], demand: Demand, wish: Wish) -> Serving:
    """A model on cards with as many answers at once as are wanted and fit.

    Raises:
        PlanRefused: the window is too small for the demand or larger than the model's, or not one answer fits.
    """
    needed = arithmetic.needed_window(demand)
    window = wish.window_tokens or min(arithmetic.window_for(demand), llm.longest_window_tokens)
    wanted = wish.concurrency or arithmetic.concurrent_answers(demand.users)
    if window > llm.longest_window_tokens:
        raise PlanRefused(f"{llm.name} reads at most {llm.longest_window_tokens:,} tokens; {window:,} are asked for.")
    if window < needed:
        raise PlanRefused(
            f"A window of {window:,} tokens would cut the prompt or the answer without a word: "
            f"{arithmetic.prompt_tokens(demand):,} of the prompt + {demand.answer_tokens:,} of the answer "
            f"+ {arithmetic.MARGIN_TOKENS} of margin = {needed:,}. Take a larger window, a shorter answer or fewer "
            "sources."
        )
    for concurrency in range(wanted, 0, -1):
        serving = _sized(llm, gpus, demand, window=window, concurrency=concurrency, wanted=wanted)
        if serving.used_bytes <= serving.usable_bytes:
            return serving
        if wish.concurrency:
            break
    raise PlanRefused(_does_not_fit(serving))


def _sized(llm: Llm, gpus: tuple[Gpu, ...], demand: Demand, *, window: int, concurrency: int, wanted: int) -> Serving:
    per_token = arithmetic.kv_bytes_per_token(llm)
    needed = arithmetic.needed_window(demand)
    return Serving(
        llm,
        gpus,
        window,
        concurrency,
        wanted,
        prompt_tokens=arithmetic.prompt_tokens(demand),
        weights_bytes=llm.weights_bytes,
        kv_bytes_per_token=per_token,
        kv_bytes=per_token * arithmetic.kv_tokens(llm, window=window, concurrency=concurrency, needed=needed),
        overhead_bytes=arithmetic.overhead_bytes(len(gpus)),
        usable_bytes=arithmetic.usable_bytes(gpus),
        alone=arithmetic.latency(llm, gpus, demand, at_once=1),
        full=arithmetic.latency(llm, gpus, demand, at_once=concurrency),
    )


def _does_not_fit(serving: Serving) -> str:
    cards = f"{len(serving.gpus)} × {serving.gpus[0].name}"
    return (
        f"{serving.llm.name} does not fit on {cards}: weights {serving.weights_bytes / GB:.1f} GB + keys and values "
        f"{serving.kv_bytes / GB:.1f} GB ({serving.concurrency} answers at once, window {serving.window_tokens:,}) + "
        f"overhead {serving.overhead_bytes / GB:.1f} GB = {serving.used_bytes / GB:.1f} GB, usable are "
        f"{serving.usable_bytes / GB:.1f} GB. Take a smaller model or window, fewer answers at once, or more memory."
    )


def _needs_more_than_any(demand: Demand) -> bool:
    return arithmetic.needed_window(demand) > max(llm.longest_window_tokens for llm in MODELS)


def _check_room(plan: Plan) -> None:
    for what, need, option in (("memory", plan.ram, "--ram"), ("disk", plan.disk, "--disk")):
        if not need.fits:
            parts = " + ".join(f"{name} {value / GB:.1f}" for name, value in need.parts.items())
            raise PlanRefused(
                f"There is too little {what} for {plan.profile}: {parts} = {need.total_bytes / GB:.1f} GB, there are "
                f"{need.available_bytes / GB:.1f} GB ({option} plans for another machine)."
            )


def _measures(serving: Serving, demand: Demand) -> tuple[Measure, ...]:
    """What shortens an answer on the same cards, with the time by the same formulas."""
    llm, gpus = serving.llm, serving.gpus
    before = serving.alone.total_s

    def after(changed: Demand) -> float:
        return arithmetic.latency(llm, gpus, changed, at_once=1).total_s

    short = replace(demand, answer_tokens=min(demand.answer_tokens, _SHORT_ANSWER_TOKENS))
    few = replace(demand, sources=min(demand.sources, _FEW_SOURCES))
    both = replace(short, sources=few.sources)
    loading = llm.weights_bytes / _LOADING_BYTES_PER_S
    found = [
        Measure("short", before, after(short)),
        Measure("few", before, after(few)),
        Measure("both", before, after(both)),
        Measure("warm", before + loading, before),
    ]
    return tuple(measure for measure in found if measure.after_s < measure.before_s)


def _warnings(machine: Machine, serving: Serving | None) -> Iterator[tuple[str, dict[str, str]]]:
    yield from (("note", {"text": note}) for note in machine.notes)
    yield from (("assumed", {"name": name}) for name in sorted({gpu.name for gpu in machine.gpus if not gpu.known}))
    if machine.gpus and serving is None:
        yield "too_small", {}
    if serving and serving.concurrency < serving.wanted_concurrency:
        yield "waiting", {"fit": str(serving.concurrency), "wanted": str(serving.wanted_concurrency)}
    if serving and serving.llm.engine == "ollama":
        yield "vllm", {}
