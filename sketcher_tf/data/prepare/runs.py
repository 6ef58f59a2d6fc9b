"""Runs: rows of a part of a set, sorted, on their way to the shards.

A set is sorted by the places of its rows as one sorts what does not fit into
memory: sorted runs are written first, each shard is merged from them then. A
run is three files: `places`, uint64 and rising; `index`, where the features
of each row are and which labels it has; `features`, one after the other.

No TensorFlow here.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketcher_tf.data.prepare.example import Row, encode_example, encode_labels
from sketcher_tf.files import write_bytes
from sketcher_tf.schema import Factor

_INDEX = np.dtype([("start", "<u8"), ("size", "<u4"), ("labels", "<u4")])


class Run(NamedTuple):
    """A run: its files but for their endings, and its rows' labels.

    Attributes:
        stem: the beginning of the files' names.
        labels: the combinations of labels that rows have; `index` counts them.
    """

    stem: str
    labels: list[tuple[str, ...]]


def write_run(folder: Path, stem: str, rows: Sequence[Row]) -> Run:
    """Sorts rows, at least one, and writes them."""
    rows = sorted(rows)
    labels = sorted({row.labels for row in rows})
    numbers = {label: i for i, label in enumerate(labels)}
    index = np.zeros(len(rows), _INDEX)
    index["size"] = [len(row.features) for row in rows]
    index["start"] = np.cumsum(index["size"], dtype=np.uint64) - index["size"]
    index["labels"] = [numbers[row.labels] for row in rows]
    places = np.array([row.place for row in rows], "<u8")
    features = b"".join(row.features for row in rows)
    write_bytes(folder / f"{stem}.places", places.tobytes())
    write_bytes(folder / f"{stem}.index", index.tobytes())
    write_bytes(folder / f"{stem}.features", features)
    return Run(stem, labels)


def merge(
    folder: Path,
    runs: Sequence[Run],
    factors: Sequence[Factor],
    low: int,
    high: int,
) -> Iterator[bytes]:
    """The records with places from `low` up to, but without, `high`.

    They are in memory all at once.

    Args:
        folder: where the runs are.
        runs: all of them.
        factors: which number each label has.
        low: the first place, uint64.
        high: one more than the last.
    """
    parts = [_read_part(folder, run, factors, low, high) for run in runs]
    places = np.concatenate([part.places for part in parts])
    features = list(itertools.chain(*(part.features for part in parts)))
    labels = list(itertools.chain(*(part.labels for part in parts)))
    # Rows with one place are equal, so that any order of them will do.
    for i in np.argsort(places).tolist():
        yield encode_example(labels[i], features[i])


class _Part(NamedTuple):
    places: np.ndarray  # uint64 [n]
    features: list[bytes]
    labels: list[bytes]  # encoded


def _read_part(
    folder: Path, run: Run, factors: Sequence[Factor], low: int, high: int
) -> _Part:
    places = np.memmap(folder / f"{run.stem}.places", "<u8", "r")
    # One less, since uint64 has no place for the end of the last range.
    first = int(np.searchsorted(places, np.uint64(low)))
    last = int(np.searchsorted(places, np.uint64(high - 1), "right"))
    index = np.memmap(folder / f"{run.stem}.index", _INDEX, "r")[first:last]
    encoded = [encode_labels(_numbers(n, factors)) for n in run.labels]
    return _Part(
        np.array(places[first:last]),
        _read_features(folder / f"{run.stem}.features", index),
        [encoded[i] for i in index["labels"]],
    )


def _numbers(labels: tuple[str, ...], factors: Sequence[Factor]) -> list[int]:
    return [
        factor.values.index(value)
        for factor, value in zip(factors, labels, strict=True)
    ]


def _read_features(path: Path, index: np.ndarray) -> list[bytes]:
    if not len(index):
        return []
    with open(path, "rb") as file:
        file.seek(int(index["start"][0]))
        data = file.read(int(index["size"].sum(dtype=np.uint64)))
    ends = np.cumsum(index["size"], dtype=np.int64).tolist()
    starts = [0, *ends[:-1]]
    return [data[a:b] for a, b in zip(starts, ends, strict=True)]
