"""What Russian words mean outside of any configuration: word vectors learned from news, where they are installed.

They are Navec's (GloVe, 250,000 words, 300 dimensions, quantised to 25 MB), a file of the package ``natasha``, of which
nothing is imported: ``pip install --no-deps natasha``. Training starts from them; the model made needs them no more.
"""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

Floats = npt.NDArray[np.float32]
PACKAGE = "natasha"
_FILE = "navec_news_v1_1B_250K_300d_100q.tar"
_MOST_WORDS = 80_000  # the rest are rare, mostly names
_TYPICAL = slice(100, 30_000, 3)  # of the words by frequency: enough to see what all words have in common
# The first principal axes tell how frequent a word is rather than what it means (Mu, Viswanath: All-but-the-Top, 2018).
_COMMON_AXES = 2


def directions(tokenizer: Tokenizer, dimension: int) -> Floats | None:
    """Unit vectors of the tokens that are Russian words without their endings.

    Args:
        tokenizer: its normaliser cuts the endings.
        dimension: of the vectors; past 298 they are filled up with zeros.

    Returns:
        Float32 ``(vocabulary, dimension)``, zero for other tokens; None where the packages are not installed.
    """
    file = _installed()
    if file is None or util.find_spec("navec") is None:
        return None
    from navec import Navec

    navec = Navec.load(file)
    counts = np.asarray(navec.vocab.counts, dtype=np.float64)
    frequent = np.argsort(-counts, kind="stable")[:_MOST_WORDS]
    tokens, normalise = tokenizer.get_vocab(), tokenizer.normalizer.normalize_str
    places = np.array([tokens.get(normalise(navec.vocab.words[number]), -1) for number in frequent])
    words, places = frequent[places >= 0], places[places >= 0]
    typical = _units(navec.pq, frequent[_TYPICAL])
    mean = typical.mean(axis=0)
    axes = np.linalg.eigh(np.cov(typical.T))[1][:, ::-1][:, _COMMON_AXES : _COMMON_AXES + dimension]
    sums = np.zeros((tokenizer.get_vocab_size(), dimension))
    # The forms of a word add up, frequent ones counting more.
    np.add.at(
        sums[:, : axes.shape[1]], places, np.sqrt(counts[words])[:, None] * ((_units(navec.pq, words) - mean) @ axes)
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-9), dtype=np.float32)


def _installed() -> Path | None:
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    found = next((file for file in files if file.name == _FILE), None)
    return Path(str(found.locate())) if found is not None else None


def _units(quantised: Any, numbers: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Unit vectors of words by their numbers, ``(len(numbers), 300)``."""
    parts = quantised.codes[quantised.qdims, quantised.indexes[numbers]]
    vectors = parts.reshape(len(numbers), -1).astype(np.float64)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
