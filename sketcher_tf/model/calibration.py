"""Fits the critic's sharpness, so that it is as often right as it says.

Reference: Guo, Pleiss, Sun, Weinberger 2017, temperature scaling.
"""

import numpy as np
import tensorflow as tf
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from sketcher_tf.batch import SketchBatch
from sketcher_tf.model.ai_sketcher import AISketcher

_RANGE = (0.05, 20.0)  # of the sharpness


def calibrate(model: AISketcher, batches: tf.data.Dataset) -> None:
    """Fits the sharpness of a model's critic, a number per factor.

    Args:
        model: with a critic.
        batches: `SketchBatch`es with one-hot conditions, best of drawings that
            it was not trained on.
    """
    critic = model.critic
    assert critic is not None

    def judge(batch: SketchBatch) -> tuple[tf.Tensor, tf.Tensor]:
        states = model.encoder.states(batch.points)
        return critic.logits(states), batch.condition

    graph = tf.function(judge, [batches.element_spec], autograph=False)
    parts = [[x.numpy() for x in graph(batch)] for batch in batches]
    logits, shown = (np.concatenate(part) for part in zip(*parts, strict=True))
    ends = np.cumsum(model.factor_sizes)[:-1]
    critic.sharpness.assign(
        [
            fit_sharpness(own, values.argmax(axis=1))
            for own, values in zip(
                np.split(logits, ends, axis=1),
                np.split(shown, ends, axis=1),
                strict=True,
            )
        ]
    )


def fit_sharpness(logits: np.ndarray, labels: np.ndarray) -> float:
    """The factor s for which softmax(s logits) is likeliest.

    Args:
        logits: float [N, K].
        labels: int [N].
    """
    logits = logits.astype(np.float64)
    own = logits[np.arange(len(labels)), labels]

    def loss(log_s: float) -> float:
        s = np.exp(log_s)
        return float(np.mean(logsumexp(s * logits, axis=1) - s * own))

    found = minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded")
    return float(np.exp(found.x))
