"""The npz files of Sketch-RNN and of FaceX.

Arrays `train`, `valid` and `test` hold one stroke-3 array per drawing; FaceX
adds `train_label` and so on, one vector per drawing: a one-hot, or the one-hots
of several factors side by side.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sketcher_tf.data.formats.checks import Rules, parse_rows
from sketcher_tf.data.formats.drawing import (
    BadDrawingError,
    Drawing,
    SkipReport,
)
from sketcher_tf.data.formats.unpickle import read_member
from sketcher_tf.schema import Factor

SPLITS = ("train", "valid", "test")

# The factors of FaceX (Cao et al. 2019, section 4). The paper does not say how
# their values are ordered in the vectors; the order is ours.
FACEX_FACTORS = (
    Factor("gender", ("male", "female")),
    Factor("view", ("frontal", "mid-profile")),
    Factor(
        "emotion",
        (
            "neutral",
            "happy",
            "sad",
            "angry",
            "fearful",
            "surprised",
            "disgusted",
        ),
    ),
    Factor("style", ("realistic", "cartoon", "abstract")),
)


def read_npz(
    path: Path,
    category: str,
    rules: Rules,
    report: SkipReport,
    *,
    factors: Sequence[tuple[str, int]] | None = None,
) -> Iterator[Drawing]:
    """Reads the drawings of one npz file, split by split.

    Args:
        path: the file.
        category: for a file without labels.
        rules: which drawings are taken.
        report: counts the drawings that are not.
        factors: name and number of values of every factor of the label
            vector, in its order. Without it, one 1 per row is a category
            and a vector of 14 is FaceX's four factors.

    Yields:
        The drawings, in the numbers of the file; their key is a hash of their
        points and their split is the array's name.

    Raises:
        ValueError: the file is damaged, or its labels do not fit.
    """
    with zipfile.ZipFile(path) as archive:
        splits = _members(archive)
        labels = _read_labels(archive, splits, path)
        blocks = _blocks(labels, factors, path) if labels else ()

        def parse(
            row: tuple[str, Any, np.ndarray | None], where: str
        ) -> Drawing:
            split, points, label = row
            named = (
                {"category": category}
                if label is None
                else _named(label, blocks, where)
            )
            return rules.drawing(
                _stroke3(points, where), named, where, split=split
            )

        for split in splits:
            rows = _rows(archive, split, labels.get(split), path)
            yield from parse_rows(rows, parse, report)


def is_drawings(archive: zipfile.ZipFile) -> bool:
    """Whether a zip file holds at least one split of drawings."""
    return bool(_members(archive))


def _members(archive: zipfile.ZipFile) -> list[str]:
    names = set(archive.namelist())
    return [split for split in SPLITS if f"{split}.npy" in names]


def _rows(
    archive: zipfile.ZipFile, split: str, labels: np.ndarray | None, path: Path
) -> Iterator[tuple[str, tuple[str, Any, np.ndarray | None]]]:
    drawings = read_member(archive, f"{split}.npy")
    if labels is not None and len(labels) != len(drawings):
        raise ValueError(
            f"{split}_label must have one row per drawing of {split}; received "
            f"{len(labels)} rows for {len(drawings)} drawings in {path}. "
            "Write both arrays from the same list."
        )
    for i, points in enumerate(drawings):
        label = None if labels is None else labels[i]
        yield f"{path}:{split}[{i}]", (split, points, label)


def _stroke3(points: Any, where: str) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):  # becomes infinite, is refused then
            return np.array(points, np.float32)
    except (TypeError, ValueError) as error:
        raise BadDrawingError("wrong shape", where, str(error)) from None


def _read_labels(
    archive: zipfile.ZipFile, splits: Sequence[str], path: Path
) -> dict[str, np.ndarray]:
    names = set(archive.namelist())
    labelled = [split for split in splits if f"{split}_label.npy" in names]
    if labelled and len(labelled) < len(splits):
        raise ValueError(
            "either every split or none must have labels; received "
            f"{path} with {', '.join(splits)} and labels for "
            f"{', '.join(labelled)} only. Add the missing arrays."
        )
    return {
        split: _label_matrix(read_member(archive, f"{split}_label.npy"), path)
        for split in labelled
    }


def _label_matrix(labels: np.ndarray, path: Path) -> np.ndarray:
    try:
        matrix = np.array([np.asarray(row, np.float32) for row in labels])
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.ndim != 2:
        raise ValueError(
            "labels must be one vector of equal length per drawing, shape "
            f"[num_drawings, width]; received {labels.shape} in {path}. "
            "Write class numbers as one-hot vectors."
        )
    return matrix


def _blocks(
    labels: Mapping[str, np.ndarray],
    factors: Sequence[tuple[str, int]] | None,
    path: Path,
) -> tuple[Factor, ...]:
    """The factors whose one-hots stand side by side in the labels."""
    widths = {matrix.shape[1] for matrix in labels.values()}
    width = max(widths)
    if factors:
        blocks = tuple(_factor(name, size) for name, size in factors)
    elif all((_ones(matrix) == 1).all() for matrix in labels.values()):
        blocks = (_factor("category", width),)
    elif width == _width(FACEX_FACTORS):
        blocks = FACEX_FACTORS
    else:
        blocks = ()
    if widths != {_width(blocks)}:
        raise ValueError(
            "labels must be one one-hot, or one per factor side by side; "
            f"received vectors of {sorted(widths)} in {path} for factors "
            f"{[(f.name, len(f.values)) for f in blocks]}. Give the name and "
            'size of each factor, for example factors=(("gender", 2), '
            '("emotion", 7)).'
        )
    return blocks


def _factor(name: str, size: int) -> Factor:
    for known in FACEX_FACTORS:
        if (known.name, len(known.values)) == (name, size):
            return known
    return Factor(name, tuple(map(str, range(size))))


def _width(factors: Sequence[Factor]) -> int:
    return sum(len(factor.values) for factor in factors)


def _ones(matrix: np.ndarray) -> np.ndarray:
    """The number of ones per row, or -1 where there is another number."""
    is_binary = np.isin(matrix, (0, 1)).all(axis=-1)
    return np.where(is_binary, matrix.sum(axis=-1), -1)


def _named(
    label: np.ndarray, blocks: Sequence[Factor], where: str
) -> dict[str, str]:
    """The value of every factor that a label vector names."""
    named, start = {}, 0
    for factor in blocks:
        part = label[start : start + len(factor.values)]
        start += len(factor.values)
        if _ones(part) != 1:
            raise BadDrawingError(
                "wrong label",
                where,
                f"{factor.name} must be one-hot, received {part.tolist()}",
            )
        named[factor.name] = factor.values[int(part.argmax())]
    return named
