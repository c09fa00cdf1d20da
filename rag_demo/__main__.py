"""``python -m rag_demo`` is ``rag-demo``."""

from __future__ import annotations

import sys

_INTERRUPTED = 130  # what shells report after Ctrl-C


def main() -> int:
    """Run the command line; Ctrl-C while it is being imported is no error either."""
    try:
        from rag_demo.cli import main as run

        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
