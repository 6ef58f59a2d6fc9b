"""What every reader asks of a row before it hands over a `Drawing`."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from sketcher_tf.data.formats.drawing import (
    BadDrawingError,
    Drawing,
    SkipReport,
)
from sketcher_tf.data.formats.placement import (
    Placement,
    Size,
    is_dense,
)
from sketcher_tf.data.formats.simplify import ink, shorten, simplify
from sketcher_tf.schema import Schema
from sketcher_tf.strokes import (
    Lines,
    bounds,
    polylines_to_stroke3,
    stroke3_to_polylines,
)

Row = TypeVar("Row")

# Of the longest side: ink that is simplified; more would take seconds.
_MAX_INK = 400


@dataclass(frozen=True)
class Rules:
    """Which drawings are taken, and how.

    Attributes:
        max_seq_len: points of the longest drawing taken.
        categories: the categories taken; None takes all.
        relabel: the file's category stands above the words in its rows.
        placement: where drawings go.
        for_model: drawings are given to a model: those with too many points
            are simplified further instead of refused, and sizes far from the
            model's are noted.
    """

    max_seq_len: int = 250
    categories: frozenset[str] | None = None
    relabel: bool = False
    placement: Placement = field(default_factory=Placement)
    for_model: bool = False

    @classmethod
    def of_model(cls, schema: Schema, placement: Placement) -> "Rules":
        """The rules for drawings that are given to a model.

        Args:
            schema: the model's.
            placement: what is known of the drawings; the size is the model's.
        """
        return cls(
            schema.max_seq_len,
            placement=replace(placement, size_px=schema.size_px),
            for_model=True,
        )


@dataclass(frozen=True)
class Intake:
    """Makes drawings of rows by the rules, and reports on all others."""

    rules: Rules = field(default_factory=Rules)
    report: SkipReport = field(default_factory=SkipReport)

    def each(
        self,
        rows: Iterable[tuple[str, Row]],
        parse: Callable[[Row, str], Drawing],
    ) -> Iterator[Drawing]:
        """Parses (where, row) one by one; bad rows go to the report."""
        for where, row in rows:
            try:
                drawing = parse(row, where)
            except BadDrawingError as error:
                self.report.add(error)
            else:
                yield drawing

    def check_category(self, category: str | None, where: str) -> None:
        """Refuses a category that is not wanted; None is no category."""
        wanted = self.rules.categories
        if wanted is None or category is None or category in wanted:
            return
        raise BadDrawingError("unknown category", where, category)

    def polylines(
        self,
        lines: Lines,
        labels: Mapping[str, str],
        where: str,
        *,
        key: str = "",
        canvas: Size | None = None,
        recorded: bool = False,
    ) -> Drawing:
        """Places absolute strokes and makes them a drawing.

        Args:
            lines: in the file's unit.
            labels: factor name -> value.
            where: the file and line, for the error.
            key: the drawing's identity; "" takes a hash of its points.
            canvas: the file's own canvas, whose corner is the origin.
            recorded: the points are as a pen or a curve gives them.

        Raises:
            BadDrawingError: the row cannot be used.
        """
        check_finite(lines.points, where)
        points, ends = lines
        points, side = self.rules.placement.place(points, canvas, recorded)
        placed = Lines(points, ends)
        if recorded or is_dense(placed, side):
            if ink(placed) > _MAX_INK * side:
                raise BadDrawingError(
                    "too long", where, f"over {_MAX_INK} times its size"
                )
            placed = Lines.join(simplify(placed.split(), side))
        return self._drawing(placed.to_stroke3(), labels, where, key, "")

    def offsets(
        self,
        stroke3: np.ndarray,
        labels: Mapping[str, str],
        where: str,
        *,
        key: str = "",
        split: str = "",
    ) -> Drawing:
        """Checks a row of stroke-3 and makes it a drawing.

        Args:
            stroke3: float32 [N, 3]; refused if it has any other shape.
            labels: factor name -> value.
            where: the file and line, for the error.
            key: the drawing's identity; "" takes a hash of its points.
            split: the split that the file names.

        Raises:
            BadDrawingError: the row cannot be used.
        """
        _check_rows(stroke3, where)
        placement = self.rules.placement
        if placement.fit or placement.canvas:
            points, ends = Lines.join(stroke3_to_polylines(stroke3))
            points, _ = placement.place(points, None, recorded=False)
            stroke3 = Lines(points, ends).to_stroke3()
        return self._drawing(stroke3, labels, where, key, split)

    def _drawing(
        self,
        stroke3: np.ndarray,
        labels: Mapping[str, str],
        where: str,
        key: str,
        split: str,
    ) -> Drawing:
        self.check_category(labels.get("category"), where)
        _check_points(stroke3, where)
        if self.rules.for_model:
            stroke3 = self._for_model(stroke3, where)
        limit = self.rules.max_seq_len
        if len(stroke3) > limit:
            raise BadDrawingError(
                "too long",
                where,
                f"{len(stroke3)} points > {limit}"
                + "; --max_seq_len takes more" * (not self.rules.for_model),
            )
        return Drawing(stroke3, labels, key or content_key(stroke3), split)

    def _for_model(self, stroke3: np.ndarray, where: str) -> np.ndarray:
        """Fewer points, if there are too many and that is allowed."""
        limit = self.rules.max_seq_len
        placement = self.rules.placement
        lines = stroke3_to_polylines(stroke3)
        if placement.is_far(np.concatenate(lines)):
            low, high = bounds(lines)
            flags = "" if placement.canvas else "--canvas=WIDTHxHEIGHT or "
            self.report.note(
                f"far from the model's {placement.size_px:g} pixels in size or "
                f"place; {flags}--fit would change that",
                where,
                "from {:.3g},{:.3g} to {:.3g},{:.3g}".format(*low, *high),
            )
        if len(stroke3) <= limit or self.report.strict:
            return stroke3
        self.report.note(
            f"simplified further, to the model's {limit} points", where
        )
        return polylines_to_stroke3(shorten(lines, limit))


def content_key(stroke3: np.ndarray) -> str:
    """A key of the points themselves, so that equal drawings share a split."""
    return hashlib.blake2b(stroke3.tobytes(), digest_size=8).hexdigest()


def check_finite(points: np.ndarray, where: str) -> None:
    """Refuses coordinates that are not finite in float32."""
    limit = np.finfo(np.float32).max / 4  # so that differences are finite too
    if not (np.abs(points) < limit).all():  # False for NaN as well
        raise BadDrawingError("not finite", where)


def _check_rows(stroke3: np.ndarray, where: str) -> None:
    if stroke3.ndim != 2 or stroke3.shape[1] != 3:
        raise BadDrawingError(
            "wrong shape", where, f"expected [N, 3], received {stroke3.shape}"
        )
    _check_numbers(stroke3, where)
    if ((stroke3[:, 2] != 0) & (stroke3[:, 2] != 1)).any():
        raise BadDrawingError("wrong pen state", where, "must be 0 or 1")
    _check_points(stroke3, where)


def _check_points(stroke3: np.ndarray, where: str) -> None:
    _check_numbers(stroke3, where)
    # Points that all coincide have no size, hence nothing to scale or draw.
    if not stroke3[1:, :2].any():
        raise BadDrawingError("one point", where)


def _check_numbers(stroke3: np.ndarray, where: str) -> None:
    if not len(stroke3):
        raise BadDrawingError("no points", where)
    if not np.isfinite(stroke3).all():
        raise BadDrawingError("not finite", where)
