"""Word lists for comparing an answer with its sources. They are data; the few functions only look them up."""

from __future__ import annotations

import functools

from rag_demo.index.analyse import fold, stem

# Roots that change within one word family; the stemmer keeps them apart.
_FAMILIES = """
    провод провед | зачит зачет зачт зачест | списа спиш списыв | запис запиш записыв | загруж загруз | возвра
    верн | отраж отраз | пересчит пересчет | рассчит расчет расчит вычисл посчит счита | созда создава | выбир
    выбр | запрещ запрет | разреш позвол | огранич | округл | превыш превыс | снима сня снят снимет | вывод
    вывед | перевод перевед | замен замещ | добав прибав | удал | беретс берет взят брат бер | использ примен |
    нужн требу необходим | отправ посыла послат уход | наход найд най найт ищет иска поиск | приним приня прием
    | провер контрол сверя | распредел разнос разнест | измен меня поменя | указ задан зада назнач | опреде |
    получ | состав содерж включа входит входят вход | входя | умен уменьш | увелич | совпад равн | закрыва закры
    | блокир заблокир | хран храни | показыва показа | печат напечат распечат | отгруж отгруз | важн важен |
    отмен | проср | последн | ранн раньш ранее | кажд ежедн | ставк став | пробел | заказ | сумм | цен |
    стоимост | дат дата дни дне дням день | строк строчк | нов | скид | товар | покупат | платеж оплат оплач плат |
    счет | партн партион | резерв
"""
_ROOT = {
    prefix: family.split()[0]
    for family in _FAMILIES.replace("\n", " ").split("|")
    for prefix in family.split()
    if prefix
}
_LONGEST_PREFIX = max(map(len, _ROOT))
_ROOT_LETTERS = 6

# What English answers call what Russian sources speak of.
_ENGLISH = {
    "account": "счет", "accounting": "учет", "address": "адрес", "advance": "аванс", "agreement": "договор",
    "amount": "сумма", "article": "артикул", "attribute": "реквизит", "available": "доступен", "balance": "остаток",
    "bank": "банк", "barcode": "штрихкод", "base": "базовый", "batch": "партия", "before": "перед",
    "block": "блокировка", "buyer": "покупатель", "calculate": "рассчитать", "call": "вызов", "cancel": "отмена",
    "card": "карта", "cash": "касса", "catalog": "справочник", "catalogue": "справочник", "change": "изменение",
    "check": "проверка", "close": "закрыть", "code": "код", "comment": "комментарий", "contract": "договор",
    "control": "контроль", "convert": "пересчитать", "cost": "себестоимость", "create": "создать", "credit": "кредит",
    "currency": "валюта", "customer": "покупатель", "date": "дата", "day": "день", "debt": "долг",
    "debtor": "должник", "default": "умолчание", "delete": "удаление", "delivery": "доставка", "digit": "цифра",
    "dimension": "измерение", "discount": "скидка", "distribute": "распределить", "document": "документ",
    "due": "срок", "earlier": "ранний", "empty": "пустой", "enough": "хватает", "error": "ошибка", "exchange": "обмен",
    "exist": "существует", "expense": "расход", "exported": "экспорт", "fail": "ошибка", "field": "поле",
    "file": "файл", "fill": "заполнение", "find": "найти", "form": "форма", "goods": "товар", "gift": "подарочный",
    "handler": "обработчик", "hold": "держать", "increase": "увеличение", "internet": "интернет",
    "inventory": "инвентаризация", "invoice": "счет", "item": "товар", "job": "задание", "latest": "последний",
    "last": "последний", "length": "длина", "limit": "лимит", "line": "строка", "list": "список", "load": "загрузить",
    "lock": "блокировка", "manager": "менеджер", "markup": "наценка", "maximum": "максимальный",
    "message": "сообщение", "movement": "движение", "name": "наименование", "negative": "отрицательный",
    "new": "новый", "number": "номер", "open": "открыть", "order": "заказ",
    "organization": "организация", "overdue": "просроченный", "parse": "разобрать", "password": "пароль",
    "payment": "оплата", "penalty": "пеня", "percent": "процент", "period": "период", "phone": "телефон",
    "post": "проведение", "posting": "проведение", "price": "цена", "print": "печать", "priority": "приоритет",
    "product": "товар", "prohibit": "запрет", "quantity": "количество", "rate": "курс", "read": "чтение",
    "reason": "причина", "receipt": "поступление", "record": "записать", "register": "регистр", "release": "снять",
    "repeat": "повтор", "report": "отчет", "request": "запрос", "reserve": "резерв", "resource": "ресурс",
    "result": "результат", "return": "возврат", "revenue": "выручка", "role": "роль", "round": "округление",
    "row": "строка", "rule": "правило", "sale": "продажа", "save": "сохранить", "scan": "сканировать",
    "search": "поиск", "seller": "продавец", "send": "отправить", "setting": "настройка", "ship": "отгрузка",
    "shipment": "отгрузка", "site": "сайт", "status": "статус", "stock": "остаток", "store": "склад",
    "string": "строка", "structure": "структура", "subscription": "подписка", "sum": "сумма", "supplier": "поставщик",
    "table": "таблица", "take": "брать", "taken": "брать", "tax": "налог", "text": "текст", "today": "сегодня",
    "token": "токен", "total": "итог", "transfer": "перемещение", "type": "тип", "unit": "единица",
    "unpost": "отмена", "update": "обновление", "user": "пользователь", "value": "значение", "vat": "ндс",
    "warehouse": "склад", "website": "сайт", "word": "слово", "write": "запись", "zero": "ноль", "fifo": "фифо",
    "profit": "прибыль", "promo": "промокод", "expire": "просроченный", "add": "добавить",
    "compare": "сравнение", "ask": "запрос", "select": "выбрать", "set": "установить", "remove": "удалить",
    "written": "запись", "minus": "минус", "plus": "плюс", "earliest": "ранний", "early": "ранний", "late": "поздний",
    "old": "старый", "oldest": "старый", "newest": "новый", "replace": "заменить", "keep": "сохранить",
    "weekend": "выходной", "move": "перенести", "monday": "понедельник", "subtract": "вычесть", "begin": "начало",
    "end": "конец", "night": "ночь", "personal": "личный", "general": "общий", "weight": "вес", "digits": "цифра",
}  # fmt: skip

# Pairs that turn a statement round, by the beginnings of words. A clause with one side, where the clauses of the source
# that speak of the same have only the other, is a contradiction.
_OPPOSITES = """
    увелич умен | увелич уменьш | разреш запрещ | включ выключ | приход расход | покупат поставщик | добав удал | добав
    вычит | прибав вычит | плюс вычит | плюс минус | бол менш | больш меньш | раньш позж | ран поздн |
    последн первы | последн ран | максимальн минимальн | всегда никогда | обязательн необязательн | открыва закрыва |
    клиент сервер | розничн оптов | экспортн локальн | вверх вниз | входящ исходящ | автоматическ вручн | ноч утр |
    истин лжам | стар нов | начал конец | начал конц | замен сохран | сильн слаб | выш ниж | дорог дешев
    | полн частичн | пост get | increase decrease | allow forbid | before after | minimum maximum | always never
    | enable disable | first last | earlier later | latest earliest | latest first | newest oldest | old new |
    more less | add remove | plus minus | add subtract | begin end | start end | replace keep
"""
# Prepositions that do so for what stands behind them.
TURNS = (("до", "после"), ("перед", "после"), ("без", "с"), ("before", "after"), ("without", "with"))
# No exception; the second may say the same; the third make one.
ABSOLUTE = frozenset({"всегда", "исключительно", "always", "exclusively"})
UNLIMITED = frozenset(
    {"каждый", "любой", "весь", "все", "only", "только", "every", "any", "all", "each", "никогда", "never"}
)
EXCEPTIONS = frozenset({"если", "иначе", "кроме", "исключение", "исключением", "if", "otherwise", "unless", "except"})
# Of each of these a source has the one that is right: a sentence with another one has it wrong. Dictionary forms.
_CLOSED_CLASSES = """
    понедельник/monday вторник/tuesday среда/wednesday четверг/thursday пятница/friday суббота/saturday
    воскресенье/sunday | январь/january февраль/february март/march апрель/april июнь/june июль/july август/august
    сентябрь/september октябрь/october ноябрь/november декабрь/december | секунда/second минута/minute час/hour
    день/day/сутки неделя/week месяц/month квартал/quarter год/year | грамм/gram килограмм/kilogram/кг тонна/ton
    центнер фунт/pound | фифо/fifo лифо/lifo | get post put patch | utf ansi koi windows | рубль/ruble доллар/dollar
    евро/euro
"""

# Words that claim nothing by themselves: they lead from one statement to the next.
_FRAMING = """
    вот что следующий следующие ниже выше источник источники согласно источнику ответ вопрос итак таким образом
    конфигурация подробнее пример примеры использование вызов вызвать вызывать метод функция процедура модуль
    общий объект документ справочник регистр реквизит параметр параметры значение называется находится
    расположен описан описана описано указано сказано можно нужно следует также кроме того например то есть
    именно получается значит предназначена предназначен служит отвечает делает выполняет выполняется происходит
    используется использовать использует применяется применить смотрите кратко итог коротко программа система
    помощь случай этом являться является нужный соответствующий данный этот для того чтобы если тогда при этом
    код строка тип возвращаемое список перечень есть имеется существует имеет содержит содержится хранится
    хранит хранится работает подходит here following below above source sources according answer question thus
    configuration details example examples usage call calls method function procedure module common object
    document catalog register attribute parameter parameters value called named located described stated says
    you can use used using need should also moreover namely means meant intended serves does performs performed
    happens see short summary program system case is are this that for if then when code line type returned list
    there exists has contains contained stored stores works fits within by
"""

NEGATIONS = frozenset(
    """
    не нет нельзя без никогда ни невозможно not no never without cannot can't don't doesn't isn't aren't won't
    didn't neither nor nothing wasn't
    """.split()  # noqa: SIM905  # quoted words would be harder to read
)
# They deny that there is something, not that something happens.
ABSENCES = frozenset({"нет", "без", "no", "without"})
# Behind «не» these make a comparison, not a negation.
COMPARISONS = frozenset(
    """
    только менее более больше меньше позже позднее раньше ранее выше ниже чаще реже дольше сразу later earlier
    only more less
    """.split()  # noqa: SIM905  # quoted words would be harder to read
)

_NUMBERS = {
    "ноль": 0, "нуль": 0, "нуля": 0, "нулю": 0, "нулевой": 0, "нулевом": 0, "нулевая": 0, "два": 2, "две": 2,
    "двух": 2, "двумя": 2, "двум": 2, "три": 3, "трех": 3, "тремя": 3, "трем": 3, "четыре": 4, "четырех": 4,
    "пять": 5, "пяти": 5, "шесть": 6, "шести": 6, "семь": 7, "семи": 7, "восемь": 8, "восьми": 8, "девять": 9,
    "девяти": 9, "десять": 10, "десяти": 10, "одиннадцать": 11, "двенадцать": 12, "двенадцати": 12, "тринадцать": 13,
    "тринадцати": 13, "четырнадцать": 14, "четырнадцати": 14, "пятнадцать": 15, "пятнадцати": 15, "двадцать": 20,
    "двадцати": 20, "тридцать": 30, "тридцати": 30, "сорок": 40, "пятьдесят": 50, "сто": 100, "тысяча": 1000,
    "тысячи": 1000, "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000,
}  # fmt: skip
NUMBER_WORDS = {fold(word): str(value) for word, value in _NUMBERS.items()}


def root(term: str) -> str:
    """What the terms of one word family have in common: «проводится» and «проведение» give the same."""
    for length in range(min(len(term), _LONGEST_PREFIX), 2, -1):
        if term[:length] in _ROOT:
            return _ROOT[term[:length]]
    return term[:_ROOT_LETTERS]


def roots(terms: list[str]) -> list[str]:
    """Roots of terms of an answer; English ones also give the root of the Russian word."""
    russian_of = _russian_of()
    return [root(russian_of.get(term, term)) for term in terms if not term.startswith("#")]


@functools.cache
def _russian_of() -> dict[str, str]:
    """Stem of the Russian word for that of the English one; made on first use, because stems take a dictionary."""
    return {stem(english): stem(fold(russian)) for english, russian in _ENGLISH.items()}


@functools.cache
def framing() -> frozenset[str]:
    """Roots of the words that claim nothing by themselves."""
    stems = [stem(fold(word)) for word in _FRAMING.split()]
    return frozenset(root(_russian_of().get(found, found)) for found in stems)


@functools.cache
def opposites() -> tuple[tuple[str, str], ...]:
    """Beginnings of words that turn a statement round, in both directions."""
    pairs = [tuple(map(fold, pair.split())) for pair in _OPPOSITES.split("|")]
    return tuple((one, other) for pair in pairs for one, other in (pair, pair[::-1]))


@functools.cache
def closed_classes() -> tuple[dict[str, str], ...]:
    """Sorts of words of which a sentence names one: dictionary form → the Russian word for the same."""
    return tuple(
        {form: member.split("/")[0] for member in sort.split() for form in member.split("/")}
        for sort in _CLOSED_CLASSES.split("|")
    )
