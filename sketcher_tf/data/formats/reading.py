"""One call that reads drawings from any file this project knows.

The format is told from the content of a file. Where the content says nothing,
because the file is empty or damaged, its extension does, so that what is wrong
with it is counted row by row.
"""

import functools
import glob
import itertools
import logging
import os
import re
import urllib.parse
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sketcher_tf.data.formats import npz, quickdraw, svg
from sketcher_tf.data.formats.checks import Rules
from sketcher_tf.data.formats.drawing import Drawing, SkipReport
from sketcher_tf.sketches import Sketch

# (path, category, rules, report) -> drawings
Reader = Callable[[Path, str, Rules, SkipReport], Iterator[Drawing]]

_READERS: dict[str, Reader] = {
    "ndjson": quickdraw.read_ndjson,
    "bin": quickdraw.read_bin,
    "npz": npz.read_npz,
    "svg": svg.read_svg,
}

_EXTENSIONS = {".ndjson": "ndjson", ".bin": "bin", ".svg": "svg"}

_HEAD_BYTES = 65536  # a comment may stand before <svg>

# How Quick, Draw! names the files of a category beside `cat.npz`:
# full/binary/cat.bin, full_simplified_cat.ndjson, cat.full.npz
_PREFIX = re.compile(r"(full[_/-](simplified|raw|binary)|sketchrnn)[_/-]")
_SUFFIX = re.compile(r"\.full$")


@dataclass(frozen=True)
class SourceFile:
    """A file to read: its format and the category its name stands for."""

    path: Path
    format: str
    category: str


def read_drawings(
    sources: str | Sequence[str],
    report: SkipReport,
    *,
    factors: Sequence[tuple[str, int]] | None = None,
    categories: Sequence[str] | None = None,
    max_seq_len: int = 250,
) -> Iterator[Drawing]:
    """Reads drawings one by one from files of any known format.

    Quick, Draw! ndjson (simplified or raw, also gzip'ed) and bin, the npz of
    Sketch-RNN and FaceX, SVG. The category is the row's `word`; else, for an
    SVG in a sub-folder of its source, that folder's name; else the name of the
    file.

    Args:
        sources: files, globs or folders (read recursively, in sorted order);
            one text may hold several, separated by commas.
        report: counts the rows that are not drawings, by cause.
        factors: what the label vectors of an npz mean, see `npz.read_npz`.
        categories: the categories to take; None takes all.
        max_seq_len: points of the longest drawing to take.

    Returns:
        An iterator. Nothing but the heads of the files has been read yet.

    Raises:
        ValueError: a source matches nothing or is of an unknown format; while
            reading, an npz that is damaged, unsafe or labelled wrongly.
        BadDrawingError: while reading, the first bad row, if `report.strict`.
    """
    files = find_files(sources)
    wanted = None if categories is None else frozenset(categories)
    rules = Rules(max_seq_len, wanted)
    return _read(files, rules, report, factors)


def find_files(sources: str | Sequence[str]) -> list[SourceFile]:
    """The files of all sources, each once, in the order they are read.

    Raises:
        ValueError: a source matches nothing or is of an unknown format.
    """
    texts = split_sources(sources) if isinstance(sources, str) else sources
    found: dict[Path, SourceFile] = {}
    for text in texts:
        for file in _expand(os.path.expanduser(text)):
            found.setdefault(file.path.resolve(), file)
    return list(found.values())


def read_sketches(path: str, limit: int) -> list[Sketch]:
    """The first drawings of a file, of any known format, as sketches.

    Raises:
        ValueError: there are none, or the file is of no known format.
    """
    drawings = read_drawings([path], SkipReport())
    sketches = [
        Sketch(drawing.stroke3, ",".join(drawing.labels.values()))
        for drawing in itertools.islice(drawings, limit)
    ]
    if not sketches:
        raise ValueError(
            f"a file must hold at least one drawing; received {path}, which "
            "has none that can be used."
        )
    return sketches


def split_sources(text: str) -> list[str]:
    """The sources in a comma-separated text; a file's own name may have one.

    Raises:
        ValueError: there are none.
    """
    if os.path.exists(os.path.expanduser(text)):
        return [text]
    sources = [part.strip() for part in text.split(",") if part.strip()]
    if not sources:
        raise ValueError(
            "the data must be files, globs or folders, separated by commas; "
            f"received {text!r}. Name at least one."
        )
    return sources


def _read(
    files: Sequence[SourceFile],
    rules: Rules,
    report: SkipReport,
    factors: Sequence[tuple[str, int]] | None,
) -> Iterator[Drawing]:
    readers = {
        **_READERS,
        "npz": functools.partial(npz.read_npz, factors=factors),
    }
    for file in files:
        read = readers[file.format]
        yield from read(file.path, file.category, rules, report)


def _expand(source: str) -> list[SourceFile]:
    """The files of one source.

    A folder may hold other files beside the data, say a licence; what is named
    by itself or by a glob must be readable.
    """
    path = Path(source)
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if _is_visible(p, path))
        files = [_source_file(p, path) for p in inside]
        found = [file for file in files if file.format]
        for file in files:
            if not file.format:
                logging.getLogger(__name__).warning(
                    "%s is ignored: it is no drawing", file.path
                )
    elif path.is_file():
        found = [_source_file(path, path.parent)]
    else:
        names = sorted(glob.glob(source, recursive=True))
        found = [
            _source_file(Path(name), _fixed_part(source))
            for name in names
            if os.path.isfile(name)
        ]
    _check_found(source, found)
    return found


def _check_found(source: str, found: Sequence[SourceFile]) -> None:
    if not found:
        raise ValueError(
            "a source must be a file, a glob that matches files, or a folder "
            f"with drawings; received {source!r}, which has none. Check the "
            "spelling, and quote a name that has a comma or a star in it."
        )
    for file in found:
        if not file.format:
            raise ValueError(
                "a file must be Quick, Draw! ndjson or bin, a Sketch-RNN or "
                f"FaceX npz, or SVG; received {str(file.path)!r}, which is "
                "none of them or damaged. Get the file again or leave it out."
            )


def _is_visible(path: Path, root: Path) -> bool:
    hidden = any(p.startswith(".") for p in path.relative_to(root).parts)
    return not hidden and path.is_file()


def _fixed_part(pattern: str) -> Path:
    """The folder of a glob before its first wildcard."""
    parts = Path(pattern).parts
    wild = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:wild])


def _source_file(path: Path, root: Path) -> SourceFile:
    kind = detect_format(path)
    in_folder = kind == "svg" and path.parent != root
    category = path.parent.name if in_folder else category_of(path.name)
    return SourceFile(path, kind, category)


def category_of(file_name: str) -> str:
    """The category that a file's name stands for.

    `cat.npz`, `cat.full.npz`, `sketchrnn_cat.npz` and `full%2Fbinary%2Fcat.bin`
    are all `cat`.
    """
    name = urllib.parse.unquote(file_name).removesuffix(".gz")
    stem = name.rpartition(".")[0] or name
    return _SUFFIX.sub("", _PREFIX.sub("", stem))


def detect_format(path: Path) -> str:
    """`ndjson`, `bin`, `npz`, `svg`, or "" if the file is none of them."""
    try:
        with quickdraw.open_source(path) as file:
            head = file.read(_HEAD_BYTES)
    except quickdraw.GZIP_ERRORS:
        head = b""
    if head.startswith(b"PK\x03\x04"):
        return "npz" if _is_npz(path) else ""
    if quickdraw.is_bin_header(head):  # first: a key id may spell {
        return "bin"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "ndjson"
    if text.startswith(b"<") and b"svg" in text:
        return "svg"
    return _EXTENSIONS.get(Path(path.name.removesuffix(".gz")).suffix, "")


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return npz.is_drawings(archive)
    except zipfile.BadZipFile:
        return False
