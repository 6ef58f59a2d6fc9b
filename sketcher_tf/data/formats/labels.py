"""The word for the drawings of a file whose rows do not say it."""

import re
import urllib.parse
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

# Where the word comes from; None: of an SVG from its folder, of a file with
# many drawings from its name.
Source = Literal["folder", "file", "none"] | None

UNLABELLED = "drawing"  # the one word of `none`

# How collections name the files of a category beside `cat.npz`:
# full/binary/cat.bin, full_simplified_cat.ndjson, sketchrnn_cat.full.npz; and
# browsers a second download.
_PREFIX = re.compile(r"(full[_/-](simplified|raw|binary)|sketchrnn)[_/-]")
_SUFFIX = re.compile(r"(\.full|\.rdp\d*|[._-]simplified| \(\d+\))+$")

# Above, one can hardly speak of categories.
_MANY_WORDS = 0.5  # of the number of drawings
_FEW_DRAWINGS = 5


def label_of(
    path: Path, kind: str, source: Source, words: Collection[str] = ()
) -> str:
    """The category of a file.

    Args:
        path: the file.
        kind: its format.
        source: where to take it from.
        words: of a model; if folder or file are one of them, that is it.
    """
    folder = path.resolve().parent.name
    file = category_of(path.name)
    if source is not None:
        return {"folder": folder, "file": file, "none": UNLABELLED}[source]
    for name in (folder, file):
        if name in words:
            return name
    return folder if kind == "svg" and folder else file


def category_of(file_name: str) -> str:
    """The category that a file's name stands for.

    `cat.npz`, `cat.full.npz`, `sketchrnn_cat.rdp100.npz` and
    `full%2Fbinary%2Fcat.bin` are all `cat`.
    """
    name = urllib.parse.unquote(file_name).removesuffix(".gz")
    stem = name.rpartition(".")[0] or name
    return _SUFFIX.sub("", _PREFIX.sub("", stem)) or stem


def describe(counts: Mapping[str, int], limit: int = 12) -> str:
    """The words and how many drawings each has, for the log.

    `345 words: cat 1,230, dog 980, ...`
    """
    number = len(counts)
    most = Counter(counts).most_common(limit)
    parts = [f"{word} {count:,}" for word, count in most]
    more = [f"and {number - limit} more"] if number > limit else []
    head = f"{number} word{'s' if number != 1 else ''}"
    return f"{head}: {', '.join(parts + more)}"


def complaint(counts: Mapping[str, int]) -> str:
    """What is odd about the words of a set; "" if nothing is."""
    number = sum(counts.values())
    if number < _FEW_DRAWINGS or len(counts) <= _MANY_WORDS * number:
        return ""
    return (
        f"there are nearly as many words ({len(counts)}) as drawings "
        f"({number}), so there is little to learn of each. Put drawings of a "
        "kind in a folder of that name, or say where the words come from with "
        "--label=folder, file or none."
    )
