"""Live drawing over a session that may be lost, as tasks; see `calls`.

The client knows all that a drawing depends on: condition, seed, latents and the
points so far. When the server has forgotten them, by eviction, restart or
reload, the drawing is opened anew with them and goes on with the next point.
"""

import secrets
from collections import deque

import numpy as np

from sketcher_tf import contract
from sketcher_tf.client import encoding
from sketcher_tf.client.calls import Answer, Sleep, Task
from sketcher_tf.client.errors import InvalidAnswerError, ServingError
from sketcher_tf.client.operations import Operations
from sketcher_tf.client.retry import Deadline
from sketcher_tf.client.types import Labels, Point, ServedSketch
from sketcher_tf.contract import Code
from sketcher_tf.request import drawing
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import check_stroke3, stroke5_to_stroke3

# Of a call: a step costs the server as much as some points do.
_FEWEST_POINTS, _MOST_POINTS = 8, 64

_LOST = (Code.SESSION_NOT_FOUND, Code.STEP_GAP)


class Live:
    """A drawing in progress.

    `pending` holds the points that were fetched and not yet taken; `complete`
    tells whether all have been fetched.

    Args:
        operations: of the client.
        category: a condition, see `Schema.parse`.
        temperature: tau; 0 takes the likeliest at each step.
        seed: int32.
        sketch: what has been drawn so far, in pixels, or None.
        points_per_call: how many points to ask for at once; None asks for few
            at first, so that they come soon, and for twice as many each time.
        timeout: seconds for each call to the server and what it takes to
            recover; None takes the client's.
    """

    def __init__(
        self,
        operations: Operations,
        category: str,
        temperature: float,
        seed: int,
        sketch: Sketch | None,
        points_per_call: int | None,
        timeout: float | None,
    ) -> None:
        if points_per_call is not None and not (
            isinstance(points_per_call, (int, np.integer))
            and 1 <= points_per_call < 2**31
        ):
            raise ValueError(
                "points_per_call must be an int32 of 1 or more; received "
                f"{points_per_call}. Try 8."
            )
        self.pending: deque[Point] = deque()
        self.complete = False
        self._operations = operations
        self._caller = operations.caller
        self._category = category
        self._noise = encoding.noise(seed, 1, temperature)
        self._stroke3 = np.zeros((0, 3), np.float32)
        if sketch is not None:
            self._stroke3 = check_stroke3(sketch.stroke3)
        self._num_points = points_per_call or _FEWEST_POINTS
        self._most_points = points_per_call or _MOST_POINTS
        self._allowed = operations.allowed(timeout)
        self._latents = np.zeros(0, np.float32)
        self._finished = False
        self._begun = False
        self._opening = False
        # Of the session; an id of None means that there is none.
        self._session_id: int | None = None
        self._instance_id = 0
        self._step = 0

    @property
    def sketch(self) -> ServedSketch:
        """What has been taken so far, and what it began with."""
        taken = len(self._stroke3) - len(self.pending)
        finished = self._finished and not self.pending
        return ServedSketch(
            self._stroke3[:taken], self._category, finished, self._latents
        )

    @property
    def ended(self) -> bool:
        """Whether all points of the drawing have been taken."""
        return self.complete and not self.pending

    def take_pending(self) -> list[Point]:
        """All points that were fetched and not yet taken."""
        points = list(self.pending)
        self.pending.clear()
        return points

    def advance(self) -> Task[None]:
        """Fetches the next points, whether or not some are `pending`.

        A drawing of five points, two per call, whose session is lost once:

            open    no points                   session 17
            step 0                              points 1 and 2
            step 1  SESSION_NOT_FOUND
            close   session 17                  in case it is there after all
            open    points 1 and 2, latents     session 64
            step 0                              points 3 and 4
            step 1                              point 5, finished

        Each line that draws is what one call of `advance` ends with. After an
        error call `close`; then another `advance` goes on.

        Raises:
            ValueError: an unknown category, or too many points given.
            ServingError: it cannot go on now; another call would try again.
        """
        deadline = self._allowed.for_call()
        losses, before = 0, len(self._stroke3)
        while len(self._stroke3) == before and not self.complete:
            try:
                yield from self._go_on(deadline)
            except ServingError as error:
                losses += 1
                delay = self._caller.backoff.delay(losses, self._caller.rng)
                lost = isinstance(error, InvalidAnswerError) or (
                    error.reason in _LOST
                )
                if not lost or delay >= deadline.left:
                    raise
                yield from self.close()
                yield Sleep(delay)

    def close(self) -> Task[None]:
        """Gives the session back, if there is one and it can be reached.

        This has seconds of its own: a drawing whose time is over has a session
        nevertheless.
        """
        operations = self._operations
        session_id, self._session_id = self._session_id, None
        if session_id in operations.sessions:  # else the client has closed it
            yield from operations.close_sessions([session_id], self._opening)

    def _go_on(self, deadline: Deadline) -> Task[None]:
        if self._session_id is None:
            yield from self._operations.versions.consistently(
                lambda labels: self._open(labels, deadline),
                deadline,
                contract.SKETCHER_SESSION,
            )
        if not self.complete:
            yield from self._draw(deadline)

    def _open(self, labels: Labels, deadline: Deadline) -> Task[None]:
        """Opens a session with all that the drawing depends on."""
        if self._begun and len(self._stroke3) > labels.schema.max_seq_len:
            self.complete = True  # another model by now: it draws no longer
            return
        drawn = Sketch(self._stroke3)
        so_far = drawing(labels.schema, drawn)[: len(self._stroke3)]
        latents = self._latents
        if len(latents) != labels.metadata.latent_size:
            latents = latents[:0]  # another model by now: it draws its own
        # Always a new id: an open that was given up may still arrive.
        session_id = secrets.randbits(63)
        condition = encoding.conditions(labels, self._category, self._noise)
        inputs = {
            "session_id": session_id,
            "condition": condition[0],
            "seed": self._noise["seed"][0],
            "temperature": self._noise["temperature"][0],
            "strokes": so_far,
            "latents": latents,
        }
        # Before it is open: whatever becomes of the call, it may be.
        self._session_id, self._opening = session_id, True
        self._operations.sessions.add(session_id)
        try:
            answer = yield from self._call(
                contract.OPEN, inputs, deadline, labels
            )
        except ServingError:  # another version may have opened it
            yield from self.close()
            raise
        self._begun, self._opening = True, False
        self._latents = answer.outputs["latents"]
        self._instance_id = int(answer.outputs["instance_id"])
        self._step = 0

    def _draw(self, deadline: Deadline) -> Task[None]:
        """Takes a step."""
        answer = yield from self._call(
            contract.STEP,
            {
                "session_id": self._session_id,
                "step": self._step,
                "num_points": self._num_points,
            },
            deadline,
        )
        strokes = answer.outputs["strokes"]
        self._step += 1
        self._finished = bool(answer.outputs["finished"])
        self.complete = self._finished or len(strokes) < self._num_points
        self._num_points = min(2 * self._num_points, self._most_points)
        new = stroke5_to_stroke3(strokes)
        self._stroke3 = np.concatenate([self._stroke3, new])
        self.pending.extend(
            Point(dx, dy, bool(lifted)) for dx, dy, lifted in new.tolist()
        )

    def _call(
        self,
        signature: contract.Signature,
        inputs: dict,
        deadline: Deadline,
        labels: Labels | None = None,
    ) -> Task[Answer]:
        operations = self._operations
        return self._caller.predict(
            contract.SKETCHER_SESSION,
            signature,
            inputs,
            operations.choice,
            deadline,
            sizes=labels.metadata.sizes if labels else {},
            version=labels.version if labels else None,
            fault=self._fault if signature is contract.STEP else None,
        )

    def _fault(self, answer: Answer) -> str:
        """Why these points do not continue the drawing; "" if they do."""
        outputs = answer.outputs
        count, length = len(outputs["strokes"]), int(outputs["length"])
        if int(outputs["instance_id"]) != self._instance_id:
            return "the server was started anew under the same session id."
        if count > self._num_points or length != len(self._stroke3) + count:
            return (
                f"{count} points after {len(self._stroke3)} must make "
                f"{len(self._stroke3) + count}; received {length}."
            )
        return ""
