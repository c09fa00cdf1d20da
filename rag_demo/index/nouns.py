"""Forms of Russian nouns, by the dictionary of pymorphy3.

A stemmer cuts endings and knows no words: it takes «режим», «обмен», «прибыли», «лимит» for verbs, «реквизит» and
«реквизиты» for different words, and never brings «список» and «списка», «остаток» and «остатки» together. One noun in
fifty has such forms, among them the commonest of 1C.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

_PARTS: dict[str, Literal["noun", "verb"]] = {
    "NOUN": "noun",
    **dict.fromkeys(("INFN", "VERB", "PRTF", "PRTS", "GRND"), "verb"),
}


def plain_form(word: str) -> str:
    """The instrumental plural of a noun («остаток», «остатки» → «остатками»), whose ending no stemmer mistakes.

    Args:
        word: folded. One that is no noun, or not in the dictionary, comes back as it is.
    """
    analyser = _analyser()
    if not analyser.word_is_known(word):
        return word  # guessing at it would take several times as long
    parsed = analyser.parse(word)[0]
    if parsed.tag.POS != "NOUN":
        return word
    form = parsed.inflect({"plur", "ablt"}) or parsed.inflect({"ablt"})
    return word if form is None else str(form.word).replace("ё", "е")


def dictionary_form(word: str) -> tuple[str, Literal["noun", "verb", ""]]:
    """The form that a dictionary lists a folded word by, and what it is; as it is and "" if it is not known."""
    analyser = _analyser()
    if not analyser.word_is_known(word):
        return word, ""
    parsed = analyser.parse(word)[0]
    return str(parsed.normal_form).replace("ё", "е"), _PARTS.get(parsed.tag.POS, "")


def is_word(word: str) -> bool:
    """Whether the dictionary has a folded word, in whatever form."""
    return bool(_analyser().word_is_known(word))


def is_verb(word: str) -> bool:
    """Whether a folded word is a verb; of one that the dictionary lacks, most likely is by its ending."""
    return _PARTS.get(_analyser().parse(word)[0].tag.POS) == "verb"


@lru_cache(maxsize=1)
def _analyser() -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")
