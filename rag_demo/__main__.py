"""``python -m rag_demo`` is ``rag-demo``."""

from __future__ import annotations

import sys

from rag_demo.cli import main

sys.exit(main())
