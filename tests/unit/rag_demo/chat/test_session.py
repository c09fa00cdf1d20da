from __future__ import annotations

import pytest

from rag_demo.chat.language import is_russian, without_language
from rag_demo.chat.session import MOST_TURNS, NEW, Conversation, Turn, spoken_name, stand_alone

RATE = "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты"
AFTER_METHOD = NEW.with_turn(Turn("q", "Какой функцией получить курс валюты на дату?", "…", (RATE, "Catalog.Валюты")))
AFTER_OBJECT = NEW.with_turn(Turn("q", "Какие реквизиты у справочника Контрагенты?", "…", ("Catalog.Контрагенты",)))
AFTER_EVENT = NEW.with_turn(
    Turn("q", "Что происходит при проведении документа РеализацияТоваров?", "…", ("Document.РеализацияТоваров",))
)
AFTER_ENGLISH = NEW.with_turn(
    Turn("q", "Which attributes does the catalog Контрагенты have?", "…", ("Catalog.Контрагенты",))
)


@pytest.mark.parametrize(
    ("conversation", "question", "expected"),
    [
        (AFTER_METHOD, "А какие параметры?", "какие параметры у РаботаСКурсамиВалют.ПолучитьКурсВалюты?"),
        (AFTER_METHOD, "Где он вызывается?", "Где РаботаСКурсамиВалют.ПолучитьКурсВалюты вызывается?"),
        (AFTER_METHOD, "Что она возвращает?", "Что РаботаСКурсамиВалют.ПолучитьКурсВалюты возвращает?"),
        (
            AFTER_METHOD,
            "какие параметры у этого метода?",
            "какие параметры у метода РаботаСКурсамиВалют.ПолучитьКурсВалюты?",
        ),
        (AFTER_METHOD, "Что возвращает эта функция?", "Что возвращает функция РаботаСКурсамиВалют.ПолучитьКурсВалюты?"),
        (AFTER_METHOD, "какие у неё параметры?", "какие у РаботаСКурсамиВалют.ПолучитьКурсВалюты параметры?"),
        (AFTER_METHOD, "а пример?", "пример у РаботаСКурсамиВалют.ПолучитьКурсВалюты?"),
        (AFTER_METHOD, "что там с кратностью?", "что в РаботаСКурсамиВалют.ПолучитьКурсВалюты с кратностью?"),
        (AFTER_METHOD, "Какие реквизиты у этого справочника?", "Какие реквизиты у справочника Валюты?"),
        (AFTER_METHOD, "а как пересчитать сумму в другую валюту?", "как пересчитать сумму в другую валюту?"),
        (AFTER_OBJECT, "а для документов?", "Какие реквизиты у документов?"),
        (AFTER_OBJECT, "а у справочника Валюты?", "Какие реквизиты у справочника Валюты?"),
        (AFTER_OBJECT, "А у документа Реализация товаров?", "Какие реквизиты у документа Реализация товаров?"),
        (AFTER_OBJECT, "а Номенклатура?", "Какие реквизиты у справочника Номенклатура?"),
        (AFTER_OBJECT, "какие у него формы?", "какие у Справочник.Контрагенты формы?"),
        (AFTER_OBJECT, "а табличные части?", "табличные части у Справочник.Контрагенты?"),
        (AFTER_EVENT, "какие движения он делает?", "какие движения Документ.РеализацияТоваров делает?"),
        (AFTER_EVENT, "какие регистры там двигаются?", "какие регистры в Документ.РеализацияТоваров двигаются?"),
        (AFTER_EVENT, "Какие реквизиты у этого документа?", "Какие реквизиты у документа РеализацияТоваров?"),
        (AFTER_EVENT, "а у поступления товаров?", "Что происходит при проведении поступления товаров?"),
        (AFTER_EVENT, "а что с авансами?", "что с авансами (Документ.РеализацияТоваров)?"),
        (AFTER_ENGLISH, "and what about the catalog Валюты?", "Which attributes does the catalog Валюты have?"),
        (AFTER_ENGLISH, "and the resources?", "the resources of Catalog.Контрагенты?"),
        (AFTER_ENGLISH, "what are its forms?", "what are Catalog.Контрагенты forms?"),
    ],
)
def test_a_follow_up_gets_what_it_needs(conversation, question, expected):
    assert stand_alone(question, conversation) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Как найти товары с наценкой ниже нужной и переоценить их?",
        "Где проверяется лимит задолженности?",
        "Что такое неснижаемый остаток?",
        "Если в накладной нет договора, откуда он берётся?",
        "How do I load the bank statement and post it?",
        "Какие роли есть?",
        "ПолучитьКурсВалюты",
    ],
)
@pytest.mark.parametrize("conversation", [NEW, AFTER_METHOD, AFTER_OBJECT], ids=["new", "method", "object"])
def test_a_complete_question_stays_as_it_is(conversation, question):
    assert stand_alone(question, conversation) == question


@pytest.mark.parametrize(
    ("question", "fragment", "expected"),
    [
        (
            "Which documents write to the register ТоварыНаСкладах?",
            "and to the register Продажи?",
            "Which documents write to the register Продажи?",
        ),
        (
            "Какие документы пишут в регистр ТоварыНаСкладах?",
            "а в регистр Продажи?",
            "Какие документы пишут в регистр Продажи?",
        ),
        (
            "Какие измерения у регистра сведений КурсыВалют?",
            "а у регистра Продажи?",
            "Какие измерения у регистра Продажи?",
        ),
    ],
)
def test_a_register_takes_the_place_of_another(question, fragment, expected):
    asked = NEW.with_turn(Turn(question, question, "…", ("AccumulationRegister.ТоварыНаСкладах",)))
    assert stand_alone(fragment, asked) == expected


def test_a_fragment_with_its_own_kind_and_aspect_is_complete():
    assert stand_alone("а измерения у регистра КурсыВалют?", AFTER_OBJECT) == "измерения у регистра КурсыВалют?"
    assert stand_alone("а формы справочника Валюты?", AFTER_OBJECT) == "формы справочника Валюты?"


def test_another_attribute_of_the_same_object():
    asked = "Какого типа реквизит ИНН у справочника Контрагенты?"
    conversation = NEW.with_turn(Turn(asked, asked, "…", ("Catalog.Контрагенты",)))
    assert stand_alone("а реквизит КПП?", conversation) == "Какого типа реквизит КПП у справочника Контрагенты?"


@pytest.mark.parametrize(
    "wish", ["а на английском?", "по-английски, пожалуйста", "in English please", "and in English?"]
)
def test_the_same_again_in_another_language(wish):
    said = stand_alone(wish, AFTER_OBJECT)
    assert said == "Какие реквизиты у справочника Контрагенты? (in English)"
    assert not is_russian(said)
    assert without_language(said) == "Какие реквизиты у справочника Контрагенты?"
    again = AFTER_OBJECT.with_turn(Turn(wish, said, "…", ("Catalog.Контрагенты",)))
    assert stand_alone("а у справочника Валюты?", again) == "Какие реквизиты у справочника Валюты?"
    assert is_russian(stand_alone("а по-русски?", again))


def test_a_question_about_a_language_is_no_wish():
    assert stand_alone("Где хранится наименование на английском языке?", AFTER_OBJECT) == (
        "Где хранится наименование на английском языке?"
    )


def test_thanks_are_not_what_a_follow_up_follows():
    thanked = AFTER_OBJECT.with_turn(Turn("спасибо!", "спасибо!", "Пожалуйста!"))
    assert stand_alone("а у справочника Валюты?", thanked) == "Какие реквизиты у справочника Валюты?"


def test_the_subject_is_the_latest_thing_that_fits_the_noun():
    conversation = AFTER_OBJECT.with_turn(Turn("q", "Где лимит?", "…", (RATE,)))
    assert stand_alone("А какие реквизиты у этого справочника?", conversation) == (
        "какие реквизиты у справочника Контрагенты?"
    )


def test_without_names_nothing_is_put_in():
    assert stand_alone("Где он вызывается?", NEW.with_turn(Turn("погода?", "погода?"))) == "Где он вызывается?"


def test_a_full_conversation_forgets_its_older_half_at_once():
    conversation = NEW
    for number in range(MOST_TURNS + 1):
        conversation = conversation.with_turn(Turn(f"q{number}", f"q{number}"))
    assert [turn.question for turn in conversation.turns] == [f"q{n}" for n in range(5, MOST_TURNS + 1)]


def test_long_answers_are_remembered_shortened():
    (turn,) = NEW.with_turn(Turn("q", "q", "слово " * 1_000)).turns
    assert len(turn.answer) <= 1_203
    assert turn.answer.endswith("слово …")


def test_the_digest_tells_conversations_apart():
    assert NEW.digest == ""
    assert AFTER_METHOD.digest != AFTER_OBJECT.digest
    assert AFTER_METHOD.digest == Conversation(AFTER_METHOD.turns).digest
    assert NEW.with_turn(Turn("ab", "", "c")).digest != NEW.with_turn(Turn("a", "", "bc")).digest
    # Clients tell what a turn meant; two who tell it differently must not share answers.
    assert NEW.with_turn(Turn("a", "b")).digest != NEW.with_turn(Turn("a", "c")).digest
    assert NEW.with_turn(Turn("a", "", "", ("b", "c"))).digest != NEW.with_turn(Turn("a", "", "", ("b",))).digest
    nested = Conversation((Turn("a", "", "", ("b", "", "c")),))
    assert nested.digest != Conversation((Turn("a", ""), Turn("b", "", "c"))).digest


def test_names_as_people_write_them():
    assert spoken_name("Catalog.Валюты") == "Справочник.Валюты"
    assert spoken_name("CommonModule.Цены.Получить") == "Цены.Получить"
    assert spoken_name("CommonModule.Цены") == "ОбщийМодуль.Цены"
    assert spoken_name("Catalog.Валюты", russian=False) == "Catalog.Валюты"


AFTER_WISH = AFTER_OBJECT.with_turn(
    Turn("in English", "Какие реквизиты у справочника Контрагенты? (in English)", "…", ("Catalog.Контрагенты",))
)


@pytest.mark.parametrize(
    ("conversation", "question", "russian"),
    [
        (AFTER_ENGLISH, "а в документе РеализацияТоваров?", True),
        (AFTER_ENGLISH, "and the document РеализацияТоваров?", False),
        (AFTER_WISH, "and the document РеализацияТоваров?", False),
        (AFTER_WISH, "а у документа РеализацияТоваров?", True),
    ],
)
def test_a_follow_up_is_answered_in_the_language_of_the_newest_message(conversation, question, russian):
    assert is_russian(stand_alone(question, conversation)) == russian
