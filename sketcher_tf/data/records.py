"""Prepared data: sharded TFRecords and their `schema.json`.

A record is a `tf.train.Example` of

- `stroke3`: the bytes of float32 [N, 3], offsets in pixels,
- `labels`: int64 [F], the number of each factor's value,
- `image`: the raster X_r as a PNG, so that training need not draw.

Shards are shuffled on disk: read one after the other they are in random order,
however large the set is.
"""

import hashlib
import os
import shutil
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from sketcher_tf.data.formats.drawing import Drawing, SkipReport
from sketcher_tf.rendering.raster import encode_png, rasterize
from sketcher_tf.schema import Factor, Manifest, Schema, Split
from sketcher_tf.strokes import bounds, stroke3_to_polylines

SCHEMA_FILE = "schema.json"
SPLITS = ("train", "valid", "test")
_HELD_OUT_PERCENT = 5  # of the drawings, each for valid and for test


@dataclass(frozen=True)
class Provenance:
    """What the schema says of where the drawings came from."""

    sources: Sequence[str] = ()
    attribution: str = ""


def split_of(key: str) -> str:
    """The split of a drawing, by a stable hash of its key."""
    percent = _hash(key) % 100
    if percent < _HELD_OUT_PERCENT:
        return "valid"
    return "test" if percent < 2 * _HELD_OUT_PERCENT else "train"


def write_records(
    drawings: Iterable[Drawing],
    folder: Path,
    report: SkipReport,
    *,
    image_size: int = 64,
    num_shards: int = 8,
    provenance: Provenance = Provenance(),
) -> Manifest:
    """Writes drawings as shards; the folder appears when all are written.

    Memory holds one shard at a time, so a set of 50 million drawings wants
    some 100 shards.

    Args:
        drawings: read once, in any order.
        folder: replaced if it exists.
        report: what was skipped while reading, for the schema.
        image_size: pixels per side of the rasters.
        num_shards: per split.
        provenance: for the schema.

    Raises:
        ValueError: no drawing for training, drawings with differing factors,
            or `folder` holds something else.
    """
    in_use = folder.exists() and any(folder.iterdir())
    if in_use and not is_prepared(folder):
        raise ValueError(
            "the output must be a new folder or one prepared before, which is "
            f"replaced; received {folder}, which holds something else."
        )
    building = folder.with_name(f".building-{folder.name}")
    shutil.rmtree(building, ignore_errors=True)  # of a process that was killed
    building.mkdir(parents=True)
    try:
        tally = _Tally()
        _write_shards(drawings, building, tally, image_size, num_shards)
        for path in sorted(building.iterdir()):
            _shuffle(path)
        manifest = tally.manifest(building, report, image_size, provenance)
        (building / SCHEMA_FILE).write_text(manifest.dumps())
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return manifest


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds what `write_records` writes, and nothing else.

    A run folder has a schema too.
    """
    others = {path.name for path in folder.glob("*")} - {SCHEMA_FILE}
    return (folder / SCHEMA_FILE).exists() and all(
        name.startswith(SPLITS) and name.endswith(".tfrecord")
        for name in others
    )


def read_manifest(folder: Path) -> Manifest:
    """What `write_records` said of `folder`."""
    return Manifest.loads((folder / SCHEMA_FILE).read_text())


class _Tally:
    """What is known of the set only once all of it has been seen."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, int]] = {}
        self.lengths = {split: Counter() for split in SPLITS}
        self.counts = {split: Counter() for split in SPLITS}
        self.sizes: Counter[str] = Counter()  # longest sides, to 3 digits
        self.moments = np.zeros(3)  # number, sum, sum of squares of offsets

    def add(self, drawing: Drawing, split: str) -> list[int]:
        """Counts a drawing; returns the numbers of its values."""
        if not self.values:
            self.values = {name: {} for name in drawing.labels}
        if list(self.values) != list(drawing.labels):
            raise ValueError(
                "all drawings of a set must have the same factors, here "
                f"{list(self.values)}; received {list(drawing.labels)} for "
                f"{drawing.key}. Prepare these sources apart."
            )
        self.lengths[split][len(drawing.stroke3)] += 1
        self.counts[split][next(iter(drawing.labels.values()))] += 1
        if split == "train":
            self.sizes[f"{_longest_side(drawing):.3g}"] += 1
            offsets = drawing.stroke3[:, :2].astype(np.float64)
            self.moments += offsets.size, offsets.sum(), (offsets**2).sum()
        return [
            known.setdefault(drawing.labels[name], len(known))
            for name, known in self.values.items()
        ]

    def manifest(
        self,
        folder: Path,
        report: SkipReport,
        image_size: int,
        provenance: Provenance,
    ) -> Manifest:
        """All of it, for the shards in `folder`."""
        number, total, squares = self.moments
        if not number:
            raise ValueError(
                "a set must hold drawings for training; received none. "
                f"{report.summary() or 'Nothing was read'}."
            )
        variance = squares / number - (total / number) ** 2
        if variance <= 0:
            raise ValueError(
                "drawings for training must have points apart from each other; "
                f"received {number / 2:g} points all of one offset."
            )
        schema = Schema(
            factors=tuple(
                Factor(name, tuple(known))
                for name, known in self.values.items()
            ),
            scale_factor=float(np.sqrt(variance)),
            max_seq_len=max(max(n, default=0) for n in self.lengths.values()),
            image_size=image_size,
            size_px=float(statistics.median(map(float, self.sizes.elements()))),
        )
        shards = sorted(path.name for path in folder.iterdir())
        return Manifest(
            schema,
            {
                split: Split(
                    tuple(s for s in shards if s.startswith(split)),
                    dict(sorted(self.lengths[split].items())),
                )
                for split in SPLITS
            },
            {split: dict(counts) for split, counts in self.counts.items()},
            dict(report.causes),
            tuple(provenance.sources),
            provenance.attribution,
        )


def _write_shards(
    drawings: Iterable[Drawing],
    folder: Path,
    tally: _Tally,
    image_size: int,
    num_shards: int,
) -> None:
    writers: dict[str, tf.io.TFRecordWriter] = {}
    try:
        for drawing in drawings:
            split = drawing.split or split_of(drawing.key)
            labels = tally.add(drawing, split)
            shard = _hash(drawing.key + "/shard") % num_shards
            name = f"{split}-{shard:05d}-of-{num_shards:05d}.tfrecord"
            if name not in writers:
                writers[name] = tf.io.TFRecordWriter(str(folder / name))
            writers[name].write(_serialize(drawing, labels, image_size))
    finally:
        for writer in writers.values():
            writer.close()


def _serialize(
    drawing: Drawing, labels: Sequence[int], image_size: int
) -> bytes:
    image = rasterize(stroke3_to_polylines(drawing.stroke3), image_size)
    features: Mapping[str, tf.train.Feature] = {
        "stroke3": _bytes(drawing.stroke3.astype("<f4").tobytes()),
        "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=labels)),
        "image": _bytes(encode_png(image)),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def _longest_side(drawing: Drawing) -> float:
    low, high = bounds(stroke3_to_polylines(drawing.stroke3))
    return float((high - low).max())


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _shuffle(path: Path) -> None:
    """Rewrites a shard in random order, the same one each time."""
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(path))]
    order = np.random.default_rng(_hash(path.name)).permutation(len(records))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for i in order:
            writer.write(records[i])


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
