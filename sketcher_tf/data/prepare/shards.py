"""Shards: the files of a prepared set, each a range of places.

No TensorFlow here.
"""

from typing import NamedTuple

from sketcher_tf.data.manifest import SPLITS
from sketcher_tf.data.prepare.example import places


class Shard(NamedTuple):
    """One of the `of` shards of a split."""

    split: str
    number: int
    of: int

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
