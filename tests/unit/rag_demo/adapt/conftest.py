import pytest

from rag_demo.adapt import Recipe, adapt
from rag_demo.configurations import bundled
from rag_demo.ingest import read_configuration


@pytest.fixture(scope="session")
def documents():
    return read_configuration(bundled(), space_id="demo").documents


@pytest.fixture(scope="session")
def adapted(documents, tmp_path_factory):
    """A model trained on the bundled configuration, in fewer and smaller steps than usual."""
    return adapt(
        documents, tmp_path_factory.mktemp("adapted") / "модель", recipe=Recipe(epochs=1, steps=60, dimension=64)
    )
