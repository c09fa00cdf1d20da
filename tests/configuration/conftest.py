"""The dumps and what the survey finds in them, read once."""

import pytest

from rag_demo.configurations import bundled, bundled_extension, survey


@pytest.fixture(scope="session")
def dump():
    return bundled()


@pytest.fixture(scope="session")
def objects(dump):
    return survey.objects(dump)


@pytest.fixture(scope="session")
def modules(dump):
    return survey.modules(dump)


@pytest.fixture(scope="session")
def methods(modules):
    return [method for module in modules for method in module.methods]


@pytest.fixture(scope="session")
def extension_objects():
    return survey.objects(bundled_extension())


@pytest.fixture(scope="session")
def extension_modules():
    return survey.modules(bundled_extension())


@pytest.fixture(scope="session")
def names(dump):
    return survey.known_names(dump)
