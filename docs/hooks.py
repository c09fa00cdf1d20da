"""What the site shows otherwise than the repository: links that lead out of it, and roles in docstrings."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)")
_ROLE = re.compile(r":(?:attr|class|func|meth|mod):(?=<code>)")
_log = logging.getLogger("mkdocs.hooks.links")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Replace links that lead nowhere on the site by their text; one to nothing at all fails a strict build."""
    root = Path(config.docs_dir).resolve()
    folder = (root / page.file.src_uri).parent

    def replace(match: re.Match[str]) -> str:
        target = (folder / match[2]).resolve()
        if not target.exists():
            _log.warning("%s: no such file: %s", page.file.src_uri, match[2])
        is_on_site = target.is_relative_to(root) and target.is_file() and target.suffix != ".py"
        return match[0] if is_on_site else match[1]

    return _LINK.sub(replace, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Remove the roles of docstrings (``:meth:`` and the like), which Markdown does not know."""
    return _ROLE.sub("", html)
