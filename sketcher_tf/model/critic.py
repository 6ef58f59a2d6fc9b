"""The critic: what a drawing shows, p(value | drawing) for each factor.

    h_i of both directions of the encoder, when they have read point i
    u_i = relu(A [h_(2i-2) ; ... ; h_(2i+2)] + a)
    v_i = relu(B [u_(2i-2) ; ... ; u_(2i+2)] + b)
    f = [mean_i v_i ; max_i v_i]
    y = W_2 relu(W_1 f + b_1) + b_2,  p_k = softmax(s_k y_k) for factor k

Without the two convolutions, f = [h_N ; mean_i h_i ; max_i h_i].

It reads the encoder's hidden states before the condition joins them, so it
needs no raster and does not know what was asked for. It is trained on people's
drawings, along with the rest or in a phase of its own, and no gradient of it
reaches the encoder. The sharpness s_k is fitted afterwards to drawings that
were held out, so that p is as often right as it says (Guo et al. 2017,
temperature scaling). Until then it is 0: the critic is sure of nothing. And of
each value it knows what is enough for a drawing to be kept.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from sketcher_tf.model.encoder import EncoderStates
from sketcher_tf.model.replicas import batch_noise

_WINDOW = 5  # steps that a convolution sees
_STRIDE = 2  # from one window to the next
_DROPOUT = 0.3  # of the hidden layer
_FEATURE_DROPOUT = 0.2  # of what the convolutions found
_SMOOTHING = 0.1  # of the labels: some drawings do not show what they should
_ENOUGH = 0.7  # p that is enough for any value, until that is fitted


@keras.saving.register_keras_serializable(package="sketcher_tf")
class Critic(keras.layers.Layer):
    """See the module.

    Args:
        factor_sizes: the number of values of each factor of the condition.
        units: of the hidden layer.
        encoder_units: H, of the encoder per direction.
        filters: F, of the convolutions; 0 leaves them out.
    """

    def __init__(
        self,
        factor_sizes: Sequence[int],
        units: int,
        encoder_units: int,
        filters: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.factor_sizes = tuple(factor_sizes)
        self.units = units
        self.encoder_units = encoder_units
        self.filters = filters
        self.convolutions = []
        if filters:
            self.convolutions = [
                _convolution(2 * encoder_units, filters, "critic_first"),
                _convolution(filters, filters, "critic_second"),
            ]
        self.hidden = keras.layers.Dense(
            units, activation="relu", dtype="float32", name="critic_hidden"
        )
        self.output_projection = keras.layers.Dense(
            sum(self.factor_sizes), dtype="float32", name="critic_output"
        )
        self.hidden.build((None, 2 * filters or 6 * encoder_units))
        self.output_projection.build((None, units))
        self.sharpness = self.add_weight(
            name="sharpness",
            shape=(len(self.factor_sizes),),
            initializer="zeros",
            trainable=False,
        )
        self.enough = self.add_weight(
            name="enough",
            shape=(sum(self.factor_sizes),),
            initializer=keras.initializers.Constant(math.log(_ENOUGH)),
            trainable=False,
        )
        self.built = True

    @property
    def is_ready(self) -> bool:
        """Whether it has been trained, and its sharpness fitted."""
        return bool(self.sharpness.numpy().any())

    def call(self, states: EncoderStates) -> tf.Tensor:
        """The log probability of each value of each factor [B, C]."""
        logits = self.logits(states)
        parts = tf.split(logits, self.factor_sizes, axis=-1)
        return tf.concat(
            [
                tf.nn.log_softmax(part * self.sharpness[k])
                for k, part in enumerate(parts)
            ],
            axis=-1,
        )

    def logits(
        self, states: EncoderStates, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """y, float32 [B, C].

        Args:
            states: of the encoder; they get no gradient.
            seed: int32 [2], for dropout; None drops nothing.
        """
        states = tf.nest.map_structure(tf.stop_gradient, states)
        features = self.features(states)
        if self.filters and seed is not None:
            own = tf.random.fold_in(seed, 1)
            features = _dropped(features, _FEATURE_DROPOUT, own)
        hidden = self.hidden(features)
        if seed is not None:
            hidden = _dropped(hidden, _DROPOUT, seed)
        return self.output_projection(hidden)

    def loss(self, logits: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        """Cross entropy per drawing, summed over the factors, float32 [B].

        Args:
            logits: float32 [B, C].
            condition: float32 [B, C], what the drawings show.
        """
        return tf.add_n(
            [
                tf.nn.softmax_cross_entropy_with_logits(
                    (1 - _SMOOTHING) * value + _SMOOTHING / value.shape[-1],
                    part,
                )
                for value, part in _factors(
                    self.factor_sizes, condition, logits
                )
            ]
        )

    def threshold(self, condition: tf.Tensor) -> tf.Tensor:
        """The `agreement` at which a drawing is good enough, float32 [B].

        Of several values asked for, their mean.

        Args:
            condition: float32 [B, C], what was asked for.
        """
        return tf.linalg.matvec(condition, self.enough) / len(self.factor_sizes)

    def features(self, states: EncoderStates) -> tf.Tensor:
        """f, float32 [B, 2F], or [B, 6H] as `summary` has it."""
        if not self.filters:
            return summary(states)
        lengths = states.lengths
        # Both have read point i at step i.
        aligned = tf.reverse_sequence(states.backward, lengths, seq_axis=1)
        found = tf.concat([states.forward, aligned], axis=-1)
        found = _drawn(found, lengths)
        for convolution in self.convolutions:
            lengths = (lengths + 1) // _STRIDE
            found = _drawn(convolution(_windows(found)), lengths)
        count = tf.cast(tf.maximum(lengths, 1), tf.float32)[:, None]
        mean = tf.reduce_sum(found, axis=1) / count
        return tf.concat([mean, tf.reduce_max(found, axis=1)], axis=-1)

    def load_own_variables(self, store: Any) -> None:
        """Of a file that does not say what is enough, it stays as it is."""
        self.sharpness.assign(store["0"])
        if "1" in store:
            self.enough.assign(store["1"])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor_sizes": list(self.factor_sizes),
            "units": self.units,
            "encoder_units": self.encoder_units,
            "filters": self.filters,
        }


def _convolution(width: int, filters: int, name: str) -> keras.layers.Dense:
    """As a product of windows, which phones quantise as any other."""
    dense = keras.layers.Dense(
        filters, activation="relu", dtype="float32", name=name
    )
    dense.build((None, _WINDOW * width))
    return dense


def _dropped(values: tf.Tensor, rate: float, seed: tf.Tensor) -> tf.Tensor:
    """`values` [B, W] with a share of `rate` set to 0, the others enlarged."""
    uniform = batch_noise(tf.random.stateless_uniform, tf.shape(values), seed)
    return values * tf.cast(uniform >= rate, tf.float32) / (1 - rate)


def _factors(
    sizes: Sequence[int], *tensors: tf.Tensor
) -> Iterator[tuple[tf.Tensor, ...]]:
    """The parts of each factor, of tensors [B, C]."""
    parts = (tf.split(tensor, sizes, axis=-1) for tensor in tensors)
    return zip(*parts, strict=True)


def _drawn(sequence: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """`sequence` [B, T, W] up to its `lengths` [B], zeros after it."""
    mask = tf.sequence_mask(lengths, tf.shape(sequence)[1])
    return tf.where(mask[..., None], sequence, 0.0)


def _windows(sequence: tf.Tensor) -> tf.Tensor:
    """Around every second of T steps, zeros beyond: [B, T, W] -> [B, U, 5W]."""
    steps, around = tf.shape(sequence)[1], _WINDOW // 2
    padded = tf.pad(sequence, [[0, 0], [around, around], [0, 0]])
    parts = [padded[:, k : k + steps : _STRIDE] for k in range(_WINDOW)]
    return tf.concat(parts, axis=-1)


def summary(states: EncoderStates) -> tf.Tensor:
    """f, float32 [B, 6H]; of no point, zeros and the least values."""
    steps = tf.shape(states.forward)[1]
    drawn = tf.sequence_mask(states.lengths, steps)[..., None]  # [B, T, 1]
    count = tf.cast(tf.maximum(states.lengths, 1), tf.float32)[:, None]
    directions = (states.forward, states.backward)
    means = [
        tf.reduce_sum(tf.where(drawn, h, 0.0), axis=1) / count
        for h in directions
    ]
    # Hidden states of an LSTM are above -1.
    maxima = [
        tf.reduce_max(tf.where(drawn, h, -1.0), axis=1) for h in directions
    ]
    return tf.concat([states.last, *means, *maxima], axis=-1)


def named(
    logits: tf.Tensor, condition: tf.Tensor, factor_sizes: Sequence[int]
) -> tf.Tensor:
    """1 where the likeliest values are those shown, of all factors, [B].

    Args:
        logits: float32 [B, C], or log probabilities.
        condition: float32 [B, C], what the drawings show, one-hot.
        factor_sizes: the number of values of each factor.
    """
    right = [
        tf.argmax(value, axis=-1) == tf.argmax(part, axis=-1)
        for value, part in _factors(factor_sizes, condition, logits)
    ]
    return tf.cast(tf.reduce_all(right, axis=0), tf.float32)


def agreement(
    log_probs: tf.Tensor, condition: tf.Tensor, factor_sizes: Sequence[int]
) -> tf.Tensor:
    """How surely drawings show what was asked for, a log probability [B].

    Of one factor, the log probability that it has one of the values asked for:
    of half a cat and half a pig, that it is a cat or a pig, and of a factor
    spread over all its values, 0. Of several factors, that of the worst: a
    face of the wrong emotion is not made good by the right gender.

    Args:
        log_probs: float32 [B, C], what the critic says.
        condition: float32 [B, C], what was asked for.
        factor_sizes: the number of values of each factor.
    """
    asked = tf.where(condition > 0, log_probs, log_probs.dtype.min)
    parts = tf.split(asked, factor_sizes, axis=-1)
    least = [tf.reduce_logsumexp(part, axis=-1) for part in parts]
    return tf.reduce_min(tf.stack(least), axis=0)
