"""Greetings, thanks and questions about the chat itself: nothing that a configuration could answer. Pure functions."""

from __future__ import annotations

import re

from rag_demo.chat.language import is_russian
from rag_demo.index.analyse import fold

_ADDRESS = r"(?: (?:всем|бот|друг|дорогой|коллеги|там|there|all|everyone|bot))?"
# Each is the whole of what was said; «привет, как получить курс валюты?» is a question like any other.
_SAID = {
    "greeting": rf"(?:привет(?:ик|ствую)?|здравствуй(?:те)?|здрасьте|добр(?:ый|ое|ой) (?:день|вечер|утро|ночи)"
    rf"|hello|hi|hey|good (?:morning|day|afternoon|evening)){_ADDRESS}",
    "mood": r"как (?:у (?:тебя|вас) )?(?:дела|делишки|жизнь|поживаешь|поживаете|ты|настроение)|how are you(?: doing)?"
    r"|how is it going|what s up",
    "thanks": r"(?:большое |огромное )?(?:спасибо|благодарю|спс)(?: (?:большое|огромное|тебе|вам|за (?:помощь|ответ)))?"
    r"|(?:ок|окей|хорошо|понятно|ясно|отлично|супер) спасибо|(?:many )?thanks(?: a lot)?"
    r"|(?:ok )?thank you(?: (?:very|so) much)?",
    "farewell": r"пока|до свидания|до встречи|всего доброго|(?:good )?bye|goodbye|see you",
    "chat": r"(?:а )?(?:кто|что) ты(?: такое| такой)?|(?:а )?что (?:ты )?(?:умеешь|можешь)(?: делать)?|помощь"
    r"|помоги(?:те)?|(?:who|what) are you|what can you do|help(?: me)?",
}
_PATTERNS = {sort: re.compile(pattern) for sort, pattern in _SAID.items()}
_RUSSIAN = {
    "greeting": "Здравствуйте!",
    "mood": "Спасибо, я готов отвечать.",
    "thanks": "Пожалуйста!",
    "farewell": "До свидания!",
}
_ENGLISH = {
    "greeting": "Hello!",
    "mood": "Thank you, I am ready to answer.",
    "thanks": "You are welcome!",
    "farewell": "Goodbye!",
}
_ABOUT_RUSSIAN = (
    "Я отвечаю на вопросы о проиндексированной конфигурации 1С: где что написано в коде, какие реквизиты у объектов, "
    "что происходит при проведении. Например: «Какие реквизиты у справочника Валюты?» или «Где проверяется остаток?»"
)
_ABOUT_ENGLISH = (
    "I answer questions about the indexed 1C configuration: where the code does something, what attributes an object "
    'has, what happens on posting. For example: "Which attributes does the catalog Валюты have?"'
)


def courtesy(said: str) -> str:
    """The reply to a greeting, to thanks and the like, in their language; empty for everything else."""
    bare = " ".join(re.findall(r"\w+", fold(said)))
    sort = next((sort for sort, pattern in _PATTERNS.items() if pattern.fullmatch(bare)), "")
    if not sort:
        return ""
    replies, about = (_RUSSIAN, _ABOUT_RUSSIAN) if is_russian(said) else (_ENGLISH, _ABOUT_ENGLISH)
    short = sort in {"thanks", "farewell"}
    return " ".join(filter(None, (replies.get(sort, ""), "" if short else about)))
