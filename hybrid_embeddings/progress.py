"""A progress bar that costs nothing when nobody wants it. The only file that imports ``tqdm``."""

from __future__ import annotations

from typing import Any


class ProgressBar:
    """Counts texts on standard error; without ``wanted`` it does nothing."""

    def __init__(self, total: int | None, *, wanted: bool, done: int = 0) -> None:
        self._bar: Any = None
        if wanted:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, initial=done, unit="text", desc="embedding")

    def advance(self, count: int) -> None:
        """Count finished texts."""
        if self._bar is not None:
            self._bar.update(count)

    def close(self) -> None:
        """Leave the bar as it is and end its line."""
        if self._bar is not None:
            self._bar.close()
