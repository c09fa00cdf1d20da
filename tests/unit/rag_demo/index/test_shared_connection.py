"""Readers that threads share run one statement at a time: from Python 3.12 on `sqlite3` mixes up two that overlap."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.fact_store import FactReader


class Watched:
    """A connection whose statements last until a second one begins, or no second one has come."""

    def __init__(self):
        self.both = threading.Barrier(2)
        self.overlapped = False

    def execute(self, statement, values):
        try:
            self.both.wait(0.2)
            self.overlapped = True
        except threading.BrokenBarrierError:
            self.both.reset()
        return self

    def fetchall(self):
        return []


@pytest.mark.parametrize(
    ("kind", "read"),
    [(CatalogueReader, CatalogueReader.names), (FactReader, lambda reader: reader.named("валюты"))],
    ids=["catalogue", "facts"],
)
def test_statements_of_two_threads_do_not_overlap(kind, read):
    connection = Watched()
    reader = kind(connection, 1)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: read(reader), range(2))) == [[], []]
    assert not connection.overlapped
