"""What holds for comments, names, stored facts and archives, whatever somebody wrote into them."""

from __future__ import annotations

import contextlib
import tempfile
import time
import warnings
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_demo.errors import NotADump
from rag_demo.index.fact_store import FactReader, FactStore
from rag_demo.index.names import name_key
from rag_demo.ingest.archive import opened
from rag_demo.ingest.bsl.doc_comments import parse_doc
from rag_demo.ingest.bsl.parameters import parameters_of
from rag_demo.ingest.facts import DocComment, DocField, MemberFact, MethodFact, ObjectFact, Origin, Parameter

PIECES = [
    "Параметры:", "Возвращаемое значение:", "Returns:", "Пример:", "Варианты вызова:", "Устарела.", "См. А.Б", "см.",
    " А - Строка - текст", " - Число", "*", "**", "* Ключ - Массив из Строка", "   дальше", "-", "–", ":", ",", ".",
    "Имя", "из", " ", "\t", "\n", "\n", "\n", "\r", "А.Б.В",
]  # fmt: skip
comments = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(max_size=80))


def depth(fields: tuple[DocField, ...]) -> int:
    return max((1 + depth(field.fields) for field in fields), default=0)


@given(comments)
@settings(max_examples=500, deadline=2_000)
def test_any_text_is_a_comment(text):
    doc = parse_doc(text)
    assert depth(doc.parameters) < 20
    assert depth(doc.returns) < 20
    for field in (*doc.parameters, *doc.returns):
        assert all(field.types)
        assert all(word.rstrip(":") in text for word in field.text.split())  # nothing is invented


@given(st.lists(st.from_regex(r"[а-яА-Я]{1,9}", fullmatch=True), min_size=1, max_size=6, unique=True))
def test_parameters_are_found_as_they_were_written(names):
    doc = parse_doc("Параметры:\n" + "\n".join(f"  {name} - Строка, Число - текст." for name in names))
    assert doc.parameters == tuple(DocField(name, ("Строка", "Число"), "текст.") for name in names)


@given(st.one_of(comments, st.text(max_size=60).map(lambda inside: f"Функция А({inside}) Экспорт")))
def test_any_text_is_a_signature(text):
    assert all(parameter.name for parameter in parameters_of(text))


@pytest.mark.parametrize(
    "piece", ["А", "А,", "А из ", "А - ", "* ", "*", "- ", "см. ", "Параметры:\n", "А.", ", ", "\n"]
)
def test_comments_take_time_by_their_length_only(piece):
    """A guard against hanging, not a measurement: quadratic work would take minutes, linear work a moment."""
    text = "Параметры:\n" + piece * (200_000 // len(piece))
    start = time.perf_counter()
    parse_doc(text)
    parameters_of(f"Процедура А({text})")
    assert time.perf_counter() - start < 20


words = st.sampled_from(
    ["Справочники", "Catalog", "Валюты", "ФОРМА", "Реквизит", "ManagerModule", "Ёж", "Метаданные", ""]
)


@given(st.lists(words, max_size=6).map(".".join))
def test_a_key_is_its_own_key(name):
    key = name_key(name)
    assert name_key(key) == key == name_key(name.upper()) == name_key(name.replace("Ё", "Е"))


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
texts = st.lists(text, max_size=3).map(tuple)
fields = st.recursive(
    st.builds(DocField, text, texts, text, st.just(()), text),
    lambda inner: st.builds(DocField, text, texts, text, st.lists(inner, max_size=2).map(tuple), text),
    max_leaves=4,
)
docs = st.builds(
    DocComment,
    *(text, st.lists(fields, max_size=2).map(tuple), st.lists(fields, max_size=2).map(tuple), text, text, texts),
    st.none() | text,
)
origins = st.builds(Origin, st.just("main"), st.just("file"), st.integers(1, 9), st.integers(9, 20))
parameters = st.lists(st.builds(Parameter, text, st.booleans(), st.none() | text), max_size=3).map(tuple)
stored_facts = st.one_of(
    st.builds(ObjectFact, text, text, text, origins, text, text, text, text, st.booleans(), texts),
    st.builds(MemberFact, text, st.just("attribute"), text, text, origins, text, text, text, text, text, st.booleans()),
    st.builds(
        MethodFact,
        *(text, text, text, text, text, origins, st.integers(1, 9), text, parameters),
        *(st.booleans(), st.booleans(), st.booleans(), texts, texts, st.booleans(), docs),
    ),
)


@given(st.lists(stored_facts, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_facts_come_back_as_they_were(tmp_path_factory, facts):
    file = tmp_path_factory.mktemp("facts") / "facts.sqlite"
    store = FactStore.create(file)
    store.add(facts)
    store.seal()
    store.close()
    reader = FactReader.open(file)
    for fact in facts:
        assert fact in reader.named(name_key(fact.full_name))
    reader.close()


parts = st.sampled_from(["..", ".", "", "a", "Цены", "C:", "\\", "b.xml", "Configuration.xml", "\x01", "x" * 300])


@given(st.lists(st.lists(parts, min_size=1, max_size=5).map("/".join).filter(bool), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_leads_out_of_the_folder(tmp_path_factory, monkeypatch, names):
    folder = tmp_path_factory.mktemp("in")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))  # where it is unpacked, so that we see what is left there
    with zipfile.ZipFile(folder / "a.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same name twice, which the standard library only warns of
        for name in names:
            archive.writestr(name, "<a/>")
    with contextlib.suppress(NotADump), opened(folder / "a.zip") as found:
        assert (found.folder / "Configuration.xml").is_file()
    assert [path.name for path in folder.iterdir()] == ["a.zip"]
