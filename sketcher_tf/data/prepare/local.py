"""Prepares a set on this machine: its pieces, shared out among processes.

The folder that is to become the set holds, while it is built,

    plan            what it is made from, and how
    000007.json     of piece 7: its tally, what was skipped, its runs
    000007-0.*      its first run
    train-00000-of-00008.tfrecord and the other shards

Each of them appears when it is whole, and what is there is not made again: a
preparation that was cut off, by `kill -9` too, goes on where it was. And all
is in the order of what the rows are, not of who made them: the same sources
make the same bytes, whatever the number of workers and interruptions.

No TensorFlow here.
"""

import functools
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.manifest import SCHEMA_FILE, Manifest, is_prepared
from sketcher_tf.data.prepare.example import Row
from sketcher_tf.data.prepare.pieces import Piece
from sketcher_tf.data.prepare.pool import each
from sketcher_tf.data.prepare.progress import Progress
from sketcher_tf.data.prepare.records import write_records
from sketcher_tf.data.prepare.runs import Run, merge, write_run
from sketcher_tf.data.prepare.shards import Shard, all_shards
from sketcher_tf.data.prepare.tally import Tally, Target
from sketcher_tf.files import write_atomically, write_bytes
from sketcher_tf.schema import Factor

_PLAN = "plan"
_RUN_BYTES = 2**26  # of rows that a worker holds
# A smaller set is prepared in this process: others take a while to start.
_SHARED_BYTES = 2**22


def prepare_locally(
    pieces: Iterable[Piece],
    folder: Path,
    target: Target,
    *,
    plan: str = "",
    workers: int = 1,
    total_bytes: int = 0,
) -> Manifest:
    """Prepares a set; the folder appears when all of it is there.

    Args:
        pieces: read as they are needed.
        folder: replaced if it exists.
        target: what is made.
        plan: says what the pieces are; what was begun with another plan is
            not gone on with.
        workers: processes.
        total_bytes: of all pieces, to measure progress by.

    Raises:
        ValueError: no drawing for training, drawings with differing factors,
            or `folder` holds something else.
        BadDrawingError: the first bad row, if `target.strict`.
    """
    _check_replaceable(folder)
    building = folder.with_name(f".building-{folder.name}")
    _take_up(building, f"{target}\n{plan}")
    workers = workers if total_bytes >= _SHARED_BYTES else 1
    schema = building / SCHEMA_FILE
    try:
        if not schema.exists():
            parts = _read(building, pieces, target, workers, total_bytes)
            manifest = _write(building, parts, target, workers)
            write_bytes(schema, manifest.dumps().encode())
    except ValueError:
        shutil.rmtree(building)  # it would fail again
        raise
    _publish(building, folder)
    return Manifest.loads((folder / SCHEMA_FILE).read_text())


def _check_replaceable(folder: Path) -> None:
    in_use = folder.exists() and any(folder.iterdir())
    if in_use and not is_prepared(folder):
        raise ValueError(
            "the output must be a new folder or one prepared before, which is "
            f"replaced; received {folder}, which holds something else."
        )


def _take_up(building: Path, plan: str) -> None:
    """Goes on with what is there, if it was begun with the same plan."""
    file = building / _PLAN
    if not file.exists() or file.read_text() != plan:
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        write_bytes(file, plan.encode())


def _publish(building: Path, folder: Path) -> None:
    """Puts what is complete in the place of what was there."""
    for path in building.iterdir():
        if path.suffix != ".tfrecord" and path.name not in (SCHEMA_FILE, _PLAN):
            path.unlink()
    old = folder.with_name(f".old-{folder.name}")
    shutil.rmtree(old, ignore_errors=True)  # of a process that was killed
    if folder.exists():
        os.replace(folder, old)
    (building / _PLAN).unlink()
    os.replace(building, folder)
    shutil.rmtree(old, ignore_errors=True)


# --- Reading: from pieces to runs -------------------------------------------


@dataclass
class _Part:
    """What a worker tells of a piece, or of several together."""

    tally: Tally = field(default_factory=Tally)
    report: SkipReport = field(default_factory=SkipReport)
    runs: list[Run] = field(default_factory=list)

    def update(self, other: "_Part") -> None:
        """Adds what is told of the pieces after."""
        self.tally.update(other.tally)
        self.report.update(other.report)
        self.runs += other.runs

    def to_json(self) -> dict[str, Any]:
        return {
            "tally": self.tally.to_json(),
            "causes": self.report.causes,
            "notes": self.report.notes,
            "examples": self.report.examples,
            "runs": self.runs,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "_Part":
        return cls(
            Tally.from_json(values["tally"]),
            SkipReport(
                causes=Counter(values["causes"]),
                notes=Counter(values["notes"]),
                examples=values["examples"],
            ),
            [
                Run(stem, [tuple(combination) for combination in labels])
                for stem, labels in values["runs"]
            ],
        )


def _read(
    building: Path,
    pieces: Iterable[Piece],
    target: Target,
    workers: int,
    total_bytes: int,
) -> _Part:
    """Reads all pieces that have not been read, and sums up."""
    work = functools.partial(_read_piece, building, target)
    whole = _Part()
    with Progress("Reading", total_bytes) as progress:
        for done in each(work, enumerate(pieces), workers):
            part = _Part.from_json(json.loads(done.path.read_text()))
            whole.update(part)
            if done.is_new:
                progress.advance(done.size, part.tally.count)
            else:
                progress.skip(done.size)
    return whole


class _Done(NamedTuple):
    """A piece that has been read, and where its `_Part` is."""

    path: Path
    size: int
    is_new: bool


def _read_piece(
    building: Path, target: Target, task: tuple[int, Piece]
) -> _Done:
    """Reads a piece, unless that has been done."""
    number, piece = task
    path = building / f"{number:06}.json"
    is_new = not path.exists()
    if is_new:
        part = _Part(report=SkipReport(target.strict))
        drawings = piece.drawings(part.report)
        rows = part.tally.rows(drawings, target.image_size)
        for i, chunk in enumerate(_chunks(rows, _RUN_BYTES)):
            part.runs.append(write_run(building, f"{number:06}-{i}", chunk))
        write_bytes(path, json.dumps(part.to_json()).encode())
    return _Done(path, piece.size, is_new)


def _chunks(rows: Iterable[Row], num_bytes: int) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(row.features)
        if size >= num_bytes:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


# --- Writing: from runs to shards -------------------------------------------


def _write(
    building: Path, parts: _Part, target: Target, workers: int
) -> Manifest:
    """Merges the runs into shards; nothing if there is nothing to learn."""
    tally = parts.tally
    schema = tally.schema(target, parts.report)
    shards = all_shards(tally.num_shards(target))
    work = functools.partial(_write_shard, building, parts.runs, schema.factors)
    with Progress("Writing", len(shards)) as progress:
        written = []
        for shard, exists in each(work, shards, workers):
            progress.advance(size=1)
            written += [shard] * exists
    return tally.manifest(schema, written, parts.report, target)


def _write_shard(
    building: Path,
    runs: Sequence[Run],
    factors: Sequence[Factor],
    shard: Shard,
) -> tuple[Shard, bool]:
    """Writes a shard, unless that has been done; whether there is one."""
    path = building / shard.name
    if not path.exists():
        records = list(merge(building, runs, factors, *shard.places))
        if records:
            write_atomically(path, lambda file: write_records(file, records))
    return shard, path.exists()
