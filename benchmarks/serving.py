"""How fast a server draws, and how far that is from the floor.

    python -m benchmarks.serving                     the embedded server
    python -m benchmarks.serving --target=host:8500  any server

Without --target a model of the paper's sizes is made, whose drawings all have
100 points, and served by the embedded server, in a process of its own, with and
without batching. Printed are sketches per second and the latency for 1, 8 and
32 concurrent callers of `generate`, one sketch each; the time of a single one
beside its floor, the product of each weight matrix with a vector, once per
point; and what a gateway in between adds to it.
"""

import asyncio
import contextlib
import itertools
import math
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
from absl import flags

from export.saved_model.publish import metadata_of, write_stateless
from serving.proto.sketcher.v1 import sketcher_pb2 as pb
from serving.proto.sketcher.v1 import sketcher_pb2_grpc as pb_grpc
from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.client.aio import AsyncSketcherClient
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.configs import PRESETS
from sketcher_tf.contract import SKETCHER
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.schema import Factor, Schema

COMMAND = Command("python -m benchmarks.serving", __doc__)
_TARGET = flags.DEFINE_string(
    "target", None, "host:port; else embedded.", flag_values=COMMAND.flags
)
_SECONDS = flags.DEFINE_float(
    "seconds", 10.0, "Of each measurement.", 0.1, flag_values=COMMAND.flags
)
_CALLERS = flags.DEFINE_list(
    "callers", "1,8,32", "How many at once.", flag_values=COMMAND.flags
)

_POINTS = 100
_CATEGORIES = 33
_WARM_UP_SECONDS = 3.0


Process = contextlib.AbstractContextManager[str]


class Load(NamedTuple):
    """What a number of callers met."""

    sketches_per_second: float
    median: float  # seconds
    percentile_99: float  # seconds


def make_model() -> AISketcher:
    """An untrained model of the paper's sizes that never ends a drawing."""
    words = tuple(f"category {n}" for n in range(_CATEGORIES))
    schema = Schema((Factor("category", words),), 30.0, _POINTS, 64)
    model = AISketcher(PRESETS["paper"], schema)
    bias = model.decoder.output_projection.bias
    bias.assign_add(-1e4 * np.eye(bias.shape[0])[2])  # the end's logit
    return model


def floor_of(model: AISketcher) -> Callable[[], None]:
    """Computes one product per weight matrix and point.

    The matrices are those that `AISketcher.step` uses: all that is constant
    over a sketch is computed once and left out.
    """
    matrices = [
        model.encoder.forward_rnn.kernel,
        model.encoder.forward_rnn.recurrent_kernel,
        *model.influence.weights[:1],
        model.decoder.rnn.kernel,
        model.decoder.rnn.recurrent_kernel,
        model.decoder.output_projection.kernel,
    ]
    arrays = [np.squeeze(np.asarray(matrix)) for matrix in matrices]
    pairs = [(np.ones(len(array), np.float32), array) for array in arrays]

    def compute() -> None:
        for _ in range(_POINTS):
            for vector, array in pairs:
                vector @ array

    return compute


def embedded_server(models: Path, *options: str) -> Process:
    """A server in a process of its own; its target."""
    return _process(
        "serving.server",
        r"Listening at (\S+)",
        "--port=0",
        f"--model_base_path={models}",
        "--grpc_max_threads=64",
        *options,
    )


def gateway_to(target: str) -> Process:
    """A gateway in a process of its own; its target for gRPC."""
    return _process(
        "serving.gateway",
        r"gRPC at (\S+),",
        *(f"--target={target}", "--grpc_port=0", "--http_port=0"),
    )


@contextlib.contextmanager
def _process(module: str, listening: str, *options: str) -> Iterator[str]:
    """A program that tells where it listens; that."""
    command = [sys.executable, "-m", module, *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(listening, line):
                break
        else:
            raise RuntimeError(f"{module} must start; received no address.")
        # It may log more than a pipe holds.
        threading.Thread(target=process.stderr.read).start()
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def put_load(target: str, callers: int, seconds: float) -> Load:
    """Lets so many callers ask for one sketch after the other."""
    latencies: list[float] = []

    async def call(client: AsyncSketcherClient, word: str, seed: int) -> None:
        while time.perf_counter() < end:
            start = time.perf_counter()
            await client.generate(word, seed=seed, tries=1)
            if start >= begin:
                latencies.append(time.perf_counter() - start)

    async with AsyncSketcherClient(target) as client:
        labels = await client.labels()
        await client.generate(labels.words[0], tries=1)
        begin = time.perf_counter() + min(_WARM_UP_SECONDS, seconds)
        end = begin + seconds
        await asyncio.gather(
            *(call(client, labels.words[0], seed) for seed in range(callers))
        )
        elapsed = time.perf_counter() - begin
    return Load(
        len(latencies) / elapsed,
        float(np.quantile(latencies, 0.5)),
        float(np.quantile(latencies, 0.99)),
    )


def report_load(targets: Mapping[str, str], callers: Sequence[int]) -> None:
    """Measures servers in turns and prints a table.

    Args:
        targets: by title.
        callers: how many at once, one line each.
    """
    print("callers  server          sketches/s   p50 ms   p99 ms", flush=True)
    for count in callers:
        for title, target in targets.items():
            load = asyncio.run(put_load(target, count, _SECONDS.value))
            print(
                f"{count:7}  {title:14} {load.sketches_per_second:11.1f} "
                f"{load.median * 1e3:8.0f} {load.percentile_99 * 1e3:8.0f}",
                flush=True,
            )


def report_single(
    target: str, floor: Callable[[], None], rounds: int = 5
) -> None:
    """The time of one `generate` of one sketch, and its floor, in turns."""
    ones, floors = [], []
    with SketcherClient(target) as client:
        word = client.labels().words[0]
        for _ in range(rounds):
            ones += _seconds(lambda: client.generate(word, tries=1))
            floors += _seconds(floor)
    one, least = statistics.median(ones), statistics.median(floors)
    print(
        f"one generate, {_POINTS} points: {one * 1e3:.1f} ms; floor "
        f"{least * 1e3:.1f} ms, {one / least:.2f} times",
        flush=True,
    )


def report_gateway(target: str, gateway: str, rounds: int = 400) -> None:
    """One `generate` straight and through a gateway, in turns.

    Call by call, and often: the graph's time varies by more than a gateway
    takes. What is told besides is the standard error of the median.
    """
    straight, more = [], []
    with SketcherClient(target) as client, grpc.insecure_channel(gateway) as to:
        word = client.labels().words[0]
        stub = pb_grpc.SketcherServiceStub(to)
        wanted = pb.GenerateRequest(category=word, seed=0, tries=1)
        for _ in range(rounds):
            [one] = _seconds(lambda: client.generate(word, tries=1), 1)
            [other] = _seconds(lambda: stub.Generate(wanted), 1)
            straight.append(one)
            more.append(other - one)
    first, median, third = statistics.quantiles(more)
    error = 0.93 * (third - first) / math.sqrt(rounds)
    print(
        f"one generate: {statistics.median(straight) * 1e3:.1f} ms straight, "
        f"{median * 1e3:.2f} +- {error * 1e3:.2f} ms more through a gateway",
        flush=True,
    )


def _seconds(run: Callable[[], object], times: int = 10) -> list[float]:
    """Of runs in a row, but for some at first.

    By then the threads of what ran before, which spin on for a while, rest.
    """
    stamps = [time.perf_counter()]
    for _ in range(times):
        run()
        stamps.append(time.perf_counter())
    return [b - a for a, b in itertools.pairwise(stamps)][times // 2 :]


def main(arguments: list[str]) -> None:
    """Flags -> tables on the standard output."""
    refuse_arguments(arguments, "--target=host:8500")
    callers = [int(text) for text in _CALLERS.value]
    if _TARGET.value:
        report_load({"target": _TARGET.value}, callers)
        return
    with tempfile.TemporaryDirectory() as folder:
        model = make_model()
        models = Path(folder)
        version = models / SKETCHER.name / "1"
        write_stateless(model, metadata_of(model, {}), version)
        with (
            embedded_server(models) as single,
            embedded_server(models, "--enable_batching") as batched,
        ):
            report_single(single, floor_of(model))
            with gateway_to(single) as gateway:
                report_gateway(single, gateway)
            targets = {"single calls": single, "batched": batched}
            report_load(targets, callers)


if __name__ == "__main__":
    COMMAND.run(main)
