"""Addresses of stores, as people may see them."""

from __future__ import annotations

import re


def masked(text: str) -> str:
    """Replace the password of every URL in a text, and those given as ``password=…``, by ``***``."""
    text = re.sub(r"(?<=://)([^:/@\s]*):\S*@", r"\1:***@", text)
    return re.sub(r"(?i)((?:password|passwd|pwd)=)[^&\s]+", r"\1***", text)
