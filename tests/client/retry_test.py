"""Repetitions, with a clock that only the effects move."""

import random

import grpc
import numpy as np
import pytest

from sketcher_tf import contract
from sketcher_tf.client import errors
from sketcher_tf.client.calls import Attempt, Caller, Choice, Sleep
from sketcher_tf.client.retry import NOT_BEGUN, Backoff, safe_to_repeat
from sketcher_tf.wire import messages, tensors

CODE = grpc.StatusCode
CUT_OFF = CODE.UNAVAILABLE, CODE.CANCELLED
TARGETS = {servable.name: "host:1" for servable in contract.SERVABLES}


class Failed(grpc.RpcError):
    def __init__(self, code, details=""):
        self.code = lambda: code
        self.details = lambda: details


class World:
    """Carries out effects: moves the clock, and answers by a script.

    Each entry of `script` is (seconds that it takes, outcome).
    """

    def __init__(self, script, rng=None):
        self.now = 1000.0
        self.script = iter(script)
        self.attempts, self.sleeps = [], []
        self.caller = Caller(
            TARGETS,
            clock=lambda: self.now,
            rng=rng or random.Random(0),
        )

    def run(self, task):
        outcome, proceed = None, task.send
        while True:
            try:
                effect = proceed(outcome)
            except StopIteration as stop:
                return stop.value
            proceed = task.send
            if isinstance(effect, Sleep):
                self.sleeps.append(effect.seconds)
                self.now += effect.seconds
                outcome = None
                continue
            assert isinstance(effect, Attempt)
            self.attempts.append(effect)
            seconds, outcome = next(self.script)
            self.now += min(seconds, effect.timeout)
            if seconds > effect.timeout:
                outcome = Failed(CODE.DEADLINE_EXCEEDED, "Deadline Exceeded")
            if isinstance(outcome, Exception):
                proceed = task.throw

    def labels(self, timeout):
        return self.run(
            self.caller.predict(
                contract.SKETCHER,
                contract.LABELS,
                {"row": np.zeros(1, np.int32)},
                Choice(),
                self.caller.deadline(timeout),
            )
        )

    def wait(self, timeout):
        self.run(
            self.caller.wait_until_available(
                contract.SKETCHER, Choice(), self.caller.deadline(timeout)
            )
        )


def answer():
    message = messages.PredictResponse()
    metadata = np.array([b"{}"], object)
    tensors.encode(metadata, message.outputs["metadata"])
    return message


def upper(rng_bounds):
    """A generator of numbers whose jitter is always the whole bound."""

    class Upper(random.Random):
        def uniform(self, low, high):
            rng_bounds.append((low, high))
            return high

    return Upper()


def test_delays_double_and_stop_growing():
    bounds = []
    backoff = Backoff(initial=0.1, maximum=5.0)
    delays = [backoff.delay(n, upper(bounds)) for n in range(1, 10)]
    expected = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    np.testing.assert_allclose(delays, expected)
    assert all(low == 0 for low, _ in bounds)
    assert backoff.delay(10**6, upper([])) == 5.0


def test_the_jitter_is_full():
    backoff, rng = Backoff(initial=1.0, maximum=1.0), random.Random(1)
    delays = [backoff.delay(1, rng) for _ in range(4000)]
    np.testing.assert_allclose(
        np.quantile(delays, [0, 0.25, 0.5, 0.75, 1]),
        [0, 0.25, 0.5, 0.75, 1],
        atol=0.03,
    )


def test_attempts_are_spaced_and_get_what_time_is_left():
    down = Failed(CODE.UNAVAILABLE)
    world = World([(1.0, down), (2.0, down), (3.0, answer())], upper([]))
    world.labels(timeout=10)
    np.testing.assert_allclose(world.sleeps, [0.1, 0.2])
    np.testing.assert_allclose(
        [attempt.timeout for attempt in world.attempts], [10, 8.9, 6.7]
    )


def test_the_deadline_ends_it():
    world = World([(0.0, Failed(CODE.UNAVAILABLE, "gone"))] * 99, upper([]))
    with pytest.raises(errors.UnavailableError) as error:
        world.labels(timeout=1.0)
    # After 0.1 + 0.2 + 0.4 seconds there is no room for 0.8 more.
    np.testing.assert_allclose(world.sleeps, [0.1, 0.2, 0.4])
    failure = error.value.failure
    assert failure.attempts == 4
    assert failure.elapsed == pytest.approx(0.7)
    assert failure.details == "gone"
    assert isinstance(error.value.__cause__, Failed)


@pytest.mark.parametrize("seed", range(20))
def test_no_attempt_begins_after_the_deadline(seed):
    rng = random.Random(seed)
    script = [(rng.uniform(0, 2), Failed(CODE.UNAVAILABLE))] * 99
    world = World(script, rng)
    with pytest.raises(errors.ServingError):
        world.labels(timeout=7.0)
    assert world.now <= 1007.0
    assert all(attempt.timeout > 0 for attempt in world.attempts)


def test_a_late_answer_is_a_deadline_and_tells_what_took_the_time():
    script = [(4.9, Failed(CODE.UNAVAILABLE, "gone")), (9.0, answer())]
    world = World(script, upper([]))
    with pytest.raises(errors.DeadlineExceededError, match="UNAVAILABLE, gone"):
        world.labels(timeout=5.1)
    assert world.now == pytest.approx(1005.1)
    world = World([(9.0, answer())])
    with pytest.raises(errors.DeadlineExceededError) as error:
        world.labels(timeout=5.0)
    assert len(world.attempts) == 1  # a repetition would be as late
    assert error.value.failure.elapsed == pytest.approx(5.0)


def test_waiting_tells_what_was_missing_even_if_the_last_look_is_late():
    script = [(0.0, Failed(CODE.NOT_FOUND, "not yet")), (9.0, answer())]
    world = World(script, upper([]))
    with pytest.raises(errors.NotFoundError, match="not yet"):
        world.wait(timeout=5.0)
    world = World([(9.0, answer())])
    with pytest.raises(errors.DeadlineExceededError):
        world.wait(timeout=5.0)


@pytest.mark.parametrize(
    "code", [c for c in CODE if c not in (CODE.OK, *CUT_OFF)]
)
def test_other_failures_are_not_repeated(code):
    world = World([(0.0, Failed(code, "Something"))])
    with pytest.raises(errors.ServingError) as error:
        world.labels(timeout=5.0)
    assert error.value.code == code
    assert len(world.attempts) == 1


REFUSED = "assertion failed: [INVALID_STROKES: no; received] [1] [. Do.]"
UNLIKE = "Tensors with name 'x' from different tasks have different shapes and"


@pytest.mark.parametrize(
    ("code", "details", "merged", "repeated"),
    [
        (CODE.UNAVAILABLE, "", False, True),
        (CODE.CANCELLED, "", False, True),
        (CODE.RESOURCE_EXHAUSTED, NOT_BEGUN, False, True),
        (
            *(CODE.RESOURCE_EXHAUSTED, "Received message larger than max"),
            *(True, False),
        ),
        (CODE.INVALID_ARGUMENT, REFUSED, True, True),
        (CODE.INVALID_ARGUMENT, REFUSED, False, False),
        (CODE.INVALID_ARGUMENT, "tensor parsing error", True, False),
        (CODE.FAILED_PRECONDITION, UNLIKE, True, True),
        (CODE.FAILED_PRECONDITION, UNLIKE, False, False),
        (CODE.FAILED_PRECONDITION, "no such signature", True, False),
        (CODE.NOT_FOUND, REFUSED, True, False),
    ],
)
def test_what_is_safe_to_repeat(code, details, merged, repeated):
    error = Failed(code, details)
    assert safe_to_repeat(error, 1, merged) == repeated
    lasting = code in (*CUT_OFF, CODE.RESOURCE_EXHAUSTED)
    assert safe_to_repeat(error, 3, merged) == (repeated and lasting)


def test_an_error_never_shows_what_was_sent():
    secret = np.full((1, 2), 0.123456, np.float32)
    text = "assertion failed: [INVALID_CONDITION: no; received] [0.123456]"
    refused = Failed(CODE.INVALID_ARGUMENT, f"{text} [. Do.]")
    world = World([(0.0, refused)] * 9)
    task = world.caller.predict(
        contract.SKETCHER,
        contract.GENERATE,
        {
            "condition": secret,
            "seed": np.zeros((1, 2), np.int32),
            "temperature": np.ones(1, np.float32),
        },
        Choice(),
        world.caller.deadline(5.0),
    )
    with pytest.raises(errors.InvalidArgumentError) as error:
        world.run(task)
    assert "0.123" not in f"{error.value!s} {error.value!r}"
    assert "INVALID_CONDITION: no. Do" in str(error.value)
