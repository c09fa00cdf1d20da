"""What a question says an object is linked with: registers, roles, subsystems, whoever uses it. Pure functions."""

from __future__ import annotations

import re
from typing import Literal

Relations = Literal[
    "movers",
    "movements",
    "content",
    "subsystems",
    "bases",
    "based",
    "owners",
    "owned",
    "used",
    "rights",
    "roles",
    "readers",
    "adders",
    "changers",
    "deleters",
    "posters",
    "subjects",
]
_WHICH = (
    r"(?:как(?:ие|ой|ое|им|ими|их|ому|ом)|все|список|перечисли\w*"
    r"|which|what|all|list(?:\s+of)?(?:\s+all)?(?:\s+the)?)\s+"
)
_REGISTER = re.compile(r"регистр(?!атор)|\bregisters?\b")
_WRITES = re.compile(
    r"пиш[уе]т|записыва|движени|двига|движ[уе]т|формиру|отража|меня[юе]т|изменя|\bwrit|\bpost|\bmov(?:e|ing|ement)|\brecord"
    r"|\baffect|\bchang|\bupdat"
)
_MOVERS = re.compile(
    rf"{_WHICH}(?:документ|document|регистратор|recorder)|(?:регистратор|recorder)\w*\s.*(?:регистр|register)"
    r"|\b(?:кто|что)\s+(?:пишет|записывает|двигает|движет|формирует|меняет|изменяет)"
    r"|\b(?:what|who)\s+(?:writes|posts|records|moves|changes|updates)\b"
)
_MOVEMENTS = re.compile(rf"{_WHICH}(?:регистр(?!атор)|registers?\b)")
# What a role may allow, and who may do it.
_ALLOWED: tuple[tuple[Relations, str], ...] = (
    ("readers", r"\b(?:про)?чита|\b(?:по|про)?смотр|\bчтени|\bвид(?:еть|ят)|\bread|\bview|\bsee\b"),
    ("adders", r"\bдобав|\bсозда|\bввод|\badd|\bcreat|\binsert"),
    ("changers", r"\b(?:по)?меня|\bизмен|\bредакт|\bзапис|\bedit|\bchang|\bmodif|\bupdat|\bwrit"),
    ("deleters", r"\bудал|\bdelet|\bremov"),
    ("posters", r"\bпрово[дж]|\bпрове(?:сти|ден)|\bpost"),
)
_MAY = (
    r"(?:\bмо[гж]\w*|\bправ\w*|\bразреш\w*|\bпозвол\w*|\bдоступ\w*|\bmay|\bcan|\ballow\w*|\brights?|\bpermissions?)"
    r"\s+(?:(?:на|to|for)\s+)?"
)
_TO_DO = "|".join((r"\bпольз|\bиспольз|\bоткры|\bработа|\buse\b|\bopen|\baccess", *(said for _, said in _ALLOWED)))
_NOT = re.compile(
    r"\bне\b|(?<!или )\bнет\b(?!\s+ли\b)|\bбез\b|\bотсутству|\bнельзя\b|\bneither\b|\bno\b|\bnot\b|n['’]t\b"
    r"|\bcannot\b|\bwithout\b|\black"
)
# How an object is linked with others; the first that fits.
_LINKS: tuple[tuple[Relations, re.Pattern[str]], ...] = (
    (
        "roles",
        re.compile(
            r"\bкак(?:ие|ая|ой|им|ими)\s+рол|\bкому\s+(?:доступ|разреш)|\bкто\s+имеет\s+(?:права?|доступ)\b"
            rf"|\bкто\s+(?:\w+\s+)?может\s+(?:{_TO_DO})|\bу\s+кого\b.*\bправ"
            rf"|\b(?:which|what)\s+roles?\b|\bwho\s+(?:may|can)\s+(?:{_TO_DO})|\bwho\s+is\s+allowed\s+to\b"
            r"|\bwho\s+has\s+(?:\w+\s+)?(?:access|rights?|permissions?)\b"
        ),
    ),
    (
        "subjects",
        re.compile(r"\bна\s+(?:что|как(?:ие|ой|ую))\b.*\bподпис|\bподпис\w*\b.*\bна\s+(?:что|какие)|\bsubscrib"),
    ),
    ("rights", re.compile(r"\bправа?\b|\brights?\b|\bpermissions?\b")),
    ("subsystems", re.compile(r"\bкак(?:ую|ие|ой|их|им|ом)\s+подсистем|\b(?:which|what)\s+subsystems?\b")),
    (
        "bases",
        re.compile(
            r"основани[еи]\s+(?:чего|каких|какого|которых)|чем\s+можно\s+заполнить"
            r"|\b(?:entered|created|filled)\s+(?:from|on\s+the\s+basis\s+of)\s*\??$|\bon\s+what\s+basis"
        ),
    ),
    (
        "based",
        re.compile(
            r"\b(?:что|как(?:ие|ой|ая|ое|ую|им))\b.*на\s+основани[еи]\s|\bbased\s+on\b"
            r"|\b(?:entered|created|filled)\s+(?:from|on\s+the\s+basis\s+of)"
        ),
    ),
    (
        "owned",
        re.compile(r"подчинен\w+\s+(?:справочник|каталог)|справочник\w*\s+подчинен|чем\s+владеет|\bsubordinate"),
    ),
    ("owners", re.compile(r"\b(?:кто|какой|что)\b.*\bвладел|\bкому\s+подчин|\bчему\s+подчин|\bowners?\b")),
    (
        "content",
        re.compile(
            r"\b(?:входит|входят|включ|относ[ия]тся|содерж[аи]т)|\bсостав\w*\b"
            r"|\bcontain|\bbelong|\binclude|\bcontents?\b"
        ),
    ),
    ("content", re.compile(r"\bчто\s.*\bв\s+подсистем|\b(?:what|which)\b.*\bin\s+(?:the\s+)?(?:\w+\s+)?subsystem")),
)
_OF_MEMBERS = re.compile(r"табличн|\bтч\b|tabular|колонк|реквизит|column|attribute")
_USED = re.compile(
    r"\bгде\b.*(?:использу|вызыва|применя|упомина|встреча|задейств)|\b(?:кто|откуда|кем)\s+(?:\S+\s+)?"
    r"(?:вызыва[ею]т|использу[ею]т|использу[ею]тся|вызыва[ею]тся)|ссыла[ею]тся\s+на"
    r"|\bкак(?:ие|ой|ая)\s+(?:\w+\s+)?(?:метод|функци|процедур|объект|модул|документ|справочник|регистр)\w*\s+"
    r"(?:\w+\s+)?(?:вызыва[ею]т|использу[ею]т)\b"
    r"|\bwhere\b.*\b(?:called|used|referenced|invoked)\b|\busages?\s+of|\bcallers?\s+of"
    r"|\breferences?\s+to\b|\b(?:who|what|which\s+\w+)\s+(?:calls?|uses?|references?)\b"
)


def links_asked(folded: str) -> Relations | None:
    """What a folded question asks for, register records apart; nothing for what an object is not linked with."""
    if _NOT.search(folded):
        return None
    if _USED.search(folded):
        return "used"
    links: Relations | None = next((link for link, said in _LINKS if said.search(folded)), None)
    if links == "content" and _OF_MEMBERS.search(folded):
        return None  # «состав табличной части»
    allowed = [who for who, said in _ALLOWED if re.search(rf"{_MAY}(?:{said})", folded)] if links == "roles" else []
    return allowed[0] if len(allowed) == 1 else links


def registers_asked(folded: str) -> Relations | None:
    """Whether a folded question asks which documents write to a register, or to which registers a document does."""
    if not _REGISTER.search(folded) or _NOT.search(folded):
        return None
    if _MOVERS.search(folded):
        recorders = "регистратор" in folded or "recorder" in folded
        return "movers" if recorders or _WRITES.search(folded) else None
    return "movements" if _MOVEMENTS.search(folded) and _WRITES.search(folded) else None
