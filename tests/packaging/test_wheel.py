"""The wheel holds what it should and imports from nothing but itself."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(target.glob("*.whl"))


def test_content(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert top == {"hybrid_embeddings", "rag_demo", "langchain_hybrid_embeddings", "llama_index"}
    for needed in (
        "hybrid_embeddings/py.typed",
        "llama_index/embeddings/hybrid/base.py",
        "rag_demo/classify/parameters.npz",
        "rag_demo/classify/passages/train.yaml",
        "rag_demo/configurations/trade/designer/Configuration.xml",
        "rag_demo/configurations/trade/designer/Catalogs/Контрагенты.xml",
    ):
        assert needed in names
    # PEP 420: an __init__.py there would hide LlamaIndex itself
    assert not {"llama_index/__init__.py", "llama_index/embeddings/__init__.py"} & set(names)


def test_all_four_packages_import_from_the_installed_wheel(wheel, tmp_path):
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True, timeout=200, capture_output=True)
    code = """
import hybrid_embeddings, rag_demo.cli, langchain_hybrid_embeddings, llama_index.embeddings.hybrid
import llama_index.core
from rag_demo.configurations import bundled
print(*(m.__file__ for m in (
    hybrid_embeddings, rag_demo.cli, langchain_hybrid_embeddings, llama_index.embeddings.hybrid)), bundled(), sep="\\n")
"""
    # -S and an explicit path: the source folder of an editable installation must not be found.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    environ = {"PYTHONPATH": ":".join([str(target), *libraries]), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=100, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 5
    assert all(line.startswith(str(target)) for line in done.stdout.split())


def test_command_line_is_installed():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("rag-demo")), "--help"], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
