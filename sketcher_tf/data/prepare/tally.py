"""What of a set is known only once all of it has been seen: a tally.

Tallies of parts of a set add up to that of the whole exactly and in any order,
so that it does not matter who has counted which part.

No TensorFlow here.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sketcher_tf.data.formats.drawing import Drawing, SkipReport
from sketcher_tf.data.manifest import SPLITS, Manifest, Split
from sketcher_tf.data.prepare.example import Row, make_rows, split_at
from sketcher_tf.data.prepare.shards import Shard
from sketcher_tf.schema import Factor, Schema

_AT_ONCE = 64  # drawings that are made rows
# Moments are whole numbers of this, since floats do not add up in any order.
_UNIT = 2.0**-20


@dataclass(frozen=True)
class Target:
    """What is made of drawings.

    Attributes:
        strict: make the first bad row an error.
        image_size: pixels per side of the rasters.
        num_shards: per split, at least.
        shard_bytes: a shard is about so large at most; as much is in memory.
        sources: where the drawings came from, for the manifest.
        attribution: whom to name there.
    """

    strict: bool = False
    image_size: int = 64
    num_shards: int = 8
    shard_bytes: int = 10**8
    sources: tuple[str, ...] = ()
    attribution: str = ""


@dataclass
class Tally:
    """Counts the drawings of a set, or of a part of it.

    Attributes:
        factors: their names.
        labels: drawings of each split by their values, one per factor.
        lengths: drawings of each split by their number of points.
        num_bytes: of the records of each split, but for their labels.
        sizes: training drawings by their longest side in pixels, to 3 digits.
        moments: number, sum and sum of squares of the training offsets, in
            whole units of 2^-20.
    """

    factors: tuple[str, ...] = ()
    labels: dict[str, Counter[tuple[str, ...]]] = field(
        default_factory=lambda: {split: Counter() for split in SPLITS}
    )
    lengths: dict[str, Counter[int]] = field(
        default_factory=lambda: {split: Counter() for split in SPLITS}
    )
    num_bytes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    moments: tuple[int, int, int] = (0, 0, 0)

    def rows(
        self, drawings: Iterable[Drawing], image_size: int
    ) -> Iterator[Row]:
        """Makes the row of each drawing, and counts it.

        Raises:
            ValueError: a drawing's factors are not those of the others.
        """
        drawings = iter(drawings)
        while some := list(itertools.islice(drawings, _AT_ONCE)):
            rows = make_rows(some, image_size)
            training = [
                drawing.stroke3
                for drawing, row in zip(some, rows, strict=True)
                if self._add(drawing, row) == "train"
            ]
            if training:
                self.sizes.update(_longest_sides(training))
                self._add_moments(_moments(training))
            yield from rows

    def _add(self, drawing: Drawing, row: Row) -> str:
        """Counts a drawing of its split, which is returned."""
        split = split_at(row.place)
        self._check_factors(tuple(drawing.labels), drawing.key)
        self.labels[split][row.labels] += 1
        self.lengths[split][len(drawing.stroke3)] += 1
        self.num_bytes[split] += len(row.features)
        return split

    def update(self, other: "Tally") -> None:
        """Adds the tally of another part of the set.

        Raises:
            ValueError: the factors of the parts differ.
        """
        if other.factors:
            self._check_factors(other.factors, "others")
        for split in SPLITS:
            self.labels[split].update(other.labels[split])
            self.lengths[split].update(other.lengths[split])
        self.num_bytes.update(other.num_bytes)
        self.sizes.update(other.sizes)
        self._add_moments(other.moments)

    @property
    def count(self) -> int:
        """Drawings of all splits."""
        return sum(lengths.total() for lengths in self.lengths.values())

    def num_shards(self, target: Target) -> int:
        """Shards per split, so that none is much larger than is wanted."""
        largest = max(self.num_bytes.values(), default=0)
        return max(target.num_shards, math.ceil(largest / target.shard_bytes))

    def schema(self, target: Target, report: SkipReport) -> Schema:
        """What a model has to know.

        The values of a factor are in alphabetical order.

        Args:
            target: what is made.
            report: what was skipped, for the error.

        Raises:
            ValueError: no drawing for training, or none with a scale.
        """
        seen = set().union(*self.labels.values())
        return Schema(
            scale_factor=self._scale_factor(report),  # first: may be none
            factors=tuple(
                Factor(name, tuple(sorted({labels[i] for labels in seen})))
                for i, name in enumerate(self.factors)
            ),
            max_seq_len=max(max(n, default=0) for n in self.lengths.values()),
            image_size=target.image_size,
            size_px=self._median_size(),
        )

    def manifest(
        self,
        schema: Schema,
        shards: Sequence[Shard],
        report: SkipReport,
        target: Target,
    ) -> Manifest:
        """All that is to be said of the set.

        Args:
            schema: of this tally.
            shards: those there are, in their order.
            report: what was skipped.
            target: what was made.
        """
        splits = {
            split: Split(
                tuple(shard.name for shard in shards if shard.split == split),
                dict(sorted(self.lengths[split].items())),
            )
            for split in SPLITS
        }
        return Manifest(
            schema,
            splits,
            {split: self._first_values(split) for split in SPLITS},
            dict(report.causes),
            dict(report.notes),
            dict(report.examples),
            target.sources,
            target.attribution,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return {
            "factors": self.factors,
            "labels": {
                split: list(counts.items())
                for split, counts in self.labels.items()
            },
            "lengths": self.lengths,
            "num_bytes": self.num_bytes,
            "sizes": self.sizes,
            "moments": self.moments,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Tally":
        """Inverse of `to_json`."""
        return cls(
            tuple(values["factors"]),
            {
                split: Counter({tuple(k): n for k, n in counts})
                for split, counts in values["labels"].items()
            },
            {
                split: Counter({int(k): n for k, n in counts.items()})
                for split, counts in values["lengths"].items()
            },
            Counter(values["num_bytes"]),
            Counter(values["sizes"]),
            tuple(values["moments"]),
        )

    def _check_factors(self, factors: tuple[str, ...], where: str) -> None:
        self.factors = self.factors or factors
        if self.factors != factors:
            raise ValueError(
                "all drawings of a set must have the same factors, here "
                f"{list(self.factors)}; received {list(factors)} for "
                f"{where}. Prepare these sources apart."
            )

    def _add_moments(self, others: tuple[int, int, int]) -> None:
        n, total, squares = self.moments
        self.moments = (n + others[0], total + others[1], squares + others[2])

    def _first_values(self, split: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for labels, count in self.labels[split].items():
            counts[labels[0]] += count
        return dict(sorted(counts.items()))

    def _median_size(self) -> float:
        sizes = sorted(self.sizes, key=float)
        counts = np.cumsum([self.sizes[size] for size in sizes])
        return float(sizes[np.searchsorted(counts, counts[-1] / 2)])

    def _scale_factor(self, report: SkipReport) -> float:
        number, total, squares = self.moments
        if not number:
            held_out = (
                f"{self.count} read, all drawn by lot for valid or test: bring "
                "more"
            )
            found = [held_out] * (self.count > 0) + [report.summary()]
            raise ValueError(
                "a set must hold drawings for training; received none. "
                f"{'; '.join(filter(None, found)) or 'Nothing was read'}."
            )
        mean = total * _UNIT / number
        variance = squares * _UNIT / number - mean**2
        if variance <= 0:
            raise ValueError(
                "drawings for training must have points apart from each other; "
                f"received {number / 2:g} points all of one offset."
            )
        return math.sqrt(variance)


def _longest_sides(drawings: Sequence[np.ndarray]) -> list[str]:
    points = np.concatenate(
        [
            np.add.accumulate(one[:, :2], axis=0, dtype=np.float32)
            for one in drawings
        ]
    )
    starts = _starts(drawings)
    sides = np.maximum.reduceat(points, starts)
    sides -= np.minimum.reduceat(points, starts)
    return [f"{side:.3g}" for side in sides.max(axis=1).tolist()]


def _moments(drawings: Sequence[np.ndarray]) -> tuple[int, int, int]:
    """Of the offsets of drawings; each is rounded by itself."""
    offsets = np.concatenate(drawings)[:, :2].astype(np.float64)
    of_each = np.stack([offsets.sum(axis=1), (offsets**2).sum(axis=1)])
    sums = np.add.reduceat(of_each, _starts(drawings), axis=1)
    total, squares = (sum(map(round, row)) for row in (sums / _UNIT).tolist())
    return offsets.size, total, squares


def _starts(drawings: Sequence[np.ndarray]) -> np.ndarray:
    """Where each drawing begins, if they come one after the other."""
    return np.cumsum([0, *map(len, drawings[:-1])])
