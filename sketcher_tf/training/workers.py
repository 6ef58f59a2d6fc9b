"""Workers that train one model together: who is the chief, and what it says.

Only the chief reads and writes the run folder. All that decides how a training
goes on comes from it: the state it resumes from, and when to stop.
"""

import hashlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def make_strategy(name: str) -> tf.distribute.Strategy:
    """How replicas share a batch.

    Args:
        name: `one_device`; `mirrored` over this machine's GPUs, or else its
            logical CPUs; or `multi_worker` over the machines of TF_CONFIG.
    """
    if name == "mirrored":
        list_devices = tf.config.list_logical_devices
        devices = list_devices("GPU") or list_devices("CPU")
        return tf.distribute.MirroredStrategy([d.name for d in devices])
    if name == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files."""
    tasks = _tasks(strategy)
    if not tasks:
        return True
    chief = "chief" if "chief" in tasks else "worker"
    resolver = strategy.cluster_resolver
    return (resolver.task_type, resolver.task_id) == (chief, 0)


def num_workers(strategy: tf.distribute.Strategy) -> int:
    """The processes that train together."""
    return max(sum(map(len, _tasks(strategy).values())), 1)


def _tasks(strategy: tf.distribute.Strategy) -> dict[str, list[str]]:
    """The workers' addresses by kind; none for a process on its own."""
    resolver = strategy.cluster_resolver
    return resolver.cluster_spec().as_dict() if resolver else {}


def from_chief(
    strategy: tf.distribute.Strategy, *values: np.ndarray
) -> list[np.ndarray]:
    """The chief's `values`, on every worker; all of them have to call this.

    Args:
        strategy: how the workers are connected.
        *values: arrays of numbers, of the same shapes on every worker.
    """
    if not _tasks(strategy):
        return list(values)

    def of_chief(value: np.ndarray) -> Callable[[int], np.ndarray]:
        return lambda i: value if i == 0 else np.zeros_like(value)

    return [_sum_over_replicas(strategy, of_chief(v)) for v in values]


def _sum_over_replicas(
    strategy: tf.distribute.Strategy, value: Callable[[int], np.ndarray]
) -> np.ndarray:
    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(value(context.replica_id_in_sync_group))
    )
    return strategy.reduce(
        tf.distribute.ReduceOp.SUM, values, axis=None
    ).numpy()


def share_weights(strategy: tf.distribute.Strategy, model: keras.Model) -> None:
    """Gives every worker the chief's weights and optimizer state."""
    variables = [*model.weights, *model.optimizer.variables]
    values = from_chief(strategy, *(v.numpy() for v in variables))
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def check_same(strategy: tf.distribute.Strategy, text: str) -> None:
    """Raises: ValueError, on all workers, if `text` is not the same on all."""
    if not _tasks(strategy):
        return
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    number = np.array(int.from_bytes(digest, "big"), np.int64)
    [chiefs] = from_chief(strategy, number)
    others = np.array(chiefs != number, np.int32)
    if _sum_over_replicas(strategy, lambda _: others):
        raise ValueError(
            "all workers must be started with the same flags on the same "
            "data; received others than the chief's. Compare the commands."
        )
