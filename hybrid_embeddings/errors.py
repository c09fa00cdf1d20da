"""Every error that the engine raises on purpose.

    HybridEmbeddingsError
    ├── SettingsError (ValueError)        an option has a value that cannot work
    ├── InputError (ValueError)           a text cannot be embedded; names its index
    ├── MissingDependencyError (ImportError)   an optional library is not installed; names the command
    ├── JobError                          a bulk job cannot start or go on; what it has done is safe
    ├── ModelError
    │   ├── ModelNotFound                 no place that we looked in has the model; lists them
    │   ├── ModelCorrupted                a file of the model differs from the published one
    │   └── ModelUnsupported              the model is there, but we do not run it; says why
    └── EncodeError
        ├── Overloaded                    too much is queued already; ``retry_after_s``
        ├── DeadlineExceeded (TimeoutError)    the time that the caller gave is over
        ├── NoLaneAvailable               every device refused or failed; one cause per device
        ├── BadVector                     no healthy device could produce a finite vector
        └── ServiceClosed                 the service was closed before the call ended

They are grouped by what the caller can do: change the settings, change the text, install something,
get another model, try again. Messages say what happened, where, and what to do; they never contain a text.
"""

from __future__ import annotations

from collections.abc import Mapping


class HybridEmbeddingsError(Exception):
    """Base class of all errors of this package."""


class SettingsError(HybridEmbeddingsError, ValueError):
    """An option, an environment variable or a line of ``.env`` cannot be used."""


class InputError(HybridEmbeddingsError, ValueError):
    """A text cannot be embedded. ``index`` is its position in the list, None for the call as a whole."""

    def __init__(self, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class MissingDependencyError(HybridEmbeddingsError, ImportError):
    """An optional library is not installed."""


class JobError(HybridEmbeddingsError):
    """A bulk job cannot start or go on: another run, something else in its place, a full disk."""


class ModelError(HybridEmbeddingsError):
    """Base class: the model cannot be used."""


class ModelNotFound(ModelError):
    """The model is in none of the places that were searched."""


class ModelCorrupted(ModelError):
    """A file of the model is not the published one, or cannot be read."""


class ModelUnsupported(ModelError):
    """The model needs something that this engine does not do."""


class EncodeError(HybridEmbeddingsError):
    """Base class: this call failed."""


class Overloaded(EncodeError):
    """The queue is full. Nothing of the call was queued; try again after ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(EncodeError, TimeoutError):
    """The call did not end within the time that the caller gave."""


class NoLaneAvailable(EncodeError):
    """No device could do the work. ``causes`` maps the name of each lane to what happened there."""

    def __init__(self, message: str, *, causes: Mapping[str, str]) -> None:
        listed = "".join(f"\n  {lane}: {cause}" for lane, cause in sorted(causes.items()))
        super().__init__(message + listed)
        self.causes = dict(causes)


class BadVector(EncodeError):
    """The model gave NaN, infinity or a wrong dimension for the text at ``index``, on every lane."""

    def __init__(self, message: str, *, index: int) -> None:
        super().__init__(message)
        self.index = index


class ServiceClosed(EncodeError):
    """The service was closed."""


class LaneError(HybridEmbeddingsError):
    """A lane could not run a batch. Never leaves the engine: the work goes to another lane."""


class CacheTierError(HybridEmbeddingsError):
    """A cache tier could not do its work. Never leaves a call: it goes on without the tier."""


class LaneOutOfMemory(LaneError):
    """The batch did not fit into the memory of the device."""
