"""Writes the files that are made from code: ``env.example``. ``python docs/generate.py``; a test compares."""

from __future__ import annotations

from pathlib import Path

from hybrid_embeddings.settings import describe as engine_options
from rag_demo.settings import describe as demo_options

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every option with its default. Copy to .env and uncomment what you want to change.
# Arguments of a program beat the environment, the environment beats .env.
"""


def env_example() -> str:
    """Return the text of ``env.example``."""
    sections = {
        "The embedding engine": engine_options(),
        "rag-demo": [(option.name, option.default, option.meaning) for option in demo_options()],
    }
    lines = [HEADER]
    for title, options in sections.items():
        lines.append(f"# --- {title}\n")
        lines += [f"# {meaning}\n# {name}={default}\n" for name, default, meaning in options]
    return "\n".join(lines)


if __name__ == "__main__":
    (ROOT / "env.example").write_text(env_example(), encoding="utf-8")
