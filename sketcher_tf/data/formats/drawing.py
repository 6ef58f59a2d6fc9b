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
        self.where = where
        self.detail = detail

    def __reduce__(self) -> tuple:
        return type(self), (self.cause, self.where, self.detail)


@dataclass
class SkipReport:
    """What became of the rows that could not be taken as they are.

    Attributes:
        strict: raise the first bad row.
        causes: bad rows, by cause.
        notes: rows that are used but odd, by what was done about it.
        examples: cause or note -> the first place, and what is wrong there.
    """

    strict: bool = False
    causes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, error: BadDrawingError) -> None:
        """Counts `error`.

        Raises:
            BadDrawingError: `error` itself, if `strict`.
        """
        if self.strict:
            raise error
        self.causes[error.cause] += 1
        self._remember(error.cause, error.where, error.detail)

    def note(self, what: str, where: str, detail: str = "") -> None:
        """Counts a row that is used, and what is odd about it."""
        self.notes[what] += 1
        self._remember(what, where, detail)

    def _remember(self, kind: str, where: str, detail: str) -> None:
        prefix = f"{detail}, first in " if detail else "first in "
        self.examples.setdefault(kind, prefix + where)

    def update(self, other: "SkipReport") -> None:
        """Adds what another report has counted; its examples come second."""
        self.causes.update(other.causes)
        self.notes.update(other.notes)
        self.examples = {**other.examples, **self.examples}

    def summary(self) -> str:
        """One line for the log on the rows that were skipped; "" if none were.

        `3 rows skipped: 2 too long (401 points > 250, first in a.json:7), ...`
        """
        number = self.causes.total()
        parts = ", ".join(
            f"{n} {cause} ({self.examples[cause]})"
            for cause, n in self.causes.most_common()
        )
        return f"{_rows(number)} skipped: {parts}" if parts else ""

    def messages(self) -> list[str]:
        """The summary, and a line for each kind of change."""
        changed = [
            f"{_rows(number)} {what} ({self.examples[what]})"
            for what, number in self.notes.most_common()
        ]
        return [text for text in (self.summary(), *changed) if text]


def _rows(number: int) -> str:
    return f"{number} row{'s' if number != 1 else ''}"
