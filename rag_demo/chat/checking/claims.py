"""What a sentence claims that can be checked: figures, names, quotations, negations. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rag_demo.chat.checking.sentences import without_citations
from rag_demo.chat.vocabulary import COMPARISONS, NEGATIONS, NUMBER_WORDS, root
from rag_demo.index.analyse import fold, is_compound, terms
from rag_demo.index.words import FUNCTION_WORDS

_WORD = re.compile(r"[\w'’]+")
_DOTTED = re.compile(r"(?<![\w.])[^\W\d]\w*(?:\.[^\W\d]\w*)+")
_IDENTIFIER = re.compile(r"(?<!\w)[^\W\d]\w*")
_FIGURE = re.compile(r"(?<![\w.])[+-]?\d+(?:[ \u00a0\u202f]\d{3})*(?:[.,]\d+)*(?!\w)")
_GROUPED = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_TICKED = re.compile(r"`([^`\n]+)`")
_QUOTED = re.compile(r"«([^«»]+)»|“([^“”]+)”|(?<!\w)\"([^\"\n]+)\"(?!\w)")
_LINK = re.compile(r"https?://[^\s)»\"'`]+|\bwww\.\S+|(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.]+", re.IGNORECASE)
_CALL = re.compile(r"\([^()]*\)")
_COUNTED = re.compile(
    r"(\w+)\s+(?:значени|реквизит|параметр|пол(?:е|я|ей)|колон|измерен|ресурс|статус|шаг|вид|форм|движени|подписк|обработчик"
    r"|ключ|свойств|value|attribute|parameter|field|column|dimension|resource|status|step|form|movement|handler)"
)
_CLAUSE = re.compile(r"[,;:()—–]|\s-\s")
_REACH = 4  # words between a negation and what it negates
_SHORT_CODE = 3  # letters: a ticked word of fewer is a sign, not a name


class Negated(NamedTuple):
    """A root that a negation stands before."""

    root: str
    word: str


def figures(text: str) -> list[str]:
    """Numbers of a text in one spelling: «12 000» and "12,000.0" → "12000", «две» → "2"; no parts of identifiers."""
    found = [_plain_figure(match[0]) for match in _FIGURE.finditer(without_citations(text))]
    return found + [NUMBER_WORDS[word] for word in map(fold, _WORD.findall(text)) if word in NUMBER_WORDS]


def dotted_names(text: str) -> list[str]:
    """Names with dots: «РаботаСКурсамиВалют.ПолучитьКурсВалюты»; no links, no names of files."""
    bare = _LINK.sub(" ", text)
    return list(dict.fromkeys(name for name in _DOTTED.findall(bare) if not _is_abbreviation(name)))


def identifiers(text: str) -> list[str]:
    """Compound identifiers, and whatever stands in backticks as one word; parts of dotted names are not repeated."""
    bare = _DOTTED.sub(" ", _LINK.sub(" ", text))
    found = [word for word in _IDENTIFIER.findall(bare) if is_compound(word) and not _is_ordinary(word)]
    for ticked in _TICKED.findall(bare):
        word = _CALL.sub("", ticked).strip().rstrip(";:,")
        if _IDENTIFIER.fullmatch(word) and len(word) >= _SHORT_CODE:
            found.append(word)
    return list(dict.fromkeys(found))


def quotations(text: str) -> list[str]:
    """What stands in quotation marks, or in backticks as more than a name."""
    found = [next(filter(None, match.groups())) for match in _QUOTED.finditer(_TICKED.sub(" ", text))]
    found += [ticked for ticked in _TICKED.findall(text) if not _IDENTIFIER.fullmatch(ticked.strip())]
    return [quote.strip() for quote in found if quote.strip()]


def links(text: str) -> list[str]:
    """Addresses of pages and mail boxes."""
    return [link.rstrip(".,;:!?") for link in _LINK.findall(text)]


def clauses(text: str) -> list[str]:
    """The parts of a sentence between commas, dashes, brackets: what one negation reaches."""
    return [clause for clause in _CLAUSE.split(without_citations(text)) if _WORD.search(clause)]


def counted(text: str) -> list[str]:
    """The figures that count things: «шесть значений», "12 attributes"."""
    found = _COUNTED.findall(fold(text))
    return [NUMBER_WORDS.get(number, number) for number in found]


def negated(text: str) -> list[Negated]:
    """The roots that are negated: «не проверяется», «нельзя отменить», «без НДС», "does not check"."""
    return list(_negated(fold(text).replace("’", "'")))


def has_negation(text: str) -> bool:
    """Whether anything in a text is negated, said in words or in code."""
    folded = fold(text)
    return bool(NEGATIONS.intersection(_WORD.findall(folded))) or bool(
        re.search(
            r"<>|\b(?:ложь|неопределено|пуст\w+|отсутств\w+|кроме|false|undefined|нулев\w+|запрещ\w+)\b|= 0\b", folded
        )
    )


def _negated(folded: str) -> Iterator[Negated]:
    for clause in clauses(folded):
        words = _WORD.findall(clause)
        for place, word in enumerate(words):
            if word in NEGATIONS:
                for meant in _meant(word, words[:place], words[place + 1 : place + 1 + _REACH]):
                    yield from (Negated(root(term), word) for term in terms(meant) if not term.startswith("#"))


def _meant(negation: str, before: list[str], after: list[str]) -> list[str]:
    """The words that a negation denies: the next one, of «нет» and «нельзя» also the one before («курса нет»)."""
    if negation in {"не", "not"} and after and after[0] in COMPARISONS:
        return []
    following = next((word for word in after if word not in FUNCTION_WORDS and not word.isdigit()), "")
    if negation not in {"нет", "нельзя", "невозможно"}:
        return [following]
    return [following, next((word for word in reversed(before) if word not in FUNCTION_WORDS), "")]


def _plain_figure(figure: str) -> str:
    digits = re.sub(r"[ \u00a0\u202f]", "", figure).lstrip("+")
    grouped = _GROUPED.fullmatch(digits)
    digits = digits.replace(",", "") if grouped else digits.replace(",", ".")
    return re.sub(r"\.0+$", "", digits)


def _is_abbreviation(name: str) -> bool:
    """«т.е», "e.g", «Module.bsl»: dots that join no names."""
    parts = name.split(".")
    return all(len(part) < 3 for part in parts) or fold(parts[-1]) in {"bsl", "xml", "html", "mdo", "ru", "com", "txt"}


def _is_ordinary(word: str) -> bool:
    """Words that only look compound: «1С», "JSON", «E-mail»: one part is a single capital or a number."""
    return word.isupper() or bool(re.fullmatch(r"[^\W\d_]{1,4}\d*", word))
