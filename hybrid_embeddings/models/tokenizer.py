"""Tokenisation that threads can share. The only file that imports ``tokenizers``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from hybrid_embeddings.errors import InputError
from hybrid_embeddings.types import TokenizedText

_HUGE = 200_000  # characters; longer texts are read to the end only if that can matter
_ENOUGH_LOST = 1_000  # tokens


class TextTokenizer:
    """A tokenizer with fixed truncation, which threads may share.

    A tokenizer object whose settings are changed by one thread while another uses it silently returns wrong lengths.
    So the settings of this one are fixed when it is made, and nobody else gets hold of it. Copies per thread would be
    as right, but cost 36 ms (all-MiniLM-L6-v2) and the memory of a vocabulary each: 32 threads that begin at once
    waited 340 ms for theirs.
    """

    def __init__(self, definition: str, *, max_tokens: int | None, add_special_tokens: bool) -> None:
        """Build from the JSON text of a ``tokenizer.json``; ``max_tokens`` counts special tokens."""
        self.max_tokens = max_tokens
        self._add_special_tokens = add_special_tokens
        self._tokenizer = Tokenizer.from_str(definition)
        self._tokenizer.no_padding()
        if max_tokens is None:
            self._tokenizer.no_truncation()
        else:
            self._tokenizer.enable_truncation(max_tokens)
        self._n_special = self._tokenizer.num_special_tokens_to_add(is_pair=False) if add_special_tokens else 0

    def __call__(self, texts: Sequence[str]) -> list[TokenizedText]:
        """Tokenise texts.

        Raises:
            InputError: a text has a lone surrogate, which is no Unicode text; names its index.
        """
        if self.max_tokens is None or max(map(len, texts), default=0) <= _HUGE:
            return self._tokenize(texts)
        heads = self._tokenize([text[:_HUGE] for text in texts])
        return [self._finish_huge(text, head) for text, head in zip(texts, heads, strict=True)]

    def _finish_huge(self, text: str, head: TokenizedText) -> TokenizedText:
        """Complete the tokens of the first ``_HUGE`` characters of a text.

        If far more than the limit was cut off already, the rest of the text cannot change what is kept; its tokens
        are estimated by its length. Else (one endless word, blanks) the whole text is read.
        """
        if len(text) <= _HUGE:
            return head
        if head.n_lost < _ENOUGH_LOST:
            return self._tokenize([text])[0]
        per_character = (len(head.ids) + head.n_lost) / _HUGE
        return TokenizedText(head.ids, head.n_lost + round(per_character * (len(text) - _HUGE)))

    def _tokenize(self, texts: Sequence[str]) -> list[TokenizedText]:
        try:
            encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=self._add_special_tokens)
        except (UnicodeEncodeError, TypeError):
            raise _surrogate_error(texts) from None
        # len() of an overflow part counts its own special tokens, too
        return [
            TokenizedText(
                np.array(encoding.ids, dtype=np.int32),
                sum(len(part) - self._n_special for part in encoding.overflowing),
            )
            for encoding in encodings
        ]


def _surrogate_error(texts: Sequence[str]) -> Exception:
    for index, text in enumerate(texts):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return InputError(
                f"text {index} has a lone surrogate (U+{ord(text[error.start]):04X} at character {error.start}), "
                "which is no valid Unicode text; decode the input with errors='replace'",
                index=index,
            )
    return InputError("the tokenizer refused the texts")
