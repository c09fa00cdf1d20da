import numpy as np
import pytest

from rag_demo.adapt.tokenizer import count_tokens, read_tokenizer, train_tokenizer

TEXTS = ["ПолучитьКурсВалюты(HTTPСоединение)", "получить курс валюты на дату", "учётная_запись XML2JSON", ""] * 3


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS)


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("ПолучитьКурсВалюты", "получить курс валюты"),
        ("HTTPСоединение", "http соединение"),
        ("учётная_запись", "учетная запись"),
        ("XML2JSON", "xml 2 json"),
        ("получитьКУРСВалюты", "Получить КУРС валюты"),
    ],
)
def test_an_identifier_is_taken_for_its_words(tokenizer, identifier, words):
    assert tokenizer.encode(identifier).tokens == tokenizer.encode(words).tokens
    assert tokenizer.encode(identifier).tokens


@pytest.mark.parametrize("form", ["валюта", "валюты", "валюте", "валют", "валютами", "Валюту"])
def test_forms_of_a_word_are_one(tokenizer, form):
    assert tokenizer.encode(form).tokens == tokenizer.encode("валюта").tokens


def test_short_words_keep_their_letters(tokenizer):
    assert tokenizer.normalizer.normalize_str("дом дата") == "дом дат"


def test_vocabulary_is_bounded():
    words = [f"слово{chr(1072 + i)}{chr(1072 + j)}" for i in range(30) for j in range(30)]
    assert train_tokenizer(words * 2, vocabulary=200).get_vocab_size() <= 200


def test_counts_are_of_every_token(tokenizer):
    counts = count_tokens(tokenizer, ["курс курс валюты", "", "ничего из этого 99"])
    assert counts.shape == (3, tokenizer.get_vocab_size())
    assert counts[0, tokenizer.token_to_id("курс")] == 2
    assert counts[1].nnz == 0


def test_no_texts_have_no_counts(tokenizer):
    assert count_tokens(tokenizer, []).shape == (0, tokenizer.get_vocab_size())


def test_a_tokenizer_read_again_is_the_same(tokenizer):
    again = read_tokenizer(tokenizer.to_str())
    assert np.array_equal(count_tokens(again, TEXTS).toarray(), count_tokens(tokenizer, TEXTS).toarray())
