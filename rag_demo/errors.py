"""What can go wrong in the demo, and what the user can do about it.

    RagDemoError
    ├── InputError        the question, a name or an option is not usable
    ├── NotADump          the folder is not a configuration dump that we read
    ├── IndexMissing      nothing has been indexed yet, or not this space
    ├── IndexBusy         another process owns the index
    ├── IndexBroken       its files are damaged or of another version
    └── NoRoom            the disk is too full to build one

Every message says what is wrong, where, and what to do. The command line prints it to standard error
and ends with status 2.
"""

from __future__ import annotations


class RagDemoError(Exception):
    """Base class of every error that this package raises on purpose."""


class InputError(RagDemoError):
    """A question, a name or an option cannot be used as it is."""


class NotADump(RagDemoError):
    """The folder is not a configuration dump in a form that we read."""


class IndexMissing(RagDemoError):
    """There is no index yet, or it does not hold the space that was asked for."""


class IndexBusy(RagDemoError):
    """Another process holds the index open."""


class IndexBroken(RagDemoError):
    """The files of an index are damaged or of another version; indexing again mends it."""


class NoRoom(RagDemoError):
    """The disk has too little room for the index that is to be built."""
