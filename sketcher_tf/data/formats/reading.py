"""One call that reads drawings from any file this project knows.

The format is told from the content of a file. Where the content says nothing,
because the file is damaged, its extension does, so that what is wrong with it
is counted row by row.
"""

import dataclasses
import glob
import itertools
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sketcher_tf.data.formats import binary, labels, text
from sketcher_tf.data.formats.arrays import npz
from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import Drawing, SkipReport
from sketcher_tf.data.formats.signatures import Identity, identify
from sketcher_tf.data.formats.spans import Span
from sketcher_tf.data.formats.svg import read_svg
from sketcher_tf.files import exists, is_remote, to_path
from sketcher_tf.sketches import Sketch

# (path, category, intake, options of the format) -> drawings
Reader = Callable[..., Iterator[Drawing]]

_READERS: dict[str, Reader] = {
    "json": text.read_json,
    "csv": text.read_csv,
    "bin": binary.read_bin,
    "npz": npz.read_npz,
    "npy": npz.read_npy,
    "svg": read_svg,
}

_SHOWN = 3  # other files of a folder without drawings, in the error


@dataclass(frozen=True)
class SourceFile:
    """A file to read: what it is, and the category of its drawings.

    Attributes:
        path: where it is.
        identity: what it is.
        category: of its drawings.
        span: the part to read; None is all.
    """

    path: Path
    identity: Identity
    category: str = ""
    span: Span | None = None

    @property
    def format(self) -> str:
        """Of its drawings; "" if it holds none."""
        return self.identity.format

    @property
    def size(self) -> int:
        """Bytes to read, as they are on disk."""
        return self.span.size if self.span else self.path.stat().st_size

    def parts(self, size: int) -> Iterator["SourceFile"]:
        """The file in parts of about `size` bytes, if it can be cut."""
        if self.format != "json" or self.size <= size:
            yield self
            return
        for span in text.spans_of_json(self.path, size):
            yield dataclasses.replace(self, span=span)


def read_drawings(
    sources: str | Sequence[str],
    intake: Intake,
    *,
    label: labels.Source = None,
    factors: Sequence[tuple[str, int]] | None = None,
    words: Collection[str] = (),
) -> Iterator[Drawing]:
    """Reads drawings one by one from files of any known format.

    Quick, Draw! ndjson (simplified or raw, also gzip'ed), csv and bin, other
    JSON, the npz of Sketch-RNN and FaceX, SVG.

    Args:
        sources: files, globs or folders (read recursively, in sorted order);
            one text may hold several, separated by commas.
        intake: the rules, and the report on rows that are not drawings.
        label: where the category comes from: `folder`, `file`, or `none`;
            None is the row's `word`, else, of an SVG, its folder's name, else
            the file's name.
        factors: what the label vectors of an npz mean, see `npz.read_npz`.
        words: of a model; names of folders and files that are one are it.

    Returns:
        An iterator. Nothing but the heads of the files has been read yet.

    Raises:
        ValueError: a source matches nothing or is of an unknown format; while
            reading, an npz that is damaged, unsafe or labelled wrongly.
        BadDrawingError: while reading, the first bad row, if the report is
            strict.
    """
    files = find_files(sources, label, words)
    return read_files(files, intake, factors)


def find_files(
    sources: str | Sequence[str],
    label: labels.Source = None,
    words: Collection[str] = (),
) -> list[SourceFile]:
    """The files of all sources, each once, in the order they are read.

    Raises:
        ValueError: a source matches nothing or is of an unknown format.
    """
    texts = split_sources(sources) if isinstance(sources, str) else sources
    found: dict[Path, SourceFile] = {}
    for source in texts:
        for file in _expand(os.path.expanduser(source)):
            category = labels.label_of(file.path, file.format, label, words)
            labelled = SourceFile(file.path, file.identity, category)
            found.setdefault(file.path.resolve(), labelled)
    return list(found.values())


def read_sketches(
    path: str,
    limit: int,
    rules: Rules,
    *,
    label: labels.Source = None,
    words: Collection[str] = (),
    strict: bool = False,
) -> list[Sketch]:
    """The first drawings of a file, of any known format, as sketches.

    What was skipped before the last of them, and what was changed, is logged.

    Args:
        path: a file, or any source of `read_drawings`.
        limit: the number of drawings.
        rules: `Rules.of_model`, if a model is to see them.
        label: where the category comes from, see `read_drawings`.
        words: of the model.
        strict: make the first unusable drawing an error.

    Raises:
        ValueError: there are none, or the file is of no known format.
        BadDrawingError: a drawing cannot be used, and `strict`.
    """
    intake = Intake(rules, SkipReport(strict))
    drawings = read_drawings([path], intake, label=label, words=words)
    sketches = [
        Sketch(drawing.stroke3, ",".join(drawing.labels.values()))
        for drawing in itertools.islice(drawings, limit)
    ]
    if not sketches:
        raise ValueError(
            f"a file must hold at least one drawing; received {path}, which "
            "has none that can be used: "
            f"{intake.report.summary() or 'it has no rows'}."
        )
    log = logging.getLogger(__name__)
    for message in intake.report.messages():
        log.warning("%s: %s", path, message)
    counts = Counter(sketch.category for sketch in sketches)
    log.info("%s: %d of %s", path, len(sketches), labels.describe(counts))
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


def read_files(
    files: Sequence[SourceFile],
    intake: Intake,
    factors: Sequence[tuple[str, int]] | None = None,
) -> Iterator[Drawing]:
    """Reads drawings one by one from files, or parts of files.

    Args:
        files: of `find_files`, or parts of them.
        intake: the rules, and the report on rows that are not drawings.
        factors: what the label vectors of an npz mean, see `npz.read_npz`.
    """
    for file in files:
        options: dict[str, Any] = {}
        if file.format == "npz":
            options["factors"] = factors
        if file.span:
            options["span"] = file.span
        read = _READERS[file.format]
        yield from read(file.path, file.category, intake, **options)


def _expand(source: str) -> list[SourceFile]:
    """The files of one source; all of them are drawings."""
    path = to_path(source)
    there = exists(path)
    if there and path.is_dir():
        every = [
            SourceFile(file, identify(file))
            for file in sorted(path.rglob("*"))
            if _is_visible(file, path)
        ]
        found = [file for file in every if file.format]
        ignored = [file for file in every if not file.format]
        _tell_ignored(source, found, ignored)
        return found
    paths = [path] if there and path.is_file() else _matches(source)
    found = [SourceFile(file, identify(file)) for file in paths]
    _check_found(source, found)
    return found


def _matches(pattern: str) -> list[Path]:
    if is_remote(pattern):
        # The part without wildcards is where to look.
        words = pattern.split("/")
        first = next((i for i, w in enumerate(words) if set(w) & set("*?[")), 0)
        if not first:
            return []
        folder = to_path("/".join(words[:first]))
        return sorted(folder.glob("/".join(words[first:])))
    names = sorted(glob.glob(pattern, recursive=True))
    return [Path(name) for name in names if os.path.isfile(name)]


def _tell_ignored(
    source: str, found: Sequence[SourceFile], ignored: Sequence[SourceFile]
) -> None:
    """Names the files of a folder that are no drawings, and why."""
    texts = [f"{file.path.name} is {file.identity}" for file in ignored]
    if not found:
        hidden = len(texts) - _SHOWN
        listed = "; ".join(texts[:_SHOWN])
        listed += f"; and {hidden} more" * (hidden > 0)
        _refuse_empty(source, f": {listed}" if listed else "")
    for name, files in itertools.groupby(
        sorted(ignored, key=lambda file: str(file.identity)),
        key=lambda file: str(file.identity),
    ):
        first, *others = files
        more = f" and {len(others)} more like it" if others else ""
        logging.getLogger(__name__).warning(
            "%s%s is ignored: it is %s", first.path, more, name
        )


def _check_found(source: str, found: Sequence[SourceFile]) -> None:
    if not found:
        _refuse_empty(source, "")
    for file in found:
        if not file.format:
            raise ValueError(
                "a file must hold drawings as strokes: Quick, Draw! ndjson, "
                "csv or bin, other JSON, a Sketch-RNN or FaceX npz, or SVG; "
                f"received {str(file.path)!r}, which is {file.identity}."
            )


def _refuse_empty(source: str, why: str) -> NoReturn:
    raise ValueError(
        "a source must be a file, a glob that matches files, or a folder with "
        f"drawings; received {source!r}, which has none{why}. Check the "
        "spelling, and quote a name that has a comma or a star in it."
    )


def _is_visible(path: Path, root: Path) -> bool:
    hidden = any(p.startswith(".") for p in path.relative_to(root).parts)
    return not hidden and path.is_file()
