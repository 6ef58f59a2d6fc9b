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
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np

from sketcher_tf import contract
from sketcher_tf.client.retry import NOT_BEGUN
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import stroke5_to_stroke3
from sketcher_tf.wire import messages, tensors

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


def wait_until(condition, seconds=60.0):
    """Returns when `condition()` holds; fails if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@contextlib.contextmanager
def held(patch, owner, name):
    """Holds the calls of a function as long as the context lasts.

    Yields:
        A semaphore, which is released by each call that has begun.
    """
    begun, release = threading.Semaphore(0), threading.Event()
    original = getattr(owner, name)

    def call(*args):
        begun.release()
        release.wait()
        return original(*args)

    patch.setattr(owner, name, call)
    try:
        yield begun
    finally:
        release.set()


def told(process, pattern, seconds=60.0):
    """The first line of a program's errors that fits, as a match."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        for line in process.stderr:
            if found := re.search(pattern, line):
                return found
    finally:
        timer.cancel()
    raise AssertionError(f"it ended, or told nothing like {pattern} in time")


def length_of(seed):
    """Points of the drawing of a seed pair, int32 [2]."""
    return 9 + int(seed[0] + seed[1]) % 7


def expected(word, seed, k=0, latents=None):
    """What the fake draws for (word, seed, k)."""
    condition = np.eye(3)[WORDS.index(word)]
    pair = np.array([seed, k])
    latents = [seed, k, 0] if latents is None else latents
    points = points_of(condition, pair, latents, length_of(pair))
    return stroke5_to_stroke3(points)


def points_of(condition, seed, latents, count, begin=0):
    """Points `begin` to `count` of a drawing, stroke-5 [N, 5]."""
    t = np.arange(begin, count, dtype=np.float32)
    pen = (t % 4 == 3).astype(np.float32)
    dx = 1 + t + 100 * np.argmax(condition)
    dy = t * seed[1] + np.sum(latents)
    return np.stack([dx, dy, 1 - pen, pen, 0 * pen], axis=1, dtype=np.float32)


class Model:
    """What a server process knows; a restart forgets it."""

    def __init__(self, version=1, words=WORDS):
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
        self.sessions = {}

    def labels(self, row=None):
        text = np.array(self.metadata.dumps().encode(), object)
        shape = () if row is None else row.shape
        return {"metadata": np.broadcast_to(text, shape)}

    def generate(self, condition, seed, temperature):
        return self.decode(self._prior(seed, 0), condition, seed, temperature)

    def generate_best(self, condition, seed, temperature, tries):
        return self.generate(condition, seed, temperature)

    def complete_best(self, strokes, condition, seed, temperature, tries):
        return self.complete(strokes, condition, seed, temperature)

    def decode(self, latents, condition, seed, temperature):
        nothing = np.zeros((len(seed), 1, 5), np.float32)
        return self._draw(nothing, latents, condition, seed, temperature)

    def complete(self, strokes, condition, seed, temperature):
        given = np.argmax(strokes[..., 4], axis=1)
        latents = self._prior(seed, given[0])
        return self._draw(strokes, latents, condition, seed, temperature)

    def encode(self, strokes, image, condition):
        ink = image.mean(axis=(1, 2))
        lengths = np.argmax(strokes[..., 4], axis=1)
        latents = [ink, lengths, condition.argmax(axis=1)]
        return {"latents": np.stack(latents, axis=1).astype(np.float32)}

    def reconstruct(self, strokes, image, condition, seed, temperature):
        latents = self.encode(strokes, image, condition)["latents"]
        return self.decode(latents, condition, seed, temperature)

    def open(self, session_id, condition, seed, temperature, strokes, latents):
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

    def step(self, session_id, step, num_points):
        session = self.sessions.get(int(session_id))
        if session is None:
            refuse("SESSION_NOT_FOUND", "a session must be open")
        if step == session["step"] + 1:
            session["step"] += 1
            session["answer"] = self._next(session, int(num_points))
        elif step != session["step"] or step < 0:
            refuse("STEP_GAP", "step must be the next one")
        return {**session["answer"], "instance_id": np.array(self.instance_id)}

    def close(self, session_id):
        found = self.sessions.pop(int(session_id), None) is not None
        return {"closed": np.array(found)}

    def stats(self):
        return {
            "instance_id": np.array(self.instance_id),
            "capacity": np.array(9),
            "open": np.array(len(self.sessions)),
            "opened": np.array(0),
            "evicted": np.array(0),
        }

    def _next(self, session, count):
        condition, seed, latents = session["drawing"]
        begin, length = session["drawn"], length_of(seed)
        end = max(min(begin + count, length), begin)
        session["drawn"] = end
        return {
            "strokes": points_of(condition, seed, latents, end, begin),
            "finished": np.array(end == length and count > end - begin),
            "length": np.array(end, np.int32),
        }

    def _prior(self, seed, given):
        """Other ones when asked again in the midst of a drawing."""
        return np.array([[s, k, given] for s, k in seed], np.float32)

    def _draw(self, given, latents, condition, seed, temperature):
        assert (temperature >= contract.MIN_TEMPERATURE).all()
        strokes = np.tile(
            np.array([0, 0, 0, 0, 1], np.float32), (len(seed), LONGEST + 1, 1)
        )
        lengths = [length_of(one) for one in seed]
        for row, (n, *drawn) in enumerate(
            zip(lengths, condition, seed, latents, strict=True)
        ):
            strokes[row, :n] = points_of(*drawn, n)
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


def refuse(code, rule):
    raise RefusedError(
        grpc.StatusCode.INVALID_ARGUMENT,
        f"assertion failed: [{code}: {rule}; received] [12345] [. Do better.]",
    )


# --- Faults: each takes what would answer, and answers. ---------------------


def fail(code, details=""):
    """The call is refused and has not been done."""

    def fault(proceed):
        raise RefusedError(code, details)

    return fault


def fail_after(code, details=""):
    """The call is done, and its answer lost."""

    def fault(proceed):
        proceed()
        raise RefusedError(code, details)

    return fault


def twice(proceed):
    """The call is delivered two times."""
    proceed()
    return proceed()


def after(action):
    """Something happens first."""

    def fault(proceed):
        action()
        return proceed()

    return fault


def slowly(seconds):
    return after(lambda: time.sleep(seconds))


unavailable = fail(grpc.StatusCode.UNAVAILABLE, "no one there")
exhausted = fail(grpc.StatusCode.RESOURCE_EXHAUSTED, NOT_BEGUN)


class FakeServer:
    """A server on a free port, or on `port`.

    `faults[name]` holds what goes wrong with the next calls of that signature,
    `calls` all that arrived, as (name, inputs, seconds left, ModelSpec).
    """

    def __init__(self, model=None, port=0, credentials=None):
        self.model = model or Model()
        self.old_sessions = None  # the model that still holds the sessions
        self.faults = collections.defaultdict(collections.deque)
        self.calls = []
        self.statuses = itertools.repeat({self.model.version: 30})
        self.change = lambda name, outputs: outputs
        self._lock = threading.Lock()
        self._credentials = credentials
        self.port = port
        self.start()

    @property
    def target(self):
        return f"localhost:{self.port}"

    def names(self):
        return [name for name, *_ in self.calls]

    def start(self):
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
            rpc = grpc.unary_unary_rpc_method_handler(
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

    def stop(self):
        self._server.stop(0).wait(60)

    def restart(self):
        """The process ends, and another one begins with the same model."""
        self.stop()
        self.reload(self.model.version)
        self.start()

    def reload(self, version, words=WORDS):
        self.model = Model(version, words)

    def evict(self):
        self.model.sessions.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _predict(self, request, context):
        name = request.model_spec.signature_name
        inputs = {k: tensors.decode(v) for k, v in request.inputs.items()}
        left = context.time_remaining()
        self.calls.append((name, inputs, left, request.model_spec))
        faults = self.faults[name]
        fault = faults.popleft() if faults else lambda proceed: proceed()

        def proceed():
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

    def _status(self, request, context):
        status = next(self.statuses)
        if isinstance(status, grpc.StatusCode):
            context.abort(status, "not yet")
        answer = messages.GetModelStatusResponse()
        for version, state in status.items():
            answer.model_version_status.add(version=version, state=state)
        return answer
