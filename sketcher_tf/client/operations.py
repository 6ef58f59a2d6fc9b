"""What a client can ask for, as tasks; see `calls` for what these are."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sketcher_tf import contract, request
from sketcher_tf.client import encoding
from sketcher_tf.client.calls import (
    Caller,
    Choice,
    Sleep,
    Task,
    check_timeout,
)
from sketcher_tf.client.errors import ServingError
from sketcher_tf.client.retry import Deadline, Timeout
from sketcher_tf.client.types import Labels, ServedSketch
from sketcher_tf.client.versions import Versions
from sketcher_tf.request import DEFAULT_TEMPERATURE
from sketcher_tf.sketches import Sketch, Sketches

_CLOSE_SECONDS = 2.0  # if it cannot be closed, the server evicts it one day


@dataclass
class Operations:
    """The operations of one client; each method makes a task.

    Attributes:
        caller: makes single calls.
        choice: the version or label that the user wants.
        timeout: seconds for each call to the server, its repetitions included.
            A request for more than fits in a call is several calls.
        message_bytes: the largest message that server and client take.
        sessions: the ids of those that live drawings have open.
    """

    caller: Caller
    choice: Choice
    timeout: float
    message_bytes: int
    sessions: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.versions = Versions(self.caller, self.choice)

    def labels(
        self, *, sessions: bool = False, timeout: float | None = None
    ) -> Task[Labels]:
        """What the model knows: its words, its limits, where it comes from.

        Args:
            sessions: of the servable behind `draw_live`.
            timeout: seconds, instead of the client's.
        """
        return self.versions.newest_labels(
            contract.SKETCHER_SESSION if sessions else contract.SKETCHER,
            self.allowed(timeout),
        )

    def generate(
        self,
        category: str,
        count: int = 1,
        temperature: float | None = None,
        seed: int = 0,
        tries: int | None = None,
        *,
        timeout: float | None = None,
    ) -> Task[Sketches[ServedSketch]]:
        """Draws new sketches; sketch k depends on what is asked and k only.

        Args:
            category: a condition, see `Schema.parse`.
            count: how many.
            temperature: tau; 0 is greedy; None is as for `Sketcher.generate`.
            seed: int32.
            tries: at most so many, for the model's critic to keep one; None is
                4, or 1 without a critic. See `Sketcher.generate`.
            timeout: seconds per call, instead of the client's.

        Raises:
            ValueError: an unknown category, a count below 1, a negative
                temperature, or tries without a critic.
            ServingError: the server could not do it.
        """
        # What is wrong in any case is refused before anything is asked.
        encoding.noise(seed, count, temperature or 0.0)

        def inputs(labels: Labels) -> contract.Arrays:
            how = encoding.how_new(labels, seed, count, temperature, tries)
            condition = encoding.conditions(labels, category, how)
            return {"condition": condition, **how}

        outputs = yield from self._run(contract.GENERATE, inputs, timeout)
        return encoding.sketches(outputs, [category] * count)

    def complete(
        self,
        sketch: Sketch,
        category: str | None = None,
        count: int = 1,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
        tries: int | None = None,
        *,
        timeout: float | None = None,
    ) -> Task[Sketches[ServedSketch]]:
        """Continues a drawing, in `count` ways.

        Args:
            sketch: what has been drawn so far, in pixels.
            category: a condition; None takes the sketch's own category.
            count: how many ways.
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
            tries: as for `generate`; they forgive, see `Sketcher.complete`.
            timeout: seconds per call, instead of the client's.

        Returns:
            Sketches that begin with the points of `sketch`.

        Raises:
            ValueError: an unknown category, too many points, or no critic.
            ServingError: the server could not do it.
        """
        word = category or sketch.category
        noise = encoding.noise(seed, count, temperature)

        def inputs(labels: Labels) -> contract.Arrays:
            return {
                "strokes": request.drawings(labels.schema, [sketch] * count),
                "condition": encoding.conditions(labels, word, noise),
                **noise,
                **encoding.tries(labels, tries, count),
            }

        outputs = yield from self._run(contract.COMPLETE, inputs, timeout)
        return encoding.sketches(outputs, [word] * count)

    def reconstruct(
        self,
        sketches: Sequence[Sketch],
        category: str | None = None,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
        *,
        timeout: float | None = None,
    ) -> Task[Sketches[ServedSketch]]:
        """Auto-encodes drawings: encodes each and draws it anew.

        Args:
            sketches: whole drawings, in pixels.
            category: a condition for all; None takes each sketch's category.
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
            timeout: seconds per call, instead of the client's.

        Raises:
            ValueError: an unknown category, no drawing, or one too long.
            ServingError: the server could not do it.
        """
        request.check_some(sketches)
        words = [category or sketch.category for sketch in sketches]
        noise = encoding.noise(seed, len(words), temperature)

        def inputs(labels: Labels) -> contract.Arrays:
            return {**encoding.drawings(labels, sketches, words), **noise}

        outputs = yield from self._run(contract.RECONSTRUCT, inputs, timeout)
        return encoding.sketches(outputs, words)

    def encode(
        self,
        sketches: Sequence[Sketch],
        category: str | None = None,
        *,
        timeout: float | None = None,
    ) -> Task[np.ndarray]:
        """The latents of drawings, float32 [N, Z].

        Args:
            sketches: whole drawings, in pixels.
            category: a condition for all; None takes each sketch's category.
            timeout: seconds per call, instead of the client's.

        Raises:
            ValueError: an unknown category, no drawing, or one too long.
            ServingError: the server could not do it.
        """
        words = [category or sketch.category for sketch in sketches]
        outputs = yield from self._run(
            contract.ENCODE,
            lambda labels: encoding.drawings(labels, sketches, words),
            timeout,
        )
        return outputs["latents"]

    def decode(
        self,
        latents: np.ndarray,
        category: str,
        temperature: float = DEFAULT_TEMPERATURE,
        seed: int = 0,
        *,
        timeout: float | None = None,
    ) -> Task[Sketches[ServedSketch]]:
        """Draws from given latents.

        Args:
            latents: float32 [N, Z], from `encode` or a sketch's `latents`.
            category: a condition for all.
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
            timeout: seconds per call, instead of the client's.

        Raises:
            ValueError: an unknown category, or latents of another width.
            ServingError: the server could not do it.
        """
        count = len(latents)
        noise = encoding.noise(seed, count, temperature)

        def inputs(labels: Labels) -> contract.Arrays:
            return {
                "latents": encoding.latents(labels, latents),
                "condition": encoding.conditions(labels, category, noise),
                **noise,
            }

        outputs = yield from self._run(contract.DECODE, inputs, timeout)
        return encoding.sketches(outputs, [category] * count)

    def interpolate(
        self,
        first: Sketch,
        last: Sketch,
        count: int = 10,
        temperature: float = 0.0,
        seed: int = 0,
        *,
        timeout: float | None = None,
    ) -> Task[Sketches[ServedSketch]]:
        """Walks from one drawing to another through the latent space.

        Spherically, as latents of a Gaussian lie near a sphere; the condition
        goes linearly. All steps share the noise of one seed.

        Args:
            first: a whole drawing, in pixels, with its category.
            last: another.
            count: steps, both ends included.
            temperature: tau; 0 takes the likeliest at each step.
            seed: int32.
            timeout: seconds per call, instead of the client's.

        Raises:
            ValueError: an unknown category, a count below 1, or a drawing that
                is too long.
            ServingError: the server could not do it.
        """
        ends = [first, last]
        words = [first.category, last.category]
        noise = encoding.noise(seed, count, temperature)
        allowed = self.allowed(timeout)

        def walk(labels: Labels) -> Task[contract.Arrays]:
            given = encoding.drawings(labels, ends, words)
            encoded = yield from self._parts(
                labels, contract.ENCODE, given, allowed
            )
            start, stop = encoded["latents"]
            wanted = request.walk_request(
                given["condition"], count, temperature, seed
            )
            inputs = {
                "latents": request.walk_latents(start, stop, count),
                "condition": wanted.condition,
                **noise,
                "seed": wanted.seeds,
            }
            return (
                yield from self._parts(labels, contract.DECODE, inputs, allowed)
            )

        outputs = yield from self.versions.consistently(walk, allowed)
        same = first.category == last.category
        blend = f"{first.category} to {last.category}"
        return encoding.sketches(
            outputs, [first.category if same else blend] * count
        )

    def wait_until_ready(self, timeout: float = 60.0) -> Task[None]:
        """Waits until the server has loaded both servables.

        Args:
            timeout: seconds for all of it.

        Raises:
            ServingError: it has not, in that time.
        """
        deadline = self.caller.deadline(check_timeout(timeout))
        for servable in contract.SERVABLES:
            yield from self.caller.wait_until_available(
                servable, self.choice, deadline
            )

    def close(self) -> Task[None]:
        """Lets no call begin any more, and gives all open sessions back."""
        self.caller.closed = True
        yield from self.close_sessions(list(self.sessions))

    def close_sessions(
        self, session_ids: Iterable[int], late: bool = False
    ) -> Task[None]:
        """Gives sessions back, as far as the server can be reached in time.

        Args:
            session_ids: of any sessions.
            late: whether the server may open them only now: their `open` was
                given up, and may arrive after this.
        """
        deadline = self.caller.deadline(_CLOSE_SECONDS)
        for session_id in session_ids:
            for tries in itertools.count(1):
                gone = yield from self._close_session(session_id, deadline)
                delay = self.caller.backoff.delay(tries, self.caller.rng)
                if gone or not late or delay >= deadline.left:
                    break
                yield Sleep(delay)
            # Only now: else the client might be closed before this call ends.
            self.sessions.discard(session_id)

    def _close_session(self, session_id: int, deadline: Deadline) -> Task[bool]:
        """Whether there was one, or no server."""
        if not deadline.left:
            return True
        try:
            answer = yield from self.caller.predict(
                contract.SKETCHER_SESSION,
                contract.CLOSE,
                {"session_id": np.array(session_id)},
                self.choice,
                deadline,
            )
        except ServingError:
            return True
        return bool(answer.outputs["closed"])

    def allowed(self, timeout: float | None) -> Timeout:
        """What a call may take; None is what the client was told.

        Raises:
            ValueError: no sensible timeout.
        """
        seconds = self.timeout if timeout is None else check_timeout(timeout)
        return Timeout(seconds, self.caller.clock)

    def _run(
        self,
        signature: contract.Signature,
        inputs: Callable[[Labels], contract.Arrays],
        timeout: float | None,
    ) -> Task[contract.Arrays]:
        allowed = self.allowed(timeout)
        return self.versions.consistently(
            lambda labels: self._parts(
                labels, signature, inputs(labels), allowed
            ),
            allowed,
        )

    def _parts(
        self,
        labels: Labels,
        signature: contract.Signature,
        inputs: contract.Arrays,
        allowed: Deadline | Timeout,
    ) -> Task[contract.Arrays]:
        """Runs a signature in as many calls as it needs."""
        if "tries" in inputs:
            signature = contract.WITH_TRIES[signature.name]
        rows = encoding.rows_per_call(labels, signature, self.message_bytes)
        parts = []
        for part in encoding.split(inputs, rows):
            answer = yield from self.caller.predict(
                contract.SKETCHER,
                signature,
                part,
                self.choice,
                allowed.for_call(),
                sizes={"B": len(part["condition"]), **labels.metadata.sizes},
                version=labels.version,
            )
            parts.append(answer.outputs)
        return encoding.join(parts)
