"""Long texts cut for showing. Pure functions."""

from __future__ import annotations


def shortened(text: str, most: int) -> str:
    """At most about ``most`` characters of a text, cut between two words; that it was cut is shown."""
    return text if len(text) <= most else text[:most].rsplit(maxsplit=1)[0] + " …"
