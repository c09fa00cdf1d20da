"""What holds for the scanner on any text, and on any module that we build."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from rag_demo.ingest.bsl import Block, Method, Module, Source, clean_code, cut_windows, scan

FRAGMENTS = [
    "Процедура ", "ФУНКЦИЯ ", "procedure ", "Function ", "КонецПроцедуры", "конецфункции", "EndProcedure",
    "EndFunction", "Асинх ", "Async ", "Экспорт", "Export", "Имя", "Ещё_1", "(", ")", "()", ";", ",", ".", "=",
    "Перем А;", "Var B Export;", '"', '""', '"текст"', "|", "|ВЫБРАТЬ", "'", "'20250101'", "//", "// Параметры:",
    "////////", "&", "&НаСервере", '&Вместо("А")', "#Область Х", "#КонецОбласти", "#Region Y", "#EndRegion",
    "#Если Сервер Тогда", "#Иначе", "#КонецЕсли", "#Удаление", "#КонецУдаления", " ", "\t", "\n", "\n", "\n", "\r\n",
    "\r", "\x0b", "\u2028", "\ufeff", "İ",
]  # fmt: skip
soup = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join)
any_text = st.one_of(
    soup, st.text(max_size=200), st.lists(st.one_of(soup, st.text(max_size=5)), max_size=8).map("".join)
)


def pieces(module: Module) -> list[Method | Block]:
    return sorted([*module.methods, *module.blocks], key=lambda piece: (piece.line_start, piece.line_end))


@given(any_text)
@settings(max_examples=600, deadline=2_000)
def test_ranges_are_lines_of_the_file_and_never_overlap(text):
    module = scan(text)
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    assert module.source.line_count == len(lines)
    before = 0
    for piece in pieces(module):
        assert 1 <= piece.line_start <= piece.line_end <= len(lines)
        assert module.source.lines(piece.line_start, piece.line_end) == "\n".join(
            lines[piece.line_start - 1 : piece.line_end]
        )
        # Two methods on one line of the file are the only things that may share a line.
        assert piece.line_start > before or (isinstance(piece, Method) and piece.line_start == before)
        before = piece.line_end


@given(any_text)
@settings(max_examples=300, deadline=2_000)
def test_methods_lie_one_behind_the_other(text):
    offset = 0
    for method in scan(text).methods:
        assert method.line_start <= method.line_header <= method.line_end
        assert method.line_header < method.line_code <= method.line_end + 1
        assert offset <= method.code_start <= method.code_end
        offset = method.code_end


@given(any_text)
def test_line_ends_do_not_matter(text):
    unix = text.replace("\r\n", "\n").replace("\r", "")
    assert scan(unix).methods == scan(unix.replace("\n", "\r\n")).methods


@given(any_text, st.integers(1, 200), st.integers(1, 5))
def test_windows_hold_every_line_once(text, limit, keep):
    lines = text.split("\n")
    windows = cut_windows(lines, limit, keep=min(keep, len(lines)))
    assert [number for window in windows for number in range(window.first, window.last + 1)] == list(range(len(lines)))
    if len(windows) > 1:
        assert windows[0].last + 1 >= min(keep, len(lines))
    for window in windows[:-1]:
        held = lines[window.first : window.last + 1]
        kept = min(keep, len(lines)) if window.first == 0 else 0
        before_last = length(held[:-1])  # a scrap is not worth a window, even where a long line follows it
        assert length(held) <= limit or before_last < limit * 0.1 or length(held[: max(1, kept)]) > limit


@given(
    st.lists(st.sampled_from(["|ВЫБРАТЬ", "|", "А = 1;", 'Т = "', "", "// |", "Б(В,"]), max_size=80),
    st.integers(150, 400),
)
def test_short_strings_are_never_cut(lines, limit):
    runs = "\n".join(lines).split("А = 1;")
    windows = cut_windows(lines, limit)
    if max(map(len, runs)) < limit * 0.3:
        assert not any(lines[window.first].startswith("|") for window in windows[1:])


def length(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)


@given(any_text)
def test_cleaned_code_has_no_marks(text):
    cleaned = clean_code(text)
    assert '"' not in cleaned
    assert "//" not in cleaned
    assert not any(line.startswith(("|", " ", "\t")) for line in cleaned.split("\n"))


@given(st.text())
def test_lower_case_twin_keeps_every_offset(text):
    source = Source(text)
    assert len(source.lower) == len(source.text)


def test_no_other_character_grows_in_lower_case():
    growing = [character for character in map(chr, range(0x110000)) if len(character.lower()) != 1]
    assert growing == ["İ"]
    assert len(Source("İ").lower) == 1


@dataclass(frozen=True)
class Written:
    """A method that we wrote, and what a scanner should say about it."""

    name: str
    lines: tuple[str, ...]
    is_function: bool
    export: bool


HARMLESS = [
    '\tА = "Процедура Ложная() КонецПроцедуры";',
    '\tТекст = "ВЫБРАТЬ // не комментарий\n\t|\tКонецПроцедуры\n\n\t// Функция Другая()\n\t|Процедура Третья()";',
    "\t// КонецПроцедуры и Функция Ложная()",
    "\tОбъект.Процедура(Истина);\tОбъект.КонецФункции = 1;",
    "\tД = '20250101'; // КонецФункции",
    '\tСообщить("""КонецПроцедуры""");',
    "\t#Область КонецПроцедуры_\n\t#КонецОбласти",
    "\tКонецПроцедурыЛожный = ЭтоПроцедура + Процедура1;",
    "",
]
ABOVE = ["// Описание.\n//\n// Параметры:\n//  А - Число", "&НаСервере", "// Описание\n&НаКлиенте", ""]
PARAMETERS = ["", "А", "Знач А, Б = 1", 'А = ")",\n\tБ = "//"', "А, // первый )\n\tБ // второй\n"]


@st.composite
def methods(draw):
    name = draw(st.sampled_from(["Первая", "ВтораяФункция", "third", "КонецДня", "ё"]))
    is_function = draw(st.booleans())
    words = draw(st.sampled_from([("Функция", "КонецФункции"), ("FUNCTION", "endfunction")]))
    if not is_function:
        words = draw(st.sampled_from([("Процедура", "КонецПроцедуры"), ("procedure", "EndProcedure")]))
    export = draw(st.booleans())
    header = f"{words[0]} {name}({draw(st.sampled_from(PARAMETERS))}){' Экспорт' if export else ''}"
    parts = [draw(st.sampled_from(ABOVE)), header, *draw(st.lists(st.sampled_from(HARMLESS), max_size=5))]
    parts.append(f"{words[1]} // {name}()")
    text = "\n".join(part for number, part in enumerate(parts) if part or number > 1)
    return Written(name, tuple(text.split("\n")), is_function, export)


@given(st.lists(methods(), max_size=6), st.lists(st.integers(1, 3), min_size=7, max_size=7))
@settings(max_examples=300)
def test_finds_exactly_the_methods_that_were_written(written, gaps):
    lines: list[str] = []
    expected = []
    for method, gap in zip(written, gaps, strict=False):
        lines += [""] * gap
        expected.append(
            (method.name, method.is_function, method.export, len(lines) + 1, len(lines) + len(method.lines))
        )
        lines += method.lines
    module = scan("\n".join(lines))
    found = [(one.name, one.is_function, one.export, one.line_start, one.line_end) for one in module.methods]
    assert found == expected
    assert module.blocks == ()
