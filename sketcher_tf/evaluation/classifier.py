"""A classifier of rasters: it names what a drawing shows, or a model drew.

A small CNN with one softmax per factor, trained on the real training split
alone, with random turns, stretches and shifts. Its last hidden layer
gives the features of the Frechet distance. Reference for the measure: the
recognisability of sketches, Cao et al. 2019, section on quality.
"""

import dataclasses
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from sketcher_tf.data.download import cache_dir
from sketcher_tf.data.manifest import SCHEMA_FILE, read_manifest
from sketcher_tf.evaluation.dataset import Drawings, read_split
from sketcher_tf.files import locked, write_atomically
from sketcher_tf.schema import Schema

_BATCH = 256  # drawings at a time


@dataclass(frozen=True)
class ClassifierConfig:
    """Size and training of the classifier."""

    filters: int = 16  # of the first block; doubled twice
    features: int = 128  # of the last hidden layer
    dropout: float = 0.3
    epochs: int = 14
    min_steps: int = 200  # for small sets, more epochs
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    averaged: float = 0.05  # the last share of the steps, for the weights
    max_drawings: int = 100_000  # of a split, held in memory
    seed: int = 0


class Prediction(NamedTuple):
    """What the classifier says of drawings.

    Attributes:
        labels: int64 [D, F], the value named for each factor; -1 for a
            drawing without ink, of which nothing can be said.
        features: float32 [D, H].
    """

    labels: np.ndarray
    features: np.ndarray


class Classifier:
    """A trained network, and the words it uses.

    Args:
        model: images float32 [B, S, S, 1] -> {"features", "logits"}.
        schema: of the data it was trained on.
    """

    def __init__(self, model: keras.Model, schema: Schema) -> None:
        self.model = model
        self.schema = schema

    def predict(self, images: np.ndarray) -> Prediction:
        """Names uint8 [D, S, S], ink 255 on 0."""
        # Pixels are four times as large as bytes: of a batch at a time only.
        batches = [
            self.model.predict_on_batch(part[..., None].astype("float32") / 255)
            for part in np.split(images, range(_BATCH, len(images), _BATCH))
        ]
        logits, features = (
            np.concatenate([batch[what] for batch in batches])
            for what in ("logits", "features")
        )
        ends = np.cumsum([len(f.values) for f in self.schema.factors])
        parts = np.split(logits, ends[:-1], axis=1)
        labels = np.stack([part.argmax(axis=1) for part in parts], axis=1)
        labels[~images.any(axis=(1, 2))] = -1
        return Prediction(labels, features)


def trained_classifier(
    data: Path, config: ClassifierConfig = ClassifierConfig()
) -> Classifier:
    """The classifier of a prepared folder, trained unless that was done before.

    It is kept in the cache beside the prepared data, by a key of the training
    drawings, the settings and this module.
    """
    path = _cache_path(data, config)
    schema = read_manifest(data).schema
    # Two evaluations that begin together train one classifier.
    with locked(path.with_suffix(".lock")):
        if path.exists():
            return Classifier(
                keras.saving.load_model(path, compile=False), schema
            )
        logging.info("Training the classifier %s", path)
        model = train_classifier(
            read_split(data, "train", config.max_drawings), config
        )
        write_atomically(path, model.save)
    return Classifier(model, schema)


def train_classifier(
    drawings: Drawings, config: ClassifierConfig
) -> keras.Model:
    """Trains a classifier.

    The same seed gives the same weights only where TensorFlow's operations are
    deterministic, as the command has them; else their rounding errors differ.
    """
    keras.utils.set_random_seed(config.seed)
    epoch_steps = max(
        len(drawings) // config.batch_size,
        -(-config.min_steps // config.epochs),
    )
    steps = config.epochs * epoch_steps
    model = build(drawings.schema, config)
    model.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(config.learning_rate, steps),
            weight_decay=config.weight_decay,
            use_ema=True,
            ema_momentum=max(1 - 1 / (config.averaged * steps), 0.0),
        ),
        loss={"logits": FactorLoss(_sizes(drawings.schema))},
    )
    # Outside of a graph, so that a step is traced once and not twice.
    model.optimizer.build(model.trainable_variables)
    model.fit(
        _batches(drawings, config),
        epochs=config.epochs,
        steps_per_epoch=epoch_steps,
        shuffle=False,  # the dataset does that
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=_report)],
    )
    return model


def _report(epoch: int, logs: dict[str, float]) -> None:
    logging.info("classifier, epoch %d: loss %.3f", epoch + 1, logs["loss"])


def build(schema: Schema, config: ClassifierConfig) -> keras.Model:
    """The network, untrained."""
    image = keras.Input((schema.image_size, schema.image_size, 1))
    x = layers.Conv2D(config.filters // 2, 5, 2, "same", use_bias=False)(image)
    x = _normal_relu(x)
    for block in range(3):
        filters = config.filters * 2**block
        for stride in (2, 1):
            x = layers.Conv2D(filters, 3, stride, "same", use_bias=False)(x)
            x = _normal_relu(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(config.features, activation="relu")(x)
    features = layers.Activation("linear", dtype="float32", name="features")(x)
    x = layers.Dropout(config.dropout)(x)
    logits = layers.Dense(
        schema.condition_size, dtype="float32", name="logits"
    )(x)
    return keras.Model(image, {"features": features, "logits": logits})


def _normal_relu(x: Any) -> Any:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))


class FactorLoss(keras.losses.Loss):
    """The sum of the factors' cross entropies.

    Args:
        sizes: the number of values of each factor.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        parts = tf.split(y_pred, self.sizes, axis=-1)
        return tf.add_n(
            [
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    tf.cast(y_true[:, i], tf.int64), part
                )
                for i, part in enumerate(parts)
            ]
        )


def _sizes(schema: Schema) -> list[int]:
    return [len(factor.values) for factor in schema.factors]


@tf.autograph.experimental.do_not_convert  # which takes long, for nothing
def _batches(drawings: Drawings, config: ClassifierConfig) -> tf.data.Dataset:
    """Shuffled and distorted batches without end, a function of the seed."""
    count = len(drawings)
    data = tf.data.Dataset.from_tensor_slices(
        (drawings.images, drawings.labels)
    )
    batches = (
        data.shuffle(count, seed=config.seed, reshuffle_each_iteration=True)
        .repeat()
        .batch(config.batch_size)
        .enumerate()
    )
    return batches.map(
        lambda step, batch: (
            distort(batch[0], tf.stack([tf.cast(config.seed, tf.int64), step])),
            batch[1],
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
    ).prefetch(4)


def distort(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Turns, stretches and shifts each picture a little.

    It is not flipped: left and right may be what a factor tells.

    Args:
        images: uint8 [B, S, S].
        seed: int64 [2].

    Returns:
        float32 [B, S, S, 1], ink 1 on 0.
    """
    batch = tf.shape(images)[0]
    size = images.shape[1]
    unit = tf.random.stateless_uniform([batch, 5], seed, -1.0, 1.0)
    angle = unit[:, 0] * np.deg2rad(10)
    width = tf.exp(unit[:, 1] * 0.15)
    height = tf.exp(unit[:, 2] * 0.15)
    # Output pixel (x, y) is read at A (x - m) + m + shift, m the middle.
    a, b = tf.cos(angle) * width, -tf.sin(angle) * height
    c, d = tf.sin(angle) * width, tf.cos(angle) * height
    middle = (size - 1) / 2
    shift = unit[:, 3:] * size * 0.05
    transforms = tf.stack(
        [
            *(a, b, middle - (a + b) * middle + shift[:, 0]),
            *(c, d, middle - (c + d) * middle + shift[:, 1]),
            *(tf.zeros([batch]), tf.zeros([batch])),
        ],
        axis=1,
    )
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images[..., None], tf.float32) / 255,
        transforms=transforms,
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
    )


def _cache_path(data: Path, config: ClassifierConfig) -> Path:
    """Changes with the training drawings, the settings and this module."""
    digest = hashlib.blake2b(
        repr(dataclasses.asdict(config)).encode(), digest_size=10
    )
    digest.update(Path(__file__).read_bytes())
    manifest = read_manifest(data)
    digest.update((data / SCHEMA_FILE).read_bytes())
    for shard in manifest.splits["train"].shards:
        with open(data / shard, "rb") as file:
            content = hashlib.file_digest(file, "blake2b")
        digest.update(content.digest())
    name = f"{digest.hexdigest()}.keras"
    return cache_dir().parent / "classifiers" / name
