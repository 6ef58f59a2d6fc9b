"""A scripted server that keeps the contract, without TensorFlow or a model.

What it draws is simple arithmetic that depends on condition, seed, latents and
the number of the point: a client that loses or mixes up one of them shows it.
"""

import collections
import contextlib
import itertools
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from subprocess import Popen
from typing import Any, NoReturn, Self, TypeAlias

import grpc
import numpy as np
import pytest

from sketcher_tf import contract
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.retry import NOT_BEGUN, Backoff
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import stroke5_to_stroke3
from sketcher_tf.wire import messages, tensors

Outputs: TypeAlias = dict[str, np.ndarray]
Proceed: TypeAlias = Callable[[], tuple[int, Outputs]]  # version, outputs
Fault: TypeAlias = Callable[[Proceed], tuple[int, Outputs]]

WORDS = ("cat", "pig", "crab")
LONGEST = 20  # points
LATENTS = 3
# Of a channel all of whose calls end after a minute.
PATIENCE = [
    (
        "grpc.service_config",
        json.dumps({"methodConfig": [{"name": [{}], "timeout": "60s"}]}),
    )
]


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Returns when `condition()` holds; fails if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@contextlib.contextmanager
def held(
    patch: pytest.MonkeyPatch, owner: object, name: str
) -> Iterator[threading.Semaphore]:
    """Holds the calls of a function as long as the context lasts.

    Yields:
        A semaphore, which is released by each call that has begun.
    """
    begun, release = threading.Semaphore(0), threading.Event()
    original = getattr(owner, name)

    def call(*args: Any) -> Any:
        begun.release()
        release.wait()
        return original(*args)

    patch.setattr(owner, name, call)
    try:
        yield begun
    finally:
        release.set()


def told(
    process: Popen[str], pattern: str, seconds: float = 60.0
) -> re.Match[str]:
    """The first line of a program's errors that fits, as a match."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        for line in process.stderr or ():
            if found := re.search(pattern, line):
                return found
    finally:
        timer.cancel()
    raise AssertionError(f"it ended, or told nothing like {pattern} in time")


def length_of(seed: np.ndarray) -> int:
    """Points of the drawing of a seed pair, int32 [2]."""
    return 9 + int(seed[0] + seed[1]) % 7


def expected(
    word: str, seed: int, k: int = 0, latents: Any = None
) -> np.ndarray:
    """What the fake draws for (word, seed, k)."""
    condition = np.eye(3)[WORDS.index(word)]
    pair = np.array([seed, k])
    latents = [seed, k, 0] if latents is None else latents
    points = points_of(condition, pair, latents, length_of(pair))
    return stroke5_to_stroke3(points)


def points_of(
    condition: np.ndarray,
    seed: np.ndarray,
    latents: Any,
    count: int,
    begin: int = 0,
) -> np.ndarray:
    """Points `begin` to `count` of a drawing, stroke-5 [N, 5]."""
    t = np.arange(begin, count, dtype=np.float32)
    pen = (t % 4 == 3).astype(np.float32)
    dx = 1 + t + 100 * np.argmax(condition)
    dy = t * seed[1] + np.sum(latents)
    return np.stack([dx, dy, 1 - pen, pen, 0 * pen], axis=1, dtype=np.float32)


class Model:
    """What a server process knows; a restart forgets it."""

    def __init__(self, version: int = 1, words: Sequence[str] = WORDS) -> None:
        schema = Schema((Factor("category", tuple(words)),), 20.0, LONGEST, 16)
        self.version = version
        self.metadata = contract.Metadata(
            schema.to_json(),
            len(words),
            LATENTS,
            {},
            {"run": "fake"},
            f"{words}",
        )
        self.instance_id = random.getrandbits(62)
        self.sessions: dict[int, dict[str, Any]] = {}

    def labels(self, row: np.ndarray | None = None) -> Outputs:
        text = np.array(self.metadata.dumps().encode(), object)
        shape = () if row is None else row.shape
        return {"metadata": np.broadcast_to(text, shape)}

    def generate(
        self, condition: np.ndarray, seed: np.ndarray, temperature: np.ndarray
    ) -> Outputs:
        return self.decode(self._prior(seed, 0), condition, seed, temperature)

    def generate_best(self, tries: np.ndarray, **inputs: np.ndarray) -> Outputs:
        return self.generate(**inputs)

    def complete_best(self, tries: np.ndarray, **inputs: np.ndarray) -> Outputs:
        return self.complete(**inputs)

    def decode(
        self,
        latents: np.ndarray,
        condition: np.ndarray,
        seed: np.ndarray,
        temperature: np.ndarray,
    ) -> Outputs:
        nothing = np.zeros((len(seed), 1, 5), np.float32)
        return self._draw(nothing, latents, condition, seed, temperature)

    def complete(
        self,
        strokes: np.ndarray,
        condition: np.ndarray,
        seed: np.ndarray,
        temperature: np.ndarray,
    ) -> Outputs:
        given = np.argmax(strokes[..., 4], axis=1)
        latents = self._prior(seed, given[0])
        return self._draw(strokes, latents, condition, seed, temperature)

    def encode(
        self, strokes: np.ndarray, image: np.ndarray, condition: np.ndarray
    ) -> Outputs:
        ink = image.mean(axis=(1, 2))
        lengths = np.argmax(strokes[..., 4], axis=1)
        latents = [ink, lengths, condition.argmax(axis=1)]
        return {"latents": np.stack(latents, axis=1).astype(np.float32)}

    def reconstruct(
        self,
        strokes: np.ndarray,
        image: np.ndarray,
        condition: np.ndarray,
        seed: np.ndarray,
        temperature: np.ndarray,
    ) -> Outputs:
        latents = self.encode(strokes, image, condition)["latents"]
        return self.decode(latents, condition, seed, temperature)

    def open(
        self,
        session_id: np.ndarray,
        condition: np.ndarray,
        seed: np.ndarray,
        temperature: np.ndarray,
        strokes: np.ndarray,
        latents: np.ndarray,
    ) -> Outputs:
        if condition.shape != (self.metadata.condition_size,):
            refuse("INVALID_SHAPE", "condition must have another width")
        if not len(latents):
            latents = self._prior(seed[None], len(strokes))[0]
        self.sessions[int(session_id)] = {
            "drawing": (condition, seed, latents),
            "drawn": len(strokes),
            "step": -1,
        }
        return {
            "instance_id": np.array(self.instance_id),
            "latents": latents,
            "length": np.array(len(strokes), np.int32),
        }

    def step(
        self, session_id: np.ndarray, step: np.ndarray, num_points: np.ndarray
    ) -> Outputs:
        session = self.sessions.get(int(session_id))
        if session is None:
            refuse("SESSION_NOT_FOUND", "a session must be open")
        if step == session["step"] + 1:
            session["step"] += 1
            session["answer"] = self._next(session, int(num_points))
        elif step != session["step"] or step < 0:
            refuse("STEP_GAP", "step must be the next one")
        return {**session["answer"], "instance_id": np.array(self.instance_id)}

    def close(self, session_id: np.ndarray) -> Outputs:
        found = self.sessions.pop(int(session_id), None) is not None
        return {"closed": np.array(found)}

    def stats(self) -> Outputs:
        return {
            "instance_id": np.array(self.instance_id),
            "capacity": np.array(9),
            "open": np.array(len(self.sessions)),
            "opened": np.array(0),
            "evicted": np.array(0),
        }

    def _next(self, session: dict[str, Any], count: int) -> Outputs:
        condition, seed, latents = session["drawing"]
        begin, length = session["drawn"], length_of(seed)
        end = max(min(begin + count, length), begin)
        session["drawn"] = end
        return {
            "strokes": points_of(condition, seed, latents, end, begin),
            "finished": np.array(end == length and count > end - begin),
            "length": np.array(end, np.int32),
        }

    def _prior(self, seed: np.ndarray, given: int) -> np.ndarray:
        """Other ones when asked again in the midst of a drawing."""
        return np.array([[s, k, given] for s, k in seed], np.float32)

    def _draw(
        self,
        given: np.ndarray,
        latents: np.ndarray,
        condition: np.ndarray,
        seed: np.ndarray,
        temperature: np.ndarray,
    ) -> Outputs:
        assert (temperature >= contract.MIN_TEMPERATURE).all()
        strokes = np.tile(
            np.array([0, 0, 0, 0, 1], np.float32), (len(seed), LONGEST + 1, 1)
        )
        lengths = [length_of(one) for one in seed]
        for row, n in enumerate(lengths):
            strokes[row, :n] = points_of(
                condition[row], seed[row], latents[row], n
            )
            prefix = given[row][given[row, :, 4] == 0]
            if prefix[:, 2:].any():
                strokes[row, : len(prefix)] = prefix
        return {
            "strokes": strokes,
            "length": np.array(lengths, np.int32),
            "finished": np.ones(len(seed), bool),
            "latents": latents.astype(np.float32),
        }


class RefusedError(Exception):
    """Ends a call with a status."""


def refuse(code: str, rule: str) -> NoReturn:
    raise RefusedError(
        grpc.StatusCode.INVALID_ARGUMENT,
        f"assertion failed: [{code}: {rule}; received] [12345] [. Do better.]",
    )


# --- Faults: each takes what would answer, and answers. ---------------------


def fail(code: grpc.StatusCode, details: str = "") -> Fault:
    """The call is refused and has not been done."""

    def fault(proceed: Proceed) -> NoReturn:
        raise RefusedError(code, details)

    return fault


def fail_after(code: grpc.StatusCode, details: str = "") -> Fault:
    """The call is done, and its answer lost."""

    def fault(proceed: Proceed) -> NoReturn:
        proceed()
        raise RefusedError(code, details)

    return fault


def twice(proceed: Proceed) -> tuple[int, Outputs]:
    """The call is delivered two times."""
    proceed()
    return proceed()


def after(action: Callable[[], object]) -> Fault:
    """Something happens first."""

    def fault(proceed: Proceed) -> tuple[int, Outputs]:
        action()
        return proceed()

    return fault


def slowly(seconds: float) -> Fault:
    return after(lambda: time.sleep(seconds))


def held_until(condition: Callable[[], object]) -> Fault:
    """The call is done when `condition()` holds."""
    return after(lambda: wait_until(condition))


unavailable = fail(grpc.StatusCode.UNAVAILABLE, "no one there")
exhausted = fail(grpc.StatusCode.RESOURCE_EXHAUSTED, NOT_BEGUN)


class _ThreeTries(Backoff):
    def delay(self, failures: int, rng: random.Random) -> float:
        return 0.0 if failures < 3 else float("inf")


def impatient(client: SketcherClient) -> SketcherClient:
    """A client whose calls end with their third failure, however late.

    Others end with whatever their last instant brings.
    """
    client._operations.caller.backoff = _ThreeTries()
    return client


class FakeServer:
    """A server on a free port, or on `port`.

    `faults[name]` holds what goes wrong with the next calls of that signature,
    `calls` all that arrived, as (name, inputs, seconds left, ModelSpec).
    """

    def __init__(
        self,
        model: Model | None = None,
        port: int = 0,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self.model = model or Model()
        # The model that still holds the sessions.
        self.old_sessions: Model | None = None
        self.faults: dict[str, collections.deque[Fault]] = (
            collections.defaultdict(collections.deque)
        )
        self.calls: list[tuple[str, Outputs, float, Any]] = []
        self.statuses: Iterator[Mapping[int, int] | grpc.StatusCode] = (
            itertools.repeat({self.model.version: 30})
        )
        self.change: Callable[[str, Outputs], Outputs] = lambda name, outputs: (
            outputs
        )
        self._lock = threading.Lock()
        self._credentials = credentials
        self.port = port
        self.start()

    @property
    def target(self) -> str:
        return f"localhost:{self.port}"

    def names(self) -> list[str]:
        return [name for name, *_ in self.calls]

    def start(self) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)]
        )
        for service, method, handler, request in (
            ("Prediction", "Predict", self._predict, messages.PredictRequest),
            (
                *("Model", "GetModelStatus", self._status),
                messages.GetModelStatusRequest,
            ),
        ):
            rpc: Any = grpc.unary_unary_rpc_method_handler(
                handler,
                request.FromString,
                lambda answer: answer.SerializeToString(),
            )
            self._server.add_generic_rpc_handlers(
                [
                    grpc.method_handlers_generic_handler(
                        f"tensorflow.serving.{service}Service", {method: rpc}
                    )
                ]
            )
        address = f"localhost:{self.port}"
        if self._credentials:
            self.port = self._server.add_secure_port(address, self._credentials)
        else:
            self.port = self._server.add_insecure_port(address)
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait(60)

    def restart(self) -> None:
        """The process ends, and another one begins with the same model."""
        self.stop()
        self.reload(self.model.version)
        self.start()

    def reload(self, version: int, words: Sequence[str] = WORDS) -> None:
        self.model = Model(version, words)

    def evict(self) -> None:
        self.model.sessions.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        name = request.model_spec.signature_name
        inputs = {k: tensors.decode(v) for k, v in request.inputs.items()}
        left = context.time_remaining()
        self.calls.append((name, inputs, left, request.model_spec))
        faults = self.faults[name]
        fault: Fault = faults.popleft() if faults else lambda go_on: go_on()

        def proceed() -> tuple[int, Outputs]:
            with self._lock:
                model = self.model
                if request.model_spec.name == contract.SKETCHER_SESSION.name:
                    model = self.old_sessions or model
                return model.version, getattr(model, name)(**inputs)

        try:
            version, outputs = fault(proceed)
        except RefusedError as error:
            context.abort(*error.args)
        answer = messages.PredictResponse()
        answer.model_spec.version.value = version
        for key, value in self.change(name, outputs).items():
            tensors.encode(np.asarray(value), answer.outputs[key], packed=False)
        return answer

    def _status(self, request: Any, context: grpc.ServicerContext) -> Any:
        status = next(self.statuses)
        if isinstance(status, grpc.StatusCode):
            context.abort(status, "not yet")
        answer = messages.GetModelStatusResponse()
        for version, state in status.items():
            answer.model_version_status.add(version=version, state=state)
        return answer
