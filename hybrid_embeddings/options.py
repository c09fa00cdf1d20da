"""What an option is, and how its text is read: by argument, from the environment, from ``.env``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

from hybrid_embeddings.errors import SettingsError

_MOST_SECONDS = 1e9  # thirty years; every option with a fraction is a time
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def truth(value: str) -> bool:
    """Read 1, 0, true, false, yes, no, on, off."""
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("expected one of 1, 0, true, false, yes, no, on, off")
    return word in _TRUE


def positive_int(value: str | int) -> int:
    """Read a whole number of at least 1."""
    number = int(value)
    if number < 1 or (isinstance(value, float) and value != number):
        raise ValueError("expected a whole number of at least 1")
    return number


def positive_float(value: str | float) -> float:
    """Read a number above 0."""
    number = float(value)
    if not 0 < number <= _MOST_SECONDS:
        raise ValueError(f"expected a number above 0, at most {_MOST_SECONDS:,.0f}")
    return number


def inner_share(value: str | float) -> float:
    """Read a number between 0 and 1, both excluded."""
    number = float(value)
    if not 0 < number < 1:
        raise ValueError("expected a share between 0 and 1, both excluded")
    return number


def share(value: str | float) -> float:
    """Read a number above 0, at most 1."""
    number = float(value)
    if not 0 < number <= 1:
        raise ValueError("expected a number above 0, at most 1")
    return number


def text(value: object) -> str:
    """Take a text as it is."""
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def choice(*allowed: str) -> Callable[[Any], str]:
    """Return what reads one of some words."""

    def parse(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return str(value)

    return parse


def path(value: str | os.PathLike[str]) -> Path:
    """Read a path; ``~`` is the home folder."""
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # "~name" of an unknown user
        raise ValueError(str(error)) from error


def option(default: Any, env: str, parse: Callable[[Any], Any], meaning: str, *, secret: bool = False) -> Any:
    """Declare an option: its default, variable, reader, and its line in the documentation."""
    metadata = {"env": env, "parse": parse, "meaning": meaning, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


def parsed(parse: Callable[[Any], Any], raw: Any, origin: str, *, secret: bool = False) -> Any:
    """Return the value of an option.

    Args:
        parse: the reader of the option.
        raw: a value, or its text.
        origin: where it came from, for messages.
        secret: not shown in messages.

    Raises:
        SettingsError: it cannot be used; names where it came from.
    """
    shown = "***" if secret else repr(raw)
    if parse is truth and isinstance(raw, bool):
        return raw
    if parse is not truth and isinstance(raw, bool):
        raise SettingsError(f"{origin}: {shown} cannot be used: expected no truth value")
    try:
        return parse(raw)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise SettingsError(f"{origin}: {shown} cannot be used: {error}") from error


def check(parse: Callable[[Any], Any], value: Any, origin: str, *, secret: bool = False) -> None:
    """Refuse a value that is used as it is; arguments and errors as of :func:`parsed`."""
    read = parsed(parse, value, origin, secret=secret)
    if isinstance(value, str) and not isinstance(read, str):
        wanted = type(read).__name__
        raise SettingsError(f"{origin}: {value!r} is a text, expected {wanted}; Settings.load() reads texts")


def read_env_file(path: Path) -> dict[str, str]:
    """Read ``NAME=value`` lines; ``#`` comments, an ``export`` before the name and quotes are understood.

    Other lines are left alone: the file may belong to another program, too.

    Raises:
        SettingsError: the file cannot be read as UTF-8; names it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}; save it as UTF-8 text") from error
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip().isidentifier():
            found[name.strip()] = _unquote(value)
    return found


def _unquote(value: str) -> str:
    bare = value.lstrip()
    if bare[:1] in {'"', "'"} and (end := bare.find(bare[0], 1)) > 0:
        return bare[1:end]
    # A comment begins behind a blank, also where there is no value before it.
    return re.split(r"\s#", value, maxsplit=1)[0].strip()
