"""When a call is repeated, and how long to wait before.

A *deadline* is a point in time, a *timeout* a duration. The clock is handed in,
and nothing here sleeps: the clients do.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from sketcher_tf.contract import code_of

# What a server says that had no thread left: the call was not begun. The same
# code, with other words, means that an answer was too large: it was done, and
# would be too large again.
NOT_BEGUN = "Server Threadpool Exhausted"

# A server that ends cancels the calls under way; those that the caller has
# cancelled do not come here.
_CUT_OFF = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

# How often a refusal is doubted that may be due to another call.
_DOUBTS = 2
_UNLIKE_SHAPES = "from different tasks have different shapes"


class Deadline:
    """Until when something may take.

    Args:
        seconds: from now on.
        clock: seconds that never go back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(self._end - self._clock(), 0.0)

    def for_call(self) -> "Deadline":
        """Of the next call: this one, however many calls there are."""
        return self


@dataclass(frozen=True)
class Timeout:
    """What each call of an operation may take, its repetitions included.

    Attributes:
        seconds: for a call.
        clock: seconds that never go back.
    """

    seconds: float
    clock: Callable[[], float]

    def for_call(self) -> Deadline:
        """Of the next call: a new one, that begins now."""
        return Deadline(self.seconds, self.clock)


@dataclass(frozen=True)
class Backoff:
    """Exponential back-off with full jitter.

    The n-th delay is uniform between 0 and `initial * 2 ** (n - 1)`, at most
    `maximum`, all in seconds: callers that failed together do not come back
    together (Brooker, "Exponential Backoff And Jitter", 2015).
    """

    initial: float = 0.1
    maximum: float = 5.0

    def delay(self, failures: int, rng: random.Random) -> float:
        """Seconds to wait after that many failures, 1 or more."""
        # The exponent is bounded, else the power would overflow in the end.
        bound = self.initial * 2.0 ** min(failures - 1, 60)
        return rng.uniform(0, min(self.maximum, bound))


def safe_to_repeat(error: grpc.RpcError, attempts: int, merged: bool) -> bool:
    """Whether to make a call again that has failed.

    All calls of the contract may reach the server twice, because drawing is a
    pure function and because steps are numbered. So repeat what may have been
    cut off on its way, and what was never begun; no other failure gets better.

    Args:
        error: what the last attempt met.
        attempts: how many there were.
        merged: the server merges such calls, and a bad one among them fails
            all. What this client sends has been checked, so a refusal may be
            meant for another.
    """
    code, details = error.code(), error.details() or ""
    if code in _CUT_OFF:
        return True
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return NOT_BEGUN in details
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        meant_for_another = code_of(details) is not None
    else:
        meant_for_another = (
            code == grpc.StatusCode.FAILED_PRECONDITION
            and _UNLIKE_SHAPES in details
        )
    return merged and meant_for_another and attempts <= _DOUBTS
