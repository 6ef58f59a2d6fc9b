"""The loss of a model, and the steps that bring it down.

All noise of a step comes from its seed, each kind from one of its own.
"""

from typing import Any

import tensorflow as tf

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.configs import Config
from sketcher_tf.model.critic import Critic
from sketcher_tf.model.encoder import (
    EncoderStates,
    Posterior,
    StrokeEncoder,
)
from sketcher_tf.model.losses import (
    Losses,
    LossTerms,
    combine,
    gaussian_kl,
    influence_kl,
    kl_weight,
    reconstruction_losses,
)
from sketcher_tf.model.mixture import MixtureParams
from sketcher_tf.model.replicas import (
    ReplicatedModel,
    batch_mean,
    batch_noise,
)
from sketcher_tf.schema import Schema

_normal = tf.random.stateless_normal
_CRITIC = 6  # the number of its stream; the others are those of a split


class SketchLearner(ReplicatedModel):
    """The base of the model: what it learns from drawings, and how.

    Args:
        config: sizes and loss.
        schema: the conditions, scale and limits of the data.
    """

    encoder: StrokeEncoder
    critic: Critic | None

    def __init__(self, config: Config, schema: Schema, **kwargs: Any) -> None:
        super().__init__(
            Losses._fields, config.training.gradient_clip, **kwargs
        )
        self.config = config
        self.schema = schema

    def encode(
        self,
        batch: SketchBatch | Lesson,
        seeds: tf.Tensor | None = None,
        training: bool = False,
    ) -> Posterior:
        """The posterior of the latents."""
        raise NotImplementedError

    def influences(
        self, points: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and log variance of a_i, float32 [B, T, A] each."""
        raise NotImplementedError

    def predict_points(
        self,
        points: tf.Tensor,
        condition: tf.Tensor,
        latents: tf.Tensor,
        influence: tf.Tensor,
        seed: tf.Tensor | None = None,
        training: bool = False,
    ) -> MixtureParams:
        """The distribution of every point, given those before it."""
        raise NotImplementedError

    def losses_of(
        self,
        batch: SketchBatch | Lesson,
        seed: tf.Tensor,
        weight: tf.Tensor,
        training: bool,
    ) -> Losses:
        """The loss, averaged over the drawings of all replicas.

        Args:
            batch: drawings; a replica's part of them.
            seed: int32 [2]; the same seed draws the same noise.
            weight: float32 [], alpha.
            training: whether to drop.
        """
        terms = self.loss_terms(batch, seed, training)
        means = LossTerms(*(batch_mean(term) for term in terms))
        return combine(means, weight, self.config.loss)

    def loss_terms(
        self, batch: SketchBatch | Lesson, seed: tf.Tensor, training: bool
    ) -> LossTerms:
        """What the loss is made of, per drawing, float32 [B] each.

        Args:
            batch: drawings.
            seed: int32 [2]; the same seed draws the same noise.
            training: whether to drop.
        """
        seeds = tf.random.split(seed, 6)
        read, weight = batch.points, 1.0
        if isinstance(batch, Lesson):
            read, weight = batch.read, batch.weight
        encoding, image_latents = self.encode(
            batch._replace(points=read), seeds[:2], training
        )
        stroke_latents = encoding.mean + tf.exp(
            encoding.log_var / 2
        ) * batch_noise(_normal, tf.shape(encoding.mean), seeds[2])
        if training:
            image_latents += self.config.model.image_latent_noise * batch_noise(
                _normal, tf.shape(image_latents), seeds[5]
            )
        hidden = encoding.states.forward
        if isinstance(batch, Lesson):
            # The influence reads along what is drawn.
            hidden = self.encoder.forward_rnn(
                batch.points, seed=seeds[0], training=training
            )
        mean, log_var = self.influences(batch.points, hidden)
        influence = mean + tf.exp(log_var / 2) * _step_noise(mean, seeds[3])
        params = self.predict_points(
            batch.points,
            batch.condition,
            tf.concat([stroke_latents, image_latents], axis=-1),
            influence,
            seeds[4],
            training,
        )
        offset, pen = reconstruction_losses(
            batch.points,
            params,
            self.schema.max_seq_len,
            weight,
        )
        dropout = tf.random.fold_in(seed, _CRITIC) if training else None
        return LossTerms(
            offset,
            pen,
            gaussian_kl(encoding.mean, encoding.log_var),
            influence_kl(batch.points, mean, log_var),
            self._critic_loss(encoding.states, batch.condition, dropout),
        )

    def _critic_loss(
        self,
        states: EncoderStates,
        condition: tf.Tensor,
        seed: tf.Tensor | None,
    ) -> tf.Tensor:
        if self.critic is None or self.config.critic_phase:
            return tf.zeros([tf.shape(condition)[0]])
        return self.critic.loss(self.critic.logits(states, seed), condition)

    def train_step(self, batch: SketchBatch | Lesson) -> dict[str, tf.Tensor]:
        """One step of gradient descent."""
        step = self.optimizer.iterations.value
        seed = tf.stack([self.config.training.seed, tf.cast(step, tf.int32)])
        with tf.GradientTape() as tape:
            losses = self.losses_of(
                batch, seed, kl_weight(self.config.loss, step), training=True
            )
            # Two losses of separate weights: the critic's reach no other layer.
            total = losses.loss + losses.critic_loss
        logs = self.track(losses._asdict(), tf.shape(batch.points)[0])
        return logs | self.descend(tape, total)

    def test_step(self, batch: SketchBatch) -> dict[str, tf.Tensor]:
        """The loss with alpha at its final value: epochs can be compared."""
        losses = self.losses_of(
            batch,
            tf.constant([self.config.training.seed, -1]),
            tf.constant(self.config.loss.kl_weight),
            training=False,
        )
        return self.track(losses._asdict(), tf.shape(batch.points)[0])


def _step_noise(like: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Standard normals [B, T, A]; step t does not depend on how many follow."""
    batch, steps, size = tf.unstack(tf.shape(like))
    noise = batch_noise(_normal, [steps, batch, size], seed, axis=1)
    return tf.transpose(noise, [1, 0, 2])
