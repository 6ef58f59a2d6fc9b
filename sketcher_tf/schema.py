"""What a model knows of its drawings: conditions, scale and limits.

The schema is part of what is written beside prepared data (`data.manifest`),
and travels inside every model, so that a model knows the words it was trained
on.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Factor:
    """One thing that a drawing is conditioned on, e.g. its category."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """The conditions a model knows. `c` is the concatenation of one-hots.

    Attributes:
        factors: the factors, in the order of `c`.
        scale_factor: pixels per unit; offsets are divided by it for the model
            (the standard deviation of the training offsets, as in Sketch-RNN).
        max_seq_len: points of the longest drawing, start token excluded; the
            N_max of the loss.
        image_size: pixels per side of the raster X_r.
        size_px: the longest side of a drawing, the median of those it was
            trained on; 255 in Quick, Draw!.
    """

    factors: tuple[Factor, ...]
    scale_factor: float
    max_seq_len: int
    image_size: int
    size_px: float = 255.0

    @property
    def condition_size(self) -> int:
        """The width of the condition vector c."""
        return sum(len(factor.values) for factor in self.factors)

    @property
    def stroke5_scale(self) -> np.ndarray:
        """Stroke-5 in units times this is in pixels, float32 [5]."""
        return np.array([self.scale_factor] * 2 + [1] * 3, np.float32)

    @property
    def words(self) -> tuple[str, ...]:
        """A condition for every single value, as `parse` reads it."""
        if len(self.factors) == 1:
            return self.factors[0].values
        return tuple(
            f"{factor.name}={value}"
            for factor in self.factors
            for value in factor.values
        )

    def encode(self, ids: np.ndarray) -> np.ndarray:
        """Value numbers int [..., F] as one-hots float32 [..., condition]."""
        parts = [
            np.eye(len(factor.values), dtype=np.float32)[ids[..., i]]
            for i, factor in enumerate(self.factors)
        ]
        return np.concatenate(parts, axis=-1)

    def parse(
        self, text: str, rng: np.random.Generator | None = None
    ) -> np.ndarray:
        """A condition as a user types it, as float32 [condition_size].

        `cat`; `cat*0.5+pig*0.5` (a blend, normalised to sum 1); with several
        factors `gender=female,emotion=happy*0.5+sad*0.5`. A bare value is
        looked up in every factor. A factor not named takes a value from `rng`,
        or is spread evenly without one. One of `words` is that word, whatever
        signs are in it.

        Raises:
            ValueError: an unknown factor or value, or a weight that is not a
                positive number.
        """
        weights = [np.zeros(len(f.values)) for f in self.factors]
        for name, word, weight in self._terms(text):
            factor, value = self._find(name, word)
            weights[factor][value] += weight
        parts = [_one_sum(w, rng) for w in weights]
        return np.concatenate(parts).astype(np.float32)

    def _terms(self, text: str) -> Iterator[tuple[str, str, float]]:
        """Factor or nothing, value and weight of each term of a condition."""
        for factor in self.factors:
            for value in factor.values:
                if text in (value, f"{factor.name}={value}"):
                    yield factor.name, value, 1.0
                    return
        for part in text.split(","):
            name, _, blend = part.rpartition("=")
            for term in blend.split("+"):
                word, star, weight = term.strip().rpartition("*")
                word, weight = (word, weight) if star else (weight, "1")
                yield name.strip(), word.strip(), _positive(weight, term)

    def _find(self, name: str, word: str) -> tuple[int, int]:
        for i, factor in enumerate(self.factors):
            if name in ("", factor.name) and word in factor.values:
                return i, factor.values.index(word)
        known = "; ".join(
            f"{f.name}: {', '.join(f.values)}" for f in self.factors
        )
        raise ValueError(
            "a condition must use the words of the model; received "
            f"{f'{name}={word}' if name else word!r}. Known: {known}."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain types, for JSON and for `get_config`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Schema":
        """Inverse of `to_json`."""
        factors = tuple(
            Factor(f["name"], tuple(f["values"])) for f in values["factors"]
        )
        return cls(**{**values, "factors": factors})


def _one_sum(
    weights: np.ndarray, rng: np.random.Generator | None
) -> np.ndarray:
    if weights.sum():
        return weights / weights.sum()
    if rng is None:
        return np.full_like(weights, 1 / len(weights))
    return np.eye(len(weights))[rng.integers(len(weights))]


def _positive(text: str, term: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 < weight <= 1e9:
        raise ValueError(
            "the weight in a blend must be a positive number; received "
            f"{term.strip()!r}. Write for example cat*0.5+pig*0.5."
        )
    return weight
