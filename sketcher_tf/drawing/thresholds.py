"""What is enough: how sure the critic must be of a drawing that is kept.

One p for many words would keep nearly any drawing of a word that the critic
names too easily, and draw others again and again. So each word is measured by
the model's own drawings of it: one is good enough if the critic is as sure of
it as of the better of those, or sure of it by itself. Among few words the
critic is sure of nearly all, and one p is enough.
"""

import math
from collections.abc import Callable

import numpy as np

from sketcher_tf.drawing.tries import Best
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.request import (
    DEFAULT_TRIES,
    DrawingRequest,
    new_request,
    temperature_of_new,
)

_DRAWINGS = 32  # of each word
_BETTER = 0.6  # the share of them that the better ones are better than
_SURE = 0.99  # p that is always enough
_LEAST = 1e-3  # p that is never enough, nor is not to end


def fit_thresholds(
    model: AISketcher, draw: Callable[[DrawingRequest, np.ndarray], Best]
) -> None:
    """Fits what is enough to drawings that are made for it.

    Args:
        model: with a critic, whose sharpness has been fitted.
        draw: `tries.draw` of the model.
    """
    assert model.critic is not None
    tau = temperature_of_new(None, DEFAULT_TRIES, model.schema)
    once = np.ones(_DRAWINGS, np.int32)

    def better(word: str) -> float:
        request = new_request(model.schema, word, _DRAWINGS, tau, seed=0)
        return float(np.quantile(draw(request, once).scores, _BETTER))

    found = [better(word) for word in model.schema.words]
    model.critic.enough.assign(
        np.clip(found, math.log(_LEAST), math.log(_SURE))
    )
