"""Trainings in processes of their own, which can be killed.

The processes are forked from a server that has loaded TensorFlow already, and
has done nothing else with it.
"""

import gc
import json
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from tests.testing import graphs, toys

if TYPE_CHECKING:
    import tensorflow as tf

    from sketcher_tf.configs import DataConfig
    from sketcher_tf.data.manifest import Manifest
    from sketcher_tf.data.sharing import Share

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["sketcher_tf.training.trainer"])

ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL
FAILED = 3
# Settings of a training with all that there is, but without sheets along the
# way, which take longer than its epochs of STEPS steps.
PLAIN = {
    "model.critic_units": 4,
    "model.critic_filters": 3,
    "training.critic_epochs": 2,
    "training.sheet_every": 99,
    "training.schedule": "linear",
    "training.warmup_steps": 2,
    "training.plain_epochs": 1,
}
STEPS = 4
# Of the shortest one.
SHORT = PLAIN | {
    "model.critic_units": 0,
    "model.image_latent_size": 0,
    "model.influence": "none",
    "training.epochs": 1,
    "training.steps_per_epoch": 1,
}
# The n-th call of this one comes before the first step of a phase, of that one
# ends a step, and of the last one puts a file in place.
BEGIN = "sketcher_tf.training.trainer.fit"
STEP = "sketcher_tf.training.callbacks.StopOnNaN.on_train_batch_end"
RENAME = "sketcher_tf.files.os.replace"
_PATIENCE_S = 300  # on a busy machine


def start(
    function: Callable[..., object], *args: Any, **options: Any
) -> BaseProcess:
    """Starts a function of a module that can be imported."""
    process = _context.Process(target=_run, args=(function, args, options))
    process.start()
    return process


def _run(function: Callable[..., object], args: Any, options: Any) -> None:
    """Without what pays in long runs only: that takes half of a short one."""
    gc.disable()
    graphs.optimize(False)
    function(*args, **options)


def start_training(*args: Any, **options: Any) -> BaseProcess:
    """Starts `_train` with these arguments."""
    return start(_train, *args, **options)


def train(*args: Any, **options: Any) -> int | None:
    """The exit code of `_train` with these arguments."""
    [code] = finish(start_training(*args, **options))
    return code


def finish(*processes: BaseProcess) -> list[int | None]:
    """Their exit codes.

    Raises:
        AssertionError: some did not end in time; none of them is left.
    """
    end = time.monotonic() + _PATIENCE_S
    for process in processes:
        process.join(max(end - time.monotonic(), 0))
    hung = [process.name for process in processes if process.is_alive()]
    for process in processes:
        process.kill()
        process.join()
    assert not hung, f"{hung} did not end in {_PATIENCE_S} s"
    return [process.exitcode for process in processes]


def start_workers(
    data: Path, run: Path, *changes: dict[str, object], **options: Any
) -> list[BaseProcess]:
    """Starts workers on this machine that train together, one per `changes`.

    The run folder of each but the chief has its number behind the name.
    """
    if "kill_at" in options:
        options["together"] = run.with_name(f"{run.name}-dying"), len(changes)
    ports = _free_ports(len(changes))
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    return [
        start_training(
            data,
            worker_path(run, i),
            change,
            strategy="multi_worker",
            tf_config={
                "cluster": cluster,
                "task": {"type": "worker", "index": i},
            },
            **options,
        )
        for i, change in enumerate(changes)
    ]


def worker_path(run: Path, number: int) -> Path:
    """The run folder that a worker is given."""
    return run.with_name(f"{run.name}-worker-{number}") if number else run


def _train(
    data: Path,
    run: Path,
    changes: dict[str, object] | None = None,
    *,
    strategy: str = "one_device",
    replicas: int = 1,
    tf_config: dict | None = None,
    kill_at: tuple[str, int] | None = None,
    together: tuple[Path, int] | None = None,
    patches: dict[str, object] | None = None,
    restart: bool = False,
    origin: Path | None = None,
    keep_words: bool = False,
) -> None:
    """Trains as the command line does.

    Args:
        data: a prepared folder.
        run: the run folder; an error's text is written beside it.
        changes: to the settings of `toys.CONFIG`.
        strategy: as on the command line.
        replicas: how many logical CPUs there are.
        tf_config: for several workers.
        kill_at: the n-th call of this function is the end.
        together: a folder, in which that many wait for each other before it.
        patches: functions to be replaced.
        restart: as on the command line.
        origin: the model to begin with.
        keep_words: as on the command line.
    """
    if tf_config:
        os.environ["TF_CONFIG"] = json.dumps(tf_config)
    import tensorflow as tf

    from sketcher_tf.training import trainer
    from sketcher_tf.training.run_folder import RunFolder
    from sketcher_tf.training.transfer import Origin
    from sketcher_tf.training.workers import make_strategy

    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * replicas
    )
    for name, function in (patches or {}).items():
        mock.patch(name, function).start()
    if kill_at:
        _kill_at(*kill_at, together)
    scope = make_strategy(strategy)
    config = toys.CONFIG
    try:
        first = Origin.load(origin, keep_words) if origin else None
        if first:
            config = config.continued(first.model.config, first.fingerprint)
        config = config.replace((changes or {}).items())
        trainer.train(config, data, RunFolder(run), scope, restart, first)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        error_file(run).write_text(text)
        raise SystemExit(FAILED) from error


def bad_batches(
    folder: Path,
    manifest: "Manifest",
    config: "DataConfig",
    seed: int,
    epochs: range,
    steps: int,
    share: "Share",
) -> "tf.data.Dataset":
    """`training_batches`, but for a NaN in epoch 2, step 3."""
    import tensorflow as tf

    from sketcher_tf.data.pipeline import training_batches

    bad = (2 - 1 - epochs.start) * steps + (3 - 1)
    batches = training_batches(
        folder, manifest, config, seed, epochs, steps, share
    )
    return batches.enumerate().map(
        lambda i, batch: batch._replace(
            points=tf.where(i == bad, float("nan"), batch.points)
        )
    )


def first_is_best(rows: object) -> int:
    """`best_epoch`, where no other epoch is better."""
    return 0


def prepare_slowly(data: str, log: Path) -> None:
    """Prepares `data` in the cache, and writes down what happened."""
    from sketcher_tf.data import sources
    from sketcher_tf.data.prepare.local import prepare_locally

    def write(*args: Any, **options: Any) -> None:
        _append(log, "begun")
        time.sleep(1)
        prepare_locally(*args, **options)

    with mock.patch.object(sources, "prepare_locally", write):
        _append(log, str(sources.prepare(data, sources.Options())))


def _append(log: Path, line: str) -> None:
    with open(log, "a") as file:
        file.write(f"{line}\n")


def weights(path: Path) -> list[np.ndarray]:
    """Of a saved model, and the state of its optimizer if it has one."""
    import keras

    model = keras.saving.load_model(path)
    optimizer = getattr(model, "optimizer", None)
    state = optimizer.variables if optimizer else []
    return [v.numpy() for v in (*model.weights, *state)]


def error_of(run: Path) -> str:
    """The text of the error that a training ended with."""
    return error_file(run).read_text()


def error_file(run: Path) -> Path:
    """Where the text of a training's error is."""
    return run.with_name(f"{run.name}-error.txt")


def _kill_at(name: str, call: int, together: tuple[Path, int] | None) -> None:
    calls = 0
    patcher = mock.patch(name, autospec=True)
    original = patcher.get_original()[0]

    def count(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            if together:
                _meet(*together)
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    patcher.start().side_effect = count


def _meet(folder: Path, count: int) -> None:
    """Returns when `count` processes have come: who died alone would be
    noticed by the others in the midst of their step.
    """
    folder.mkdir(exist_ok=True)
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < count:
        time.sleep(0.01)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()
