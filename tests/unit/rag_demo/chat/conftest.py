from __future__ import annotations

import pytest

from rag_demo.index.fact_store import FactStore
from rag_demo.index.facts import Facts
from tests.unit.rag_demo.chat.lies import ingested


@pytest.fixture(scope="package")
def facts(tmp_path_factory):
    store = FactStore.create(tmp_path_factory.mktemp("facts") / "facts.sqlite")
    store.add(ingested().facts)
    store.seal()
    facts = Facts([store.at(1)])
    yield facts
    facts.close()
    store.close()
