"""The phase before the strokes: the CNN autoencoder learns the rasters X_r.

loss = mean (cnn(X_r) - X_r)^2
"""

import tensorflow as tf

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.model.image_autoencoder import ImageAutoencoder
from sketcher_tf.model.replicas import ReplicatedModel, batch_mean, on_rows


class ImageTraining(ReplicatedModel):
    """See the module. The autoencoder is trainable from here on.

    Args:
        autoencoder: what is trained.
        gradient_clip: largest absolute value in a gradient.
    """

    def __init__(
        self, autoencoder: ImageAutoencoder, gradient_clip: float
    ) -> None:
        super().__init__(["loss"], gradient_clip)
        self.autoencoder = autoencoder
        self.autoencoder.trainable = True
        self.built = True

    def train_step(self, batch: SketchBatch | Lesson) -> dict[str, tf.Tensor]:
        """One step of gradient descent."""
        with tf.GradientTape() as tape:
            drawn = on_rows(self.autoencoder, batch.image)
            errors = tf.reduce_mean(
                tf.square(drawn - batch.image), axis=[1, 2, 3]
            )
            loss = batch_mean(errors)
        logs = self.track({"loss": loss}, tf.shape(batch.image)[0])
        return logs | self.descend(tape, loss)
