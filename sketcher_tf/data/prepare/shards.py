"""Shards: the files of a prepared set, each a range of places.

No TensorFlow here.
"""

from typing import NamedTuple

from sketcher_tf.data.manifest import SPLITS
from sketcher_tf.data.prepare.example import places, split_at


class Shard(NamedTuple):
    """One of the `of` shards of a split."""

    split: str
    number: int
    of: int

    @classmethod
    def at(cls, place: int, of: int) -> "Shard":
        """The shard that a place is in."""
        split = split_at(place)
        low, high = places(split)
        number = (place - low) * of // (high - low)
        # The ends of shards are rounded down.
        number += place >= cls(split, number, of).places[1]
        return cls(split, number, of)

    @property
    def name(self) -> str:
        """The file's."""
        return f"{self.split}-{self.number:05d}-of-{self.of:05d}.tfrecord"

    @property
    def places(self) -> tuple[int, int]:
        """The first place in it, and the one after the last."""
        return places(self.split, self.number, self.of)


def all_shards(number: int) -> list[Shard]:
    """The shards of all splits, `number` each."""
    return [Shard(split, i, number) for split in SPLITS for i in range(number)]
