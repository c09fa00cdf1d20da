"""Word lists of the analyser, folded (lower case, «е» for «ё»). They are data: no logic here."""

from __future__ import annotations

# Words that stand in nearly every question and in nearly every identifier, and tell nothing apart.
FUNCTION_WORDS = frozenset(
    """
    а без бы был была были было быть в вам вас весь во вот все всего всех вы где да для до его ее если есть еще
    же за здесь и из или им их к как какая какие каким какими какого какой каком какому какую каких ко когда кто
    куда ли лишь либо мне может можно мой мы на над надо нам нас не нет ни но ну нужно о об он она они оно от
    откуда очень по под после почему при про с сам свой себя сейчас со так такая такие такой там то тоже только
    том тот ты у уже чего чем что чтобы эта эти это этого этой этом этот эту я зачем сколько чей который которая
    которое которые которого которой расскажи покажи подскажи объясни скажи найди
    a an and any are as at be been but by can could did do does for from had has have how i if in into is it its
    me my no not of on or our please shall she should so such than that the their them then there these they this
    those to was we were what when where which who whom whose why will with would you your tell show explain find
    """.split()  # noqa: SIM905  # five hundred quoted words would be harder to read
)

# Words of the language in both spellings. «Возврат», «Новый», «Экспорт» and the like are names too;
# they are left out of bodies only.
KEYWORDS = frozenset(
    """
    процедура функция конецпроцедуры конецфункции экспорт асинх ждать знач перем если тогда иначеесли иначе
    конецесли для каждого из по пока цикл конеццикла попытка исключение конецпопытки вызватьисключение возврат
    прервать продолжить перейти выполнить новый добавитьобработчик удалитьобработчик и или не истина ложь
    неопределено область конецобласти наклиенте насервере насерверебезконтекста наклиентенасервере
    наклиентенасерверебезконтекста
    procedure function endprocedure endfunction export async await val var if then elsif else endif for each in to
    while do enddo try except endtry raise return break continue goto execute new addhandler removehandler and or
    not true false undefined null region endregion atclient atserver atservernocontext atclientatserver
    atclientatservernocontext
    """.split()  # noqa: SIM905  # five hundred quoted words would be harder to read
)

# Abbreviations that stand in names, comments and questions, with what they stand for.
ABBREVIATIONS: dict[str, str] = {
    "бд": "база данных",
    "бик": "банковский идентификационный код",
    "бсп": "библиотека стандартных подсистем",
    "гтд": "грузовая таможенная декларация",
    "доп": "дополнительный",
    "иб": "информационная база",
    "инн": "идентификационный номер налогоплательщика",
    "кд": "конвертация данных",
    "мчд": "машиночитаемая доверенность",
    "ндс": "налог на добавленную стоимость",
    "ндфл": "налог на доходы физических лиц",
    "пвр": "план видов расчета",
    "пвх": "план видов характеристик",
    "пко": "приходный кассовый ордер",
    "рибд": "распределенная информационная база",
    "риб": "распределенная информационная база",
    "рко": "расходный кассовый ордер",
    "скд": "система компоновки данных",
    "тз": "таблица значений",
    "тмц": "товарно материальные ценности",
    "тч": "табличная часть",
    "уид": "уникальный идентификатор",
    "упд": "универсальный передаточный документ",
    "фио": "фамилия имя отчество",
    "фл": "физическое лицо",
    "эдо": "электронный документооборот",
    "эп": "электронная подпись",
    "эцп": "электронная подпись",
    "юл": "юридическое лицо",
}
