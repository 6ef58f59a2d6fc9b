"""Workers of this machine that train together, and one of them that dies.

    python -m benchmarks.cluster --data=doodles --workers=1,2,4

Each number of workers trains on the same data with the same batches in all,
three epochs long. Measured is the second, validation and checkpoint included:
its time, what a worker has read, and what went over the loopback network. (As
workers read ahead, that is the batches of the third.) Then the last number of
them trains again, and after the first epoch one worker is killed by SIGKILL;
when all have ended they are started again. In the end the losses have to be
those of the training that nobody disturbed.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import rich
from absl import flags
from rich.table import Table

from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.training.run_folder import RunFolder, read_history

COMMAND = Command("python -m benchmarks.cluster", __doc__, tensorflow=False)
_DATA = flags.DEFINE_string(
    "data", "doodles", "As for sketcher_tf.train.", flag_values=COMMAND.flags
)
_WORKERS = flags.DEFINE_list(
    "workers", ["1", "2", "4"], "Numbers of them.", flag_values=COMMAND.flags
)
_PRESET = flags.DEFINE_string(
    "preset", "quick", "As for sketcher_tf.train.", flag_values=COMMAND.flags
)
_STEPS = flags.DEFINE_integer(
    "steps", 30, "Steps of an epoch.", 1, flag_values=COMMAND.flags
)

_EPOCHS = 3
_PATIENCE_S = 600  # after which a worker hangs


class Moment(NamedTuple):
    """Where a cluster is.

    Attributes:
        seconds: of the clock.
        read: bytes that each worker has read from files.
        received: bytes that came over the loopback network, to anyone.
    """

    seconds: float
    read: list[int]
    received: int


class Cluster:
    """Workers that are at work on one training, until the block ends.

    Args:
        run: the run folder; what workers say is written beside it.
        count: how many they are.
    """

    def __init__(self, run: RunFolder, count: int) -> None:
        self.run = run
        addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
        self.processes = [self._start(i, addresses) for i in range(count)]

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def _start(self, index: int, workers: list[str]) -> subprocess.Popen:
        config = {
            "cluster": {"worker": workers},
            "task": {"type": "worker", "index": index},
        }
        settings = {
            "training.steps_per_epoch": _STEPS.value,
            "training.image_epochs": 0,
            "training.sheet_every": 99,
        }
        command = [
            *(sys.executable, "-m", "sketcher_tf.train"),
            f"--data={_DATA.value}",
            f"--run={self.run.path}",
            f"--preset={_PRESET.value}",
            f"--epochs={_EPOCHS}",
            "--strategy=multi_worker",
            *(f"--set={name}={value}" for name, value in settings.items()),
        ]
        with self._log(index).open("wb") as log:
            return subprocess.Popen(
                command,
                env=os.environ | {"TF_CONFIG": json.dumps(config)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _log(self, index: int) -> Path:
        return self.run.path.with_suffix(f".{index}.log")

    def wait_for_epoch(self, number: int) -> Moment:
        """The moment at which that many epochs have ended.

        Raises:
            RuntimeError: a worker has ended instead.
        """
        while len(read_history(self.run.history)) < number:
            for i, process in enumerate(self.processes):
                if process.poll() is not None:
                    raise RuntimeError(
                        f"workers must run until all have ended; worker {i} "
                        f"ended with {process.returncode}, and said:\n"
                        f"{self._log(i).read_text()[-2000:]}"
                    )
            time.sleep(0.02)
        read = [bytes_read(process.pid) for process in self.processes]
        return Moment(time.monotonic(), read, bytes_received())

    def finish(self) -> list[int]:
        """Their exit codes, when they have ended by themselves."""
        return [process.wait(_PATIENCE_S) for process in self.processes]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at, at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def bytes_read(process: int) -> int:
    """By a process, from files of any kind."""
    lines = Path(f"/proc/{process}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def bytes_received() -> int:
    """Over the loopback network, since the machine has started."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[0])
    return 0


def train(run: RunFolder, count: int) -> list[str]:
    """Trains undisturbed; returns a row of the table."""
    with Cluster(run, count) as cluster:
        start = cluster.wait_for_epoch(1)
        end = cluster.wait_for_epoch(2)
        cluster.finish()
    read = [b - a for a, b in zip(start.read, end.read, strict=True)]
    received = (end.received - start.received) / count / _STEPS.value
    return [
        str(count),
        f"{(end.seconds - start.seconds) / _STEPS.value * 1e3:.0f}",
        ", ".join(f"{size / 1e6:.1f}" for size in read),
        f"{received / 1e6:.1f}",
    ]


def train_with_a_kill(run: RunFolder, count: int) -> tuple[list[int], float]:
    """Kills the last worker after an epoch, and starts all of them again.

    Returns:
        What the workers ended with, and after how many seconds.
    """
    with Cluster(run, count) as cluster:
        killed = cluster.wait_for_epoch(1)
        cluster.processes[-1].kill()
        codes = cluster.finish()
        seconds = time.monotonic() - killed.seconds
    with Cluster(run, count) as cluster:
        cluster.finish()
    return codes, seconds


def main(arguments: list[str]) -> None:
    """Flags -> a table, and what became of the killed."""
    refuse_arguments(arguments, "--workers=1,2,4")
    table = Table()
    for name in (
        "workers",
        "ms a step",
        "MB read by each",
        "MB received by each, a step",
    ):
        table.add_column(name)
    with tempfile.TemporaryDirectory() as folder:
        try:
            for count in map(int, _WORKERS.value):
                whole = RunFolder(Path(folder, str(count)))
                table.add_row(*train(whole, count))
        finally:
            rich.print(table)
        disturbed = RunFolder(Path(folder, "disturbed"))
        codes, seconds = train_with_a_kill(disturbed, count)
        same = read_history(disturbed.history) == read_history(whole.history)
    print(
        f"One of {count} killed: exit codes {codes} within {seconds:.1f} s; "
        f"started again, all losses the same: {same}"
    )


if __name__ == "__main__":
    COMMAND.run(main)
