"""Keys, codecs and records: what must hold for any input."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hybrid_embeddings.cache import codecs
from hybrid_embeddings.cache.record import RecordFormat
from hybrid_embeddings.keys import Space, tags

TEXTS = st.text(alphabet=st.characters(), max_size=40)  # surrogates, too
LARGE = float(np.float32(1e30))
NUMBERS = st.floats(width=32, min_value=-LARGE, max_value=LARGE)
VECTORS = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=24), elements=NUMBERS)
QUANTIZED = st.sampled_from([codecs.FLOAT16, codecs.INT16, codecs.INT8])
SPACES = st.builds(
    Space,
    model=TEXTS,
    weights=TEXTS,
    kind=st.sampled_from(["text", "query", "document"]),
    prompt=TEXTS,
    pooling=TEXTS,
    max_tokens=st.none() | st.integers(1, 4),
    dimension=st.integers(1, 4),
    normalize=st.booleans(),
    numeric_class=st.sampled_from(["fast", "exact"]),
    numerics=st.integers(1, 2),
)


@given(SPACES, SPACES, TEXTS, TEXTS)
def test_keys_are_equal_exactly_when_space_and_text_are(one, other, text, another):
    """§4.4: no separator tricks, and nothing that changes the numbers is left out."""
    same = (one, text) == (other, another)
    assert (one.keys([text]) == other.keys([another])) == same
    assert one.keys([text], b"secret") != one.keys([text])


@given(TEXTS, TEXTS)
def test_a_border_between_prompt_and_text_cannot_be_moved(prompt, text):
    """§4.4: a prompt "a" before "bc" is not the prompt "ab" before "c"."""

    def of(prompt, text):
        return Space("m", "w", "text", prompt, "p", None, 1, True, "fast").keys([text])

    if text:
        assert of(prompt, text) != of(prompt + text[0], text[1:])


@given(st.lists(TEXTS, max_size=20))
def test_keys_and_tags_come_in_order_and_belong_to_their_text(texts):
    space = Space("m", "w", "text", "", "p", None, 1, True, "fast")
    assert space.keys(texts) == [space.keys([text])[0] for text in texts]
    assert tags(texts) == [tags([text])[0] for text in texts]


@settings(max_examples=200)
@given(QUANTIZED, VECTORS)
def test_error_is_at_most_half_a_step_and_nothing_wraps(codec, vectors):
    """§4.5: every value comes back within half a step of its own row, with its sign."""
    good = codecs.storable(vectors)
    vectors = vectors[good]
    stored, scales = codecs.encode(codec, vectors)
    restored, readable = codecs.decode(codec, stored, scales, {})
    assert readable.all()
    peaks = np.abs(vectors.astype(np.float64)).max(axis=1, keepdims=True)
    step = peaks / codec.levels if codec.levels else peaks * 2.0**-10
    assert (np.abs(restored.astype(np.float64) - vectors) <= step * 0.5001).all()
    assert (np.sign(restored) * np.sign(vectors) >= 0).all()


@given(st.sampled_from([codecs.FLOAT32, codecs.FLOAT16, codecs.INT16, codecs.INT8]), VECTORS)
def test_one_text_quantises_like_a_thousand(codec, vectors):
    together, scales = codecs.encode(codec, vectors[codecs.storable(vectors)])
    for row, vector in enumerate(vectors[codecs.storable(vectors)]):
        alone, scale = codecs.encode(codec, vector[None])
        assert np.array_equal(alone[0], together[row])
        assert scale[0] == scales[row]


@given(QUANTIZED, VECTORS)
def test_storing_what_was_stored_changes_nothing(codec, vectors):
    """§4.5: promotion and a second write do not quantise a second time."""
    vectors = vectors[codecs.storable(vectors)]
    once = codecs.decode(codec, *codecs.encode(codec, vectors), {})[0]
    twice = codecs.decode(codec, *codecs.encode(codec, once), {})[0]
    assert np.allclose(once, twice, rtol=2e-6, atol=0)


@given(VECTORS, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.sampled_from(list(codecs.CODECS.values())))
def test_records_come_back_with_their_facts(vectors, n_tokens, n_lost, codec):
    records, keys, marks, facts, vectors = _case(vectors, n_tokens, n_lost)
    stored = records.encode(codec, keys, marks, vectors, facts)
    decoded = records.decode(keys, marks, [stored[key] for key in keys])
    assert decoded.readable.all()
    assert np.array_equal(decoded.facts, facts)
    assert (decoded.fidelity == codec.fidelity).all()
    if codec is codecs.FLOAT32:
        assert np.array_equal(decoded.vectors, vectors)


@settings(max_examples=300)
@given(st.binary(max_size=120) | st.none())
def test_foreign_bytes_are_a_miss_and_never_an_exception(junk):
    records = RecordFormat(4)
    assert not records.decode([b"k" * 24], [b"t" * 8], [junk]).readable.any()


@given(VECTORS, st.data())
def test_any_changed_byte_makes_a_record_unreadable(vectors, data):
    records, keys, marks, facts, vectors = _case(vectors[:1], 3, 0)
    if not keys:
        return
    for codec in codecs.CODECS.values():
        record = bytearray(records.encode(codec, keys, marks, vectors, facts)[keys[0]])
        position = data.draw(st.integers(0, len(record) - 1))
        record[position] ^= data.draw(st.integers(1, 255))
        assert not records.decode(keys, marks, [bytes(record)]).readable.any()
        assert not records.decode(keys, marks, [bytes(record[:position])]).readable.any()


def test_a_record_serves_no_other_key_text_or_secret():
    records, keys, marks, facts, vectors = _case(np.ones((2, 4), dtype=np.float32), 3, 0)
    stored = records.encode(codecs.INT8, keys, marks, vectors, facts)
    first = [stored[keys[0]]]
    assert records.decode(keys[:1], marks[:1], first).readable.all()
    assert not records.decode(keys[1:], marks[:1], first).readable.any()
    assert not records.decode(keys[:1], marks[1:], first).readable.any()
    assert not RecordFormat(4, secret=b"x").decode(keys[:1], marks[:1], first).readable.any()
    assert not RecordFormat(5).decode(keys[:1], marks[:1], first).readable.any()


def test_another_calibration_does_not_decode_a_record():
    """§4.5: scales that are not those it was written with are refused, not applied."""
    records, keys, marks, facts, vectors = _case(np.ones((2, 4), dtype=np.float32), 3, 0)
    stored = list(records.encode(codecs.INT8_CALIBRATED, keys, marks, vectors, facts).values())
    other = codecs.calibration_of(np.full(4, 0.5, dtype=np.float32))
    assert not RecordFormat(4, calibrations={other.number: other}).decode(keys, marks, stored).readable.any()
    assert records.decode(keys, marks, stored).readable.all()


def test_vectors_that_cannot_be_stored_are_left_out():
    rows = [[np.nan, 1.0], [np.inf, 1.0], [1e-40, 0.0], [0.0, 0.0], [1.0, 2.0]]
    records, keys, marks, facts, _ = _case(np.ones((5, 2), dtype=np.float32), 1, 0)
    with np.errstate(invalid="ignore"):
        stored = records.encode(codecs.INT8, keys, marks, np.array(rows, dtype=np.float32), facts)
    assert set(stored) == {keys[3], keys[4]}


def _case(vectors, n_tokens, n_lost):
    vectors = vectors[codecs.storable(vectors)]
    scales = np.full(vectors.shape[1], 1.0, dtype=np.float32)
    calibration = codecs.calibration_of(scales)
    records = RecordFormat(vectors.shape[1], calibration=calibration, calibrations={calibration.number: calibration})
    texts = [f"текст {row}" for row in range(len(vectors))]
    space = Space("m", "w", "text", "", "p", None, vectors.shape[1], True, "fast")
    facts = np.tile(np.array([[n_tokens, n_lost]], dtype=np.int32), (len(vectors), 1))
    return records, space.keys(texts), tags(texts), facts, vectors
