"""The phase after the strokes: the critic learns what drawings show.

It reads the hidden states of the encoder, which learns no more and drops
nothing, so that no weight but the critic's changes. Where training re-reads
drawings, the critic sees them as the encoder does. For each drawing it may
practise one of words that the data lack.
"""

from collections.abc import Callable

import tensorflow as tf

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.configs import TrainingConfig
from sketcher_tf.model.critic import Critic, named
from sketcher_tf.model.encoder import EncoderStates
from sketcher_tf.model.replicas import ReplicatedModel, batch_mean
from sketcher_tf.training.replay import Replay


class CriticTraining(ReplicatedModel):
    """See the module. The critic is trainable from here on.

    Args:
        critic: what is trained.
        read: the hidden states for points stroke-5 float32 [B, T, 5].
        config: the seed of the dropout, and how gradients are clipped.
        replay: what else is practised.
    """

    def __init__(
        self,
        critic: Critic,
        read: Callable[[tf.Tensor], EncoderStates],
        config: TrainingConfig,
        replay: Replay | None = None,
    ) -> None:
        super().__init__(["loss", "accuracy"], config.gradient_clip)
        self.critic = critic
        self.critic.trainable = True
        self.read = read
        self.seed = config.seed
        self.replay = replay
        self.built = True

    def train_step(self, batch: SketchBatch | Lesson) -> dict[str, tf.Tensor]:
        """One step of gradient descent."""
        step = tf.cast(self.optimizer.iterations.value, tf.int32)
        points = batch.read if isinstance(batch, Lesson) else batch.points
        seed, rows = tf.stack([self.seed, step]), tf.shape(points)[0]
        given = [(self.read(points), batch.condition)]
        if self.replay:
            old, shown = self.replay.pick(rows, seed)
            given.append((self.read(old), shown))
        with tf.GradientTape() as tape:
            losses = [self._judge(*pair, seed) for pair in given]
            loss = tf.add_n([part["loss"] for part in losses])
        return self.track(losses[0], rows) | self.descend(tape, loss)

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
