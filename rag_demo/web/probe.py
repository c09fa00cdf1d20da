"""``python -m rag_demo.web.probe URL``: exit status 0 if the URL answers 200. For images without curl."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request


def main(arguments: list[str]) -> int:
    """Ask once."""
    try:
        with urllib.request.urlopen(arguments[0], timeout=4) as response:  # noqa: S310 - the URL is the caller's own
            return 0 if response.status == 200 else 1
    except (OSError, ValueError, urllib.error.URLError):
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
