"""Prepares a set on Apache Beam: for sets too large for one machine.

The same function makes the rows and the same bytes come out as of `local`:
rows are grouped by shard and sorted by place. Sources and output are on a file
system that all workers see, or in an object store.

No TensorFlow here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam import pvalue
from apache_beam.options.pipeline_options import PipelineOptions

from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.manifest import SCHEMA_FILE
from sketcher_tf.data.prepare.example import (
    Row,
    encode_example,
    encode_labels,
)
from sketcher_tf.data.prepare.pieces import Piece
from sketcher_tf.data.prepare.records import frame
from sketcher_tf.data.prepare.shards import Shard
from sketcher_tf.data.prepare.tally import Tally, Target
from sketcher_tf.files import to_path

# The tally of a piece, and its report under the piece's number.
_Whole = tuple[Tally, dict[int, SkipReport]]


def prepare_on_beam(
    pieces: Iterable[Piece],
    folder: str,
    target: Target,
    arguments: Sequence[str],
) -> None:
    """Prepares a set; the manifest is written last of all.

    Args:
        pieces: their sources are where all workers can read them.
        folder: a new one.
        target: what is made.
        arguments: Beam's own flags, e.g. `--runner=FlinkRunner`.

    Raises:
        Exception: of the runner; its text has that of the error which
            `prepare_locally` would raise.
    """
    to_path(folder).mkdir(parents=True, exist_ok=True)
    options = PipelineOptions(list(arguments))
    with beam.Pipeline(options=options) as pipeline:
        read = (
            pipeline
            | "Pieces" >> beam.Create(list(enumerate(pieces)))
            | beam.Reshuffle()
            | beam.ParDo(_Read(target)).with_outputs("whole", main="rows")
        )
        whole = pvalue.AsSingleton(read.whole | beam.CombineGlobally(_Sum()))
        written = (
            read.rows
            | beam.Map(_with_shard, target, whole)
            | beam.GroupByKey()
            | beam.Map(_write_shard, folder, target, whole)
        )
        _ = (
            pipeline
            | "Once" >> beam.Create([folder])
            | beam.Map(_write_manifest, target, whole, pvalue.AsList(written))
        )


class _Read(beam.DoFn):
    """A piece -> its rows, and last its tally and report."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def process(self, element: tuple[int, Any]) -> Iterator[Any]:
        number, piece = element
        tally, report = Tally(), SkipReport(self.target.strict)
        yield from tally.rows(piece.drawings(report), self.target.image_size)
        yield pvalue.TaggedOutput("whole", (tally, {number: report}))


class _Sum(beam.CombineFn):
    """Adds tallies up, and keeps the reports apart to sort them."""

    def create_accumulator(self) -> _Whole:
        return Tally(), {}

    def add_input(self, mutable_accumulator: _Whole, element: _Whole) -> _Whole:
        return self.merge_accumulators([mutable_accumulator, element])

    def merge_accumulators(self, accumulators: Iterable[_Whole]) -> _Whole:
        tally, reports = self.create_accumulator()
        for other, more in accumulators:
            tally.update(other)
            reports.update(more)
        return tally, reports

    def extract_output(self, accumulator: _Whole) -> _Whole:
        return accumulator


def _with_shard(row: Row, target: Target, whole: _Whole) -> tuple[Shard, Row]:
    number = whole[0].num_shards(target)
    shard = Shard.at(row.place, number)
    return shard, row


def _write_shard(
    grouped: tuple[Shard, Iterable[Row]],
    folder: str,
    target: Target,
    whole: _Whole,
) -> Shard:
    shard, rows = grouped
    factors = whole[0].schema(target, SkipReport()).factors
    numbers = [{v: i for i, v in enumerate(f.values)} for f in factors]
    with (to_path(folder) / shard.name).open("wb") as file:
        for row in sorted(rows):
            labels = encode_labels(
                [n[v] for n, v in zip(numbers, row.labels, strict=True)]
            )
            file.write(frame(encode_example(labels, row.features)))
    return shard


def _write_manifest(
    folder: str, target: Target, whole: _Whole, shards: Sequence[Shard]
) -> None:
    tally, reports = whole
    report = SkipReport(causes=Counter(), notes=Counter())
    for number in sorted(reports):
        report.update(reports[number])
    schema = tally.schema(target, report)
    manifest = tally.manifest(schema, sorted(shards), report, target)
    (to_path(folder) / SCHEMA_FILE).write_text(manifest.dumps())
