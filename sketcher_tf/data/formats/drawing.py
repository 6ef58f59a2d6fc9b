"""The one form in which every reader hands over a drawing."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing read from a file, not yet scaled for the model.

    Attributes:
        stroke3: float32 [N, 3], offsets in pixels; N is at least 2.
        labels: factor name -> value, e.g. `{"category": "cat"}`.
        key: identifies the drawing; its hash decides the split.
        split: `train`, `valid` or `test` where the source says so, else "".
    """

    stroke3: np.ndarray
    labels: Mapping[str, str]
    key: str
    split: str = ""


class BadDrawingError(ValueError):
    """A row that is not a drawing we can use. `cause` is what is counted."""

    def __init__(self, cause: str, where: str, detail: str = "") -> None:
        super().__init__(f"{where}: {cause}{': ' + detail if detail else ''}")
        self.cause = cause


@dataclass
class SkipReport:
    """Counts bad rows by cause; with `strict` the first one is raised."""

    strict: bool = False
    causes: Counter[str] = field(default_factory=Counter)

    def add(self, error: BadDrawingError) -> None:
        """Counts `error`.

        Raises:
            BadDrawingError: `error` itself, if `strict`.
        """
        if self.strict:
            raise error
        self.causes[error.cause] += 1

    def summary(self) -> str:
        """One line for the log, e.g. `3 skipped: 2 too long, 1 no points`."""
        parts = ", ".join(f"{n} {c}" for c, n in self.causes.most_common())
        return f"{self.causes.total()} rows skipped: {parts}" if parts else ""
