"""From the text of `--data` to a prepared folder."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sketcher_tf.data.download import (
    ATTRIBUTION,
    PREFIX,
    cache_dir,
    resolve_data,
)
from sketcher_tf.data.formats import labels
from sketcher_tf.data.formats.checks import Rules
from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.formats.placement import Placement
from sketcher_tf.data.formats.reading import find_files
from sketcher_tf.data.manifest import (
    VERSION,
    Manifest,
    is_prepared,
    read_manifest,
)
from sketcher_tf.data.prepare.local import prepare_locally
from sketcher_tf.data.prepare.pieces import (
    DRAWN,
    DrawnPiece,
    Piece,
    cut_files,
)
from sketcher_tf.data.prepare.pool import num_cores
from sketcher_tf.data.prepare.tally import Target
from sketcher_tf.data.synthetic import faces
from sketcher_tf.files import identity_of, is_remote, locked, to_path


@dataclass(frozen=True)
class Options:
    """How a set is prepared.

    Attributes:
        strict: make the first bad row an error.
        max_seq_len: points of the longest drawing to take.
        image_size: pixels per side of the rasters.
        num_shards: per split, at least.
        shard_bytes: a shard is about so large at most.
        factors: what the label vectors of an npz mean, (name, size) each.
        categories: the categories to take; None takes all.
        label: where the word of a drawing comes from, see `read_drawings`.
        placement: how drawings are scaled.
    """

    strict: bool = False
    max_seq_len: int = 250
    image_size: int = 64
    num_shards: int = 8
    shard_bytes: int = 10**8
    factors: tuple[tuple[str, int], ...] | None = None
    categories: tuple[str, ...] | None = None
    label: labels.Source = None
    placement: Placement = field(default_factory=Placement)

    def rules(self) -> Rules:
        """Which drawings are taken, and how."""
        return Rules(
            self.max_seq_len,
            None if self.categories is None else frozenset(self.categories),
            relabel=self.label is not None,
            placement=self.placement,
        )


def prepare(
    data: str,
    options: Options,
    folder: Path | None = None,
    workers: int | None = None,
    beam: Sequence[str] | None = None,
) -> Path:
    """Prepares a data set for training, unless that has been done before.

    Args:
        data: `doodles`, `faces`, `quickdraw:cat,crab`, `quickdraw:all`, or
            files, globs and folders, or a folder prepared before.
        options: how.
        folder: where to; None is the cache, by what the sources are.
        workers: processes; None is one per core.
        beam: prepare on Apache Beam instead, with these flags of its own.

    Returns:
        The prepared folder.

    Raises:
        ValueError: nothing to read, or nothing to train on.
        BadDrawingError: the first bad row, if `options.strict`.
    """
    if is_prepared(to_path(data)):
        if folder is not None:
            raise ValueError(
                "what is prepared must be drawings; received "
                f"{data}, which is prepared. Copy it, or name its sources."
            )
        return to_path(data)
    work = _Work(data, options, workers or num_cores(), beam)
    if folder is not None and is_remote(folder):
        work.write(folder)
        return folder
    in_cache = cache_dir().parent / "prepared" / work.identity
    target = folder or in_cache
    # Two trainings that begin together prepare the same folder.
    with locked(target.with_name(f".{target.name}.lock")):
        if folder or not is_prepared(in_cache):
            work.write(target)
    return target


class _Work:
    """What is to be prepared, and how; arguments are those of `prepare`."""

    def __init__(
        self,
        data: str,
        options: Options,
        workers: int,
        beam: Sequence[str] | None,
    ) -> None:
        self.data = data
        self.options = options
        self.workers = workers
        self.beam = beam
        self.sources = [data] if data in DRAWN else resolve_data(data)
        self.files = (
            [] if data in DRAWN else find_files(self.sources, options.label)
        )

    @property
    def identity(self) -> str:
        """Changes with the sources' content, as far as time and size tell."""
        what = (VERSION, self.options, self.sources)
        digest = hashlib.blake2b(repr(what).encode(), digest_size=10)
        if not self.files:
            for module in sorted(Path(faces.__file__).parent.glob("*.py")):
                digest.update(module.read_bytes())
        for file in self.files:
            digest.update(identity_of(file.path).encode())
        return digest.hexdigest()

    def write(self, folder: Path) -> None:
        """Prepares all of it in `folder`, and tells what was skipped."""
        logging.info("Preparing %s in %s", self.data, folder)
        if self.beam is None:
            if is_remote(folder):
                raise ValueError(
                    "the output must be on this machine, or made by Apache "
                    f"Beam (--runner); received {folder}. Prepare it here and "
                    "copy it."
                )
            prepare_locally(
                self._pieces(),
                folder,
                self._target(),
                plan=self.identity,
                workers=self.workers,
                total_bytes=sum(file.size for file in self.files),
            )
        else:
            self._write_on_beam(folder, self.beam)
        self._tell(read_manifest(folder))

    def _write_on_beam(self, folder: Path, flags: Sequence[str]) -> None:
        # Here, because most who prepare data have no Beam.
        from sketcher_tf.data.prepare.beam import prepare_on_beam

        if folder.exists() and any(folder.iterdir()):
            raise ValueError(
                "the output of Apache Beam must be a new folder; received "
                f"{folder}, which holds something. Name another one."
            )
        prepare_on_beam(self._pieces(), str(folder), self._target(), flags)

    def _tell(self, manifest: Manifest) -> None:
        report = SkipReport(
            causes=Counter(manifest.skipped),
            notes=Counter(manifest.notes),
            examples=dict(manifest.examples),
        )
        for message in report.messages():
            logging.warning(message)

    def _pieces(self) -> Iterator[Piece]:
        if self.data in DRAWN:
            return iter([DrawnPiece(self.data)])
        options = self.options
        return cut_files(self.files, options.rules(), options.factors)

    def _target(self) -> Target:
        options = self.options
        is_quickdraw = self.data.startswith(PREFIX)
        return Target(
            strict=options.strict,
            image_size=options.image_size,
            num_shards=options.num_shards,
            shard_bytes=options.shard_bytes,
            sources=tuple(self.sources),
            attribution=ATTRIBUTION if is_quickdraw else "",
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
