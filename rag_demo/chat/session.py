"""A conversation of bounded length, and its follow-up questions made to stand alone. Pure functions.

Retrieval sees one question at a time. «А какие у него реквизиты?» finds nothing, so before the search

1. a pronoun that has nothing to stand for in its own question is replaced by what the last answer was about;
2. a fragment («а для документов?») takes the place of its counterpart in the question before;
3. a fragment that asks for another aspect («а какие параметры?») is asked of what the last answer was about.

A question that is complete stays as it is, letter for letter.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass, field, replace

from rag_demo.chat.asked import what_is_asked
from rag_demo.chat.courtesy import courtesy
from rag_demo.chat.language import in_language, in_language_of, is_russian, without_language
from rag_demo.chat.shortened import shortened
from rag_demo.index.analyse import fold, is_compound, stem, terms
from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.retrieve.kinds import Spoken, spoken_kinds, words
from rag_demo.retrieve.query import analyse_question

MOST_TURNS = 8
_MOST_ANSWER = 1_200  # letters of an answer that the model sees again
_LONGEST_FRAGMENT = 5  # words

_PRONOUN = re.compile(
    r"(?:\b(?:у|в|о|об|для|к|из|от|с|по|на|за|про|при)\s+)?\b(?:него|нее|неё|нём|нем|ней|ним|нему|них|ними|он|она|оно|они"
    r"|его|ее|её|их|ему|ей|им)\b|\b(?:it|its|they|them|their)\b",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\b(?:эт(?:от|а|о|и|ого|ой|ому|им|ом|их|ими|у)|данн(?:ый|ая|ое|ого|ой|ому|ым|ом|ую)"
    r"|тот\s+же|того\s+же|той\s+же|this|that|these)\s+(\w+)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"\b(?:там|туда|оттуда|тут|there)\b", re.IGNORECASE)
_LEAD = re.compile(
    r"^\s*(?:(?:ну\s+)?а\s+(?:если\s+|как\s+насч[её]т\s+|что\s+насч[её]т\s+)?|и\s+|"
    r"(?:and\s+)?(?:what|how)\s+about\s+|or\s+|and\s+)",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(r"^(?:для|у|в|во|на|по|о|об|с|со|из|при|for|of|in|on|with|to|into|from|by)\s+", re.IGNORECASE)
_WHOSE = re.compile(r"(?:для|у|of|for)\s", re.IGNORECASE)
_INTERROGATIVE = re.compile(
    r"^(?:как|какой|какая|какое|какие|каким|где|когда|кто|что|чем|сколько|зачем|почему|куда|откуда|можно|нужно|есть"
    r"|what|which|where|when|who|how|why|can|does|do|is|are)\b",
    re.IGNORECASE,
)
# Words for what something has. Beside them alone a question is not complete.
_ASPECTS = """
    регистр регистры register registers параметр параметры реквизит реквизиты поле поля измерение измерения
    ресурс ресурсы значение значения тип движения движение права колонки форма формы команда команды макет
    сигнатура описание пример код текст возвращает возвращаемое вызывается вызывает вызвать используется
    использовать вызов тип структура обработчик обработчики подсистема модуль называется находится объявлен
    объявлена делает работает состав табличная часть части проведение проведении запись записи владелец
    экспортная нужен нужна parameter parameters attribute attributes field fields type value values return
    returns called call used example signature description code form command handler module declared work works
    defined dimension dimensions resource resources forms commands role roles right rights роль роли подсистемы команды
    предопределенные
"""
_KINDS_OF = {
    "Document": ("документ", "document"),
    "Catalog": ("справочник", "catalog"),
    "Enum": ("перечислен", "enum"),
    "Report": ("отчет", "report"),
    "DataProcessor": ("обработк", "processor"),
}
_METHOD_NOUNS = ("метод", "функци", "процедур", "method", "function", "procedure")
_REGISTER_NOUNS = ("регистр", "register")
_MEMBER = re.compile(
    r"\b(?:реквизит|пол[еяю]|измерени|ресурс|колонк|attribute|field|dimension|resource|column)\w*\s+([A-ZА-ЯЁ]\w*)"
)
_REGISTER = re.compile(r"регистр(?:а|у|ом|е|ы|ов|ам|ами|ах)?|registers?", re.IGNORECASE)
_MODULE_NOUNS = ("модул", "module")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question with its answer. ``names`` are the full names the answer rests on, the most important first."""

    question: str
    standalone: str
    answer: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said before. Immutable; `with_turn` gives the next one."""

    turns: tuple[Turn, ...] = field(default=())

    def with_turn(self, turn: Turn) -> Conversation:
        """The conversation with one more turn.

        When it is full, the older half is forgotten at once: dropping one turn each time would change the
        beginning of every prompt, and the server could reuse nothing of the one before.
        """
        kept = replace(turn, answer=shortened(turn.answer, _MOST_ANSWER))
        turns = (*self.turns, kept)
        return Conversation(turns[len(turns) - MOST_TURNS // 2 :] if len(turns) > MOST_TURNS else turns)

    @property
    def digest(self) -> str:
        """Changes with everything said before; equal conversations have equal digests."""
        digest = hashlib.blake2b(digest_size=16)
        for turn in self.turns:
            # How many names there are, too: else a name could stand for the question of a turn that never was.
            for text in (turn.question, turn.standalone, turn.answer, str(len(turn.names)), *turn.names):
                raw = text.encode()
                digest.update(len(raw).to_bytes(8, "little") + raw)
        return digest.hexdigest() if self.turns else ""


NEW = Conversation()


def stand_alone(question: str, conversation: Conversation) -> str:
    """The question with everything in it that it needs from the conversation; unchanged if it needs nothing."""
    last = next((turn for turn in reversed(conversation.turns) if not courtesy(turn.question)), None)
    if last is None:
        return question
    if translated := in_language(last.standalone, question):
        return translated
    composed = _composed(question, conversation, replace(last, standalone=without_language(last.standalone)))
    return composed if composed == question else in_language_of(composed, question)


def _composed(question: str, conversation: Conversation, last: Turn) -> str:
    pointed = _replace_pointers(question, conversation)
    if pointed != question:
        return _LEAD.sub("", pointed) if _LEAD.match(pointed) else pointed
    lead = _LEAD.match(question)
    rest = question[lead.end() :] if lead else question
    if lead or _is_fragment(question):
        return _complete(rest.strip(), last)
    return question


def subject(conversation: Conversation, noun: str = "") -> str:
    """What «он», «этот метод», «там» stand for: the full name of the latest thing that the noun fits, or nothing."""
    for turn in reversed(conversation.turns):
        for name in turn.names:
            if _fits(name, fold(noun)):
                return name
    return ""


def spoken_name(full_name: str, *, russian: bool = True) -> str:
    """A full name as people of 1C write it: ``Catalog.Валюты`` → «Справочник.Валюты», without «CommonModule.»."""
    kind, _, rest = full_name.partition(".")
    if kind == "CommonModule" and "." in rest:
        return rest
    return f"{KIND_BY_NAME[kind].word}.{rest}" if russian and kind in KIND_BY_NAME and rest else full_name


def _replace_pointers(question: str, conversation: Conversation) -> str:
    russian = is_russian(question)
    pointer = _POINTER.search(question)
    if pointer and (name := subject(conversation, pointer[1])):
        # «справочника Валюты»; of a method the module is needed, too.
        bare = name.partition(".")[2] if name.count(".") == 1 else spoken_name(name, russian=russian)
        return question[: pointer.start()] + f"{pointer[1]} {bare}" + question[pointer.end() :]
    pronoun = _PRONOUN.search(question) or _PLACE.search(question)
    if pronoun is None or _has_antecedent(question[: pronoun.start()]):
        return question
    name = subject(conversation)
    if not name:
        return question
    said = _in_place_of(pronoun[0], spoken_name(name, russian=russian))
    return question[: pronoun.start()] + said + question[pronoun.end() :]


def _in_place_of(pronoun: str, name: str) -> str:
    first, _, rest = pronoun.partition(" ")
    if rest:
        return f"{first} {name}"
    return f"в {name}" if _PLACE.fullmatch(pronoun) and is_russian(pronoun) else name


def _has_antecedent(before: str) -> bool:
    """Whether a question names something before its pronoun that the pronoun can stand for."""
    return bool(_content(before))


def _content(text: str) -> list[str]:
    """The terms of a text that name a thing: no verbs, no kinds, no words for what a thing has."""
    query = analyse_question(text)
    written = words(text)
    kinds = {stem(fold(word)) for spoken in spoken_kinds(written) for word in written[spoken.start : spoken.end]}
    return [term for term in query.terms if term not in _aspects() | query.actions | kinds]


@functools.cache
def _aspects() -> frozenset[str]:
    """Made on first use, because stems take a dictionary."""
    return frozenset(terms(_ASPECTS))


def _is_fragment(question: str) -> bool:
    """«какие параметры?», «у справочника Валюты»: nothing that could be searched for, or no question at all."""
    written = words(question)
    if not written or len(written) > _LONGEST_FRAGMENT or any(map(is_compound, written)):
        return False
    if _PREPOSITION.match(question):
        return True
    found = analyse_question(question)
    return bool(found.terms) and all(term in _aspects() for term in found.terms) and not found.listed


def _complete(fragment: str, last: Turn) -> str:
    """A fragment with the rest of the question from the turn before."""
    russian = is_russian(fragment)
    about = spoken_name(subject(Conversation((last,))), russian=russian)
    asked = fragment.rstrip(" ?.!")
    content = _content(fragment)
    if about and not content and not spoken_kinds(words(fragment)):
        return f"{asked} {'у' if russian else 'of'} {about}?"
    if content and _spoken(words(fragment)) and what_is_asked(fragment).members:
        return f"{asked}?"  # «измерения у регистра КурсыВалют»: complete but for the verb
    if _INTERROGATIVE.match(fragment):
        return fragment if len(content) > 1 or not about else f"{asked} ({about})?"
    return (
        _other_member(fragment, last.standalone)
        or _swap(fragment, last.standalone)
        or f"{last.standalone.rstrip(' ?.!')}: {asked}?"
    )


def _other_member(fragment: str, question: str) -> str:
    """The earlier question of one attribute, asked of another: «а реквизит КПП?»."""
    named, before = _MEMBER.search(fragment), _MEMBER.search(question)
    if named is None or before is None:
        return ""
    return f"{question[: before.start(1)]}{named[1]}{question[before.end(1) :]}"


def _swap(fragment: str, question: str) -> str:
    """The earlier question with its object, the kind and the name after it, replaced by that of the fragment."""
    bare = _PREPOSITION.sub("", fragment).rstrip(" ?.!").removeprefix("the ")
    written = words(question)
    kinds, given = _spoken(written), _spoken(words(bare))
    if not kinds or not (given or bare[:1].isupper() or _WHOSE.match(fragment)):
        return ""
    spoken = kinds[-1]
    end = spoken.end
    while end < len(written) and (written[end][:1].isupper() or is_compound(written[end])):
        end += 1
    start = spoken.end if bare[:1].isupper() and not given else spoken.start
    if start == end:
        return ""
    pattern = r"\W+".join(map(re.escape, written[start:end]))
    return re.sub(pattern, lambda _: bare, question, count=1)


def _spoken(written: list[str]) -> list[Spoken]:
    """Kinds that are named, in order; «регистр» alone is one here, too."""
    kinds = spoken_kinds(written)
    known = {place for spoken in kinds for place in range(spoken.start, spoken.end)}
    registers = [
        Spoken("Register", place, place + 1)
        for place, word in enumerate(written)
        if place not in known and _REGISTER.fullmatch(word)
    ]
    return sorted([*kinds, *registers], key=lambda spoken: spoken.start)


def _fits(name: str, noun: str) -> bool:
    kind, _, rest = name.partition(".")
    if not noun:
        return True
    if noun.startswith(_METHOD_NOUNS):
        return rest.count(".") >= 1
    if noun.startswith(_MODULE_NOUNS):
        return kind == "CommonModule"
    if noun.startswith(_REGISTER_NOUNS):
        return kind.endswith("Register")
    for known, nouns in _KINDS_OF.items():
        if noun.startswith(nouns):
            return kind == known
    return False
