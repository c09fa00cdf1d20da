"""Using an adapted model, which must stay cheap to start: training is another matter."""

from __future__ import annotations

import subprocess
import sys


def test_using_a_model_loads_nothing_that_training_needs():
    code = (
        "import sys; from rag_demo.adapt import FieldEmbedder, layered_passage;"
        "print(sorted({'torch', 'scipy', 'tokenizers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "[]", done.stderr
