"""AI-Sketcher: the composition of its layers, its loss and its steps.

    z_s ~ q(z_s | S, c)                    encoder
    z_r = cnn(X_r)                         image_autoencoder, frozen
    a_i ~ q(a_i | S_1 ... S_{i-1})         influence
    S_i ~ p(S_i | z_s, z_r, c, a_i, S_{i-1}, h_{i-1})   decoder
    z without a drawing ~ p(z_s, z_r | c)  prior
    what a drawing shows, p(c | S)         critic

Reference: Cao, Yan, Shi, Chen: AI-Sketcher, AAAI 2019. With its three
extensions off this is Sketch-RNN (Ha and Eck 2017).
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.configs import Config
from sketcher_tf.model.critic import Critic, agreement
from sketcher_tf.model.decoder import StrokeDecoder
from sketcher_tf.model.encoder import Posterior, StrokeEncoder
from sketcher_tf.model.image_autoencoder import ImageAutoencoder
from sketcher_tf.model.influence import InfluenceLayer
from sketcher_tf.model.mixture import MixtureParams
from sketcher_tf.model.objective import SketchLearner
from sketcher_tf.model.prior.latent_prior import LatentPrior
from sketcher_tf.model.replicas import on_rows
from sketcher_tf.schema import Schema
from sketcher_tf.strokes import START_TOKEN


class DrawingState(NamedTuple):
    """All that a drawing in progress remembers.

    Attributes:
        decoder: the decoder core's state, float32 [B, H] each.
        encoder: the encoder's forward core's state; () without influence.
        influence: u_i, float32 [B, 2A]; A is 0 without influence.
        index: int32 [], points consumed, the start token not counted.
    """

    decoder: tuple[tf.Tensor, ...]
    encoder: tuple[tf.Tensor, ...]
    influence: tf.Tensor
    index: tf.Tensor


@keras.saving.register_keras_serializable(package="sketcher_tf")
class AISketcher(SketchLearner):
    """See the module. All weights exist from the start.

    Args:
        config: sizes and loss; stored with the model, with all the rest.
        schema: the conditions, scale and limits of its data.
    """

    def __init__(self, config: Config, schema: Schema, **kwargs: Any) -> None:
        super().__init__(config, schema, **kwargs)
        sizes = config.model
        self.condition_size = schema.condition_size * sizes.conditional
        self.has_influence = sizes.influence != "none"
        self.influence_size = sizes.influence_size * self.has_influence

        self.encoder = StrokeEncoder(sizes, self.condition_size, name="encoder")
        if self.has_influence:
            self.influence = InfluenceLayer(
                sizes.influence_size,
                schema.max_seq_len,
                shared=sizes.influence == "shared",
                average=sizes.influence_average,
                log_var=sizes.influence_log_var,
                dtype="float32",
                name="influence",
            )
            self.influence.build((None, None, sizes.encoder_units))
        if sizes.image_latent_size:
            self.image_autoencoder = ImageAutoencoder(
                schema.image_size,
                sizes.image_latent_size,
                sizes.image_filters,
                name="image_autoencoder",
            )
            # As an argument it would not reach the layers within.
            self.image_autoencoder.trainable = False
        self.decoder = StrokeDecoder(
            sizes,
            self.latent_size + self.condition_size,
            self.influence_size,
            name="decoder",
        )
        self.factor_sizes = tuple(len(f.values) for f in schema.factors)
        self.critic = None
        if sizes.critic_units:
            self.critic = Critic(
                self.factor_sizes,
                sizes.critic_units,
                sizes.encoder_units,
                sizes.critic_filters,
                name="critic",
            )
            self.critic.trainable = not config.critic_phase
        self.prior = LatentPrior(
            self.factor_sizes,
            sizes.latent_size,
            sizes.image_latent_size,
            sizes.prior_components,
            sizes.prior_rank,
            dtype="float32",
            name="prior",
        )
        self.built = True

    @property
    def latent_size(self) -> int:
        """The width of the latents [z_s ; z_r]."""
        sizes = self.config.model
        return sizes.latent_size + sizes.image_latent_size

    # Encoding.

    def encode(
        self,
        batch: SketchBatch | Lesson,
        seeds: tf.Tensor | None = None,
        training: bool = False,
    ) -> Posterior:
        """The posterior of the latents.

        Args:
            batch: drawings.
            seeds: int32 [2, 2], for dropout; needed only in training.
            training: whether to drop.
        """
        strokes = self.encoder(
            batch.points,
            self._known(batch.condition),
            seeds=seeds,
            training=training,
        )
        return Posterior(strokes, self._encode_images(batch))

    def _encode_images(self, batch: SketchBatch | Lesson) -> tf.Tensor:
        if not self.config.model.image_latent_size:
            return tf.zeros([tf.shape(batch.points)[0], 0])
        latents = on_rows(self.image_autoencoder.encoder, batch.image)
        return tf.stop_gradient(tf.cast(latents, tf.float32))

    def critic_log_probs(self, points: tf.Tensor) -> tf.Tensor:
        """What drawings show: log p of each value of each factor [B, C].

        Only for a model that has a critic.

        Args:
            points: stroke-5 float32 [B, T, 5], end tokens after the drawing.
        """
        assert self.critic is not None
        return self.critic(self.encoder.states(points))

    def agreement(self, points: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        """How surely they show it, see `critic.agreement`, float32 [B].

        Only for a model that has a critic.

        Args:
            points: stroke-5 float32 [B, T, 5], end tokens after the drawing.
            condition: float32 [B, C].
        """
        log_probs = self.critic_log_probs(points)
        return agreement(log_probs, condition, self.factor_sizes)

    # Drawing: one pure step.

    def start(
        self, condition: tf.Tensor, latents: tf.Tensor
    ) -> tuple[tf.Tensor, DrawingState]:
        """What is constant over each sketch, and the first state.

        Args:
            condition: float32 [B, C].
            latents: float32 [B, Z], [z_s ; z_r].

        Returns:
            The projected context, float32 [B, G], and the state before the
            start token.
        """
        batch = tf.shape(latents)[0]
        context, decoder = self.decoder.start(self._context(condition, latents))
        encoder, influence = (), tf.zeros([batch, 0])
        if self.has_influence:
            encoder = self.encoder.forward_rnn.initial_state(batch)
            influence = self.influence.initial_state(batch)
        state = DrawingState(decoder, encoder, influence, tf.constant(0))
        return context, state

    def step(
        self,
        projected_context: tf.Tensor,
        state: DrawingState,
        point: tf.Tensor,
    ) -> tuple[MixtureParams, DrawingState]:
        """Predicts S_i from S_{i-1}: the only place where points come from.

        The influence a_i is its mean here; training samples it.

        Args:
            projected_context: from `start`.
            state: from `start` or the step before.
            point: stroke-5 float32 [B, 5], S_{i-1}; first the start token.
        """
        state = self.read(projected_context, state, point)
        return self.decoder.predict_point(state.decoder[0]), state

    def read(
        self,
        projected_context: tf.Tensor,
        state: DrawingState,
        point: tf.Tensor,
    ) -> DrawingState:
        """The state after a point; `step` without its prediction."""
        encoder, influence = state.encoder, state.influence
        if self.has_influence:
            encoder, influence = self._influence_step(state, point)
        mean = influence[:, : self.influence_size]
        decoder = self.decoder.step(
            projected_context, state.decoder, tf.concat([mean, point], axis=-1)
        )
        return DrawingState(decoder, encoder, influence, state.index + 1)

    def _influence_step(
        self, state: DrawingState, point: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
        """The encoder reads the drawing's points, but not the start token.

        At that its state stays 0, and so adds nothing to the influence. Nor do
        end tokens, see `influences`.
        """
        rnn = self.encoder.forward_rnn
        # A row for each drawing: one vector for all would become part of the
        # product, which takes oneDNN four times as long for one row.
        bias = tf.tile(rnn.project_context(None)[None], [tf.shape(point)[0], 1])
        drawn = tf.cast(state.index > 0, tf.float32)
        new = rnn.step(point, bias, state.encoder)
        new = rnn.make_state([drawn * part for part in new])
        row = tf.maximum(state.index - 1, 0)
        hidden = new[0] * (1 - point[:, 4:])
        return new, self.influence.step(state.influence, hidden, row)

    # Whole drawings at once.

    def teacher_forced(
        self, points: tf.Tensor, condition: tf.Tensor, latents: tf.Tensor
    ) -> MixtureParams:
        """What `step` predicts for S_1 ... S_T, given those before each.

        Args:
            points: stroke-5 float32 [B, T, 5].
            condition: float32 [B, C].
            latents: float32 [B, Z].

        Returns:
            Fields [B, T, ...].
        """
        hidden = self.encoder.forward_rnn(points)
        influence, _ = self.influences(points, hidden)
        return self.predict_points(points, condition, latents, influence)

    def predict_points(
        self,
        points: tf.Tensor,
        condition: tf.Tensor,
        latents: tf.Tensor,
        influence: tf.Tensor,
        seed: tf.Tensor | None = None,
        training: bool = False,
    ) -> MixtureParams:
        """`teacher_forced`, but with any influence, and with dropout.

        Args:
            points: stroke-5 float32 [B, T, 5].
            condition: float32 [B, C].
            latents: float32 [B, Z].
            influence: float32 [B, T, A], a_1 ... a_T.
            seed: int32 [2], for dropout; needed only in training.
            training: whether to drop.
        """
        start = tf.zeros_like(points[:, :1]) + START_TOKEN
        before = tf.concat([start, points[:, :-1]], axis=1)
        return self.decoder(
            tf.concat([influence, before], axis=-1),
            context=self._context(condition, latents),
            seed=seed,
            training=training,
        )

    def influences(
        self, points: tf.Tensor, hidden: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and log variance of a_i, float32 [B, T, A] each.

        Args:
            points: stroke-5 float32 [B, T, 5].
            hidden: float32 [B, T, H], the encoder's forward states.
        """
        if not self.has_influence:
            none = tf.zeros([*tf.unstack(tf.shape(hidden)[:2]), 0])
            return none, none
        # No loss holds the sum where the drawing has ended: in a long batch it
        # would go on until exp(s_a) is infinite, and infinity times 0 is NaN.
        drawn = 1 - points[..., 4:]  # [B, T, 1]
        return tuple(tf.split(self.influence(hidden * drawn), 2, axis=-1))

    def _known(self, condition: tf.Tensor) -> tf.Tensor:
        """The condition, or nothing of it for an unconditional model."""
        return condition[:, : self.condition_size]

    def _context(self, condition: tf.Tensor, latents: tf.Tensor) -> tf.Tensor:
        return tf.concat([latents, self._known(condition)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            "config": self.config.to_json(),
            "schema": self.schema.to_json(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AISketcher":
        """Inverse of `get_config`."""
        return cls(
            Config.from_json(config["config"]),
            Schema.from_json(config["schema"]),
        )
