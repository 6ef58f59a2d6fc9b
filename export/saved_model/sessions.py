"""The stateful servable: drawings in progress, a few points per call.

A step reads its session, draws, and writes it back. Only reading and writing
hold the lock, so sessions are drawn side by side; and what a step draws is a
function of what it has read, so that it does no harm if the same call arrives
twice at once. Whoever comes second finds the session one step further on and
returns what it has stored.
"""

import tensorflow as tf

from sketcher_tf.contract import Code, Metadata
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.request import DrawingRequest

from .drawings import from_pixels
from .live import (
    Session,
    StepResult,
    an_example,
    begin,
    choose_latents,
    go_on,
)
from .signatures import Tensors, refuse_unless
from .slots import SlotTable


class SessionCalls:
    """What the signatures compute; arguments and results as in the contract.

    No `tf.Module`: it must not track the model's layers, which TensorFlow
    Serving could then not restore.

    Args:
        model: draws.
        metadata: what `labels` answers.
        capacity: sessions that there is room for.
        lock: a name that no other table in a process has.
    """

    def __init__(
        self, model: AISketcher, metadata: Metadata, capacity: int, lock: str
    ) -> None:
        self._model = model
        self._metadata = metadata
        self._capacity = capacity
        self._table = SlotTable(capacity, an_example(model), lock)
        # A start or reload restores the 0; the first call makes it a number.
        self._instance = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def variables(self) -> tuple[tf.Variable, ...]:
        """All state."""
        return (*self._table.variables, self._instance)

    def open(
        self,
        session_id: tf.Tensor,
        condition: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        strokes: tf.Tensor,
        latents: tf.Tensor,
    ) -> Tensors:
        """Begins a drawing, or takes up one that has been begun."""
        model = self._model
        prefix = from_pixels(strokes[None], model.schema)
        request = DrawingRequest(
            condition[None], seed[None], temperature[None], prefix
        )
        latents = choose_latents(model, request, latents)
        session = begin(model, request, latents)

        def keep() -> tf.Tensor:
            content = session._replace(opened=self._table.now())
            with tf.control_dependencies(
                [self._table.put(session_id, content)]
            ):
                return self._identify()

        return {
            "instance_id": self._table.locked(keep, after=session),
            "latents": latents[0],
            "length": prefix.length[0],
        }

    def step(
        self, session_id: tf.Tensor, step: tf.Tensor, num_points: tf.Tensor
    ) -> Tensors:
        """Draws the next points of a session, or returns them again."""
        session = self._look_up(session_id)
        is_next = session.next_step == step
        again = (session.next_step == step + 1) & (step >= 0)
        with tf.control_dependencies(
            [_refuse_gap(is_next | again, session.next_step, step)]
        ):
            wanted = tf.where(is_next, num_points, 0)
        after = go_on(self._model, session, wanted)
        result = self._keep(session_id, step, session, after)
        return {
            "strokes": result.strokes[: result.count],
            "finished": result.finished,
            "length": result.length,
            "instance_id": self._instance.read_value(),
        }

    def close(self, session_id: tf.Tensor) -> Tensors:
        """Ends a session."""

        def drop() -> tf.Tensor:
            slot, found = self._table.find(session_id)
            done = tf.cond(found, lambda: self._table.free(slot), tf.no_op)
            with tf.control_dependencies([done]):
                return tf.identity(found)

        return {"closed": self._table.locked(drop)}

    def stats(self) -> Tensors:
        """Who this is, and how full the table is."""
        instance, counts = self._table.locked(
            lambda: (self._identify(), self._table.counts())
        )
        return {
            "instance_id": instance,
            "capacity": tf.constant(self._capacity, tf.int64),
            "open": counts.owners,
            "opened": counts.opened,
            "evicted": counts.evicted,
        }

    def labels(self) -> Tensors:
        """What a client should know of the model."""
        return {"metadata": tf.constant(self._metadata.dumps())}

    def _look_up(self, session_id: tf.Tensor) -> Session:
        def look() -> tuple[tf.Tensor, Session]:
            slot, found = self._table.find(session_id)
            return found, self._table.read(slot)

        found, session = self._table.locked(look)
        with tf.control_dependencies([_refuse_lost(found, session_id)]):
            return tf.nest.map_structure(tf.identity, session)

    def _keep(
        self,
        session_id: tf.Tensor,
        step: tf.Tensor,
        before: Session,
        after: Session,
    ) -> StepResult:
        """Stores `after` if its step is still the next; what is stored then.

        Others may have been at work since `before` was read: the session may
        be gone, or the same call, repeated, may have taken the step already.
        Then what that call stored is returned, and `after` is dropped.
        """

        def commit() -> tuple[tf.Tensor, Session]:
            slot, found = self._table.find(session_id)
            stored = self._table.read(slot)
            ours = found & (stored.opened == before.opened)
            is_next = ours & (stored.next_step == step)
            stored = tf.nest.map_structure(
                lambda new, old: tf.where(is_next, new, old), after, stored
            )
            done = tf.cond(
                ours, lambda: self._table.update(slot, stored), tf.no_op
            )
            with tf.control_dependencies([done]):
                return tf.identity(ours), stored

        ours, stored = self._table.locked(commit, after=after)
        with tf.control_dependencies([_refuse_lost(ours, session_id)]):
            taken = stored.next_step == step + 1
            gap = _refuse_gap(taken, stored.next_step, step)
        with tf.control_dependencies([gap]):
            return tf.nest.map_structure(tf.identity, stored.result)

    def _identify(self) -> tf.Tensor:
        """The instance's number; makes it up if there is none yet."""
        # Raw, so that it has no seed, whatever the global one may be.
        new = tf.raw_ops.RandomUniformInt(
            shape=tf.zeros([0], tf.int32),
            minval=tf.constant(1, tf.int64),
            maxval=tf.constant(tf.int64.max, tf.int64),
        )
        known = self._instance.read_value()
        number = tf.where(known == 0, new, known)
        done = tf.raw_ops.AssignVariableOp(
            resource=self._instance.handle, value=number
        )
        with tf.control_dependencies([done]):
            return tf.identity(number)


def _refuse_lost(found: tf.Tensor, session_id: tf.Tensor) -> tf.Operation:
    return refuse_unless(
        found,
        Code.SESSION_NOT_FOUND,
        "a session must be open",
        session_id,
        "It was closed or evicted, or the server has been started anew. Open "
        "one with the points so far.",
    )


def _refuse_gap(
    holds: tf.Tensor, next_step: tf.Tensor, step: tf.Tensor
) -> tf.Operation:
    return refuse_unless(
        holds,
        Code.STEP_GAP,
        "step must be the next one of its session, or the last one again",
        tf.stack([step, next_step]),
        "The second number is the next one.",
    )
