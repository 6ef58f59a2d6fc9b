"""How fast training is, beside the same network of stock Keras layers.

    python -m benchmarks.train_step --data='drawings/*.ndjson'

Three measurements, each the median of several rounds in which the candidates
take turns: one LSTM forward and backward; whole training steps of the
`sketch_rnn` preset at paper sizes, in sketches per second; and the input
pipeline alone. A last line compares ordinary with denormal numbers.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf
from absl import flags
from keras import layers

from sketcher_tf.batch import SketchBatch
from sketcher_tf.cli import Command, refuse_arguments
from sketcher_tf.configs import PRESETS, DataConfig
from sketcher_tf.data import sources
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.data.pipeline import training_batches
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.losses import gaussian_kl, reconstruction_losses
from sketcher_tf.model.mixture import raw_size, split_params
from sketcher_tf.model.recurrent.lstm import SequenceLSTM
from sketcher_tf.schema import Schema
from sketcher_tf.training.adam import FusedAdam

COMMAND = Command("python -m benchmarks.train_step", __doc__)
_DATA = flags.DEFINE_string(
    "data", "doodles", "As for sketcher_tf.train.", flag_values=COMMAND.flags
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 5, "How often each one is run.", 1, flag_values=COMMAND.flags
)
_STEPS = flags.DEFINE_integer(
    "steps", 24, "Training steps per round.", 1, flag_values=COMMAND.flags
)

Candidates = Mapping[str, Callable[[], object]]


def race(candidates: Candidates, rounds: int) -> dict[str, float]:
    """Median seconds of each candidate; they take turns, after a warm-up."""
    for run in candidates.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(s) for name, s in seconds.items()}


def backward_pass(
    layer: keras.layers.Layer, inputs: tf.Tensor, **options: bool
) -> Callable[[], object]:
    """A call that runs `layer` forward and backward; compiled unless `eager`.

    Args:
        layer: takes and returns [B, T, ...].
        inputs: float32 [B, T, I]; their gradient is computed too.
        **options: `eager`, or `jit_compile` for XLA.
    """

    def run() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.cast(layer(inputs), tf.float32)
            loss = tf.reduce_sum(tf.square(outputs))
        variables = [v.value for v in layer.trainable_variables]
        return tape.gradient(loss, [inputs, *variables])

    layer(inputs)
    if options.pop("eager", False):
        return lambda: [g.numpy() for g in run()]
    compiled = tf.function(run, **options)
    return lambda: [g.numpy() for g in compiled()]


class StockSketchRNN(keras.Model):
    """Sketch-RNN as one would build it of stock Keras layers.

    Args:
        schema: of the data.
    """

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.schema = schema
        sizes = PRESETS["sketch_rnn"].model
        self.sizes = sizes
        self.encoder = layers.Bidirectional(layers.LSTM(sizes.encoder_units))
        self.posterior = layers.Dense(2 * sizes.latent_size)
        self.first_state = layers.Dense(
            2 * sizes.decoder_units, activation="tanh"
        )
        self.decoder = layers.LSTM(sizes.decoder_units, return_sequences=True)
        self.head = layers.Dense(raw_size(sizes.num_mixtures))

    def call(self, points: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Mean and log variance of z, and the raw output [B, T, 6M + 3]."""
        mean, log_var = tf.split(self.posterior(self.encoder(points)), 2, -1)
        z = mean + tf.exp(log_var / 2) * tf.random.normal(tf.shape(mean))
        tiled = tf.repeat(z[:, None], tf.shape(points)[1], axis=1)
        before = tf.pad(points[:, :-1], [[0, 0], [1, 0], [0, 0]])
        hidden = self.decoder(
            tf.concat([before, tiled], axis=-1),
            initial_state=tf.split(self.first_state(z), 2, -1),
        )
        return mean, log_var, self.head(hidden)

    def train_step(self, batch: SketchBatch) -> dict[str, tf.Tensor]:
        """The same loss as ours."""
        with tf.GradientTape() as tape:
            mean, log_var, raw = self(batch.points)
            offset, pen = reconstruction_losses(
                batch.points,
                split_params(raw, self.sizes.min_scale),
                self.schema.max_seq_len,
            )
            kl = gaussian_kl(mean, log_var)
            loss = tf.reduce_mean(offset + pen + 0.5 * kl)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_variables, strict=True)
        )
        return {"loss": loss}


def step_runner(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    batches: Iterator[SketchBatch],
    steps: int,
) -> Callable[[], object]:
    """A call that takes `steps` training steps on the next batches."""
    model.compile(optimizer=optimizer, jit_compile=False)
    step = tf.function(model.train_step, reduce_retracing=True)

    def run() -> float:
        losses = [step(next(batches))["loss"] for _ in range(steps)]
        return float(losses[-1])

    return run


def report(title: str, seconds: Mapping[str, float], ours: str) -> None:
    """Prints each candidate's time, and how many times ours it is."""
    print(f"\n{title}")
    for name, value in seconds.items():
        print(
            f"  {name:36s} {value * 1e3:9.1f} ms {value / seconds[ours]:6.2f}"
        )


def lstm_race(rounds: int) -> None:
    """One LSTM, batch 100, 100 steps, 261 -> 512."""
    inputs = tf.random.normal([100, 100, 261])
    ours = SequenceLSTM(512, return_sequences=True)
    stock = layers.LSTM(512, return_sequences=True)
    low: dict[str, Any] = {
        "return_sequences": True,
        "dtype": "mixed_bfloat16",
    }
    seconds = race(
        {
            "SequenceLSTM": backward_pass(ours, inputs),
            "SequenceLSTM, eager": backward_pass(ours, inputs, eager=True),
            "SequenceLSTM, mixed_bfloat16": backward_pass(
                SequenceLSTM(512, **low), inputs
            ),
            "keras LSTM": backward_pass(stock, inputs),
            "keras LSTM, eager": backward_pass(stock, inputs, eager=True),
            "keras LSTM, XLA": backward_pass(stock, inputs, jit_compile=True),
            "keras LSTM, mixed_bfloat16": backward_pass(
                layers.LSTM(512, **low), inputs
            ),
            "floor: the matrix products alone": _products(inputs),
        },
        rounds,
    )
    report("LSTM forward and backward", seconds, "SequenceLSTM")


def _products(inputs: tf.Tensor) -> Callable[[], object]:
    """As many operations as the LSTM needs, in three large products."""
    rows = tf.random.normal([10_000, 261 + 512])
    weights = tf.random.normal([261 + 512, 2048])
    gates = tf.random.normal([10_000, 2048])

    @tf.function
    def run() -> tuple[tf.Tensor, ...]:
        return (
            rows @ weights,
            tf.matmul(gates, weights, transpose_b=True),
            tf.matmul(rows, gates, transpose_a=True),
        )

    return lambda: [product[0, 0].numpy() for product in run()]


def step_race(data: str, rounds: int, steps: int) -> None:
    """Whole training steps at paper sizes, and the pipeline alone."""
    folder = sources.prepare(data, sources.Options())
    manifest = read_manifest(folder)
    schema = manifest.schema
    config = PRESETS["sketch_rnn"]

    def batches(num_buckets: int) -> tf.data.Dataset:
        # No drawing is dropped a point, so that padding is what it says.
        settings = DataConfig(num_buckets=num_buckets)
        return training_batches(folder, manifest, settings, 0, range(1000))

    bucketed = batches(config.data.num_buckets)
    lengths = [int(batch.points.shape[1]) for batch in bucketed.take(200)]
    runners = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        runners[f"sketch_rnn preset, {policy}"] = step_runner(
            AISketcher(config, schema), FusedAdam(1e-3), iter(bucketed), steps
        )
    keras.config.set_dtype_policy("float32")
    runners["stock Keras, padded to the longest"] = step_runner(
        StockSketchRNN(schema),
        keras.optimizers.Adam(1e-3),
        iter(batches(1)),
        max(steps // 8, 1),
    )
    # Every bucket's graph has to be made before the clock runs.
    for name in list(runners)[:2]:
        for _ in range(2):
            runners[name]()
    seconds = race(runners, rounds)
    seconds = {
        name: value / (max(steps // 8, 1) if "stock" in name else steps)
        for name, value in seconds.items()
    }
    report(
        f"Training steps of {config.data.batch_size} drawings, padded to "
        f"{statistics.mean(lengths):.0f} points on average, or to "
        f"{schema.max_seq_len}",
        seconds,
        "sketch_rnn preset, float32",
    )
    for name, value in seconds.items():
        print(f"  {name:36s} {config.data.batch_size / value:7.0f} sketches/s")
    start = time.perf_counter()
    count = sum(len(batch.points) for batch in bucketed.take(200))
    speed = count / (time.perf_counter() - start)
    print(f"  {'input pipeline alone':36s} {speed:7.0f} sketches/s")


def denormal_race(rounds: int) -> None:
    """Numbers below 1e-38 are slow on many processors; are they here?"""
    layer = SequenceLSTM(512, return_sequences=True)
    ordinary = tf.random.normal([100, 50, 5])
    seconds = race(
        {
            "ordinary": backward_pass(layer, ordinary),
            "denormal": backward_pass(layer, ordinary * 1e-39),
        },
        rounds,
    )
    report("LSTM on ordinary and denormal inputs", seconds, "ordinary")


def main(arguments: list[str]) -> None:
    """Flags -> three races."""
    refuse_arguments(arguments, "--rounds=3")
    lstm_race(_ROUNDS.value)
    denormal_race(_ROUNDS.value)
    step_race(_DATA.value, _ROUNDS.value, _STEPS.value)


if __name__ == "__main__":
    COMMAND.run(main)
