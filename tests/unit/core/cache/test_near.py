"""Near-duplicates: what the gate lets pass, and that measurements decide."""

import numpy as np
import pytest

from hybrid_embeddings.cache.ann import SketchIndex
from hybrid_embeddings.cache.judge import Judge, sort_of
from hybrid_embeddings.cache.near import NearTier
from hybrid_embeddings.cache.sketch import Former, difference
from hybrid_embeddings.events import Events, NearDuplicateChecked
from hybrid_embeddings.keys import Space

SPACE = Space("m", "w", "text", "", "p", None, 8, True, "fast")
OTHER = Space("m", "w", "query", "", "p", None, 8, True, "fast")
FORMER = Former()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Как закрыть период?", "Как  закрыть\nпериод? ", "space"),
        ("Как закрыть период?", "как закрыть ПЕРИОД?", "case"),
        ("Отчёт готов", "Отчет готов", "case"),
        ("Итак, период закрыт.", "Итак период закрыт.", "punctuation"),
        ("Как, не закрыт?", "Как не закрыт?", "punctuation"),
        ("Период закрыт.", "период закрыт", "last sign"),
        ("Итак, период закрыт", "Итак период закрыт!..", "last sign"),
        ("«Период» закрыт", '"Период" закрыт', "punctuation"),
        ("Close the period now", "Close period now", "function word"),
        ("Остатки товаров на складе", "Остатки товаров на складах", None),  # a short word: no ending is told apart
        ("Проведение документа продажи", "Проведения документа продажи", "ending"),
    ],
)
def test_what_passes(one, other, expected):
    assert difference(FORMER.form(one), FORMER.form(other)) == expected
    assert difference(FORMER.form(other), FORMER.form(one)) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("в 2023 году", "в 2024 году"),
        ("остаток -5", "остаток 5"),
        ("1.5 кг", "15 кг"),
        ("цена 10%", "цена 10"),
        ("документ проведён", "документ не проведён"),
        ("He did come", "He did not come"),
        ("он может", "он не может"),
        ("dog bites man", "man bites dog"),
        ("из склада в магазин", "из магазина в склад"),
        ("приход товара", "расход товара"),
        ("Справочник.Товары", "Справочник.Услуги"),
        ("ЗаписатьДвижения", "ПрочитатьДвижения"),
        ("ОбщийМодуль1", "ОбщийМодуль2"),
        ("a < b", "a > b"),
        ("a + b", "a - b"),
        ("Это работает.", "Это работает?"),
        ("with salt", "without salt"),
        ("включить режим", "выключить режим"),
        ("Проведение и отмену", "Проведения и отмены"),  # two words
        ("", "текст"),
        ("снятие проведения документа", "проведения документа"),
    ],
)
def test_what_never_passes(one, other):
    assert difference(FORMER.form(one), FORMER.form(other)) is None


def test_hashes_with_a_secret_are_others():
    assert Former(b"x").form("слово").words != FORMER.form("слово").words


def test_sketches_are_like_for_like_texts_and_unlike_for_others():
    one = FORMER.sketch("Как посмотреть остатки товаров на складе?")
    assert FORMER.sketch("как посмотреть остатки  товаров на складе?") @ one > 0.999
    assert FORMER.sketch("Как посмотреть остатки товара на складе") @ one > 0.8
    assert FORMER.sketch("Налог на добавленную стоимость") @ one < 0.4
    assert np.isfinite(FORMER.sketch("")).all()
    assert FORMER.sketch("\ud800").shape == (256,)


@pytest.mark.parametrize("exact_below", [10_000, 50])
def test_both_indexes_find_what_was_put_and_forget_what_was_replaced(exact_below):
    if exact_below == 50:
        pytest.importorskip("usearch", reason="usearch is not installed")
    index = SketchIndex(300, exact_below=exact_below)
    rng = np.random.default_rng(0)
    sketches = rng.standard_normal((600, 256)).astype(np.float32)
    sketches /= np.linalg.norm(sketches, axis=1, keepdims=True)
    for number in range(600):
        index.put(number % 300, sketches[number])
    assert index.kind == ("exact" if exact_below == 10_000 else "hnsw")
    slots, similar = index.search(sketches[300:], 4)
    best = slots[np.arange(300), similar.argmax(axis=1)]
    assert (best == np.arange(300)).mean() > 0.99
    assert similar.max(axis=1).min() > 0.99 or exact_below == 50
    old = index.search(sketches[:300], 1)[1]
    assert old.max() < 0.9


def test_nothing_is_used_before_it_was_measured_often_enough():
    judge = Judge(0.95)
    sort = sort_of("case", 5)
    for _ in range(39):
        judge.measured(sort, 1.0)
        assert not judge.allows(sort)
    judge.measured(sort, 1.0)
    assert judge.allows(sort)
    assert not judge.allows(sort_of("case", 9))


def test_one_bad_measurement_closes_a_sort_until_it_has_left_the_window():
    judge = Judge(0.95)
    sort = sort_of("punctuation", 5)
    for _ in range(100):
        judge.measured(sort, 0.999)
    assert judge.allows(sort)
    judge.measured(sort, 0.9)
    assert not judge.allows(sort)
    for _ in range(400):
        judge.measured(sort, 0.999)
    assert judge.allows(sort)


def test_the_floor_holds_whatever_the_threshold_and_the_threshold_above_it():
    for threshold, allowed in ((0.5, False), (0.95, False)):
        judge = Judge(threshold)
        for _ in range(50):
            judge.measured(("case", 4), 0.97)
        assert judge.allows(("case", 4)) == allowed
    strict = Judge(0.999)
    for _ in range(50):
        strict.measured(("case", 4), 0.99)
    assert not strict.allows(("case", 4))


def tier(mode="active", *, sample=1e-9, events=None, draw=lambda: 0.5, **options):
    chosen = {"threshold": 0.95, "max_entries": 1000, "exact_below": 10_000} | options
    return NearTier(mode=mode, sample=sample, events=events, draw=draw, **chosen)


def taught(near, n=60):
    """Show pairs that differ in case only; a text and its variant have the same vector, as in an uncased model."""
    for number in range(n):
        for text in (f"вопрос номер {number} о складе", f"Вопрос Номер {number} о складе"):
            near.learn(SPACE, [text], vector_of(text), np.array([[7, 0]], dtype=np.int32))
    return near


def vector_of(text):
    seed = int.from_bytes(text.casefold().encode()[-8:], "little") % 2**32
    return np.random.default_rng(seed).standard_normal((1, 8)).astype(np.float32)


def test_active_answers_after_it_has_measured_and_only_in_its_space():
    near = taught(tier())
    (hit,) = near.find(SPACE, ["ВОПРОС НОМЕР 3 О СКЛАДЕ"])
    assert np.array_equal(hit.vector, vector_of("вопрос номер 3 о складе")[0])
    assert hit.n_tokens == 7
    assert near.find(SPACE, ["вопрос номер 999 о складе"]) == [None]
    assert near.find(OTHER, ["ВОПРОС НОМЕР 3 О СКЛАДЕ"]) == [None]


def test_shadow_measures_and_never_answers():
    seen, events = [], Events()
    events.subscribe(seen.append)
    near = taught(tier("shadow", events=events))
    assert near.find(SPACE, ["ВОПРОС НОМЕР 3 О СКЛАДЕ"]) == [None]
    assert near.stats()["shadow"] == 60
    assert {event.outcome for event in seen if isinstance(event, NearDuplicateChecked)} == {"shadow"}
    told = [event.true_cosine for event in seen if event.true_cosine is not None]
    assert len(told) == 20  # of pairs that would have been answered: the first 40 were needed to trust the sort
    assert min(told) > 0.999


def test_a_sample_of_the_hits_is_computed_all_the_same():
    near = taught(tier(sample=0.25, draw=iter([0.1, 0.9] * 5).__next__))
    found = near.find(SPACE, ["ВОПРОС НОМЕР 3 О СКЛАДЕ"] * 10)
    assert [entry is not None for entry in found] == [False, True] * 5


def test_a_model_that_minds_case_closes_the_sort_by_itself():
    """§4.10, automatic tightening: no threshold of another model; nobody has to tell the tier what this one does."""
    seen, events = [], Events()
    events.subscribe(seen.append)
    near = tier(events=events)
    for number in range(60):
        for text in (f"вопрос номер {number} о складе", f"Вопрос Номер {number} о складе"):
            vector = np.random.default_rng(abs(hash(text)) % 2**32).standard_normal((1, 8)).astype(np.float32)
            near.learn(SPACE, [text], vector, np.array([[7, 0]], dtype=np.int32))
    assert near.find(SPACE, ["ВОПРОС НОМЕР 3 О СКЛАДЕ"]) == [None]
    # Those pairs were never answered, so the alert on answers that differ too much must not hear of them.
    assert not [event for event in seen if event.true_cosine is not None]


def test_texts_that_were_cut_or_are_long_are_left_alone():
    near = taught(tier())
    size = near.stats()["size"]
    near.learn(SPACE, ["обрезанный"], vector_of("x"), np.array([[7, 1]], dtype=np.int32))
    near.learn(SPACE, ["д" * 5000], vector_of("x"), np.array([[7, 0]], dtype=np.int32))
    assert near.stats()["size"] == size
    short = Space("m", "w", "text", "", "p", 256, 8, True, "fast")
    near.learn(short, ["почти обрезанный"], vector_of("x"), np.array([[129, 0]], dtype=np.int32))
    assert near.stats()["size"] == size


def test_the_oldest_makes_room():
    near = tier(max_entries=5)
    for number in range(12):
        text = f"{number} совсем другой текст {'абвгдежзик'[number % 10] * 9}"
        near.learn(SPACE, [text], vector_of(text), np.array([[7, 0]], dtype=np.int32))
    assert near.stats()["size"] == 5
    assert near.stats()["added"] == 12
