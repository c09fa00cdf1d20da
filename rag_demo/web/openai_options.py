"""Options of OpenAI's chat API. One that would change the form of an answer is refused, not passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag_demo.web.guard import Refused

_NONE: tuple[Any, ...] = (None, False, 0, "", [], {})
# Option → values that ask for nothing else than what is given anyway, and why others are refused.
_FIXED: dict[str, tuple[tuple[Any, ...], str]] = {
    "n": ((None, 1), "one answer is given"),
    "stop": (_NONE, "an answer is checked as a whole and never cut at a word"),
    "tools": (_NONE, "this chat calls no tools; the server offers some over MCP at /mcp"),
    "functions": (_NONE, "this chat calls no functions"),
    "tool_choice": ((None, "none", "auto"), "this chat calls no tools"),
    "function_call": ((None, "none", "auto"), "this chat calls no functions"),
    "response_format": ((None, {"type": "text"}), "answers are text with citations"),
    "logprobs": (_NONE, "probabilities are not known"),
    "top_logprobs": (_NONE, "probabilities are not known"),
    "modalities": ((None, [], ["text"]), "answers are text"),
    "audio": (_NONE, "answers are text"),
    "web_search_options": (_NONE, "answers rest on the index alone"),
}


def check_options(given: Mapping[str, Any]) -> None:
    """Let through what changes nothing of the form of an answer.

    Options of sampling (``temperature``, ``max_tokens``, ``seed`` and the like) pass and are not used: they are those
    of the server.

    Raises:
        Refused: another option is set.
    """
    for name, (allowed, why) in _FIXED.items():
        if given.get(name) not in allowed:
            raise Refused(400, "unsupported_parameter", f"{name} cannot be used: {why}. Leave it out.")
