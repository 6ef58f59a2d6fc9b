"""Measures how fast drawings are prepared, and in how much memory.

    python -m benchmarks.prepare --data='my-drawings/*.ndjson'

Every candidate prepares the same drawings in a process of its own, by turns:
so many workers, Apache Beam, another checkout of the project. What a start
takes is measured as well and left out of the rates.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import rich
from absl import flags
from rich.table import Table

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.data.formats.reading import find_files

COMMAND = Command("python -m benchmarks.prepare", __doc__, tensorflow=False)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Files of one drawing per line, or globs; over 4 MB, as less is prepared "
    "in one process.",
    required=True,
    flag_values=COMMAND.flags,
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 3, "How often each has its turn.", 1, flag_values=COMMAND.flags
)
_WORKERS = flags.DEFINE_list(
    "workers", ["1", "2"], "Numbers of processes.", flag_values=COMMAND.flags
)
_BEAM = flags.DEFINE_bool(
    "beam", False, "Also on Beam's DirectRunner.", flag_values=COMMAND.flags
)
_OTHER = flags.DEFINE_string(
    "other",
    None,
    "Another checkout, whose command is measured as it is.",
    flag_values=COMMAND.flags,
)

_FEW = 20  # drawings; not all of them are for validation


class Candidate(NamedTuple):
    """A way to prepare: arguments of the command, and where it is run."""

    name: str
    arguments: tuple[str, ...]
    folder: Path = Path.cwd()


class Cost(NamedTuple):
    """What one run took; seconds, of the CPU in all processes; megabytes.

    Children that are still there when a process ends are not counted.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float


def candidates() -> list[Candidate]:
    """Those that the flags ask for."""
    found = [
        Candidate(f"{n} worker(s)", (f"--workers={n}",)) for n in _WORKERS.value
    ]
    if _BEAM.value:
        found.append(Candidate("DirectRunner", ("--runner=DirectRunner",)))
    if _OTHER.value:
        found.insert(0, Candidate("other", (), Path(_OTHER.value)))
    return found


def run(candidate: Candidate, data: str) -> Cost:
    """Prepares `data` once."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            *(sys.executable, "-m", "sketcher_tf.prepare", f"--data={data}"),
            *(f"--output={scratch}/set", *candidate.arguments),
        ]
        with open(f"{scratch}/log", "w+") as log:
            begun = time.monotonic()
            process = subprocess.Popen(
                command, cwd=candidate.folder, stdout=log, stderr=log
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begun
            log.seek(0)
            if status:
                raise RuntimeError(f"{' '.join(command)}:\n{log.read()}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(wall, cpu, usage.ru_maxrss / 1024)


def start_all(tries: Sequence[Candidate], file: Path) -> dict[Candidate, Cost]:
    """What each takes for a few drawings."""
    with tempfile.TemporaryDirectory() as scratch:
        few = Path(scratch) / "few.ndjson"
        with file.open("rb") as lines:
            few.write_bytes(b"".join(itertools.islice(lines, _FEW)))
        return {candidate: run(candidate, str(few)) for candidate in tries}


def main(arguments: list[str]) -> None:
    """Takes turns, and shows the medians."""
    refuse_arguments(arguments, "--data='drawings/*.ndjson'")
    files = [file.path.resolve() for file in find_files(_DATA.value)]
    number = sum(file.read_bytes().count(b"\n") for file in files)
    tries = candidates()
    starts = start_all(tries, files[0])
    costs: dict[Candidate, list[Cost]] = {c: [] for c in tries}
    for _ in range(_ROUNDS.value):
        for candidate in tries:
            cost = run(candidate, ",".join(map(str, files)))
            costs[candidate].append(cost)
    table = Table(
        *("", "drawings/s", "CPU us a drawing", "peak MB", "start s"),
        title=f"{number} drawings, medians of {_ROUNDS.value}",
    )
    for candidate, spent in costs.items():
        wall, cpu, peak = map(statistics.median, zip(*spent, strict=True))
        start = starts[candidate]
        table.add_row(
            candidate.name,
            f"{number / (wall - start.wall_s):,.0f}",
            f"{(cpu - start.cpu_s) / number * 1e6:.0f}",
            f"{peak:.0f}",
            f"{start.wall_s:.1f}",
        )
    rich.print(table)


if __name__ == "__main__":
    COMMAND.run(main)
