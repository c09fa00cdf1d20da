"""English words of trade, accounting and the 1C platform with the Russian ones that configurations use.

Data only. Keys are stems of the analyser, made from the words on the left when the table is built.
"""

from __future__ import annotations

from rag_demo.index.analyse import fold, stem

_WORDS = """
account: счет   accounting: учет   accumulation: накопление   add: добавить   address: адрес   allowed: разрешено
amount: сумма   attach: присоединить   attribute: реквизит   authorization: авторизация   background: фоновое
backup: копия   balance: остаток   bank: банк   barcode: штрихкод   batch: партия   bonus: бонус   budget: бюджет
buyer: покупатель   calculate: рассчитать   calculation: расчет   call: вызвать   cancel: отменить   card: карта
cash: касса наличные   cashier: кассир   catalog: справочник   change: изменить   check: проверить
checked: проверить   close: закрыть   code: код   company: организация   compare: сравнить   contact: контакт
contract: договор   convert: пересчитать   copy: копировать   cost: себестоимость стоимость   costing: себестоимость
counterparty: контрагент   create: создать   currency: валюта   customer: покупатель контрагент   date: дата
debt: задолженность долг   decline: склонение   default: умолчание   delete: удалить   delivery: доставка
department: подразделение   digit: цифра   discount: скидка   document: документ   download: загрузить
duplicate: дубль   email: почта письмо   employee: сотрудник   error: ошибка   exchange: обмен курс
expense: расход   export: выгрузка   field: поле   file: файл   fill: заполнить   filled: заполнить   find: найти
form: форма   format: формат   generate: сформировать   get: получить   goods: товар   group: группа
holiday: праздник   image: картинка   import: загрузка   income: доход   integration: обмен   inventory: запасы
invoice: счет накладная   item: номенклатура товар   job: задание   key: ключ   limit: лимит   list: список
load: загрузить   loaded: загрузить   lock: блокировка   log: журнал   login: вход   mail: почта   margin: наценка
markup: наценка   message: сообщение   module: модуль   month: месяц   movement: движение   name: наименование
number: номер число   open: открыть   order: заказ   organization: организация   overdue: просроченный
owner: владелец   parent: родитель   password: пароль   partner: контрагент   pay: оплатить   payment: платеж оплата
percent: процент   period: период   permission: право   person: лицо   phone: телефон   picture: картинка
plan: план   post: провести   posted: провести   posting: проведение   price: цена   print: печать   printed: печать
product: товар номенклатура   profit: прибыль   purchase: покупка поступление   quantity: количество   rate: курс
read: прочитать   receipt: поступление чек   record: запись   register: регистр   remainder: остаток
reminder: напоминание   report: отчет   request: запрос   reserve: резерв   return: возвращает возврат   right: право
role: роль   round: округлить   rounded: округлить   rounding: округление   rule: правило   run: выполнить
sale: продажа реализация   save: записать   schedule: расписание   search: поиск   select: выбрать
seller: продавец   send: отправить   set: установить   setting: настройка   shipment: отгрузка   site: сайт
start: запустить   status: статус   stock: склад остаток   store: склад   string: строка   subsystem: подсистема
subscription: подписка   sum: сумма   supplier: поставщик   table: таблица   tabular: табличная   task: задача
tax: налог   template: макет шаблон   text: текст   time: время   total: итог   transaction: транзакция
transfer: перемещение   unit: единица   update: обновить   upload: выгрузить   user: пользователь
validate: проверить   value: значение   vat: НДС   vendor: поставщик   version: версия   warehouse: склад
week: неделя   write: записать   writeoff: списание   year: год   fifo: ФИФО   lifo: ЛИФО   batches: партия
access: доступ   acquiring: эквайринг   administrator: администратор   advance: аванс   agreement: договор соглашение
allocate: распределить   analysis: анализ   approve: утвердить   archive: архив   arrears: задолженность
article: артикул   assembly: комплектация   asset: средства   assign: назначить   assortment: номенклатура
attempt: попытка   available: доступный свободный   average: средняя   bill: счет   block: блокировка
booking: резерв   branch: подразделение   brand: марка   button: команда   calendar: календарь   carrier: перевозчик
certificate: сертификат   characteristic: характеристика   city: город   class: класс   classifier: классификатор
clear: очистить   client: клиент покупатель   column: колонка   command: команда   comment: комментарий
compress: сжать   condition: условие   confirm: подтвердить   connect: подключить соединение   constant: константа
consumption: расход   correct: корректный   correspondence: соответствие   country: страна   courier: доставка
credit: кредит   damage: брак   database: база   day: день   deadline: срок   debit: дебет   debtor: должник
description: описание   detail: реквизит   dimension: измерение   dispatch: отгрузка   distribute: распределить
edit: изменить   empty: пустой   encrypt: зашифровать   event: событие   exception: исключение
expire: просроченный срок   external: внешний   extension: расширение   filter: отбор   folder: папка каталог
formula: формула   forbid: запрет   forbidden: запрет   freeze: заблокировать   functional: функциональная
handler: обработчик   hash: хеш   header: заголовок   hierarchy: иерархия   history: история   icon: картинка
identifier: идентификатор   initial: начальный   input: ввод   insert: вставить   interest: процент
interval: интервал   journal: журнал   keeper: кладовщик   language: язык   last: последний   layout: макет
ledger: регистр   legal: юридическое   level: уровень   line: строка   link: ссылка связь   loan: кредит
location: место   loyalty: дисконтная   loss: убыток   main: основной   manager: менеджер
manufacturer: производитель   map: соответствие   material: материал   maximum: максимальная   measure: измерения
merge: объединение   method: метод способ   minimum: минимальная   money: деньги денежные   negative: отрицательный
notification: оповещение   notify: оповестить   offset: зачет взаимозачет   option: опция   origin: источник
outcome: расход   overwrite: заменить   owed: задолженность   pack: упаковка   package: упаковка пакет
page: страница   parse: разобрать   payroll: зарплата   permit: разрешение   picking: подбор   piece: штука
place: место   policy: политика   position: позиция должность   prefix: префикс   prepayment: аванс
preview: просмотр   procedure: процедура   procurement: закупка   profile: профиль   prohibit: запрет
promo: промокод   property: свойство   query: запрос   queue: очередь   ready: готов   reason: причина
receive: получить   recalculate: пересчитать   recipient: получатель   reconcile: сверка   reconciliation: сверка
reference: ссылка   refund: возврат   region: регион   reject: отклонить   release: снять   remaining: остаток
remove: удалить   rename: переименовать   replace: заменить   resend: повторно   restore: восстановить
restrict: ограничение   result: результат   retail: розничная   retry: повтор попытка   revaluation: переоценка
revenue: выручка   revert: вернуть   row: строка   salary: зарплата   scale: весы   scanner: штрихкод
section: раздел подсистема   sequence: последовательность   series: серия   server: сервер   service: сервис услуга
session: сеанс   settlement: взаиморасчеты   share: доля   ship: отгрузить   shop: магазин   shortage: недостача
sign: подпись   signature: подпись   similar: похожие   size: размер   sort: порядок   source: источник
split: разделить   spreadsheet: табличный   staff: сотрудник   stage: этап статус   stale: устаревший
state: состояние   statement: выписка   stocktaking: инвентаризация   storage: хранилище склад
storekeeper: кладовщик   street: улица   structure: структура   surname: фамилия   surplus: излишек
sync: синхронизация обмен   synchronize: синхронизировать обмен   system: система   tag: метка   test: тест
title: заголовок   token: токен   trade: торговля   turnover: оборот   type: тип вид   unique: уникальный
unpost: отменить   unpaid: задолженность   verify: проверить   view: просмотр   volume: объем
warning: предупреждение   web: веб   weight: вес   wholesale: оптовая   withdraw: списание   word: слово
wrong: неверный   zone: пояс   unload: выгрузить   outdated: устаревший   forecast: прогноз
"""


def _table() -> dict[str, tuple[str, ...]]:
    entries: dict[str, tuple[str, ...]] = {}
    english = ""
    russian: list[str] = []
    for word in _WORDS.split():
        if word.endswith(":"):
            english, russian = stem(fold(word[:-1])), []
        else:
            russian.append(word)
        entries[english] = tuple(russian)
    return entries


RUSSIAN = _table()
# How people write Russian where they have no Russian keyboard: longest first.
_LATIN = (
    ("shch", "щ"), ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("ch", "ч"), ("sh", "ш"), ("yu", "ю"), ("ya", "я"),
    ("ju", "ю"), ("ja", "я"), ("yo", "е"), ("a", "а"), ("b", "б"), ("c", "ц"), ("d", "д"), ("e", "е"), ("f", "ф"),
    ("g", "г"), ("h", "х"), ("i", "и"), ("j", "й"), ("k", "к"), ("l", "л"), ("m", "м"), ("n", "н"), ("o", "о"),
    ("p", "п"), ("r", "р"), ("s", "с"), ("t", "т"), ("u", "у"), ("v", "в"), ("w", "в"), ("x", "х"), ("y", "ы"),
    ("z", "з"), ("'", "ь"),
)  # fmt: skip


def cyrillic(word: str) -> str:
    """A Russian word that was written in Latin letters: "proverka" → «проверка»."""
    for latin, letter in _LATIN:
        word = word.replace(latin, letter)
    return word


_LETTERS = str.maketrans(
    dict(zip("абвгдежзийклмнопрстуфхцыэ", "abvgdejziiklmnoprstufhcye", strict=True))
    | {"ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya", "ь": "", "ъ": ""}
)


def latin(word: str) -> str:
    """A Latin word that was written in Cyrillic letters: «апи» → "api", «телеграм» → "telegram"."""
    return word.translate(_LETTERS)
