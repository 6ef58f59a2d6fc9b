"""Fine-tuning: a model begins with what another one has learned.

All weights carry over; only a critic may begin anew. Those that multiply the
condition have a row per word: a word that both know keeps its row, a new one
begins with the mean of all rows.
(The mean over the words whose pictures are nearest, by their codes z_r, is no
better: eight new words, loss before the first step 0.115 with all, 0.133, 0.117
and 0.114 with the nearest one, three and five.) The model goes on to measure in
the units of the first, so that from the start it predicts the same points; only
if the drawings are of another size altogether, it draws as much larger.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from sketcher_tf.configs import Config
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.training.run_folder import model_file

# Drawings that are more than this many times as large, or as small, as those
# of the first model are in other units.
_OTHER_UNITS = 1.5
_CONDITION_KERNELS = (
    "posterior/kernel",
    "/context_kernel",
    "first_state/kernel",
)


# For each factor's name: weights of its old values [N, M] for each new one.
Blends = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Origin:
    """The model to begin with.

    Attributes:
        model: a trained one.
        keep_words: whether the words that it knows and the data lack are kept.
    """

    model: AISketcher
    keep_words: bool = False

    @classmethod
    def load(cls, model: str | Path, keep_words: bool = False) -> "Origin":
        """As `Sketcher.load` finds it.

        Raises:
            FileNotFoundError: there is none.
        """
        loaded = keras.saving.load_model(model_file(model), compile=False)
        return cls(loaded, keep_words)

    @property
    def fingerprint(self) -> str:
        """The same for the same weights, words and sizes."""
        text = json.dumps(self.model.get_config(), sort_keys=True)
        digest = hashlib.blake2b(text.encode(), digest_size=10)
        for weight in self.model.weights:
            digest.update(weight.numpy().tobytes())
        return digest.hexdigest()

    def reconcile(self, data: Schema) -> Schema:
        """The schema of a model of both: its words, units and limits.

        The words of the data come first, so that their numbers stay.

        Raises:
            ValueError: the data's pictures are of another size, or its factors
                are others though the words of the first model are to be kept.
        """
        known = self.model.schema
        if data.image_size != known.image_size:
            raise ValueError(
                "drawings for fine-tuning must be prepared with the image size "
                f"of the model, {known.image_size}; received "
                f"{data.image_size}. Prepare them anew."
            )
        ratio = data.size_px / known.size_px
        if 1 / _OTHER_UNITS < ratio < _OTHER_UNITS:
            ratio = 1.0
        return Schema(
            self._all_factors(data) if self.keep_words else data.factors,
            known.scale_factor * ratio,
            max(data.max_seq_len, known.max_seq_len),
            data.image_size,
            known.size_px * ratio,
        )

    def _all_factors(self, data: Schema) -> tuple[Factor, ...]:
        names = [factor.name for factor in data.factors]
        old = {f.name: f.values for f in self.model.schema.factors}
        if names != list(old):
            raise ValueError(
                "to keep the model's words, the drawings must have its "
                f"factors, {', '.join(old)}; received {', '.join(names)}. "
                "Leave --keep_words out."
            )
        return tuple(
            Factor(f.name, tuple(dict.fromkeys(f.values + old[f.name])))
            for f in data.factors
        )

    def begin(self, model: AISketcher) -> None:
        """Gives `model` the weights to begin with.

        The critic begins anew if it is of another size, or all that is trained.

        Args:
            model: of the same sizes but for the critic's, and of a schema from
                `reconcile`.

        Raises:
            ValueError: a size is another one.
        """
        first = self.model
        blends = _blends(first.schema, model.schema)
        rows = _condition_rows(blends, first.schema, model.schema)
        classes = _class_rows(blends, first.schema, model.schema)
        with_critic = _keeps_critic(first.config, model.config)
        carried = (_carried(m, with_critic) for m in (first, model))
        for old, new in zip(*carried, strict=True):
            value = old.numpy()
            if old.path.endswith(_CONDITION_KERNELS):
                value = _with_rows(value, rows, first.condition_size)
            elif old.path.startswith("critic_output/"):
                value = value @ rows.T
            elif old.path.endswith(("/sharpness", "/enough")):
                value = new.numpy()  # they are fitted in the end
            elif old.path.startswith("prior/"):
                value = np.tensordot(classes, value, 1)
            else:
                value = _with_steps(value, new.shape)
            _check_shape(new, value)
            new.assign(value)


def _keeps_critic(first: Config, new: Config) -> bool:
    sizes = {
        (c.model.critic_units, c.model.critic_filters) for c in (first, new)
    }
    return len(sizes) == 1 and new.training.epochs > 0


def _carried(model: AISketcher, with_critic: bool) -> list[keras.Variable]:
    """All weights, or all but the critic's."""
    return [
        weight
        for weight in model.weights
        if with_critic or not weight.path.startswith("critic")
    ]


def _blends(old: Schema, new: Schema) -> Blends:
    """What each value begins as."""
    known = {factor.name: factor.values for factor in old.factors}
    return {
        factor.name: np.stack(
            [_blend(value, known[factor.name]) for value in factor.values]
        )
        for factor in new.factors
        if factor.name in known
    }


def _blend(value: str, known: Sequence[str]) -> np.ndarray:
    """Itself or, if it is new, the known values evenly, [M], summing to 1."""
    if value in known:
        return np.eye(len(known))[known.index(value)]
    return np.full(len(known), 1 / len(known))


def _condition_rows(blends: Blends, old: Schema, new: Schema) -> np.ndarray:
    """The condition of the old model for each value of the new one [C', C].

    A factor that the data lack is spread evenly, by way of the first factor.
    """
    names = [factor.name for factor in new.factors]
    blocks = []
    for i, factor in enumerate(new.factors):
        row = [
            blends[factor.name]
            if factor.name == known.name
            else np.full(
                (len(factor.values), len(known.values)),
                (i == 0 and known.name not in names) / len(known.values),
            )
            for known in old.factors
        ]
        blocks.append(np.concatenate(row, axis=1))
    return np.concatenate(blocks)


def _class_rows(blends: Blends, old: Schema, new: Schema) -> np.ndarray:
    """Weights of the old combinations of values for each new one [K', K]."""
    sizes = [len(factor.values) for factor in new.factors]
    numbers = dict(
        zip(
            [factor.name for factor in new.factors],
            np.unravel_index(np.arange(math.prod(sizes)), sizes),
            strict=True,
        )
    )
    weights = np.ones((math.prod(sizes), 1))
    for factor in old.factors:
        even = np.full((1, len(factor.values)), 1 / len(factor.values))
        known = factor.name in blends
        part = blends[factor.name][numbers[factor.name]] if known else even
        outer = weights[:, :, None] * part[:, None, :]
        weights = outer.reshape(len(weights), -1)
    return weights


def _with_rows(
    kernel: np.ndarray, rows: np.ndarray, condition_size: int
) -> np.ndarray:
    """A kernel whose last rows, a row per value of c, are blended anew."""
    if not condition_size:
        return kernel
    own = kernel[-condition_size:]
    return np.concatenate([kernel[:-condition_size], rows @ own])


def _with_steps(value: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Longer, if there are more steps: they are weighed as the last one."""
    if value.shape[1:] != tuple(shape[1:]) or not value.ndim:
        return value
    more = max(shape[0] - len(value), 0)
    return np.concatenate([value, np.repeat(value[-1:], more, axis=0)])


def _check_shape(weight: keras.Variable, value: np.ndarray) -> None:
    if value.shape != tuple(weight.shape):
        raise ValueError(
            "fine-tuning keeps the sizes of the model it begins with; received "
            f"settings that make {weight.path} {tuple(weight.shape)} where it "
            f"is {value.shape}. Leave out --set model.*."
        )


def without_drawings(schema: Schema, data: Schema) -> np.ndarray:
    """Which combinations of values no drawing of the data can have, bool [K].

    Args:
        schema: from `Origin.reconcile`.
        data: the schema of the data.
    """
    some = np.ones(1, bool)
    for all_values, factor in zip(schema.factors, data.factors, strict=True):
        drawn = np.arange(len(all_values.values)) < len(factor.values)
        some = (some[:, None] & drawn).reshape(-1)
    return ~some
