"""Texts that every lane must embed like the float32 reference before it may work.

They cover what has broken numerics elsewhere: nothing, one token, only unknown signs, Cyrillic, code, numbers,
repetition, and texts longer than any model's limit.
"""

from __future__ import annotations

_SUBJECTS = (
    "the invoice", "a warehouse", "our supplier", "currency rates", "курс валюты", "накладная", "склад", "договор",
)  # fmt: skip
_CLAUSES = (
    "was posted yesterday",
    "has no remaining stock",
    "must be checked twice before the end of the month",
    "не проведён из-за отрицательного остатка",
    "загружается по расписанию каждую ночь",
)
_SPECIAL = (
    "",
    " ",
    "a",
    "ы",
    "42",
    "\t\n",
    "!!!???...",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ☃ 日本語",
    "СрочноЗагрузитьКурсыВалют",
    "Если Остаток < 0 Тогда Отказ = Истина; КонецЕсли;",
    "SELECT item, SUM(amount) FROM stock GROUP BY item HAVING SUM(amount) > 0;",
    "def area(radius: float) -> float:\n    return 3.14159 * radius**2\n",
    "0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 987",
    "no no no no no no no no no no no no no no no no no",
    "a" * 300,
    "https://example.org/путь?страница=1&размер=20#конец",
)
_LONG = (
    "one long paragraph about goods, prices and payments that goes on and on; " * 60,
    "Документ поступления товаров записывает движения по складу и по взаиморасчётам. " * 60,
    " ".join(str(number) for number in range(1200)),
)


def canary_texts() -> list[str]:
    """Return the canaries: always the same texts in the same order, at least 64."""
    pairs = [f"{subject} {clause}" for subject in _SUBJECTS for clause in _CLAUSES]
    chains = [", ".join(pairs[start : start + size]) for start, size in ((0, 3), (5, 6), (10, 10), (20, 16), (3, 30))]
    return [*_SPECIAL, *pairs, *chains, *_LONG]
