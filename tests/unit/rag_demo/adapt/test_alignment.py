"""Tables of words learned from comments."""

import numpy as np
import pytest

from rag_demo.adapt.alignment import align
from rag_demo.adapt.pairs import PairMaker
from rag_demo.adapt.translations import FILE, SMOOTHING, Translations
from rag_demo.testing import make_document

THINGS = ["Курс", "Остаток", "Цена", "Скидка", "Договор", "Склад", "Заказ", "Счет", "Партия", "Валюта"]


def methods(things=THINGS):
    """«Удалить…» is called «Очищает …» in every comment, functions «Возвращает …»."""
    for thing in things:
        name = f"CommonModule.Учет.Удалить{thing}"
        yield make_document(
            name, doc=f"Очищает {thing.lower()} перед записью", body="Набор.Записать();", is_function=False
        )
        name = f"CommonModule.Учет.Получить{thing}"
        yield make_document(name, doc=f"Возвращает {thing.lower()} на дату", body="Возврат Итог;", is_function=True)


def learned(documents, **options):
    documents = list(documents)
    return align(documents, PairMaker().pairs(documents), **options)


def gain(table, word, token):
    """How much likelier the word is beside the token than anywhere."""
    column, row = table.words.index(word), table.tokens.index(token)
    cells = slice(table.starts[column], table.starts[column + 1])
    count = table.counts[cells][table.rows[cells] == row].sum()
    frequency = table.heard[column] / table.heard.sum()
    return (count / frequency + SMOOTHING) / (table.totals[row] + SMOOTHING)


def test_words_go_with_the_tokens_that_they_stood_beside():
    table = learned(methods())
    assert gain(table, "очища", "n удал") > 2
    assert gain(table, "очища", "n получ") < 1
    assert gain(table, "возвраща", "f function") > 1.2
    assert gain(table, "очища", "f function") < 1
    assert gain(table, "курс", "n курс") > 5  # the word itself


def test_counts_are_shares_of_words():
    table = learned(methods())
    for column in range(len(table.words)):
        # Names are worth less than a comment, and before all examples stands the word itself in three fields.
        assert table.counts[table.starts[column] : table.starts[column + 1]].sum() <= table.heard[column] + 9 + 1e-3


def test_the_same_texts_give_the_same_table():
    one, two = learned(methods()), learned(methods())
    assert one.tokens == two.tokens
    assert one.words == two.words
    assert np.array_equal(one.counts, two.counts)


def test_a_base_is_added_to():
    base = learned(methods())
    other = learned(methods(["Отпуск", "Оклад"]))
    both = learned(methods(["Отпуск", "Оклад"]), base=base)
    assert gain(both, "очища", "n удал") > gain(other, "очища", "n удал")
    assert gain(both, "отпуск", "n отпуск") > 5
    assert both.heard.sum() == pytest.approx(base.heard.sum() + other.heard.sum(), rel=1e-5)


def test_comments_alone_make_no_method_and_names_alone_make_a_table():
    assert align([], []) is None
    base = learned(methods())
    assert align([], [], base=base) is base
    bare = [make_document("CommonModule.Учет.УдалитьКурс", doc="", body="Курс.Удалить();")]
    assert "n удал" not in learned(bare).tokens  # a name is no example of itself
    assert "w удал" in learned(bare).tokens


def test_what_is_withheld_is_not_learned_from():
    evaluated = make_document("CommonModule.Учет.Проверить", doc="Сличает неведомое с имеющимся", body="Сравнить();")
    documents = [*methods(), evaluated]
    assert "неведом" in learned(documents).words
    pairs = PairMaker(excluded=lambda text: "неведомое" in text).pairs(documents)
    assert "неведом" not in align(documents, pairs).words


def test_very_many_examples_are_thinned_out(monkeypatch):
    monkeypatch.setattr("rag_demo.adapt.alignment._MOST_LINKS", 200)
    assert len(learned(methods()).counts) > 0


def test_a_table_is_read_as_it_was_written(tmp_path):
    table = learned(methods())
    folder = tmp_path / "модель"
    folder.mkdir()
    table.save(folder)
    again = Translations.load(folder)
    assert (again.tokens, again.words) == (table.tokens, table.words)
    for name in ("heard", "totals", "rows", "starts", "counts"):
        assert np.array_equal(getattr(again, name), getattr(table, name))


def test_no_table_and_a_damaged_one(tmp_path, caplog):
    assert Translations.load(tmp_path) is None
    assert not caplog.records
    learned(methods()).save(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    for place in range(0, len(whole), 97):
        (tmp_path / FILE).write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        Translations.load(tmp_path)  # a changed byte may go unnoticed, but raises nothing
    (tmp_path / FILE).write_bytes(whole[:200])
    caplog.clear()
    assert Translations.load(tmp_path) is None
    assert "indexed again" in caplog.text


def test_encoded_pictures_are_no_words():
    picture = make_document("CommonModule.Учет.Картинка", doc="Рисует картинку", body="А" * 20_000)
    assert max(map(len, learned([*methods(), picture]).tokens)) < 100
