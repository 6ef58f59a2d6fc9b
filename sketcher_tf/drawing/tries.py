"""Drawing with tries: the critic looks at a drawing before it is handed over.

A try is kept at once if it ends and p(asked for | drawing) is high enough, see
`thresholds`; of those that are not, the best is kept in the end. Try t of a
sketch has the seed fold_in(seed, t), the first one the seed itself: a sketch is
a function of (condition, seed, tries), and one try is what there was without a
critic.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from sketcher_tf.drawing.readings import read_anew
from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.request import DrawingRequest

# p(asked for | drawing) at which a completion is kept, of any word: its tries
# are of unlike readings, so the first that would do is seldom the best one.
ENOUGH_TO_GO_ON = 0.8
_FIRST_TRY = 2000  # tries have seeds of their own
_UNFINISHED = -1e6  # added to the log probability of what does not end


class Best(NamedTuple):
    """What is kept.

    Attributes:
        points: stroke-5 float32 [B, T, 5], as `sampling.draw` returns them.
        latents: float32 [B, Z], what they were drawn from.
        scores: float32 [B], how well they show what was asked for.
        drawn: int32 [B], how many tries it took.
    """

    points: tf.Tensor
    latents: tf.Tensor
    scores: tf.Tensor
    drawn: tf.Tensor


def draw(model: AISketcher, request: DrawingRequest, tries: tf.Tensor) -> Best:
    """Draws each sketch up to `tries` times; those accepted cost no more.

    Given points are read in several ways, one for each try, see `readings`.

    Args:
        model: with a critic.
        request: what is to be drawn.
        tries: int32 [B], 1 or more each.
    """
    assert model.critic is not None
    enough = tf.fill(tf.shape(tries), math.log(ENOUGH_TO_GO_ON))
    if request.prefix is None:
        enough = model.critic.threshold(request.condition)

    def is_open(number: tf.Tensor, best: Best) -> tf.Tensor:
        return (best.scores < enough) & (number < tries)  # bool [B]

    def undecided(number: tf.Tensor, best: Best) -> tf.Tensor:
        return tf.reduce_any(is_open(number, best))

    def try_again(number: tf.Tensor, best: Best) -> tuple[tf.Tensor, Best]:
        rows = tf.where(is_open(number, best))
        new = _one_try(model, _of_rows(request, rows), number)
        better = new.scores > tf.gather_nd(best.scores, rows)
        kept = Best(
            *(
                tf.tensor_scatter_nd_update(old, rows[better], field[better])
                for old, field in zip(best, new, strict=True)
            )
        )
        drawn = tf.tensor_scatter_nd_add(best.drawn, rows, new.drawn)
        return number + 1, kept._replace(drawn=drawn)

    _, best = tf.while_loop(
        undecided, try_again, (tf.constant(0), _nothing(model, request))
    )
    return best


def _nothing(model: AISketcher, request: DrawingRequest) -> Best:
    """Worse than any try."""
    rows = tf.shape(request.seeds)[0]
    return Best(
        tf.zeros([rows, model.schema.max_seq_len + 1, 5]),
        tf.zeros([rows, model.latent_size]),
        tf.fill([rows], -math.inf),
        tf.zeros([rows], tf.int32),
    )


def _of_rows(request: DrawingRequest, rows: tf.Tensor) -> DrawingRequest:
    """The part of a request that is rows int64 [R, 1]."""
    return tf.nest.map_structure(
        lambda field: None if field is None else tf.gather_nd(field, rows),
        request,
    )


def _one_try(
    model: AISketcher, request: DrawingRequest, number: tf.Tensor
) -> Best:
    request = request._replace(seeds=_seeds(request.seeds, number))
    if request.prefix is None:
        return _draw_and_judge(model, request)
    reading = read_anew(model.schema, request.prefix, number)
    drawn = _draw_and_judge(model, request._replace(prefix=reading.prefix))
    return drawn._replace(points=reading.put_back(drawn.points))


def _seeds(seeds: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """Those of a try, int32 [B, 2]; of the first, those that were given."""
    folded = tf.map_fn(
        lambda seed: tf.random.fold_in(seed, number + _FIRST_TRY), seeds
    )
    return tf.where(number > 0, folded, seeds)


def _draw_and_judge(model: AISketcher, request: DrawingRequest) -> Best:
    latents = sampling.draw_latents(model, request)
    points = sampling.draw(model, request, latents)
    ended = tf.reduce_any(points[..., 4] > 0, axis=1)
    log_prob = model.agreement(points, request.condition)
    scores = log_prob + tf.where(ended, 0.0, _UNFINISHED)
    return Best(points, latents, scores, tf.ones_like(request.seeds[:, 0]))
