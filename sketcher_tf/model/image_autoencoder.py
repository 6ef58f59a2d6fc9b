"""The CNN autoencoder of the raster X_r; its latents z_r enter the decoder.

    encoder: three convolutions of stride 2, three of stride 1, ReLU,
             then a fully connected layer with tanh -> z_r
    decoder: fully connected, three convolutions of stride 1, three
             transposed ones of stride 2, ReLU -> X_r

The paper gives the layers and their strides, not the number of filters, nor the
decoder's order: ours mirrors the encoder. It is trained on its own, on the
squared error, before the rest, and then frozen. Reference: Cao et al. 2019.
"""

from typing import Any

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable(package="sketcher_tf")
class ImageAutoencoder(keras.Model):
    """See the module.

    Args:
        image_size: pixels per side, a multiple of 8.
        latent_size: the width of z_r.
        filters: of the first convolution; the next have twice and four times.
    """

    def __init__(
        self, image_size: int, latent_size: int, filters: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if image_size % 8:
            raise ValueError(
                "image_size must be a multiple of 8, for three strides of 2; "
                f"received {image_size}. Prepare the data with another size."
            )
        self.image_size = image_size
        self.latent_size = latent_size
        self.filters = filters
        small = image_size // 8
        widths = (filters, 2 * filters, 4 * filters)

        image = keras.Input((image_size, image_size, 1))
        x = image
        for width, stride in zip(
            (*widths, *3 * widths[2:]), 3 * (2,) + 3 * (1,), strict=True
        ):
            x = _conv(layers.Conv2D, width, stride)(x)
        x = layers.Flatten()(x)
        latent = layers.Dense(latent_size, activation="tanh")(x)
        self.encoder = keras.Model(image, latent, name="encoder")

        latent = keras.Input((latent_size,))
        x = layers.Dense(small * small * widths[2], activation="relu")(latent)
        x = layers.Reshape((small, small, widths[2]))(x)
        for _ in range(3):
            x = _conv(layers.Conv2D, widths[2], 1)(x)
        for width in widths[1::-1]:
            x = _conv(layers.Conv2DTranspose, width, 2)(x)
        # A last ReLU that starts below zero everywhere would never learn.
        x = _conv(
            layers.Conv2DTranspose,
            1,
            2,
            bias_initializer=keras.initializers.Constant(0.1),
            dtype="float32",
        )(x)
        self.decoder = keras.Model(latent, x, name="decoder")
        self.built = True

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Reconstructs images float32 [B, S, S, 1], ink 1 on 0."""
        return self.decoder(self.encoder(images))

    def get_config(self) -> dict[str, Any]:
        return {
            "image_size": self.image_size,
            "latent_size": self.latent_size,
            "filters": self.filters,
        }


def _conv(
    kind: type[layers.Layer], filters: int, strides: int, **kwargs: Any
) -> layers.Layer:
    return kind(
        filters, 3, strides, padding="same", activation="relu", **kwargs
    )
