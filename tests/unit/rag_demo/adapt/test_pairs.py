from rag_demo.adapt.fields import Fields, fields_of, layered_passage, split_passage, traits
from rag_demo.adapt.pairs import PairMaker, remarks
from rag_demo.adapt.tokenizer import train_tokenizer
from rag_demo.testing import make_document

TEXT = """// Возвращает цену товара на дату.
Функция ПолучитьЦену(Товар, Дата) Экспорт
\t// Скидки здесь нарочно
\t// не учитываются вовсе.
\tЦена = 1; // не отдельная строка
\t// СтараяЦена = 2;
\tВозврат Цена;
КонецФункции"""


def test_a_passage_is_its_fields_in_lines():
    document = make_document(body="Строка = 1;\n\nВторая", doc="Первая.\nВторая.")
    fields = fields_of(document)
    assert fields.name == "ПолучитьЦену"
    assert fields.owner.startswith("Цены")
    assert fields.doc == "Первая. Вторая."
    assert fields.body == "Товар, Дата) Строка = 1; Вторая"
    assert split_passage(layered_passage(document)) == fields


def test_any_other_text_is_a_body():
    assert split_passage("две\nстроки") == Fields("", "", "", "", "две строки")
    assert split_passage("") == Fields("", "", "", "", "")


def test_traits_tell_the_sort_of_a_method_in_one_token_each():
    method = make_document(
        "CommonModule.ЦеныПереопределяемый.Метод",
        is_function=False,
        export=True,
        context="НаСервереБезКонтекста",
        module_kind="CommonModule",
        signature="Процедура Метод(Цены, Дата = '00010101') Экспорт",
        body="х" * 5,
    )
    words = traits(method).split()
    expected = "procedure exported насерверебезконтекста commonmodule commonmodule модульпереопределяемый sized takesc"
    assert words == expected.split()
    tokenizer = train_tokenizer(PairMaker().words([method] * 2))
    assert all(len(tokenizer.encode(word, add_special_tokens=False).ids) == 1 for word in words)
    assert traits(make_document(doc_type="metadata_object")) == ""


def test_traits_of_a_method_without_parameters_and_code():
    words = traits(make_document(signature="Функция Один()", body="", is_function=True)).split()
    assert words[0] == "function"
    assert words[-2:] == ["sizea", "takesa"]


def test_comments_never_see_themselves():
    pairs = list(PairMaker().pairs([make_document(text=TEXT)]))
    comments = [pair for pair in pairs if pair.source in {"comment", "description"}]
    assert comments
    assert not any(pair.fields.doc for pair in comments)


def test_a_name_never_sees_itself():
    names = [pair for pair in PairMaker().pairs([make_document(text=TEXT)]) if pair.source == "name"]
    assert [pair.text for pair in names] == ["ПолучитьЦену"]
    assert not names[0].fields.name


def test_remarks_are_comments_inside_the_code():
    assert list(remarks(TEXT)) == ["Скидки здесь нарочно не учитываются вовсе."]


def test_excluded_texts_are_in_no_pair_and_teach_no_words():
    withheld = "Скидки здесь нарочно не учитываются вовсе."
    body = f"{withheld}\nЦена = 1;"
    document = make_document(text=TEXT, body=body, doc="Возвращает цену товара на дату.")
    maker = PairMaker(lambda text: "нарочно" in text or "Возвращает" in text)
    assert not [pair for pair in maker.pairs([document]) if "нарочно" in pair.text or "Возвращает" in pair.text]
    words = " ".join(maker.words([document]))
    assert "нарочно" not in words
    assert "Возвращает" not in words
    assert "Цена = 1" in words


def test_a_handler_belongs_to_its_subscription():
    method = make_document("CommonModule.Цены.ПриЗаписи")
    subscription = make_document(
        "EventSubscription.ЗаписьЦен",
        doc_type="metadata_object",
        synonym="Запись цен",
        body="Обработчик: Общий модуль Цены.ПриЗаписи",
        doc="",
    )
    pairs = [pair for pair in PairMaker().pairs([method, subscription]) if pair.source == "handler"]
    assert [(pair.text, pair.document) for pair in pairs] == [("ЗаписьЦен Запись цен", 0)]


def test_help_belongs_to_its_object():
    card = make_document("Catalog.Валюты", doc_type="metadata_object", body="Код: Строка(3)", doc="")
    page = make_document("Catalog.Валюты", doc_id="help", doc_type="help", body="Список валют и их курсов.", doc="")
    pairs = [pair for pair in PairMaker().pairs([page, card]) if pair.source == "help"]
    assert ("Список валют и их курсов.", 1) in [(pair.text, pair.document) for pair in pairs]
