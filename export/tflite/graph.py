"""What a phone computes: drawing as pure functions of fixed shapes.

    noise   seed -> all the randomness of one sketch
    candidates  seed -> candidates, choice: what one is read with
    prior   condition, latent_noise, temperature -> latents
    start   condition, latents -> context, state, point
    encode_prefix   condition, points, length, candidates, choice, temperature
                    -> latents, context, state, point: several ways to go on
    step    context, state, point, component, pen, offset, temperature
            -> point, state, params
    steps      the same with the noise of all points -> points, state, point
    generate   the same -> points

One drawing at a time. `state` is one flat tensor that the caller only hands on.
Points are stroke-5, offsets in units of the scale factor. The encoders are in
`encoder`, but for the forward cell that the influence layer reads.
"""

import numpy as np
import tensorflow as tf

from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher, DrawingState
from sketcher_tf.model.mixture import MixtureParams, PointNoise, sampler
from sketcher_tf.model.sampling import CANDIDATES
from sketcher_tf.strokes import END_TOKEN, START_TOKEN

from . import philox
from .signatures import Concrete, Tensors, trace

WAYS = 8  # to go on with a drawing, of as many latents
POINTS = 16  # of a call of `steps`: what a call costs beside them is small then


class PhoneGraph:
    """The signatures, by name; see the module.

    Args:
        model: draws.
    """

    def __init__(self, model: AISketcher) -> None:
        schema = model.schema
        self._model = model
        self._parts = _state_sizes(model)
        self.rows = schema.max_seq_len + 1  # points and an end token
        sizes = {
            "C": schema.condition_size,
            "G": model.start(*_nothing(model))[0].shape[1],
            "K": CANDIDATES,
            "N": model.prior.noise_size,
            "P": schema.max_seq_len,
            "S": sum(self._parts),
            "T": self.rows,
            "Z": model.latent_size,
        }
        for name, inputs in _INPUTS.items():
            traced = trace(getattr(self, f"_{name}"), inputs, sizes)
            setattr(self, name, traced)

    def concrete(self) -> dict[str, Concrete]:
        """What is exported, by the signatures' names."""
        return {
            name: getattr(self, name).get_concrete_function()
            for name in _INPUTS
        }

    def _noise(self, seed: tf.Tensor) -> Tensors:
        """As `sampling` draws it: each kind is a stream of the seed.

        Philox makes all of them in one call, a row per stream, and each kind
        cuts its part out of its row (N latents' noise, T rows):

            row  stream of  cut to  as       handed out as
            0    LATENTS    N       normals  latent_noise
            1    COMPONENT  T       uniform  component
            2    PEN        T       uniform  pen
            3    OFFSET     2 T     normals  offset, [T, 2]
        """
        size = self._model.prior.noise_size
        # One call for all: a stream does not depend on how much is drawn.
        uniform = philox.uniform(
            philox.fold_in(seed, tf.range(sampling.CHOICE)),
            max(_even(size), 2 * self.rows),
        )
        normal = philox.box_muller(uniform)
        return {
            "latent_noise": normal[sampling.LATENTS][None, :size],
            "component": uniform[sampling.COMPONENT][None, : self.rows],
            "pen": uniform[sampling.PEN][None, : self.rows],
            "offset": tf.reshape(
                normal[sampling.OFFSET][: 2 * self.rows], [1, self.rows, 2]
            ),
        }

    def _candidates(self, seed: tf.Tensor) -> Tensors:
        """As `sampling` draws them for a drawing that has been begun.

        The stream of candidate k is fold_in(fold_in(seed, 1000 + k), LATENTS),
        since in Python candidates are sketches with seeds of their own.
        """
        numbers = tf.range(CANDIDATES) + sampling.FIRST_CANDIDATE
        seeds = philox.fold_in(
            philox.fold_in(seed, numbers), tf.constant([sampling.LATENTS])
        )
        choice = philox.fold_in(seed, tf.constant([sampling.CHOICE]))
        size = self._model.prior.noise_size
        normal = philox.box_muller(philox.uniform(seeds, _even(size)))
        return {
            "candidates": normal[:, :size],
            "choice": philox.uniform(choice, CANDIDATES),
        }

    def _prior(
        self,
        condition: tf.Tensor,
        latent_noise: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        return {
            "latents": self._model.prior(condition, latent_noise, temperature)
        }

    def _start(self, condition: tf.Tensor, latents: tf.Tensor) -> Tensors:
        context, state = self._model.start(condition, latents)
        # LiteRT's compiled models cannot fill an output that is a constant.
        nothing = tf.minimum(tf.abs(condition[:, :1]), 0.0)
        return {
            "context": context,
            "state": _pack(state),
            "point": START_TOKEN + nothing,
        }

    def _encode_prefix(
        self,
        condition: tf.Tensor,
        points: tf.Tensor,
        length: tf.Tensor,
        candidates: tf.Tensor,
        choice: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Goes through the points with every candidate and keeps `WAYS`.

        The first is what `sampling.latents_given_prefix` takes, the others are
        those that it would take without the ones before. At the end the states
        are there as well. The last point is still to be given to `step`.
        """
        conditions = tf.tile(condition, [CANDIDATES, 1])
        latents = self._model.prior(conditions, candidates, temperature)
        context, first = self._model.start(conditions, latents)
        # What the encoder makes of the points all candidates share.
        encoder, influence = tf.nest.map_structure(
            lambda part: part[:1], (first.encoder, first.influence)
        )
        first = first._replace(encoder=encoder, influence=influence)
        points = tf.concat([START_TOKEN[None], points[0]], axis=0)

        def read(
            state: DrawingState, log_weights: tf.Tensor
        ) -> tuple[DrawingState, tf.Tensor]:
            # By number, not by a slice, of which LiteRT knows no shape.
            point, target = tf.unstack(
                tf.gather(points, state.index + tf.range(2))[:, None]
            )
            params, state = self._model.step(context, state, point)
            rows = type(params)(*(field[:, None] for field in params))
            steps = sampling.step_log_prob(
                tf.tile(target[None], [CANDIDATES, 1, 1]), rows
            )
            return state, log_weights + steps[:, 0]

        state, log_weights = tf.while_loop(
            lambda state, _: state.index < length[0],
            read,
            (first, tf.zeros([CANDIDATES])),
        )
        weights = sampling.perturbed(log_weights[None], choice)
        kept = tf.math.top_k(weights[0], WAYS).indices
        return {
            "latents": tf.gather(latents, kept),
            "context": tf.gather(context, kept),
            "state": tf.gather(_pack(state), kept),
            "point": tf.gather(points, length),
        }

    def _step(
        self,
        context: tf.Tensor,
        state: tf.Tensor,
        point: tf.Tensor,
        component: tf.Tensor,
        pen: tf.Tensor,
        offset: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        params, new = self._model.step(context, self._unpack(state), point)
        noise = PointNoise(component, pen, offset)
        return {
            "point": sampler(temperature)(params, noise),
            "state": _pack(new),
            "params": _flatten(params),
        }

    def _steps(
        self,
        context: tf.Tensor,
        state: tf.Tensor,
        point: tf.Tensor,
        component: tf.Tensor,
        pen: tf.Tensor,
        offset: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Draws `POINTS` points or, up to its end, fewer."""
        points, state = self._draw(
            POINTS,
            (context, state, point),
            PointNoise(component, pen, offset),
            temperature,
        )
        return {
            "points": points,
            "state": state,
            # Not the loop's own, which LiteRT's compiled models cannot take.
            "point": points[:, -1],
        }

    def _generate(
        self,
        context: tf.Tensor,
        state: tf.Tensor,
        point: tf.Tensor,
        component: tf.Tensor,
        pen: tf.Tensor,
        offset: tf.Tensor,
        temperature: tf.Tensor,
    ) -> Tensors:
        """Draws until the end token, or until there are T points in all."""
        points, _ = self._draw(
            self.rows,
            (context, state, point),
            PointNoise(component, pen, offset),
            temperature,
        )
        return {"points": points}

    def _draw(
        self,
        count: int,
        begun: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        noise: PointNoise,
        temperature: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws `count` points to a context, a state and a point.

        As `sampling.draw_points`, but all shapes are known. Where one is not,
        as a TensorArray's are not in LiteRT, no part of the loop runs in
        XNNPACK, and a point takes ten times as long.
        """
        context, state, point = begun
        first = self._unpack(state)
        stop = tf.minimum(count, self.rows - first.index)
        rows = tf.range(count)[None, :, None]
        sample = sampler(temperature)

        def draw_next(
            k: tf.Tensor,
            state: DrawingState,
            point: tf.Tensor,
            points: tf.Tensor,
        ) -> tuple[tf.Tensor, DrawingState, tf.Tensor, tf.Tensor]:
            t = state.index
            now = PointNoise(*(tf.gather(field, t, axis=1) for field in noise))
            params, state = self._model.step(context, state, point)
            point = sample(params, now)
            points = tf.where(rows == k, point[:, None], points)
            return k + 1, state, point, points

        nothing = tf.tile(END_TOKEN[None, None], [1, count, 1])
        _, last, _, points = tf.while_loop(
            lambda k, state, point, _: (k < stop) & (point[0, 4] <= 0),
            draw_next,
            (tf.constant(0), first, point, nothing),
        )
        return points, _pack(last)

    def _unpack(self, state: tf.Tensor) -> DrawingState:
        """Inverse of `_pack`."""
        model = self._model
        *parts, influence, index = tf.split(state, self._parts, axis=-1)
        decoder = len(model.decoder.rnn.state_sizes)
        encoder = ()
        if model.has_influence:
            encoder = model.encoder.forward_rnn.make_state(parts[decoder:])
        return DrawingState(
            model.decoder.rnn.make_state(parts[:decoder]),
            encoder,
            influence,
            tf.cast(index[0, 0], tf.int32),
        )


# Letters are sizes that the model fixes: P points and T = P + 1 rows of a
# drawing, K candidates, C, Z, N, G, S the widths of condition, latents, their
# noise, context and state.
_NOISE_OF_POINT = {
    "component": "float32 1",
    "pen": "float32 1",
    "offset": "float32 1 2",
    "temperature": "float32 1",
}
_NOISE = {
    "component": "float32 1 T",
    "pen": "float32 1 T",
    "offset": "float32 1 T 2",
    "temperature": "float32 1",
}
_PROGRESS = {
    "context": "float32 1 G",
    "state": "float32 1 S",
    "point": "float32 1 5",
}
_INPUTS = {
    "noise": {"seed": "int32 1 2"},
    "candidates": {"seed": "int32 1 2"},
    "prior": {
        "condition": "float32 1 C",
        "latent_noise": "float32 1 N",
        "temperature": "float32 1",
    },
    "start": {"condition": "float32 1 C", "latents": "float32 1 Z"},
    "encode_prefix": {
        "condition": "float32 1 C",
        "points": "float32 1 P 5",
        "length": "int32 1",
        "candidates": "float32 K N",
        "choice": "float32 1 K",
        "temperature": "float32 1",
    },
    "step": {**_PROGRESS, **_NOISE_OF_POINT},
    "steps": {**_PROGRESS, **_NOISE},
    "generate": {**_PROGRESS, **_NOISE},
}


def _even(count: int) -> int:
    """The next even number: normals come in pairs."""
    return count + count % 2


def _nothing(model: AISketcher) -> tuple[tf.Tensor, tf.Tensor]:
    """A condition and latents, to see shapes by."""
    return (
        tf.zeros([1, model.schema.condition_size]),
        tf.zeros([1, model.latent_size]),
    )


def _state_sizes(model: AISketcher) -> list[int]:
    encoder = model.encoder.forward_rnn.state_sizes * model.has_influence
    return [
        *model.decoder.rnn.state_sizes,
        *encoder,
        2 * model.influence_size,
        1,  # the index; whole numbers are exact in float32
    ]


def _flatten(params: MixtureParams) -> tf.Tensor:
    """What a point is drawn from, at temperature 1, float32 [1, 6M + 3]."""
    return tf.concat([tf.reshape(field, [1, -1]) for field in params], axis=-1)


def unflatten(rows: np.ndarray) -> MixtureParams:
    """Inverse of what `params` of `step` are: float32 [T, 6M + 3] by fields."""
    mixtures = (rows.shape[-1] - 3) // 6
    logits, loc, scale, correlation, pen = np.split(
        rows, np.cumsum([mixtures * n for n in (1, 2, 2, 1)]), axis=-1
    )
    pair = (len(rows), mixtures, 2)
    return MixtureParams(
        logits, loc.reshape(pair), scale.reshape(pair), correlation, pen
    )


def _pack(state: DrawingState) -> tf.Tensor:
    """A state of R drawings as float32 [R, S]; parts of one row are all's."""
    rows = state.decoder[0].shape[0]
    index = tf.cast(state.index, tf.float32)[None, None]
    parts = [*state.decoder, *state.encoder, state.influence, index]
    some = [part for part in parts if part.shape[1]]
    return tf.concat(
        [tf.broadcast_to(part, [rows, part.shape[1]]) for part in some], axis=-1
    )
