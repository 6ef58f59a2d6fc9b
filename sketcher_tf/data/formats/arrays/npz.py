"""The npz files of Sketch-RNN and of FaceX.

Arrays `train`, `valid` and `test` hold one stroke-3 array per drawing; FaceX
adds `train_label` and so on, one vector per drawing: a one-hot, or the one-hots
of several factors side by side. Stroke-5 is read as well, and so are arrays
without names.
"""

import functools
import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sketcher_tf.data.formats.arrays import unpickle
from sketcher_tf.data.formats.arrays.layout import (
    holds_bitmaps,
    layout_of,
    rows3,
)
from sketcher_tf.data.formats.arrays.unpickle import read_member
from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.schema import Factor

SPLITS = ("train", "valid", "test")
_ALIASES = {"val": "valid", "validation": "valid"}

_UNNAMED = re.compile(r"arr_\d+\.npy")

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
    intake: Intake,
    *,
    factors: Sequence[tuple[str, int]] | None = None,
) -> Iterator[Drawing]:
    """Reads the drawings of one npz file, split by split.

    Args:
        path: the file.
        category: for a file without labels.
        intake: makes drawings of rows.
        factors: name and number of values of every factor of the label
            vector, in its order. Without it, one 1 per row is a category
            and a vector of 14 is FaceX's four factors.

    Yields:
        The drawings, in the numbers of the file; their key is a hash of their
        points and their split is the array's name.

    Raises:
        ValueError: the file is damaged, its arrays are others, or its labels
            do not fit.
    """
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        splits = _splits(archive)
        if not splits:
            rows = _unnamed(archive, path)
            yield from _read_rows(rows, f"{path}:arr_", category, intake)
            return
        labels = _read_labels(archive, splits, path)
        blocks = _blocks(labels, factors, path) if labels else ()
        for split, member in splits.items():
            rows = _drawings(read_member(archive, member), f"{path}:{member}")
            names = None
            if split in labels:
                _check_count(labels[split], rows, split, path)
                names = functools.partial(_named, labels[split], blocks)
            yield from _read_rows(
                rows, f"{path}:{split}", category, intake, split, names
            )


def read_npy(path: Path, category: str, intake: Intake) -> Iterator[Drawing]:
    """Reads the drawings of one npy file, as of an array of an npz."""
    array = unpickle.read_npy(path)
    yield from _read_rows(
        _drawings(array, str(path)), str(path), category, intake
    )


def _read_rows(
    rows: Sequence[Any],
    where: str,
    category: str,
    intake: Intake,
    split: str = "",
    names: Callable[[int, str], dict[str, str]] | None = None,
) -> Iterator[Drawing]:
    layout = layout_of(rows)
    changes = layout.changes()
    if changes and intake.report.strict:
        raise ValueError(
            "an npz must hold stroke-3, rows (dx, dy, pen lifted); received "
            f"{where}, whose drawings would have to be {changes}. Convert "
            "them, or read them without --strict."
        )

    def parse(number: int, where: str) -> Drawing:
        stroke3 = layout.stroke3(rows3(rows[number], where))
        labels = names(number, where) if names else {"category": category}
        drawing = intake.offsets(stroke3, labels, where, split=split)
        if changes:
            intake.report.note(changes, where)
        return drawing

    numbered = ((f"{where}[{i}]", i) for i in range(len(rows)))
    yield from intake.each(numbered, parse)


def _splits(archive: zipfile.ZipFile) -> dict[str, str]:
    """Split -> the name of its member."""
    found = {}
    for member in archive.namelist():
        name = member.lower().removesuffix(".npy")
        found[_ALIASES.get(name, name)] = member
    return {split: found[split] for split in SPLITS if split in found}


def _unnamed(archive: zipfile.ZipFile, path: Path) -> list[Any]:
    """The drawings of what `numpy.savez` was given without names."""
    names = [n for n in archive.namelist() if n.endswith(".npy")]
    unnamed = [name for name in names if _UNNAMED.fullmatch(name)]
    if not unnamed:
        found = ", ".join(name.removesuffix(".npy") for name in names)
        raise ValueError(
            "the arrays of an npz must be called train, valid and test, one "
            f"stroke-3 array per drawing in each; received {path}, which has "
            f"{found:.200}. Save them again under these names, at least train."
        )
    return [
        drawing
        for name in unnamed
        for drawing in _drawings(read_member(archive, name), f"{path}:{name}")
    ]


def _drawings(array: np.ndarray, where: str) -> list[Any]:
    """The drawings of an array: several, or one that is the array."""
    if holds_bitmaps(array.dtype, array.shape):
        raise ValueError(
            "an array must hold drawings as strokes; received "
            f"{where}, which holds bitmaps {list(array.shape)}. Get the "
            "ndjson or npz of the same words."
        )
    single = array.ndim == 2 and array.dtype != object
    return [array] if single else list(array) if array.ndim else [array.item()]


def _check_count(
    labels: np.ndarray, rows: Sequence[Any], split: str, path: Path
) -> None:
    if len(labels) != len(rows):
        raise ValueError(
            f"{split}_label must have one row per drawing of {split}; received "
            f"{len(labels)} rows for {len(rows)} drawings in {path}. "
            "Write both arrays from the same list."
        )


def _read_labels(
    archive: zipfile.ZipFile, splits: Collection[str], path: Path
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
    labels: np.ndarray, blocks: Sequence[Factor], number: int, where: str
) -> dict[str, str]:
    """The value of every factor that a drawing's label vector names."""
    label, named, start = labels[number], {}, 0
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
