"""What pages in a browser speak: Connect and gRPC-Web, and their limits."""

import base64
import http.client
import json
import struct
import threading

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2

from serving.proto.sketcher.v1 import sketcher_pb2 as pb
from tests.serving.gateway.gateway_test import (
    DRAWING,
    Running,
    absolute,
    assert_drawn,
    collect,
)
from tests.testing import fakes
from tests.testing.fakes import FakeServer, expected, wait_until

SERVICE = "/sketcher.v1.SketcherService"
PAGE = "https://page.example"
END = 128  # the flag of the last part of a stream of gRPC-Web; 2 in Connect


@pytest.fixture(scope="module")
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture(scope="module")
def running(server):
    running = Running(server, cors_origins=(PAGE,))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _clean(server):
    server.calls.clear()
    yield
    server.faults.clear()
    wait_until(lambda: not server.model.sessions)


def ask(running, method, message, kind="application/proto", **headers):
    headers = {"content-type": kind, **headers}
    return running.ask(f"{SERVICE}/{method}", message, **headers)


def enveloped(message):
    data = message.SerializeToString()
    return struct.pack(">BI", 0, len(data)) + data


def parts(content):
    """Flags and content of each part of a stream."""
    while content:
        flags, size = struct.unpack(">BI", content[:5])
        yield flags, content[5 : 5 + size]
        content = content[5 + size :]


@pytest.mark.parametrize(
    ("method", "request_", "count"),
    [
        ("Generate", pb.GenerateRequest(category="pig", count=2), 2),
        ("Complete", pb.CompleteRequest(sketch=DRAWING, count=3), 3),
        ("Reconstruct", pb.ReconstructRequest(sketches=[DRAWING]), 1),
        ("Interpolate", pb.InterpolateRequest(first=DRAWING, last=DRAWING), 10),
    ],
    ids=["generate", "complete", "reconstruct", "interpolate"],
)
def test_connect(running, method, request_, count):
    data = request_.SerializeToString()
    status, headers, content = ask(running, method, data)
    assert (status, headers["content-type"]) == (200, "application/proto")
    answer = getattr(pb, f"{method}Response").FromString(content)
    assert len(answer.sketches) == count


def test_connect_with_json(running):
    body = {"category": "pig", "count": 2, "seed": 7}
    status, _, content = ask(running, "Generate", body, "application/json")
    answer = json.loads(content)
    assert (status, answer["seed"]) == (200, 7)
    for k, one in enumerate(answer["sketches"]):
        lines = [
            {"points": [{"x": 0, "y": 0, **p} for p in stroke["points"]]}
            for stroke in one["strokes"]  # zeros are left out
        ]
        assert_drawn(lines, expected("pig", 7, k))
    status, _, content = ask(running, "ListCategories", {}, "application/json")
    assert json.loads(content)["categories"] == list(fakes.WORDS)


def test_grpc_web(running):
    request = enveloped(pb.GenerateRequest(category="pig", seed=7))
    kind = "application/grpc-web+proto"
    status, _, content = ask(running, "Generate", request, kind)
    [(_, message), (flag, trailers)] = parts(content)
    [sketch] = pb.GenerateResponse.FromString(message).sketches
    assert_drawn(sketch.strokes, expected("pig", 7))
    assert (status, flag) == (200, END)
    assert b"grpc-status: 0" in trailers


@pytest.mark.parametrize(
    ("kind", "end"),
    [("application/connect+proto", 2), ("application/grpc-web+proto", END)],
)
def test_watch(running, kind, end):
    start = pb.DrawStart(category="pig", seed=3)
    request = enveloped(pb.WatchRequest(start=start))
    status, _, content = ask(running, "Watch", request, kind)
    *messages, (flag, _) = parts(content)
    assert (status, flag) == (200, end)
    answers = [pb.WatchResponse.FromString(one) for _, one in messages]
    assert len(answers) > 2  # as they are drawn
    points, last = collect(answers)
    np.testing.assert_allclose(points, absolute(expected("pig", 3)), rtol=1e-5)
    assert last == pb.DrawEnd(finished=True, seed=3)


def test_watch_over_grpc(running):
    start = pb.DrawStart(category="pig", seed=3)
    request = pb.WatchRequest(start=start)
    points, end = collect(running.stub.Watch(request, timeout=30))
    np.testing.assert_allclose(points, absolute(expected("pig", 3)), rtol=1e-5)
    assert end.finished


def test_a_page_that_is_closed_gives_the_session_back(running, server):
    hangs = fakes.held_until(lambda: "close" in server.names())
    server.faults["step"].extend([lambda proceed: proceed(), hangs])
    connection = http.client.HTTPConnection(
        "localhost", running.gateway.http_port, timeout=20
    )
    connection.request(
        "POST",
        f"{SERVICE}/Watch",
        enveloped(pb.WatchRequest(start=pb.DrawStart(category="pig"))),
        {"content-type": "application/connect+proto"},
    )
    wait_until(lambda: server.names().count("step") == 2)
    assert server.model.sessions
    connection.close()
    wait_until(lambda: not server.model.sessions, 30)


def test_refusals_name_the_field(running):
    body = {"category": "cat", "count": 65}
    status, _, content = ask(running, "Generate", body, "application/json")
    error = json.loads(content)
    assert (status, error["code"]) == (400, "invalid_argument")
    details = {one["type"]: one["value"] for one in error["details"]}
    packed = details["google.rpc.BadRequest"]
    bad = error_details_pb2.BadRequest.FromString(
        base64.b64decode(packed + "=" * (-len(packed) % 4))
    )
    assert [one.field for one in bad.field_violations] == ["count"]


def test_refusals_of_a_stream(running):
    request = enveloped(pb.WatchRequest(start=pb.DrawStart(category="owl")))
    kind = "application/connect+proto"
    status, _, content = ask(running, "Watch", request, kind)
    [(flag, message)] = parts(content)
    error = json.loads(message)["error"]
    assert (status, flag) == (200, 2)
    assert error["code"] == "invalid_argument"
    assert "received 'owl'" in error["message"]


def test_a_full_server_says_when_to_come_back(running, server):
    busy = fakes.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy")
    server.faults["generate"].append(busy)
    body = {"category": "cat"}
    status, headers, _ = ask(running, "Generate", body, "application/json")
    assert (status, headers["retry-after"]) == (429, "1")


def test_a_deadline_is_the_callers(running, server):
    late = threading.Event()
    server.faults["generate"].append(fakes.held_until(late.is_set))
    body, wait = {"category": "cat"}, {"connect_timeout_ms": "1000"}
    answer = ask(running, "Generate", body, "application/json", **wait)
    late.set()
    assert answer[0] == 504
    left = [left for name, _, left, _ in server.calls if name == "generate"]
    assert left[-1] < 1.1


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", "{", 400),
        ("application/proto", b"\xff\xff", 400),
        ("application/json", {"category": "x" * 2**20}, 429),
        ("text/plain", "?", 415),
        ("application/grpc", "?", 415),
    ],
    ids=["json", "proto", "large", "kind", "grpc"],
)
def test_what_is_no_message_is_refused(running, server, kind, body, status):
    assert ask(running, "Generate", body, kind)[0] == status
    assert ask(running, "NoSuch", {}, "application/json")[0] == 404
    assert not server.calls


def test_only_pages_of_the_list_may_call(running):
    body = {"category": "cat"}
    for origin in (PAGE, "https://other.example"):
        _, headers, _ = ask(
            running, "Generate", body, "application/json", origin=origin
        )
        allowed = headers.get("access-control-allow-origin")
        assert (allowed == origin) == (origin == PAGE)
    exposed = headers.get("access-control-expose-headers", "")
    assert "grpc-status" in exposed
