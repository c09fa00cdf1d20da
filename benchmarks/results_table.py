"""Writes the table of results between the markers ``results:begin`` and ``results:end``.

All rows go into docs/results/README.md; those that users ask about first, `headline`, into the READMEs as well.
Run ``python benchmarks/results_table.py``; ``make bench`` does. A row appears when its JSON file is there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
ENGLISH, RUSSIAN = 0, 1
HEADLINES, EVERYTHING = True, False
DOCUMENTS = {
    "README.md": (ENGLISH, HEADLINES),
    "README.ru.md": (RUSSIAN, HEADLINES),
    "docs/results/README.md": (ENGLISH, EVERYTHING),
}
HEADINGS = (
    "| measured | hybrid-embeddings | compared with | ratio |\n|---|--:|--:|--:|",
    "| что измерено | hybrid-embeddings | с чем сравнено | отношение |\n|---|--:|--:|--:|",
)
_BETWEEN_MARKERS = re.compile(r"(?<=<!-- results:begin -->\n).*?(?=<!-- results:end -->)", flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One line: where its figures stand in the JSON file (``a/b/c``), and captions in English and Russian.

    ``versus`` and ``ratio`` are empty when there is nothing to compare with.
    """

    file: str
    captions: tuple[str, str]
    ours: str
    versus: str = ""
    ratio: str = ""
    units: tuple[str, str] = ("", "")
    peers: tuple[str, str] = ("sentence-transformers", "sentence-transformers")
    headline: bool = False


_PER_S = ("texts/s", "текстов/с")
_QUERIES = ("queries/s", "запросов/с")
_MS = ("ms", "мс")
_TARGET = ("target", "цель")
_LANGCHAIN = ("CacheBackedEmbeddings", "CacheBackedEmbeddings")
_BYTES = ("bytes", "байт")
_OURS, _PEER = "hybrid-embeddings", "sentence-transformers"
_OF_QUERIES = "loads/one query a request (4-16 words)"
_OF_KNOWN_ITEMS = "sets/known-item/test/legs"
_NAIVE = ("FastAPI + SentenceTransformer", "FastAPI + SentenceTransformer")

ROWS = (
    Row(
        "throughput",
        ("texts of 5–400 words, `fast`", "тексты в 5–400 слов, `fast`"),
        "texts_per_s/fast",
        f"texts_per_s/{_PEER}",
        "bulk_ratio/fast",
        _PER_S,
        headline=True,
    ),
    Row(
        "throughput",
        ("the same, `exact` (float32)", "то же, `exact` (float32)"),
        "texts_per_s/exact",
        f"texts_per_s/{_PEER}",
        "bulk_ratio/exact",
        _PER_S,
        headline=True,
    ),
    Row(
        "limits",
        ("CPU lane in bfloat16, full batches", "модель на CPU в bfloat16, полные порции"),
        "best/fast/tflops",
        "best/fast/product_tflops",
        "best/fast/of_peak",
        ("TFLOP/s", "TFLOP/s"),
        ("peak of matrix products", "предел умножения матриц"),
    ),
    Row(
        "latency",
        ("one query, median", "один запрос, медиана"),
        f"single_query_ms/{_OURS}/p50",
        f"single_query_ms/{_PEER}/p50",
        "single_query_ms/ratio/p50",
        _MS,
        headline=True,
    ),
    Row(
        "latency",
        ("32 threads of single queries", "32 потока одиночных запросов"),
        f"threads/{_OURS}/queries_per_s",
        f"threads/{_PEER}/queries_per_s",
        "threads/ratio/queries_per_s",
        _QUERIES,
        headline=True,
    ),
    Row(
        "latency",
        ("32 threads, p95 of the wait", "32 потока, p95 ожидания"),
        f"threads/{_OURS}/p95",
        f"threads/{_PEER}/p95",
        "threads/ratio/p95",
        _MS,
        headline=True,
    ),
    Row(
        "latency",
        ("256 open asyncio calls", "256 открытых вызовов asyncio"),
        f"asyncio/{_OURS}/queries_per_s",
        f"asyncio/{_PEER}/queries_per_s",
        "asyncio/ratio/queries_per_s",
        _QUERIES,
        headline=True,
    ),
    Row(
        "latency",
        ("queries while a bulk call runs, p95", "запросы во время большого вызова, p95"),
        "beside_bulk/query_ms/p95",
        units=_MS,
        headline=True,
    ),
    Row(
        "latency",
        ("bulk speed kept beside those queries", "скорость большого вызова рядом с запросами"),
        "beside_bulk/bulk_kept",
        headline=True,
    ),
    Row(
        "embeddings_server",
        ("`/v1/embeddings`, 64 clients, a query a request", "`/v1/embeddings`, 64 клиента, запрос за раз"),
        f"{_OF_QUERIES}/ours/texts_per_s",
        f"{_OF_QUERIES}/naive, loop/texts_per_s",
        f"{_OF_QUERIES}/throughput_ratio",
        _PER_S,
        _NAIVE,
        headline=True,
    ),
    Row(
        "embeddings_server",
        ("the same, p95", "то же, p95"),
        f"{_OF_QUERIES}/ours/p95_ms",
        f"{_OF_QUERIES}/naive, loop/p95_ms",
        f"{_OF_QUERIES}/p95_ratio",
        _MS,
        _NAIVE,
    ),
    Row(
        "hybrid",
        ("simulated lanes 1:1–1:10, share of the sum of both", "модель: устройства 1:1–1:10, доля суммы скоростей"),
        "worst/near_of_sum",
        "worst/near_target",
        peers=_TARGET,
    ),
    Row(
        "hybrid",
        ("simulated lanes 1:100–1:200, share of the fast one", "модель: устройства 1:100–1:200, доля быстрого"),
        "worst/far_of_fast_alone",
        "worst/far_target",
        peers=_TARGET,
    ),
    Row(
        "hybrid",
        ("a CPU beside a GPU, simulated, share of the GPU alone", "модель: CPU рядом с GPU, доля одного GPU"),
        "worst/gpu_and_cpu",
        "worst/far_target",
        peers=_TARGET,
    ),
    Row(
        "hybrid",
        ("ten texts for two simulated lanes, share of the best plan", "десять текстов на двоих, доля лучшего плана"),
        "worst/few_texts_of_best_plan",
    ),
    Row(
        "hybrid",
        ("OpenVINO beside torch, a core each, share of the sum", "OpenVINO рядом с torch, по ядру, доля суммы"),
        "real/of_sum",
    ),
    Row(
        "hybrid",
        ("both at once, each with work of its own", "оба одновременно, каждый со своей работой"),
        "real/apart_at_once_of_sum",
    ),
    Row(
        "multi_gpu",
        ("4 simulated GPUs of different speed, bulk, speed-up", "модель: 4 разных GPU, большой вызов, ускорение"),
        "bulk/4 unequal/pulling/scaling",
        "bulk/4 unequal/in turn/scaling",
        peers=("round-robin", "по очереди"),
    ),
    Row(
        "multi_gpu",
        ("the same, calls at random, mean wait", "то же, случайные вызовы, среднее ожидание"),
        "calls/4 unequal/pulling/wait_ms",
        "calls/4 unequal/in turn/wait_ms",
        units=_MS,
        peers=("round-robin", "по очереди"),
    ),
    Row(
        "mixed",
        ("mixed calls, longest wait over the median", "разные вызовы, наибольшее ожидание к медиане"),
        "longest_over_median",
        "limit",
        peers=("limit", "предел"),
    ),
    Row(
        "memory",
        ("static model, `encode`", "статическая модель, `encode`"),
        f"encode/texts_per_s/{_OURS}",
        f"encode/texts_per_s/{_PEER}",
        "encode/ratio",
        _PER_S,
        headline=True,
    ),
    Row(
        "memory",
        ("static model, stream of 1,000,000 texts, memory", "статическая модель, поток 1 000 000 текстов, память"),
        "stream/largest_mb",
        "stream/limit_mb",
        units=("MB", "МБ"),
        peers=("limit", "предел"),
        headline=True,
    ),
    Row(
        "cache",
        ("known texts, 1,000 a call, numpy", "знакомые тексты, по 1 000 за вызов, numpy"),
        "warm_texts_per_s_by_call_size/1000",
        units=_PER_S,
    ),
    Row(
        "cache",
        ("known texts through LangChain, lists", "знакомые тексты через LangChain, списки"),
        "langchain/texts_per_s/ours",
        "langchain/texts_per_s/CacheBackedEmbeddings",
        "langchain/ratio",
        _PER_S,
        _LANGCHAIN,
        headline=True,
    ),
    Row(
        "cache",
        ("vectors from Redis, int16, 1,000 a call", "векторы из Redis, int16, по 1 000 за вызов"),
        "stores_batch_1000/redis/read_texts_per_s",
        units=_PER_S,
        headline=True,
    ),
    Row(
        "cache",
        ("int8 record of 384 dimensions", "запись int8, 384 измерения"),
        "records/int8/record_bytes",
        "records/json_bytes",
        "records/int8/times_smaller_than_json",
        _BYTES,
        ("JSON", "JSON"),
        headline=True,
    ),
    Row(
        "near_duplicates",
        ("near-duplicates: smallest true cosine of an answer", "почти-дубликаты: худший истинный косинус ответа"),
        "precision/worst_true_cosine_of_a_hit",
        "precision/floor",
        peers=_TARGET,
    ),
    Row(
        "near_duplicates",
        ("hit rate of four processes, federated", "доля попаданий у четырёх процессов, вместе"),
        "federation/near, federated/hit_rate",
        "federation/near, each for itself/hit_rate",
        peers=("each for itself", "порознь"),
    ),
    Row(
        "retrieval_ssl",
        ("БСП 3.1, whole: the method among the first ten", "вся БСП 3.1: метод среди первых десяти"),
        f"{_OF_KNOWN_ITEMS}/fused/hit@10/mean",
        f"{_OF_KNOWN_ITEMS}/RRF-BM25/hit@10/mean",
        peers=("BM25, fused", "BM25, слияние рангов"),
        headline=True,
    ),
    Row(
        "retrieval_latency",
        ("a search in it, median", "поиск в ней, медиана"),
        "legs/all/p50_ms",
        units=_MS,
        headline=True,
    ),
    Row(
        "chat_speed",
        ("chat layer alone, before the first token", "чат без поиска и модели, до первого токена"),
        "first_token_ms/none/median",
        "targets_ms/first_token",
        units=_MS,
        peers=_TARGET,
        headline=True,
    ),
    Row(
        "chat_speed",
        ("answer from the cache (SQLite), complete", "ответ из кеша (SQLite), целиком"),
        "cached_answer_ms/sqlite/median",
        "targets_ms/cached_answer",
        units=_MS,
        peers=_TARGET,
    ),
    Row(
        "chat_refusal",
        ("unanswerable questions refused", "отказ на вопросы без ответа"),
        "test/unanswerable_refused",
        "targets/unanswerable_refused",
        peers=_TARGET,
    ),
    Row(
        "chat_refusal",
        ("refused although the answer was found", "отказ, хотя ответ найден"),
        "test/wrongly_refused",
        "targets/wrongly_refused",
        peers=_TARGET,
    ),
    Row(
        "event_cost",
        ("an event that nobody hears", "событие, которого никто не слушает"),
        "nobody/idle_us",
        "limits/us",
        units=("µs", "мкс"),
        peers=_TARGET,
    ),
    Row(
        "event_cost",
        ("metrics, logs, objectives: share of a bulk call", "метрики, журнал, цели: доля большого вызова"),
        "bulk/share_of_the_call",
        "limits/share",
        peers=_TARGET,
    ),
    Row(
        "batch_sizes",
        ("10,000 short texts in calls of 8, p95 of a call", "10 000 коротких текстов по 8 за вызов, p95 вызова"),
        "sizes/8/hybrid-embeddings/p95_ms",
        f"sizes/8/{_PEER}/p95_ms",
        units=_MS,
    ),
    Row(
        "batch_sizes",
        ("the same in calls of 128, throughput", "то же по 128 за вызов, скорость"),
        "sizes/128/hybrid-embeddings/texts_per_s",
        f"sizes/128/{_PEER}/texts_per_s",
        "sizes/128/ratio",
        _PER_S,
    ),
    Row(
        "cache_efficiency",
        ("10,000 requests of 1,000 texts, hit rate warm", "10 000 запросов, 1 000 текстов, доля попаданий, тёплый кеш"),
        "tiers/memory+redis+sqlite/warm/hit_rate",
        "targets/combined_hit_rate",
        peers=_TARGET,
    ),
    Row(
        "cache_efficiency",
        ("the same, latency saved", "то же, сбережённая задержка"),
        "tiers/memory+redis+sqlite/latency_saved_warm",
        "targets/latency_saved",
        peers=_TARGET,
    ),
    Row(
        "gpu_scaling",
        ("four simulated GPUs over one", "четыре имитируемых GPU против одного"),
        "simulated/4/scaling",
        "reference/4",
        peers=("reference", "ориентир"),
        units=("×", "×"),
    ),
)


def table(language: int, headlines: bool, results: Path = RESULTS) -> str:
    """Return the Markdown table with the machine below it; nothing when there are no results."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*.json"))}
    rows = [row for row in ROWS if row.file in found and (row.headline or not headlines)]
    found = {row.file: found[row.file] for row in rows} if headlines else found
    lines = [line for row in rows if (line := _line(row, found[row.file], language))]
    if not lines:
        return ""
    return "\n".join([HEADINGS[language], *lines, "", *_machines(found, language), ""])


def _line(row: Row, result: dict[str, Any], language: int) -> str:
    ours = _value(result, row.ours)
    if ours is None:
        return ""
    unit = f" {row.units[language]}" if row.units[language] else ""
    versus = _value(result, row.versus)
    compared = "" if versus is None else f"{row.peers[language]}: {_number(versus, language)}{unit}"
    ratio = _value(result, row.ratio)
    times = "" if ratio is None else f"{_number(ratio, language)} ×"
    return f"| {row.captions[language]} | {_number(ours, language)}{unit} | {compared} | {times} |"


def _value(result: dict[str, Any], path: str) -> float | None:
    """Return the number at ``a/b/c``; None if there is none."""
    if not path:
        return None
    value: Any = result
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, (int, float)) else None


def _number(value: float, language: int) -> str:
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.4g}"
    return text if language == ENGLISH else text.replace(",", " ").replace(".", ",")


def _machines(found: dict[str, dict[str, Any]], language: int) -> list[str]:
    """Return one line per machine and day: the results may come from several."""
    lines: dict[str, list[str]] = {}
    for name, result in found.items():
        machine = result.get("machine")
        if machine is None:
            continue
        bf16 = "AMX" if machine.get("cpu", {}).get("amx_bf16") else "AVX512-BF16"
        has_bf16 = machine.get("cpu", {}).get("amx_bf16") or machine.get("cpu", {}).get("avx512_bf16")
        cores = _cores(machine.get("cores", 0), language)
        parts = [machine.get("cpu", {}).get("model"), cores, bf16 if has_bf16 else None]
        parts += [f"Python {machine.get('python')}", machine.get("date")]
        lines.setdefault(", ".join(part for part in parts if part), []).append(f"`{name}.json`")
    return [f"{', '.join(files)}: {machine}." for machine, files in lines.items()]


def _cores(count: int, language: int) -> str:
    """Return a number of processor cores in words of a language: Russian has three forms."""
    if language == ENGLISH:
        return f"{count} core" if count == 1 else f"{count} cores"
    last = 0 if 11 <= count % 100 <= 14 else count % 10
    return f"{count} {'ядро' if last == 1 else 'ядра' if 2 <= last <= 4 else 'ядер'}"


def refreshed(text: str, language: int, headlines: bool, results: Path = RESULTS) -> str:
    """Return a document with the table of now between its markers."""
    return _BETWEEN_MARKERS.sub(lambda _: table(language, headlines, results), text)


def main() -> None:
    """Rewrite the documents that changed."""
    for name, kind in DOCUMENTS.items():
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = refreshed(before, *kind)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"refreshed {name}")


if __name__ == "__main__":
    main()
