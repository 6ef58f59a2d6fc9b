"""The phase after the strokes: the critic learns what drawings show.

It reads the hidden states of the encoder, which learns no more and drops
nothing, so that no weight but the critic's changes. Where training re-reads
drawings, the critic sees them as the encoder does.
"""

from collections.abc import Callable

import tensorflow as tf

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.configs import TrainingConfig
from sketcher_tf.model.critic import Critic, named
from sketcher_tf.model.encoder import EncoderStates
from sketcher_tf.model.replicas import ReplicatedModel, batch_mean


class CriticTraining(ReplicatedModel):
    """See the module. The critic is trainable from here on.

    Args:
        critic: what is trained.
        read: the hidden states for points stroke-5 float32 [B, T, 5].
        config: the seed of the dropout, and how gradients are clipped.
    """

    def __init__(
        self,
        critic: Critic,
        read: Callable[[tf.Tensor], EncoderStates],
        config: TrainingConfig,
    ) -> None:
        super().__init__(["loss", "accuracy"], config.gradient_clip)
        self.critic = critic
        self.critic.trainable = True
        self.read = read
        self.seed = config.seed
        self.built = True

    def train_step(self, batch: SketchBatch | Lesson) -> dict[str, tf.Tensor]:
        """One step of gradient descent."""
        step = tf.cast(self.optimizer.iterations.value, tf.int32)
        points = batch.read if isinstance(batch, Lesson) else batch.points
        states = self.read(points)
        with tf.GradientTape() as tape:
            losses = self._judge(
                states, batch.condition, tf.stack([self.seed, step])
            )
        logs = self.track(losses, tf.shape(points)[0])
        return logs | self.descend(tape, losses["loss"])

    def test_step(self, batch: SketchBatch) -> dict[str, tf.Tensor]:
        """How often it is right."""
        losses = self._judge(self.read(batch.points), batch.condition)
        return self.track(losses, tf.shape(batch.points)[0])

    def _judge(
        self,
        states: EncoderStates,
        condition: tf.Tensor,
        seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Means over the whole batch, float32 []."""
        logits = self.critic.logits(states, seed)
        right = named(logits, condition, self.critic.factor_sizes)
        return {
            "loss": batch_mean(self.critic.loss(logits, condition)),
            "accuracy": batch_mean(right),
        }
