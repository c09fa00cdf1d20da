"""Writes what is made from code: ``env.example``, the table of metrics. A test compares."""

from __future__ import annotations

from pathlib import Path

from hybrid_embeddings.observability.catalogue import METRICS as ENGINE_METRICS
from hybrid_embeddings.observability.catalogue import reference
from hybrid_embeddings.settings import describe as engine_options
from rag_demo.observability.catalogue import LABELS
from rag_demo.observability.catalogue import METRICS as CHAT_METRICS
from rag_demo.settings import describe as demo_options

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "observability.md"
METRICS_BEGIN, METRICS_END = "<!-- metrics:begin -->", "<!-- metrics:end -->"
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


def with_metrics(page: str) -> str:
    """Return a page with the table of metrics between its marks."""
    head, begin, rest = page.partition(METRICS_BEGIN)
    _, end, tail = rest.partition(METRICS_END)
    return f"{head}{begin}\n\n{reference((*ENGINE_METRICS, *CHAT_METRICS), LABELS)}\n{end}{tail}"


if __name__ == "__main__":
    (ROOT / "env.example").write_text(env_example(), encoding="utf-8")
    PAGE.write_text(with_metrics(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
