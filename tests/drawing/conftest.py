import numpy as np
import pytest

from sketcher_tf.model.ai_sketcher import AISketcher
from tests.testing import toys


@pytest.fixture(scope="module")
def model():
    """Draws short things, of which its critic thinks now this, now that."""
    config = toys.CONFIG.replace([("model.critic_units", 4)])
    model = AISketcher(config, toys.SCHEMA)
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    model.critic.sharpness.assign([2.0])  # as sure as tries want it to be
    model.critic.enough.assign(np.log([0.7, 0.6]))
    return model
