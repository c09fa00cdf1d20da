"""What can go wrong in the demo, and what the user can do about it.

    RagDemoError
    ├── InputError        the question, a name or an option is not usable
    │   └── TooLittle     there is too little to train a model on
    ├── NotADump          the folder is not a configuration dump that we read
    ├── IndexMissing      nothing has been indexed yet, or not this space
    ├── IndexBusy         another process owns the index
    ├── IndexBroken       its files are damaged or of another version
    ├── VectorsAway       the Qdrant server cannot be reached, or refuses the key
    ├── NoRoom            the disk is too full to build one
    ├── PlanRefused       a set-up does not fit its machine, or would cut prompts
    └── LlmError          no answer of a language model
        ├── LlmUnavailable    the server is not reached, or fails itself
        ├── LlmInterrupted    the answer broke off
        ├── LlmTimeout        the first token, the next one or the end took too long
        ├── LlmOverloaded     too many questions at once; ``retry_after_s``
        ├── LlmRefused        the server refuses the request: key, model, option
        ├── ContextOverflow   question and sources do not fit the window of the model
        └── EmptyAnswer       the model thought, but did not answer

Every message says what is wrong, where, and what to do. The command line prints it to standard error
and ends with status 2.
"""

from __future__ import annotations


class RagDemoError(Exception):
    """Base class of every error that this package raises on purpose."""


class InputError(RagDemoError):
    """A question, a name or an option cannot be used as it is."""


class TooLittle(InputError):
    """There is too little text to train a model on."""


class NotADump(RagDemoError):
    """The folder is not a configuration dump in a form that we read."""


class IndexMissing(RagDemoError):
    """There is no index yet, or it does not hold the space that was asked for."""


class IndexBusy(RagDemoError):
    """Another process holds the index open."""


class IndexBroken(RagDemoError):
    """The files of an index are damaged or of another version; indexing again mends it."""


class VectorsAway(RagDemoError):
    """The server that keeps the vectors cannot be reached, is overloaded, or refuses the key. It may come back."""


class NoRoom(RagDemoError):
    """The disk has too little room for the index that is to be built."""


class PlanRefused(RagDemoError):
    """A set-up does not fit the machine, or its window would cut prompts or answers."""


class LlmError(RagDemoError):
    """A language model did not answer. ``retryable``: the same request may succeed later or elsewhere."""

    retryable = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LlmUnavailable(LlmError):
    """The server cannot be reached, or reports a failure of its own."""

    retryable = True


class LlmInterrupted(LlmUnavailable):
    """The answer broke off: the stream ended without its end mark, or with an error in it."""


class LlmTimeout(LlmError):
    """The first token, the next one or the end did not come in time."""


class LlmOverloaded(LlmError):
    """Too many questions at once, here or in the server; try again after ``retry_after_s`` seconds."""

    retryable = True


class LlmRefused(LlmError):
    """The server refuses the request: a wrong key, an unknown model, an option that it does not take."""


class ContextOverflow(LlmRefused):
    """Prompt and answer together do not fit the window of the model. Nothing was cut."""


class EmptyAnswer(LlmError):
    """The model ended without a word of answer."""
