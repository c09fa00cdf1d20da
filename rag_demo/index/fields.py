"""What of a document the word search looks at: four fields of counted terms, the same for every engine."""

from __future__ import annotations

from collections import Counter

from rag_demo.index.analyse import terms as analysed
from rag_demo.types import Document

# What a match in a field is worth; the own name of a document counts twice besides (`field_terms`). Measured with
# 581 questions over 4,148 methods of a public library, the description of each method kept out of the index:
# hit@10 .69 with these, about .66 with a name worth 3, .60 by names alone, .61 by bodies alone.
BOOSTS: dict[str, float] = {"name": 1.5, "synonym": 2.0, "doc": 1.5, "body": 1.0}
# What a word that was not said, but means the same, is worth beside one that was.
OTHER_WORD = 0.7
# Longer bodies say nothing new after this many terms; it bounds the time that one huge method may take.
_BODY_TERMS = 1500


def field_terms(document: Document) -> dict[str, Counter[str]]:
    """Terms of the searched fields of a document, counted."""
    # The synonym of a method is that of its module: repeated in each of them it only blurs (hit@10 .613 with it).
    synonym = "" if document.doc_type == "method" else document.synonym
    return {
        # The own name twice: "ПолучитьКурс" of any module before all the rest of «РаботаСКурсами».
        "name": Counter(analysed(document.name) * 2 + analysed(document.object_name)),
        "synonym": Counter(analysed(synonym)),
        "doc": Counter(analysed(document.doc)),
        "body": Counter(analysed(f"{document.signature}\n{document.body}", code=True)[:_BODY_TERMS]),
    }
