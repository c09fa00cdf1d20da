"""Events as log lines: with structlog where it is installed, else with the standard library.

Written are the events an operator wants to read about: loading, devices, failures, fall-backs, breakers. Calls and
batches that went well are metrics. A record has no text and no vector, so a line has none either.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Callable
from typing import Any

from hybrid_embeddings import events as ev

_LEVELS: dict[type, int] = {
    ev.LaneLoaded: logging.INFO,
    ev.LaneRefused: logging.WARNING,
    ev.BatchFailed: logging.WARNING,
    ev.BreakerChanged: logging.WARNING,
    ev.BudgetChanged: logging.DEBUG,
    ev.EncodeFinished: logging.DEBUG,
    ev.EncodeFailed: logging.ERROR,
    ev.BatchFinished: logging.DEBUG,
    ev.CacheFailed: logging.WARNING,
    ev.RecordsDamaged: logging.WARNING,
}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LOGGER = "hybrid_embeddings.events"

Write = Callable[[int, str, dict[str, Any]], None]


class LogLines:
    """A subscriber that writes a line per event. ``BatchFailed`` becomes ``batch_failed lane=cpu reason=timeout``."""

    def __init__(self, write: Write | None = None, *, least: int = logging.INFO) -> None:
        """Take where to write.

        Args:
            write: ``write(level, name, fields)``; None: :func:`structlog_writer` if installed, else logging.
            least: least level, as :mod:`logging` counts them: structlog writes all that it is given unless it was
                told not to. With ``logging.DEBUG`` every call and every batch is a line.
        """
        self._write = write or structlog_writer() or stdlib_writer()
        self._least = least

    def __call__(self, event: ev.Event) -> None:
        """Write an event; those without a level are left out."""
        usual = _LEVELS.get(type(event))
        if usual is None or not dataclasses.is_dataclass(event):
            return
        level = _level(event, usual)
        if level >= self._least:
            fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
            self._write(level, _WORD.sub("_", type(event).__name__).lower(), fields)


def structlog_writer() -> Write | None:
    """Return a writer to structlog, as the host program configured it; None if it is not installed."""
    try:
        import structlog
    except ImportError:
        return None
    logger = structlog.get_logger(_LOGGER)

    def write(level: int, name: str, fields: dict[str, Any]) -> None:
        logger.log(level, name, **fields)

    return write


def stdlib_writer() -> Write:
    """Return a writer to the standard library's logger ``hybrid_embeddings.events``; fields go into ``extra``, too."""
    logger = logging.getLogger(_LOGGER)

    def write(level: int, name: str, fields: dict[str, Any]) -> None:
        if logger.isEnabledFor(level):
            said = " ".join(f"{key}={value}" for key, value in fields.items())
            # The standard library reserves names such as "name", so ours stand in a dictionary of their own.
            logger.log(level, "%s %s", name, said, extra={"event": name, "fields": fields})

    return write


def _level(event: ev.Event, usual: int) -> int:
    """A breaker that closes is good news; a call that the caller got wrong is no error of ours."""
    is_good = isinstance(event, ev.BreakerChanged) and event.state == "closed"
    is_callers = isinstance(event, ev.EncodeFailed) and event.fault == "caller"
    return logging.INFO if is_good or is_callers else usual
