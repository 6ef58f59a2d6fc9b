"""The gateway over a scripted server: gRPC, JSON, pictures, refusals."""

import asyncio
import dataclasses
import http.client
import json
import logging
import threading
import xml.etree.ElementTree as ET

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)

from serving.gateway import guard, service
from serving.gateway.gateway import Gateway, Settings
from serving.gateway.guard import Limits
from serving.proto.sketcher.v1 import sketcher_pb2 as pb
from serving.proto.sketcher.v1 import sketcher_pb2_grpc as pb_grpc
from sketcher_tf.strokes import stroke3_to_polylines
from tests.testing import fakes
from tests.testing.fakes import FakeServer, expected, wait_until
from tests.testing.proxy import Proxy, pings_of

CODE = grpc.StatusCode
KEY = "secret-key"


class Running:
    """A gateway in a thread of its own, with all that calls it."""

    def __init__(self, server, **options):
        self.settings = Settings(
            server.target, grpc_port=0, http_port=0, **options
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.gateway = self.do(self._make())
        target = f"localhost:{self.gateway.grpc_port}"
        self.channel = grpc.insecure_channel(target, fakes.PATIENCE)
        self.stub = pb_grpc.SketcherServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    async def _make(self):
        gateway = Gateway(self.settings)
        await gateway.start()
        return gateway

    def do(self, coroutine):
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(60)

    def ask(self, path, body=None, **headers):
        """Status, headers and content of an answer over HTTP."""
        connection = http.client.HTTPConnection(
            "localhost", self.gateway.http_port, timeout=30
        )
        if isinstance(body, dict):
            body = json.dumps(body)
        method = "GET" if body is None else "POST"
        named = {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def draw(self, path, body, **headers):
        status, _, content = self.ask(f"/v1/sketches:{path}", body, **headers)
        return status, json.loads(content)

    def stop(self):
        self.channel.close()
        self.do(self.gateway.stop(1.0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()


@pytest.fixture(scope="module")
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture(scope="module")
def running(server):
    running = Running(server, cors_origins=("https://page.example",))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _clean(server):
    server.calls.clear()
    yield
    server.faults.clear()
    assert not server.model.sessions


def lines_of(strokes):
    """Strokes of a message, or of JSON, as polylines."""
    if strokes and isinstance(strokes[0], dict):
        return [[(p["x"], p["y"]) for p in s["points"]] for s in strokes]
    return [[(p.x, p.y) for p in s.points] for s in strokes]


def assert_drawn(strokes, stroke3):
    lines = lines_of(strokes)
    wanted = stroke3_to_polylines(np.asarray(stroke3))
    assert [len(line) for line in lines] == [len(line) for line in wanted]
    for line, other in zip(lines, wanted, strict=True):
        np.testing.assert_allclose(line, other, rtol=1e-5)


def sketch(*lines, category="cat"):
    message = pb.Sketch(category=category)
    for line in lines:
        stroke = message.strokes.add()
        for x, y in line:
            stroke.points.add(x=x, y=y)
    return message


DRAWING = sketch([(0, 0), (10, 0), (10, 20)], [(5, 5), (6, 7)])


# --- gRPC ---------------------------------------------------------------------


def test_a_connection_is_not_probed(running):
    sent = bytearray()
    with Proxy(running.gateway.grpc_port) as proxy:
        proxy.on_answer = lambda data: sent.extend(data) or data
        with grpc.insecure_channel(proxy.target) as channel:
            stub = pb_grpc.SketcherServiceStub(channel)
            for _ in range(3):
                stub.Generate(pb.GenerateRequest(category="cat"))
    assert pings_of(bytes(sent)) == 0


def test_generate(running):
    answer = running.stub.Generate(
        pb.GenerateRequest(category="pig", count=2, seed=7)
    )
    assert answer.seed == 7
    for k, one in enumerate(answer.sketches):
        assert_drawn(one.strokes, expected("pig", 7, k))
        assert (one.category, one.finished) == ("pig", True)


def test_a_seed_is_told_that_draws_the_same(running):
    first = running.stub.Generate(pb.GenerateRequest(category="pig"))
    again = pb.GenerateRequest(category="pig", seed=first.seed)
    assert running.stub.Generate(again) == first
    seeds = {running.stub.Generate(again).seed for _ in range(3)}
    assert seeds == {first.seed}


def test_a_blend_is_weighted_words(running, server):
    blend = [
        pb.CategoryWeight(category="cat", weight=1),
        pb.CategoryWeight(category="crab", weight=3),
    ]
    running.stub.Generate(pb.GenerateRequest(blend=blend, temperature=0))
    [inputs] = [i for n, i, *_ in server.calls[-1:] if n == "generate"]
    np.testing.assert_allclose(inputs["condition"], [[0.25, 0, 0.75]])


def test_tries():
    config = {"model": {"critic_units": 4}}
    with FakeServer() as server:
        model = server.model
        model.metadata = dataclasses.replace(model.metadata, config=config)
        running = Running(server)
        try:
            for tries in (2, 1):
                running.stub.Generate(
                    pb.GenerateRequest(category="cat", tries=tries)
                )
            running.stub.Complete(pb.CompleteRequest(sketch=DRAWING, tries=3))
            with pytest.raises(grpc.RpcError, match="tries"):
                running.stub.Generate(pb.GenerateRequest(tries=17))
        finally:
            running.stop()
    asked = [(n, i.get("tries")) for n, i, *_ in server.calls if n != "labels"]
    assert asked == [
        ("generate_best", 2),
        ("generate", None),
        ("complete_best", 3),
    ]


def test_complete_reconstruct_and_interpolate(running, server):
    done = running.stub.Complete(pb.CompleteRequest(sketch=DRAWING, count=3))
    assert len(done.sketches) == 3
    given = server.calls[-1][1]["strokes"][0]
    np.testing.assert_array_equal(given[:5, 0], [0, 10, 0, -5, 1])
    np.testing.assert_array_equal(given[:5, 3], [0, 0, 1, 0, 1])
    wanted = pb.ReconstructRequest(sketches=[DRAWING, DRAWING])
    assert len(running.stub.Reconstruct(wanted).sketches) == 2
    other = sketch([(0, 0), (3, 3)], category="pig")
    walk = pb.InterpolateRequest(first=DRAWING, last=other, count=4)
    drawn = running.stub.Interpolate(walk).sketches
    assert [one.category for one in drawn] == ["cat to pig"] * 4


def test_categories(running):
    answer = running.stub.ListCategories(pb.ListCategoriesRequest())
    assert tuple(answer.categories) == fakes.WORDS
    assert (answer.max_points, answer.model_version) == (fakes.LONGEST, 1)


def test_health_and_reflection(running):
    name = "sketcher.v1.SketcherService"
    for one in ("", name):
        asked = health_pb2.HealthCheckRequest(service=one)
        assert running.health.Check(asked).status == 1
    database = ProtoReflectionDescriptorDatabase(running.channel)
    assert name in database.get_services()


# --- Drawing live -------------------------------------------------------------


def start(category="pig", seed=3, **fields):
    return pb.DrawRequest(
        start=pb.DrawStart(category=category, seed=seed, **fields)
    )


def collect(answers):
    """All points as (x, y, lifted), and the end."""
    points, end = [], None
    for answer in answers:
        points += [(p.x, p.y, p.pen_lifted) for p in answer.points]
        end = answer.end if answer.HasField("end") else end
    return points, end


def absolute(stroke3):
    places = np.cumsum(stroke3[:, :2], axis=0)
    return [
        (x, y, bool(lifted))
        for (x, y), (*_, lifted) in zip(places, stroke3, strict=True)
    ]


def test_draw(running):
    points, end = collect(running.stub.Draw(iter([start()])))
    np.testing.assert_allclose(points, absolute(expected("pig", 3)), rtol=1e-5)
    assert end == pb.DrawEnd(finished=True, seed=3)


def test_draw_survives_a_lost_session(running, server):
    server.faults["step"].append(fakes.after(server.evict))
    points, _ = collect(running.stub.Draw(iter([start()])))
    np.testing.assert_allclose(points, absolute(expected("pig", 3)), rtol=1e-5)


def test_draw_goes_on_from_points(running):
    points, _ = collect(running.stub.Draw(iter([start(sketch=DRAWING)])))
    whole = expected("pig", 3, latents=[3, 0, 5])[5:]
    whole[0, :2] += (6, 7)
    np.testing.assert_allclose(points, absolute(whole), rtol=1e-5)


class Talk:
    """Requests of a stream, sent when they are wanted."""

    def __init__(self, first):
        self._more = threading.Semaphore(1)
        self._requests = [first]

    def say(self, request):
        self._requests.append(request)
        self._more.release()

    def __iter__(self):
        return self

    def __next__(self):
        assert self._more.acquire(timeout=60)
        request = self._requests.pop(0)
        if request is None:
            raise StopIteration
        return request


@pytest.fixture
def heard(monkeypatch):
    """Released by each command after the first that the gateway has read."""
    heard, read = threading.Semaphore(0), service._first

    async def first(commands):
        command = await read(commands)
        heard.release()
        return command

    monkeypatch.setattr(service, "_first", first)
    return heard


def test_the_category_may_change_in_the_middle(running, server, heard):
    talk = Talk(start("cat"))
    arrived = threading.Event()

    def hold(proceed):
        answer = proceed()
        talk.say(pb.DrawRequest(change=pb.DrawChange(category="crab")))
        arrived.set()
        assert heard.acquire(timeout=60)
        return answer

    server.faults["step"].append(hold)
    points, end = collect(running.stub.Draw(talk))
    talk.say(None)
    assert arrived.is_set()
    assert end.finished
    first = points[:8]
    np.testing.assert_allclose(
        first, absolute(expected("cat", 3)[:8]), rtol=1e-5
    )
    # In the fake, the offset tells the category.
    assert points[8][0] - points[7][0] > 200
    opened = [i for n, i, *_ in server.calls if n == "open"][-1]
    assert opened["condition"].tolist() == [0, 0, 1]


def test_a_drawing_may_be_cancelled(running, server, heard):
    talk = Talk(start("cat"))

    def cancel(proceed):
        talk.say(pb.DrawRequest(cancel=pb.DrawCancel()))
        assert heard.acquire(timeout=60)
        return proceed()

    server.faults["step"].append(cancel)
    points, end = collect(running.stub.Draw(talk))
    talk.say(None)
    assert len(points) == 8
    assert not end.finished


def test_a_caller_that_goes_gives_the_session_back(running, server):
    talk = Talk(start("cat"))
    hangs = fakes.held_until(lambda: "close" in server.names())
    server.faults["step"].append(hangs)
    call = running.stub.Draw(talk)
    wait_until(lambda: "step" in server.names())
    call.cancel()
    talk.say(None)
    wait_until(lambda: not server.model.sessions, 30)


@pytest.mark.parametrize(
    ("requests", "text"),
    [
        ([], "must begin with start"),
        ([pb.DrawRequest(cancel=pb.DrawCancel())], "must begin with start"),
        ([start("")], "category must be a word"),
        ([start("owl")], "received 'owl'"),
        ([start(temperature=-1)], "temperature"),
    ],
)
def test_streams_are_refused_with_a_status(running, requests, text):
    with pytest.raises(grpc.RpcError) as error:
        collect(running.stub.Draw(iter(requests)))
    assert error.value.code() == CODE.INVALID_ARGUMENT
    assert text in error.value.details()


# --- Errors -------------------------------------------------------------------


def details_of(error):
    """The details of a status: by name."""
    metadata = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    found = {}
    for packed in status.details:
        name = packed.TypeName().rpartition(".")[2]
        found[name] = getattr(error_details_pb2, name)()
        packed.Unpack(found[name])
    return found


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"category": "cat", "count": 0}, "count"),
        ({"category": "cat", "count": 65}, "count"),
        ({"category": "cat", "temperature": float("nan")}, "temperature"),
        ({"category": "cat", "seed": -1}, "seed"),
        ({"blend": [{"category": "cat"}]}, "blend.0.weight"),
    ],
)
def test_fields_that_break_a_rule_are_named(running, wanted, field):
    with pytest.raises(grpc.RpcError) as error:
        running.stub.Generate(pb.GenerateRequest(**wanted))
    assert error.value.code() == CODE.INVALID_ARGUMENT
    details = details_of(error.value)
    fields = [v.field for v in details["BadRequest"].field_violations]
    assert fields == [field]
    assert details["ErrorInfo"].domain == "sketcher.v1"


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Generate", pb.GenerateRequest(category="cat", count=0)),
        ("Complete", pb.CompleteRequest(sketch=DRAWING, count=0)),
        ("Reconstruct", pb.ReconstructRequest()),
        ("Reconstruct", pb.ReconstructRequest(category="cat")),
        (
            "Interpolate",
            pb.InterpolateRequest(first=DRAWING, last=DRAWING, count=0),
        ),
    ],
    ids=["generate", "complete", "reconstruct", "of a category", "interpolate"],
)
def test_what_has_no_rows_never_reaches_the_models(
    running, server, method, request_
):
    """It would hold a thread of TensorFlow Serving for ever."""
    with pytest.raises(grpc.RpcError) as error:
        getattr(running.stub, method)(request_, timeout=30)
    assert error.value.code() == CODE.INVALID_ARGUMENT
    assert details_of(error.value)["BadRequest"].field_violations
    assert not server.calls


def test_what_is_behind_stays_there(running, server):
    secret = fakes.fail(CODE.INTERNAL, "at 10.0.0.7: oh")
    server.faults["generate"].append(secret)
    with pytest.raises(grpc.RpcError) as error:
        running.stub.Generate(pb.GenerateRequest(category="cat"))
    assert error.value.code() == CODE.INTERNAL
    assert "10.0" not in error.value.details()


def test_a_deadline_is_the_callers(running, server):
    late = threading.Event()
    server.faults["generate"].append(fakes.held_until(late.is_set))
    status, answer = running.draw(
        "generate", {"category": "cat"}, x_timeout_seconds="1"
    )
    late.set()
    assert status == 504
    assert answer["error"]["code"] == CODE.DEADLINE_EXCEEDED.value[0]
    left = [left for n, _, left, _ in server.calls if n == "generate"][-1]
    assert left < 1.1


# --- HTTP ---------------------------------------------------------------------


def test_json(running):
    status, answer = running.draw(
        "generate", {"category": "pig", "count": 2, "seed": 7}
    )
    assert status == 200
    assert answer["seed"] == 7
    for k, one in enumerate(answer["sketches"]):
        assert_drawn(one["strokes"], expected("pig", 7, k))
    status, again = running.draw(
        "reconstruct", {"sketches": answer["sketches"]}
    )
    assert status == 200
    assert len(again["sketches"]) == 2
    status, _, content = running.ask("/v1/categories")
    assert json.loads(content)["categories"] == list(fakes.WORDS)


@pytest.mark.parametrize("count", [1, 3])
def test_pictures(running, count):
    body = {"category": "cat", "count": count}
    path = "/v1/sketches:generate"
    _, headers, content = running.ask(path, body, accept="image/svg+xml")
    assert headers["content-type"].startswith("image/svg+xml")
    ET.fromstring(content)
    _, headers, content = running.ask(path, body, accept="image/png")
    assert headers["content-type"] == "image/png"
    assert content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{", "Invalid JSON"),
        ("[]", "object"),
        ({"category": "cat", "colour": "red"}, "colour"),
        ({"category": "owl"}, "received 'owl'"),
        ({}, "received none"),
        (
            {"category": "cat", "blend": [{"category": "a", "weight": 1}]},
            "both",
        ),
        ({"category": "cat" * 400}, "category"),
    ],
)
def test_json_is_refused_with_a_reason(running, body, text):
    status, answer = running.draw("generate", body)
    assert status == 400
    assert text in answer["error"]["message"]
    assert answer["error"]["details"]


def test_a_request_may_be_too_large(running):
    big = {"category": "cat", "blend": [{"category": "x" * 2**20}]}
    assert running.draw("generate", big)[0] == 400
    with pytest.raises(grpc.RpcError) as error:
        running.stub.Generate(pb.GenerateRequest(category="x" * 2**21))
    assert error.value.code() == CODE.RESOURCE_EXHAUSTED


def test_openapi_tells_of_all_requests(running):
    _, _, content = running.ask("/openapi.json")
    paths = json.loads(content)["paths"]
    for name in ("generate", "complete", "reconstruct", "interpolate"):
        body = paths[f"/v1/sketches:{name}"]["post"]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
        message = pb.DESCRIPTOR.message_types_by_name[f"{name.title()}Request"]
        assert set(schema["properties"]) == {f.name for f in message.fields}
    assert "$ref" not in content.decode() or "HTTPValidationError" in str(paths)


def test_pages_of_the_list_may_call(running):
    asked = {"origin": "https://page.example"}
    _, headers, _ = running.ask("/v1/categories", **asked)
    allowed = "access-control-allow-origin"
    assert headers[allowed] == "https://page.example"
    _, headers, _ = running.ask("/v1/categories", origin="https://other")
    assert allowed not in headers


def test_metrics_and_logs_hold_no_drawings(running, caplog):
    with caplog.at_level(logging.INFO, "serving.gateway.guard"):
        running.draw("generate", {"category": "crab"})
        wait_until(lambda: caplog.records)  # the answer goes first
    [record] = caplog.records
    entry = json.loads(record.getMessage())
    assert entry.pop("seconds") > 0
    assert entry == {"method": "Generate", "transport": "http", "code": "OK"}
    _, _, content = running.ask("/metrics/")
    line = 'sketcher_gateway_calls_total{code="OK",method="Generate"'
    assert line in content.decode()


def test_the_answer_goes_before_the_log(running, monkeypatch):
    answered, logged = threading.Event(), []

    def log(*_):
        logged.append(answered.wait(10))

    monkeypatch.setattr(guard._log, "info", log)
    running.stub.Generate(pb.GenerateRequest(category="cat"))
    answered.set()
    wait_until(lambda: logged)
    assert logged == [True]


def test_traces_go_on_and_hold_no_drawings(running, server, monkeypatch):
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    trace_id, caller = f"{7:032x}", f"{8:016x}"
    asked = {"traceparent": f"00-{trace_id}-{caller}-01"}
    running.draw("generate", {"category": "cat"}, **asked)
    running.draw("generate", {"category": "cat", "seed": "secret"}, **asked)
    server.faults["generate"].append(fakes.fail(CODE.INTERNAL, "secret"))
    request = pb.GenerateRequest(category="cat")
    with pytest.raises(grpc.RpcError):
        running.stub.Generate(request, metadata=tuple(asked.items()))
    all_spans = spans.get_finished_spans()  # FastAPI makes some as well
    assert not [span for span in all_spans if "secret" in span.to_json()]
    name = "sketcher.v1.SketcherService/Generate"
    drawn, refused, failed = (s for s in all_spans if s.name == name)
    for span in (drawn, refused, failed):
        assert span.parent.span_id == 8
        assert span.context.trace_id == 7
    assert drawn.status.is_unset
    assert refused.status.description == "INVALID_ARGUMENT"
    assert failed.attributes["rpc.grpc.status_code"] == 13


def test_readiness_draws(running, server):
    assert running.ask("/healthz")[0] == 200
    server.calls.clear()
    assert running.ask("/readyz")[0] == 200
    assert {"generate", "open", "step", "close"} <= set(server.names())
    server.calls.clear()
    assert running.ask("/readyz?servable=sketcher_session")[0] == 200
    assert "generate" not in server.names()
    server.faults["generate"].append(fakes.fail(CODE.INTERNAL))
    assert running.ask("/readyz?servable=sketcher")[0] == 500


# --- Who, how many, and the end -----------------------------------------------


def test_keys(server):
    running = Running(server, api_keys=(KEY, "other"))
    try:
        body = {"category": "cat"}
        assert running.draw("generate", body)[0] == 401
        assert running.draw("generate", body, x_api_key="wrong")[0] == 401
        assert running.draw("generate", body, x_api_key=KEY)[0] == 200
        bearer = f"Bearer {KEY}"
        assert running.draw("generate", body, authorization=bearer)[0] == 200
        wanted = pb.GenerateRequest(category="cat")
        with pytest.raises(grpc.RpcError) as error:
            running.stub.Generate(wanted)
        assert error.value.code() == CODE.UNAUTHENTICATED
        running.stub.Generate(wanted, metadata=[("x-api-key", KEY)])
    finally:
        running.stop()


def test_a_full_gateway_says_when_to_come_back_and_a_closing_one_waits(server):
    running = Running(server, limits=Limits(calls=1))
    full = threading.Event()
    server.faults["generate"].append(fakes.held_until(full.is_set))
    under_way = running.stub.Generate.future(pb.GenerateRequest(category="cat"))
    wait_until(lambda: "generate" in server.names())
    body = {"category": "cat"}
    status, headers, content = running.ask("/v1/sketches:generate", body)
    assert (status, headers["retry-after"]) == (429, "1")
    assert "RetryInfo" in content.decode()
    closing = asyncio.run_coroutine_threadsafe(
        running.gateway.stop(60), running._loop
    )
    full.set()
    assert len(under_way.result(60).sketches) == 1
    closing.result(60)
    running.do(asyncio.sleep(0))
    running._loop.call_soon_threadsafe(running._loop.stop)
    running._thread.join(60)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"host": "0.0.0.0"}, "received --host=0.0.0.0 alone"),
        ({"host": "box"}, "Choose one"),
        ({"certificate": "a"}, "Give both, or none"),
        ({"client_ca": "a"}, "needs a certificate"),
    ],
)
def test_settings_are_checked(options, text):
    with pytest.raises(ValueError, match=text):
        Settings("localhost:1", **options)
    Settings("localhost:1", host="0.0.0.0", allow_anonymous=True)
