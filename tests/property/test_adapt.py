from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_demo.adapt.fields import Fields, split_passage
from rag_demo.adapt.tokenizer import count_tokens, train_tokenizer

TOKENIZER = train_tokenizer(["ПолучитьКурсВалюты учётная запись HTTPСоединение XML2 data_1 курс валют " * 3])
LETTERS = st.text(alphabet="абвАБВёЁйABCabc12_ .,;()=\n\t-'\"½²\u0301\u0306́№漢", max_size=40)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(LETTERS, st.text(max_size=30)), max_size=5))
def test_counting_word_by_word_is_tokenising_the_whole(texts):
    counts = count_tokens(TOKENIZER, texts)
    for row, text in enumerate(texts):
        whole = Counter(TOKENIZER.encode(text, add_special_tokens=False).ids)
        line = counts[row]
        assert dict(zip(line.indices.tolist(), line.data.astype(int).tolist(), strict=True)) == dict(whole)
    assert counts.dtype == np.float32


@given(st.lists(st.text(alphabet="абв XY", max_size=8), min_size=5, max_size=5))
def test_a_passage_gives_its_fields_back(texts):
    fields = Fields(*(" ".join(text.split()) for text in texts))
    assert split_passage("\n".join(fields)) == fields
