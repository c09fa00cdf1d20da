from __future__ import annotations

import pytest

from rag_demo.index.analyse import stem, terms
from rag_demo.index.nouns import plain_form


@pytest.mark.parametrize(
    "forms",
    [
        "список списка спискам списков",
        "остаток остатки остатков",
        "настройка настройки настроек",
        "режим режима режимов режиме",
        "запись записи записей",
        "прибыль прибыли прибылью",
        "обмен обмена обменов",
        "реквизит реквизиты реквизитами",
        "лимит лимита лимитов",
        "письмо писем письма",
        "имя имени имена",
    ],
)
def test_all_forms_of_a_noun_have_one_stem(forms):
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(("one", "other"), [("право", "правило"), ("визит", "виза"), ("режим", "реже"), ("имя", "ими")])
def test_different_words_stay_apart(one, other):
    assert stem(one) != stem(other)


@pytest.mark.parametrize("word", ["получить", "удаленный", "штрихкодируемый", "ы", ""])
def test_what_is_no_noun_of_the_dictionary_stays_as_it_is(word):
    assert plain_form(word) == word


def test_a_question_meets_the_name_written_in_another_form():
    assert set(terms("остатки на складе")) & set(terms("СвободныйОстаток"))
    assert set(terms("отчет по прибыли")) & set(terms("ВаловаяПрибыль"))
