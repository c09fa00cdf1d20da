"""What the command line shows: progress, answers, and text that survives any terminal."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rag_demo.chat.checking.citations import amended, doubts, reasons
from rag_demo.chat.clean import UNSHOWABLE
from rag_demo.chat.language import is_russian
from rag_demo.index.build import Counts
from rag_demo.index.store import Manifest
from rag_demo.indexing import Report
from rag_demo.types import Answer, Mark, Source

_BAR_WIDTH = 28
_TERMINAL_EVERY_S = 0.1
_LOG_EVERY_S = 15.0  # in a log file a bar is noise; a line now and then shows that it lives
# What takes a while, as a person says it; stages that are not listed say it themselves.
_STAGES = {
    "files": "reading files",
    "docs": "reading documents",
    "compare": "looking for changes",
    "pairs": "collecting examples",
    "tokens": "learning words",
    "translations": "reading comments",
    "training": "training the model",
    "words": "indexing words",
    "vectors": "computing vectors",
}


def replace_closed_streams() -> None:
    """Open the null device for each standard stream that the shell closed (``<&-``).

    Python makes such a stream None, and the next file that is opened, one of the index perhaps, would get its
    number: what a library writes to "standard error" would end up in that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
            # Left open to the end: the number must stay taken.
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def use_utf8() -> None:
    """Write UTF-8 whatever the locale says; what cannot be written is escaped, not an error."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace" if stream is not sys.stdin else "replace")


def say(text: str) -> None:
    """Write a line to standard output, at once."""
    sys.stdout.write(f"{_harmless(text)}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{_harmless(text)}\n")


def _harmless(text: str) -> str:
    """What would steer a terminal is shown as JSON escapes it: a source may hold anything."""
    return UNSHOWABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class ProgressBar:
    """A progress bar with the time left on a terminal, a line now and then elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._stage = ""
        self._started = self._shown = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` items of a stage are finished."""
        now = time.monotonic()
        if stage != self._stage:
            # Somebody who looks on sees at once what has begun: the first news of some stages is their end.
            self._stage, self._started, self._shown = stage, now, 0.0 if self._terminal else now
        every = _TERMINAL_EVERY_S if self._terminal else _LOG_EVERY_S
        if done < total and now - self._shown < every:
            return
        self._shown = now
        passed = _time_left(now - self._started, done, total)
        line = f"{_STAGES.get(stage, stage):<19} {_bar(done, total)} {done:,}/{total:,}  {passed}"
        end = "\n" if done >= total or not self._terminal else ""
        self._stream.write(f"\r{line:<78}{end}" if self._terminal else f"{line}{end}")
        self._stream.flush()


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """The answer as `rag-demo ask --json` prints it."""
    return {
        "question": answer.question,
        "answer": answer.text,
        "refused": answer.refused,
        "degraded": list(answer.degraded),
        "sources": [_source_json(source) for source in answer.sources],
        "timings_ms": answer.timings_ms,
        "standalone": answer.standalone or answer.question,
        "backend": answer.backend,
        "marks": [_mark_json(answer, mark) for mark in answer.marks],
        "cached": answer.cached_s is not None,
        "cached_age_s": answer.cached_s,
    }


def answer_as_text(answer: Answer) -> str:
    """The answer as a person reads it: text with a sign behind what was marked, then `answer_tail`."""
    return "\n".join(filter(None, (amended(answer.text, answer.marks), answer_tail(answer))))


def answer_tail(answer: Answer) -> str:
    """What comes behind the text: marked sentences with reasons, the numbered sources, what was missing."""
    russian = is_russian(answer.question)
    blocks = [[doubts(answer.text, answer.marks, russian=russian)] if answer.marks else []]
    blocks.append([_source_line(source) for source in answer.sources])
    missing = [part for part in answer.degraded if part != "cut"]
    blocks.append([f"(made without: {', '.join(missing)})"] if missing else [])
    blocks.append(["(cut off: the language model was not done)"] if "cut" in answer.degraded else [])
    blocks.append([f"(answered {answer.cached_s:.0f} s ago)"] if answer.cached_s is not None else [])
    return "".join("\n" + "\n".join(block) + "\n" for block in blocks if block).rstrip("\n")


def report_as_text(done: Report) -> str:
    """One line on what indexing did."""
    manifest, seconds = done.manifest, f"{done.elapsed_s:.1f} s"
    name = " ".join(filter(None, (manifest.configuration_name, manifest.configuration_version)))
    if done.is_unchanged:
        return f"Space {manifest.space_id!r} is up to date with {name} ({seconds})."
    if done.rebuilt:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(manifest.counts.items()))
        return f"Indexed {name} as space {manifest.space_id!r} in {seconds}: {kinds}."
    files, documents = (_counted(counts) for counts in (done.files, done.documents))
    return f"Updated space {manifest.space_id!r} in {seconds}: files {files}; documents {documents}."


def spaces_as_text(manifests: Sequence[Manifest]) -> str:
    """One paragraph on each space."""
    return "\n".join(
        f"{manifest.space_id}: {' '.join(filter(None, (manifest.configuration_name, manifest.configuration_version)))} "
        f"({manifest.source_format}), {sum(manifest.counts.values()):,} documents, {manifest.problems:,} problems\n"
        f"    from {', '.join([manifest.source, *manifest.documents_folders])}\n"
        f"    {manifest.created}, revision {manifest.revision}, model {manifest.model_name}"
        for manifest in manifests
    )


def _counted(counts: Counts) -> str:
    return f"{counts.added:,} added, {counts.changed:,} changed, {counts.removed:,} removed"


def _mark_json(answer: Answer, mark: Mark) -> dict[str, Any]:
    reason = reasons(mark, russian=is_russian(answer.question))
    return {"start": mark.start, "end": mark.end, "problems": list(mark.problems), "reason": reason}


def _source_json(source: Source) -> dict[str, Any]:
    document = source.hit.document
    return {
        "n": source.n,
        "path": document.path,
        "line_start": document.line_start,
        "line_end": document.line_end,
        "full_name": document.full_name,
        "doc_type": document.doc_type,
        "score": source.hit.score,
        "legs": {leg: {"rank": place.rank, "score": place.score} for leg, place in source.hit.legs.items()},
        "text": document.text,
    }


def explanation(sources: Sequence[Mapping[str, Any]]) -> str:
    """Why each source stands where it does: its score, and rank and score in each leg that found it.

    Args:
        sources: as `answer_as_json` has them.
    """
    lines = []
    for source in sources:
        legs = (f"{leg} #{place['rank']} ({place['score']:.3f})" for leg, place in sorted(source["legs"].items()))
        lines.append(f"[{source['n']}] {source['score']:.3f}  {', '.join(legs)}  {source['full_name']}")
    return "\n".join(lines)


def _source_line(source: Source) -> str:
    document = source.hit.document
    return f"[{source.n}] {document.path}:{document.line_start}-{document.line_end}  {document.full_name}"


def _bar(done: int, total: int) -> str:
    filled = _BAR_WIDTH * done // max(total, 1)
    return f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]"


def _time_left(elapsed_s: float, done: int, total: int) -> str:
    if done >= total:
        return f"{elapsed_s:.1f} s"
    if not done:
        return ""
    left = elapsed_s / done * (total - done)
    return f"{int(left) // 60}:{int(left) % 60:02d} left"
