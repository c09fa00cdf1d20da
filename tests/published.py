"""Published schemas of other programs, no part of this repository: ``HYBRID_SPECS_DIR`` names their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Resolved when the tests are collected: each of them runs in a folder of its own.
PUBLISHED_SCHEMAS = Path(os.environ.get("HYBRID_SPECS_DIR") or "no folder").resolve()
needs_published_schemas = pytest.mark.skipif(
    not PUBLISHED_SCHEMAS.is_dir(), reason="HYBRID_SPECS_DIR names no folder of published schemas"
)
