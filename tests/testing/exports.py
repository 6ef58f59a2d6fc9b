"""A toy model with large weights, and calls of what is exported of it."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from sketcher_tf.configs import Config
from sketcher_tf.contract import Servable
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import stroke5_to_stroke3
from tests.testing import toys

WORD = toys.CATEGORIES[0]
CAPACITY = 64  # of the published toy

# All that a model may be made of otherwise: another core, a weight per step, no
# image code, two factors, many words, an odd number of normals.
OTHER = (
    dataclasses.replace(
        toys.CONFIG,
        model=dataclasses.replace(
            toys.MODEL, rnn="hyper", influence="full", image_latent_size=0
        ),
    ),
    dataclasses.replace(
        toys.SCHEMA,
        factors=(
            Factor(
                "kind",
                ("ant", "cat", "scatter", *(f"thing {n}" for n in range(20))),
            ),
            Factor("mood", ("glad", "sad")),
        ),
    ),
)

Ask = Callable[..., dict[str, np.ndarray]]


def make_model(
    config: Config = toys.CONFIG, schema: Schema = toys.SCHEMA
) -> AISketcher:
    """A model that draws sketches of all lengths at temperature 1."""
    model = AISketcher(config, schema)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if not weight.path.startswith("seed"):
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
    bias = model.decoder.output_projection.bias
    bias.assign_add(-2.5 * np.eye(bias.shape[0])[2])  # of the end's logit
    return model


def make_critical(schema: Schema = toys.SCHEMA) -> AISketcher:
    """The same with a critic."""
    changes = {"model.critic_units": 5, "model.critic_filters": 4}
    model = make_model(toys.CONFIG.replace(changes.items()), schema)
    assert model.critic is not None
    # So that some tries are good enough, and some are not.
    model.critic.enough.assign(
        np.log(np.linspace(0.6, 0.7, schema.condition_size))
    )
    return model


@functools.cache
def make_sketcher() -> Sketcher:
    """The toy that is published; one for all, who must leave it as it is."""
    return Sketcher(make_model())


def caller(servable: Servable, run: Callable) -> Ask:
    """Calls by name, `ask("generate", seed=...)`, of what `run` runs.

    Inputs are converted to the dtypes of the contract.
    """
    from export.saved_model.warmup import Call

    def ask(name: str, **inputs: object) -> dict[str, np.ndarray]:
        signature = servable.served[name]
        return run(
            Call(
                name,
                {
                    x.name: np.asarray(inputs[x.name], x.dtype)
                    for x in signature.inputs
                },
                {},
            )
        )

    return ask


def sketches_of(
    answer: dict[str, np.ndarray], word: str = WORD
) -> list[Sketch]:
    """The rows of an answer, as the Python API returns them."""
    return [
        Sketch(stroke5_to_stroke3(strokes), word, bool(finished))
        for strokes, finished in zip(
            answer["strokes"], answer["finished"], strict=True
        )
    ]
