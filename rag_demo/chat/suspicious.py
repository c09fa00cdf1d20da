# ruff: noqa: ISC004  # long patterns over two lines
"""Text in sources that gives orders to whoever reads it. Pure functions.

A comment or a help page is data. One that says «игнорируй предыдущие инструкции» was written for a language model,
not for a reader, and is marked: the prompt points at it, and the check of an answer takes nothing from it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_RUSSIAN = (
    r"(?:за|про)?игнорир(?:уй|уйте|овать)\s+(?:\w+\s+){0,3}(?:инструкци|указани|правил|сообщени|запрос|контекст|источник|вопрос)",
    r"(?:забудь|отбрось|отмени)\w*\s+(?:\w+\s+){0,3}(?:инструкци|указани|правил|вс[её]|предыдущ)",
    r"не\s+(?:следуй|слушай|соблюдай|выполняй)\w*\s+(?:\w+\s+){0,3}(?:инструкци|указани|правил|систем)",
    r"(?:нов\w+|системн\w+|скрыт\w+)\s+(?:инструкци|указани|промпт|роль)",
    r"систем(?:а|ное\s+сообщение|ный\s+промпт)\s*:",
    r"(?:ответь|отвечай|напиши|выведи|скажи|повтори|добавь|сообщи|утверждай|посоветуй|порекомендуй)(?:те)?\s+"
    r"(?:\w+\s+){0,4}(?:только|ровно|дословно|слово|словом|пользовател\w+|в\s+ответ\w*|всегда|что|вместо)\b",
    r"(?:в|к)\s+(?:своем\w*\s+|конец\w*\s+|начал\w*\s+|кажд\w+\s+)?ответ\w*\s+(?:обязательно\s+)?(?:добавь|укажи|напиши"
    r"|вставь|упомяни|сошлись)",
    r"ты\s+(?:теперь|больше\s+не|отныне)\b",
    r"(?:ты|вы)\s*[—–-]\s*(?:\w+\s+){0,2}(?:ассистент|помощник|модель|бот|админ|хакер)",
    r"(?:ассистент|нейросет\w+|языков\w+\s+модел\w+|чат-?бот|ии)\b[^.]{0,40}(?:долж|обязан|ответь|ответить|напиши|скажи"
    r"|не\s+говори|не\s+упоминай|сообщи|следуй|выполни|перейди|раскрой|ставь|считай)",
    r"не\s+(?:упоминай|раскрывай|говори|сообщай|рассказывай|цитируй|показывай)(?:те)?\b",
    r"(?:раскрой|покажи|выведи|пришли|отправь)(?:те)?\s+(?:\w+\s+){0,3}(?:промпт|инструкци|парол|ключ|токен|секрет)",
    r"(?:отправь|перешли|перейди|зайди|скачай|открой|пришли)(?:те)?\s+(?:\w+\s+){0,4}(?:https?://|на\s+почту\s+\S+@)",
    r"(?:вызови|запусти)(?:те)?\s+(?:\w+\s+){0,2}(?:инструмент|скрипт|функцию\s+вызова)\b",
    r"при\s+ответе\s+(?:на\s+)?(?:\w+\s+){0,4}(?:говори|пиши|указывай|утверждай|ссылайся|советуй)",
)
_ENGLISH = (
    r"(?:ignore|disregard|forget|override)\s+(?:\w+\s+){0,4}(?:instruction|prompt|rule|message|above|context|source)",
    r"(?:new|system|hidden|updated)\s+(?:instruction|prompt|role)s?\b",
    r"\b(?:system|assistant)\s*:\s*\S",
    r"you\s+(?:are|must)\s+(?:now|always|no\s+longer|answer|reply|respond|say)",
    r"(?:answer|reply|respond|say|output|print|tell|claim)\s+(?:\w+\s+){0,4}(?:only|exactly|always|instead|with\s+the\s+word"
    r"|the\s+user|that)",
    r"(?:add|append|insert|include|mention)\s+(?:\S+\s+){0,6}(?:to|in)\s+(?:your|the|every|each)\s+(?:\w+\s+)?answer",
    r"(?:do\s+not|don't|never)\s+(?:mention|reveal|tell|cite|disclose|quote)",
    r"(?:reveal|show|print|send|leak)\s+(?:\w+\s+){0,3}(?:prompt|instructions|password|secret|token|key)",
    r"(?:assistant|language\s+model|chatbot|ai)\b[^.]{0,40}(?:must|should|shall|answer|reply|ignore|follow|visit|say)",
    r"(?:visit|open|download|send)\s+(?:\w+\s+){0,3}https?://",
)
_MARKERS = (
    r"<\|?(?:im_start|im_end|system|endoftext|assistant|user)\|?>|\[/?INST\]|<</?SYS>>|^\s*#{2,}\s*(?:system|instruction)",
    r"BEGIN\s+SYSTEM|END\s+OF\s+(?:SOURCE|CONTEXT|DATA)|КОНЕЦ\s+ИСТОЧНИК|КОНЕЦ\s+ДАННЫХ",
)
_ORDER = re.compile(
    "|".join(rf"(?:{pattern})" for pattern in _MARKERS)
    + "|"
    + "|".join(rf"\b(?:{pattern})" for pattern in (*_RUSSIAN, *_ENGLISH)),
    re.IGNORECASE,
)
# A quick look first: most lines have none of these beginnings of words, and no such mark.
_BEGINNINGS = frozenset(
    """
    игно заиг прои забу отбр отме инст указ пром роль сист отве напи выве скаж повт доба сооб утве посо поре тепе отны
    боль асси помо моде нейр язык чат бот ии упом раск расс цити пока приш отпр пере зайд скач откр вызо запу гово след
    слуш собл выпо адми хаке коне ты вы igno disr forg over inst prom role syst assi you answ repl resp say outp prin
    tell clai add appe inse incl ment reve cite disc quot show send leak mode chat ai visi open down begi end
    """.split()  # noqa: SIM905  # quoted beginnings would be harder to read
)
_MARKS = ("<|", "[inst", "[/inst", "<<sys", "<system", "##")
_WORD = re.compile(r"\w+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e01ef]"
)
_LATIN, _CYRILLIC = "aceopxyiABCEHKMOPTXISJ", "асеорхуіАВСЕНКМОРТХІЅЈ"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)
_GREEK = str.maketrans("αεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeikvoptuxABEZHIKMNOPTYX")
_MIXED = re.compile(r"\w*(?:[\u0370-\u04ff][a-z]|[a-z][\u0370-\u04ff])\w*", re.IGNORECASE)
_JOINTS = re.compile(r"(?<=[a-zа-яё\d])(?=[A-ZА-ЯЁ])|_")


def is_suspicious_name(name: str) -> bool:
    """Whether a name reads so: «ИгнорируйВсеИнструкции», of an object, a file or a folder."""
    return is_suspicious(name) or is_suspicious(_JOINTS.sub(" ", name.replace("/", " ")))


def is_suspicious(line: str) -> bool:
    """Whether a line reads like an order to a language model. Invisible and look-alike letters do not hide it."""
    shown = _plain(line)
    return _may_be(shown) and bool(_ORDER.search(shown))


@lru_cache(maxsize=256)
def suspicious_lines(text: str) -> frozenset[int]:
    """Numbers, from 0, of the lines that give orders; an order that goes over a line end marks both its lines."""
    shown = _plain(text).split("\n")
    hints = [_may_be(line) for line in shown]
    found = {number for number, line in enumerate(shown) if hints[number] and _ORDER.search(line)}
    for number in range(len(shown) - 1):
        apart = number not in found and number + 1 not in found and (hints[number] or hints[number + 1])
        if apart and _ORDER.search(f"{shown[number]} {_uncommented(shown[number + 1])}"):
            found |= {number, number + 1}
    return frozenset(found)


def parted(text: str) -> tuple[str, str]:
    """The text without its suspicious lines, and those lines."""
    marked = suspicious_lines(text)
    if not marked:
        return text, ""
    lines = text.split("\n")
    kept = (line for number, line in enumerate(lines) if number not in marked)
    return "\n".join(kept), "\n".join(lines[number] for number in sorted(marked))


def _may_be(line: str) -> bool:
    lowered = line.lower()
    return any(word[:4] in _BEGINNINGS for word in _WORD.findall(lowered)) or any(mark in lowered for mark in _MARKS)


def _uncommented(line: str) -> str:
    return line.lstrip().lstrip("/").lstrip()


def _plain(line: str) -> str:
    if line.isascii():
        return line
    shown = line if unicodedata.is_normalized("NFKC", line) else unicodedata.normalize("NFKC", line)
    return _MIXED.sub(lambda match: _unmixed(match[0]), _INVISIBLE.sub("", shown))


def _unmixed(word: str) -> str:
    """A word of two alphabets in the one that it has letters of its own from."""
    word = word.translate(_GREEK)
    latin = sum(letter.isascii() and letter.isalpha() and letter not in _LATIN for letter in word)
    cyrillic = sum("\u0400" <= letter <= "\u04ff" and letter not in _CYRILLIC for letter in word)
    return word.translate(_TO_LATIN if latin > cyrillic else _TO_CYRILLIC)
