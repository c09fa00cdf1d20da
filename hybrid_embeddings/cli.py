"""``hybrid-embeddings``: the command line of the engine. One module of :mod:`hybrid_embeddings.commands` per command.

Such a module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(options) -> int``, the exit status. It is
imported for each use of the command line, so it must import what is heavy where it uses it.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from hybrid_embeddings import __version__
from hybrid_embeddings.errors import HybridEmbeddingsError

COMMANDS = ("cache", "doctor", "embed", "serve_metrics")
"""Names of the commands and of their modules; ``_`` in the name of a module is ``-`` on the command line."""

_INTERRUPTED = 130  # what shells report after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 1 something is wrong, 2 wrong input, 130 interrupted."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # Paths may hold bytes that are no UTF-8: a message about one must not fail itself.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`… | head -1`); Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (HybridEmbeddingsError, OSError) as error:
        print(f"hybrid-embeddings: {error}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hybrid-embeddings", description="A local embedding engine.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"hybrid_embeddings.commands.{name}")
        command = commands.add_parser(name.replace("_", "-"), help=module.HELP, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
