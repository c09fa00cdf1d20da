"""The tokenizer of an adapted model: all that it does to a text is written in the one file that it is saved as.

Identifiers are split at the borders of their words, Russian endings are cut off, and what is left is cut into pieces
learned from the configuration (byte-pair encoding: Sennrich, Haddow, Birch 2016). Without its ending, a word of a
question and the same word in a name share their vector from the start: before any training, vectors with random
directions found .62 of 273 questions over 4,321 passages within ten hits with endings cut, .44 with endings kept.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence, Sized

import numpy as np
from scipy import sparse
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

VOCABULARY = 32_000
# As in `index/analyse.py`: lower to upper case, an acronym before a word, one script to the other, letters to digits.
_BORDER = (
    r"(?<=[а-яё])(?=[А-ЯЁA-Za-z])|(?<=[a-z])(?=[A-ZА-ЯЁа-яё])"
    r"|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[А-ЯЁ])(?=[А-ЯЁ][а-яё])"
    r"|(?<=[A-Z])(?=[А-ЯЁа-яё])|(?<=[А-ЯЁ])(?=[A-Za-z])"
    r"|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"
)
# Endings of nouns, adjectives and the commonest forms of verbs, longest first; three letters stay. Verbs lose «ет» and
# the like only after a vowel: in «отчет», «лимит» and «валют» it belongs to the noun.
_ENDINGS = (
    "иями ями ами иях иям ого его ому ему ыми ими ией ием ия ии ию ие ах ях ов ев ей ой ий ый ая яя ое ее ые ую юю ам "
    "ям ом ем ых их ать ять ить еть ует уют ает ают яет яют а я о е ы и у ю ь й"
)
_ENDING = rf"(?<=[а-я]{{3}})(?:{'|'.join(_ENDINGS.split())})(?![а-я])"
_LONGEST_PIECE = 24
# How often one word counts for the pieces at most: the commonest words are whole pieces long before.
_MOST_REPEATS = 100
_CHUNK = re.compile(r"[^\s!-/:-@\[-^`{-~]+")


def train_tokenizer(texts: Iterable[str], *, vocabulary: int = VOCABULARY) -> Tokenizer:
    """A tokenizer with at most ``vocabulary`` pieces, learned from ``texts``."""
    normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(_BORDER), " "),
            normalizers.Lowercase(),
            normalizers.Replace("ё", "е"),
            normalizers.Replace(Regex(_ENDING), ""),
        ]
    )
    words = Counter(word for text in texts for word in chunks(text))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\W_]+"), "removed")
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, min_frequency=2, max_token_length=_LONGEST_PIECE, show_progress=False
    )
    # Each word is normalised once, however often it stands somewhere: that is where the time goes.
    tokenizer.train_from_iterator(
        (" ".join([normalizer.normalize_str(word)] * min(number, _MOST_REPEATS)) for word, number in words.items()),
        trainer,
    )
    tokenizer.normalizer = normalizer
    return tokenizer


def read_tokenizer(definition: str) -> Tokenizer:
    """The tokenizer whose JSON text is ``definition``."""
    return Tokenizer.from_str(definition)


def chunks(text: str) -> list[str]:
    """Pieces of a text that can be tokenised apart: it is cut at blanks and ASCII punctuation."""
    text = text.encode(errors="replace").decode()  # damaged files hold halves of surrogate pairs
    return _CHUNK.findall(unicodedata.normalize("NFC", text))


def count_tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> sparse.csr_matrix:
    """How often each token stands in each text: float32 ``(len(texts), vocabulary)``, sparse.

    Every distinct word is tokenised once; the counts are those of tokenising each text as a whole.
    """
    places: dict[str, int] = {}
    words = _matrix(([places.setdefault(word, len(places)) for word in chunks(text)] for text in texts), places)
    encodings = tokenizer.encode_batch_fast(list(places), add_special_tokens=False)
    tokens = _matrix((encoding.ids for encoding in encodings), range(tokenizer.get_vocab_size()))
    return words @ tokens


def _matrix(rows: Iterable[Sequence[int]], columns: Sized) -> sparse.csr_matrix:
    """How often each number stands in each row; ``columns`` may grow until the last row has been read."""
    found, starts = array("i"), array("q", [0])
    for row in rows:
        found.extend(row)
        starts.append(len(found))
    ones = np.ones(len(found), np.float32)
    counts = sparse.csr_matrix(
        (ones, np.array(found, dtype=np.int32), np.array(starts, dtype=np.int64)), shape=(len(starts) - 1, len(columns))
    )
    counts.sum_duplicates()
    return counts
