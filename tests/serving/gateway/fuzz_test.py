"""Anything at all, sent to a gateway: a status each, no crash, no leak.

A few hundred requests by default; SKETCHER_FUZZ=20000 sends so many.
"""

import concurrent.futures
import gc
import http.client
import json
import os
import random
import resource
import socket
import string
import struct
import time

import grpc
import numpy as np
import pytest

from serving.proto.sketcher.v1 import sketcher_pb2 as pb
from tests.serving.gateway.gateway_test import Running
from tests.testing import fakes
from tests.testing.fakes import FakeServer, wait_until

COUNT = int(os.environ.get("SKETCHER_FUZZ", "300"))
_LEAK_MB = 32  # 3 kB for each of the 10,000 requests of the second half
METHODS = ("Generate", "Complete", "Reconstruct", "Interpolate")
CODE = grpc.StatusCode
EXPECTED = {
    *(CODE.OK, CODE.INVALID_ARGUMENT, CODE.DEADLINE_EXCEEDED, CODE.CANCELLED),
    # Bytes that are no message get the answer of gRPC itself.
    *(CODE.RESOURCE_EXHAUSTED, CODE.UNKNOWN),
}

_ODD = (
    *(None, True, -1, 0, 1, 2, 65, 2**31, 2**70, 1e308, 0.3, "", "cat", "pig"),
    *("owl", "cat*0.5+pig*0.5", "cat*nan", "=", "\ud83d\ude00", "x" * 3000),
    *([], {}, [[]], {"x": 1}, [{"points": [{"x": 1e9}]}], float("nan")),
)
_KINDS = (
    *("application/json", "application/proto", "text/html"),
    *("application/connect+json", "application/connect+proto"),
    *("application/grpc-web", "application/grpc-web+json", "application/grpc"),
)
_FIELDS = (
    *("category", "blend", "count", "temperature", "seed", "sketch"),
    *("sketches", "first", "last", "strokes", "colour"),
)


@pytest.fixture(scope="module")
def running(server):
    running = Running(server)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def server():
    with FakeServer() as server:
        yield server


def json_of(rng):
    """A body: right, nearly right, or nothing like it."""
    kind = rng.random()
    if kind < 0.1:
        return "".join(rng.choices(string.printable, k=rng.randint(0, 99)))
    if kind < 0.2:
        return '{"category": ' + "[" * rng.choice([9, 5000])
    body = {"category": "cat"}
    for _ in range(rng.randint(0, 3)):
        body[rng.choice(_FIELDS)] = rng.choice(_ODD)
    return json.dumps(body)


def ask_http(running, rng):
    path = rng.choice(("generate", "complete", "reconstruct", "interpolate"))
    headers = {"accept": rng.choice(["", "image/png", "image/svg+xml", "\t;;"])}
    if rng.random() < 0.1:
        headers["x-timeout-seconds"] = rng.choice(["0.001", "-1", "nan", "x"])
    status, _, content = running.ask(
        f"/v1/sketches:{path}", json_of(rng).encode(), **headers
    )
    assert status in (200, 400, 422, 429, 504), (status, content[:300])


def ask_connect(running, rng):
    body = json_of(rng).encode()
    if rng.random() < 0.5:
        declared = rng.choice([len(body), 0, 3, 2**32 - 1])
        body = struct.pack(">BI", rng.choice([0, 0, 1, 2, 9]), declared) + body
    status, _, content = running.ask(
        f"/sketcher.v1.SketcherService/{rng.choice((*METHODS, 'Watch'))}",
        body,
        content_type=rng.choice(_KINDS),
        connect_timeout_ms=rng.choice(["9000", "9000", "1", "-1", "x"]),
    )
    assert status in (200, 400, 415, 429, 504), (status, content[:300])


def ask_grpc(running, rng):
    call = running.channel.unary_unary(
        f"/sketcher.v1.SketcherService/{rng.choice(METHODS)}"
    )
    message = pb.GenerateRequest(
        category=rng.choice(["cat", "owl", "", "cat*1+pig*2"]),
        count=rng.choice([0, 1, 2, 64, 2**31 - 1]),
        temperature=rng.choice([0, 0.5, -1, float("nan"), float("inf")]),
    )
    data = bytearray(message.SerializeToString())
    for _ in range(rng.choice([0, 0, 1, 3])):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    timeout = rng.choice([0.01, 10, 10, 10])
    try:
        call(bytes(data), timeout=timeout)
    except grpc.RpcError as error:
        assert error.code() in EXPECTED, (error.code(), error.details())
        told = f"{error.code().name}: {error.details()}"
        assert "gateway broke" not in told, told


def draw(running, rng):
    """A stream that is read to its end, or cut at any place."""
    commands = [
        pb.DrawRequest(start=pb.DrawStart(category=rng.choice(["cat", "owl"]))),
        pb.DrawRequest(change=pb.DrawChange(category="pig")),
        pb.DrawRequest(cancel=pb.DrawCancel()),
        pb.DrawRequest(),
    ]
    if rng.random() < 0.3:
        rng.shuffle(commands)
    call = running.stub.Draw(iter(commands[: rng.randint(0, 4)]), timeout=10)
    try:
        for _ in call:
            if rng.random() < 0.3:
                call.cancel()
    except grpc.RpcError as error:
        assert error.code() in EXPECTED, error.details()


def cut(running, rng):
    """A connection that ends in the middle of a request."""
    with socket.create_connection(
        ("localhost", running.gateway.http_port)
    ) as one:
        text = b"POST /v1/sketches:generate HTTP/1.1\r\nHost: a\r\n"
        text += b"Content-Length: 99999999\r\n\r\n" + b"{" * rng.randint(0, 99)
        one.sendall(text[: rng.randint(1, len(text))])


def memory():
    """Megabytes that this process has in memory."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * resource.getpagesize() / 2**20


SHARES = {ask_http: 5, ask_grpc: 5, ask_connect: 5, draw: 2, cut: 1}


def test_anything_gets_a_status(running, server):
    rng = random.Random(7)
    kinds = rng.choices(list(SHARES), SHARES.values(), k=COUNT)

    def one(number):
        kinds[number](running, random.Random(number))

    grown, sizes = [], set()
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        for numbers in (range(COUNT // 2), range(COUNT // 2, COUNT)):
            before = memory()
            for done in threads.map(one, numbers):
                assert done is None
            sizes |= {
                len(inputs["seed"])
                for name, inputs, *_ in server.calls
                if "seed" in inputs and name != "open"
            }
            server.calls.clear()
            gc.collect()
            grown.append(memory() - before)
    print(f"{COUNT} requests; MB grown by the halves: {grown}")
    # The first half fills pools and caches.
    assert grown[1] < _LEAK_MB, grown
    guard = running.gateway._guard
    wait_until(lambda: guard._under_way == 0)
    wait_until(lambda: not server.model.sessions)
    assert not running.gateway._client._operations.sessions
    # A call of no rows would hold a thread of TensorFlow Serving for ever.
    assert min(sizes) > 0
    assert running.draw("generate", {"category": "cat"})[0] == 200


def test_a_reader_that_is_slow_gets_all(running):
    points = []
    request = pb.DrawRequest(start=pb.DrawStart(category="pig", seed=3))
    for answer in running.stub.Draw(iter([request])):
        time.sleep(0.05)
        points += answer.points
    assert len(points) == len(fakes.expected("pig", 3))


def test_a_body_without_an_end_is_refused(running):
    connection = http.client.HTTPConnection(
        "localhost", running.gateway.http_port, timeout=20
    )

    def chunks():
        for _ in range(40):
            yield b"[" * 2**16

    with pytest.raises((BrokenPipeError, ConnectionError, AssertionError)):
        connection.request("POST", "/v1/sketches:generate", chunks())
        assert connection.getresponse().status == 200
    connection.close()


def test_streams_survive_restarts_behind(running, server):
    """No point is lost or doubled; SKETCHER_FUZZ=20000 draws 200 at once."""

    def one(seed):
        server.faults["step"].append(fakes.slowly(0.1))
        start = pb.DrawStart(category="pig", seed=seed)
        call = running.stub.Draw(iter([pb.DrawRequest(start=start)]))
        return [point for answer in call for point in answer.points]

    count = max(COUNT // 100, 12)
    with concurrent.futures.ThreadPoolExecutor(min(count, 64)) as threads:
        drawn = [threads.submit(one, seed) for seed in range(count)]
        for _ in range(3):
            time.sleep(0.2)
            server.restart()
        for seed, points in enumerate(drawn):
            wanted = np.cumsum(fakes.expected("pig", seed)[:, :2], axis=0)
            received = [(point.x, point.y) for point in points.result(60)]
            np.testing.assert_allclose(received, wanted, rtol=1e-5)
