"""What every reader asks of a row before it hands over a `Drawing`."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sketcher_tf.data.formats.drawing import (
    BadDrawingError,
    Drawing,
    SkipReport,
)

Row = TypeVar("Row")


@dataclass(frozen=True)
class Rules:
    """Which drawings are taken.

    Attributes:
        max_seq_len: points of the longest drawing taken.
        categories: the categories taken; None takes all.
    """

    max_seq_len: int = 250
    categories: frozenset[str] | None = None

    def check_category(self, category: str | None, where: str) -> None:
        """Refuses a category that is not wanted; None is no category."""
        if self.categories is None or category is None:
            return
        if category not in self.categories:
            raise BadDrawingError("unknown category", where, category)

    def drawing(
        self,
        stroke3: np.ndarray,
        labels: Mapping[str, str],
        where: str,
        *,
        key: str = "",
        split: str = "",
    ) -> Drawing:
        """Checks a row and makes it a drawing.

        Args:
            stroke3: float32 [N, 3]; refused if it has any other shape.
            labels: factor name -> value.
            where: the file and line, for the error.
            key: the drawing's identity; "" takes a hash of its points.
            split: the split that the file names.

        Raises:
            BadDrawingError: the row cannot be used.
        """
        self.check_category(labels.get("category"), where)
        _check_points(stroke3, where)
        if len(stroke3) > self.max_seq_len:
            raise BadDrawingError(
                "too long", where, f"{len(stroke3)} points > {self.max_seq_len}"
            )
        return Drawing(stroke3, labels, key or content_key(stroke3), split)


def content_key(stroke3: np.ndarray) -> str:
    """A key of the points themselves, so that equal drawings share a split."""
    return hashlib.blake2b(stroke3.tobytes(), digest_size=8).hexdigest()


def parse_rows(
    rows: Iterable[tuple[str, Row]],
    parse: Callable[[Row, str], Drawing],
    report: SkipReport,
) -> Iterator[Drawing]:
    """Parses (where, row) one by one; bad rows go to `report`."""
    for where, row in rows:
        try:
            drawing = parse(row, where)
        except BadDrawingError as error:
            report.add(error)
        else:
            yield drawing


def check_finite(polylines: Sequence[np.ndarray], where: str) -> None:
    """Refuses coordinates that are not finite in float32."""
    if not len(polylines):
        return
    points = np.concatenate(polylines)
    limit = np.finfo(np.float32).max / 4  # so that differences are finite too
    if not (np.abs(points) < limit).all():  # False for NaN as well
        raise BadDrawingError("not finite", where)


def _check_points(stroke3: np.ndarray, where: str) -> None:
    if stroke3.ndim != 2 or stroke3.shape[1] != 3:
        raise BadDrawingError(
            "wrong shape", where, f"expected [N, 3], received {stroke3.shape}"
        )
    if not len(stroke3):
        raise BadDrawingError("no points", where)
    if not np.isfinite(stroke3).all():
        raise BadDrawingError("not finite", where)
    if ((stroke3[:, 2] != 0) & (stroke3[:, 2] != 1)).any():
        raise BadDrawingError("wrong pen state", where, "must be 0 or 1")
    # Points that all coincide have no size, hence nothing to scale or draw.
    if not stroke3[1:, :2].any():
        raise BadDrawingError("one point", where)
