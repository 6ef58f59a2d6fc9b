"""From the text of `--data` to a prepared folder."""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sketcher_tf.data.download import (
    ATTRIBUTION,
    PREFIX,
    cache_dir,
    resolve_data,
)
from sketcher_tf.data.formats import labels
from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.formats.placement import Placement
from sketcher_tf.data.formats.reading import find_files, read_drawings
from sketcher_tf.data.records import (
    Provenance,
    is_prepared,
    read_manifest,
    write_records,
)
from sketcher_tf.data.synthetic import doodles, faces
from sketcher_tf.files import locked

# Sets that the project draws itself.
DRAWN = {"doodles": doodles.doodles, "faces": faces.faces}


@dataclass(frozen=True)
class Options:
    """How a set is prepared.

    Attributes:
        strict: make the first bad row an error.
        max_seq_len: points of the longest drawing to take.
        image_size: pixels per side of the rasters.
        num_shards: per split.
        factors: what the label vectors of an npz mean, (name, size) each.
        categories: the categories to take; None takes all.
        label: where the word of a drawing comes from, see `read_drawings`.
        placement: how drawings are scaled.
    """

    strict: bool = False
    max_seq_len: int = 250
    image_size: int = 64
    num_shards: int = 8
    factors: tuple[tuple[str, int], ...] | None = None
    categories: tuple[str, ...] | None = None
    label: labels.Source = None
    placement: Placement = field(default_factory=Placement)

    def rules(self) -> Rules:
        """Which drawings are taken, and how."""
        return Rules(
            self.max_seq_len,
            self.categories and frozenset(self.categories),
            relabel=self.label is not None,
            placement=self.placement,
        )


def prepare(data: str, options: Options, folder: Path | None = None) -> Path:
    """Prepares a data set for training, unless that has been done before.

    Args:
        data: `doodles`, `faces`, `quickdraw:cat,crab`, `quickdraw:all`, or
            files, globs and folders, or a folder prepared before.
        options: how.
        folder: where to; None is the cache, by what the sources are.

    Returns:
        The prepared folder.

    Raises:
        ValueError: nothing to read, or nothing to train on.
        BadDrawingError: the first bad row, if `options.strict`.
    """
    if is_prepared(Path(data)):
        if folder is not None:
            raise ValueError(
                "what is prepared must be drawings; received "
                f"{data}, which is prepared. Copy it, or name its sources."
            )
        return Path(data)
    sources = [data] if data in DRAWN else resolve_data(data)
    if folder is not None:
        _write(data, sources, options, folder)
        return folder
    folder = cache_dir().parent / "prepared" / _fingerprint(sources, options)
    # Two trainings that begin together prepare the same folder.
    with locked(folder.with_name(f".{folder.name}.lock")):
        if not is_prepared(folder):
            _write(data, sources, options, folder)
    return folder


def _write(
    data: str, sources: Sequence[str], options: Options, folder: Path
) -> None:
    logging.info("Preparing %s in %s", data, folder)
    report = SkipReport(options.strict)
    drawings = (
        DRAWN[data]()
        if data in DRAWN
        else read_drawings(
            sources,
            Intake(options.rules(), report),
            label=options.label,
            factors=options.factors,
        )
    )
    attribution = ATTRIBUTION if data.startswith(PREFIX) else ""
    write_records(
        drawings,
        folder,
        report,
        image_size=options.image_size,
        num_shards=options.num_shards,
        provenance=Provenance(sources, attribution),
    )
    for message in report.messages():
        logging.warning(message)
    if "too long" in report.causes:
        logging.warning(
            "Drawings of more than %d points are left out; --max_seq_len takes "
            "longer ones",
            options.max_seq_len,
        )


def log_summary(folder: Path) -> None:
    """Tells what a prepared folder holds: numbers, words, limits."""
    manifest = read_manifest(folder)
    schema = manifest.schema
    splits = ", ".join(
        f"{split.count} {name}" for name, split in manifest.splits.items()
    )
    counts = sum(map(Counter, manifest.counts.values()), Counter())
    others = ", ".join(f"{len(f.values)} {f.name}" for f in schema.factors[1:])
    logging.info(
        "%s: %s drawings of %s; %sup to %d points; scale factor %.2f pixels",
        folder,
        splits,
        labels.describe(counts),
        f"{others}; " if others else "",
        schema.max_seq_len,
        schema.scale_factor,
    )
    complaint = labels.complaint(counts)
    if complaint:
        logging.warning(complaint)


def _fingerprint(sources: Sequence[str], options: Options) -> str:
    """Changes with the sources' content, as far as time and size tell."""
    digest = hashlib.blake2b(repr(options).encode(), digest_size=10)
    if sources[0] in DRAWN:
        digest.update(sources[0].encode())
        for module in sorted(Path(faces.__file__).parent.glob("*.py")):
            digest.update(module.read_bytes())
    else:
        for file in find_files(sources):
            stat = file.path.stat()
            identity = (
                str(file.path.resolve()),
                stat.st_size,
                stat.st_mtime_ns,
            )
            digest.update(repr(identity).encode())
    return digest.hexdigest()
