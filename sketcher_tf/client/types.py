"""What a client receives."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sketcher_tf.contract import Metadata
from sketcher_tf.schema import Schema
from sketcher_tf.sketches import Sketch


@dataclass(frozen=True, eq=False)
class ServedSketch(Sketch):
    """A drawing that a server made.

    Attributes:
        latents: float32 [Z], what it was drawn from: `decode` draws it again.
    """

    latents: np.ndarray | None = None


class Point(NamedTuple):
    """The pen's next point: offsets in pixels, y downwards."""

    dx: float
    dy: float
    pen_lifted: bool


@dataclass(frozen=True)
class Labels:
    """What a version of a model knows.

    Attributes:
        version: its number.
        metadata: all that the export wrote down.
    """

    version: int
    metadata: Metadata

    @cached_property
    def schema(self) -> Schema:
        """The words and limits."""
        return Schema.from_json(self.metadata.schema)

    @property
    def words(self) -> tuple[str, ...]:
        """A condition for every single value."""
        return self.schema.words
