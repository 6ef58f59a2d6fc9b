import asyncio
import dataclasses
import gc
import inspect
import itertools
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import trustme

from sketcher_tf import contract
from sketcher_tf.client.aio import AsyncSketcherClient
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.channel import Tls
from sketcher_tf.client.errors import (
    ClientClosedError,
    DeadlineExceededError,
    InvalidAnswerError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
    VersionChangedError,
)
from sketcher_tf.rendering.raster import rasterize
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import stroke5_to_stroke3
from tests.testing import fakes
from tests.testing.fakes import (
    LATENTS,
    LONGEST,
    FakeServer,
    held_until,
    wait_until,
)
from tests.testing.proxy import Proxy, pings_of

NOT_FOUND = grpc.StatusCode.NOT_FOUND


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def client(server):
    with SketcherClient(server.target) as client:
        yield client


@pytest.fixture
def impatient(client):
    """Ends what fails for ever with its third failure."""
    return fakes.impatient(client)


def sketch(count=5, category="cat", dx=3.0):
    stroke3 = np.zeros((count, 3), np.float32)
    stroke3[:, 0], stroke3[:, 1] = dx, np.arange(count)
    stroke3[-1:, 2] = 1
    return Sketch(stroke3, category)


def inputs_of(server, name):
    return [inputs for called, inputs, *_ in server.calls if called == name]


# --- Operations ---------------------------------------------------------------


def test_generate(server, client):
    drawn = client.generate("pig", count=3, temperature=0.5, seed=7)
    for k, one in enumerate(drawn):
        np.testing.assert_array_equal(one.stroke3, fakes.expected("pig", 7, k))
        np.testing.assert_array_equal(one.latents, [7, k, 0])
        assert one.category == "pig"
        assert one.finished
    [inputs] = inputs_of(server, "generate")
    assert inputs["temperature"].tolist() == [0.5] * 3
    ET.fromstring(drawn[0].to_svg(size=64))


def test_a_model_with_a_critic_draws_with_tries(server, client):
    server.model.metadata = dataclasses.replace(
        server.model.metadata, config={"model": {"critic_units": 4}}
    )
    client.generate("cat", count=2)
    client.generate("cat", count=2, tries=3)
    client.generate("cat", count=2, tries=1)
    client.complete(sketch(), count=3)
    asked = [
        call["tries"].tolist() for call in inputs_of(server, "generate_best")
    ]
    assert asked == [[4, 4], [3, 3]]
    assert len(inputs_of(server, "generate")) == 1
    [inputs] = inputs_of(server, "complete_best")
    assert inputs["tries"].tolist() == [4, 4, 4]
    for tries in (0, contract.MAX_TRIES + 1):
        with pytest.raises(ValueError, match="tries must be 1 to 16; received"):
            client.generate("cat", tries=tries)


def test_tries_without_a_critic_are_refused_before_anything_is_sent(
    server, client
):
    client.generate("cat", tries=1)
    with pytest.raises(ValueError, match="needs a model with a critic"):
        client.complete(sketch(), tries=2)
    assert server.names().count("complete_best") == 0


def test_a_sketch_that_was_cut_off_says_so(server, client):
    server.change = lambda name, outputs: (
        {**outputs, "finished": np.array([True, False])}
        if "finished" in outputs
        else outputs
    )
    assert [s.finished for s in client.generate("cat", 2)] == [True, False]


def test_temperature_0_is_the_least_there_is(server, client):
    client.generate("cat", temperature=0.0)
    [inputs] = inputs_of(server, "generate")
    assert inputs["temperature"][0] == np.float32(contract.MIN_TEMPERATURE)


def test_conditions_are_words_and_blends(server, client):
    client.generate("cat*1+crab*3")
    [inputs] = inputs_of(server, "generate")
    np.testing.assert_array_equal(inputs["condition"], [[0.25, 0, 0.75]])


def test_factors_not_named_vary_with_the_number_of_the_sketch(server, client):
    factors = Factor("category", fakes.WORDS), Factor("view", ("a", "b"))
    schema = Schema(factors, 20.0, LONGEST, 16)
    server.model.metadata = dataclasses.replace(
        server.model.metadata, schema=schema.to_json(), condition_size=5
    )
    client.generate("pig", count=20, seed=3)
    client.generate("pig", count=4, seed=3)
    many, few = (i["condition"] for i in inputs_of(server, "generate"))
    np.testing.assert_array_equal(many[:, :3], [[0, 1, 0]] * 20)
    assert many[:, 3:].sum(axis=0).min() > 2
    np.testing.assert_array_equal(many[:4], few)
    rng = np.random.default_rng([3, 2])  # as `Sketcher.generate` does
    np.testing.assert_array_equal(few[2], schema.parse("pig", rng))


def test_complete_sends_the_points_padded(server, client):
    given = sketch(4)
    drawn = client.complete(given, count=2, seed=3)
    for one in drawn:
        np.testing.assert_array_equal(one.stroke3[:4], given.stroke3)
        assert one.category == "cat"
    [inputs] = inputs_of(server, "complete")
    assert inputs["strokes"].shape == (2, LONGEST + 1, 5)
    np.testing.assert_array_equal(
        stroke5_to_stroke3(inputs["strokes"][1]), given.stroke3
    )
    [other] = client.complete(given, "pig")
    assert other.category == "pig"


def test_reconstruct_and_encode_see_the_picture(server, client):
    one, other = sketch(5), sketch(7, "pig")
    latents = client.encode([one, other])
    assert latents.shape == (2, LATENTS)
    [inputs] = inputs_of(server, "encode")
    for row, given in enumerate((one, other)):
        np.testing.assert_array_equal(
            inputs["image"][row], rasterize(given.polylines, 16)
        )
    drawn = client.reconstruct([one, other], seed=4)
    assert [s.category for s in drawn] == ["cat", "pig"]
    for k, reconstructed in enumerate(drawn):
        np.testing.assert_allclose(reconstructed.latents, latents[k])
    again = client.decode(latents[:1], "cat", seed=4)
    np.testing.assert_array_equal(again[0].stroke3, drawn[0].stroke3)
    [as_crab] = client.reconstruct([one], "crab")
    assert as_crab.category == "crab"


def test_interpolate_walks_between_the_reconstructions(server, client):
    one, other = sketch(5), sketch(9, "pig")
    walk = client.interpolate(one, other, count=4, seed=2)
    ends = client.encode([one, other])
    np.testing.assert_allclose(walk[0].latents, ends[0], rtol=1e-5)
    np.testing.assert_allclose(walk[-1].latents, ends[1], rtol=1e-5)
    assert [s.category for s in walk] == ["cat to pig"] * 4
    [inputs] = inputs_of(server, "decode")
    np.testing.assert_array_equal(inputs["seed"], [[2, 0]] * 4)
    np.testing.assert_allclose(
        inputs["condition"][1], [2 / 3, 1 / 3, 0], atol=1e-6
    )


def test_labels(client):
    labels = client.labels()
    assert labels.version == 1
    assert labels.words == fakes.WORDS
    assert labels.metadata.training == {"run": "fake"}


def test_live_drawing_is_the_generated_one(server, client):
    for count in (1, 4, 100):
        drawing = client.draw_live("pig", seed=6, points_per_call=count)
        points = list(drawing)
        np.testing.assert_array_equal(points, fakes.expected("pig", 6))
        np.testing.assert_array_equal(drawing.sketch.stroke3, points)
        assert drawing.sketch.finished
        assert drawing.sketch.category == "pig"
        assert list(drawing) == []
    assert not server.model.sessions  # all were closed


def test_steps_grow_unless_their_size_is_given(server, client):
    list(client.draw_live("pig", seed=6))
    list(client.draw_live("pig", seed=6, points_per_call=5))
    steps = [int(i["num_points"]) for i in inputs_of(server, "step")]
    assert fakes.length_of([6, 0]) == 15
    assert steps == [8, 16, 5, 5, 5, 5]


def test_the_next_points_are_fetched_while_some_are_taken(server, client):
    drawing = client.draw_live("pig", seed=6, points_per_call=4)
    turn = iter(drawing)
    first = [next(turn), next(turn)]
    wait_until(lambda: server.names().count("step") == 2)
    np.testing.assert_array_equal(drawing.sketch.stroke3, first)
    assert not drawing.sketch.finished
    time.sleep(0.2)
    assert server.names().count("step") == 2  # one ahead, no more
    points = first + list(turn)
    np.testing.assert_array_equal(points, fakes.expected("pig", 6))


def test_a_caller_may_take_longer_than_a_call(server):
    with SketcherClient(server.target, timeout=2.0) as client:
        turn = client.draw_live("pig", seed=6, points_per_call=6).steps()
        points = next(turn)
        server.faults["step"].append(fakes.unavailable)
        points += next(turn)
        time.sleep(2.2)
        points += next(turn)
    np.testing.assert_array_equal(points, fakes.expected("pig", 6))


def test_a_step_that_hangs_does_not_hold_up_leaving(server, client):
    hangs = held_until(lambda: "close" in server.names())
    server.faults["step"].extend([lambda proceed: proceed(), hangs])
    begun = time.monotonic()
    for _ in client.draw_live("pig", points_per_call=2):
        break
    assert time.monotonic() - begun < 30
    assert not server.model.sessions


def test_live_drawing_goes_on_from_points(server, client):
    given = Sketch(fakes.expected("cat", 2, latents=[0, 0, 0])[:5])
    drawing = client.draw_live("cat", seed=2, sketch=given)
    points = list(drawing)
    assert len(points) == fakes.length_of([2, 0]) - 5
    np.testing.assert_array_equal(drawing.sketch.stroke3[:5], given.stroke3)
    np.testing.assert_array_equal(drawing.sketch.stroke3[5:], points)


def test_a_live_drawing_may_be_cut_off(server, client):
    server.change = lambda name, outputs: (
        {**outputs, "finished": np.array(False)} if name == "step" else outputs
    )
    for count in (3, 100):
        drawing = client.draw_live("cat", seed=4, points_per_call=count)
        np.testing.assert_array_equal(list(drawing), fakes.expected("cat", 4))
        assert not drawing.sketch.finished


def test_sessions_may_be_served_elsewhere(server):
    with (
        FakeServer() as other,
        SketcherClient(server.target, session_target=other.target) as client,
    ):
        list(client.draw_live("cat"))
        client.generate("cat")
        assert server.names() == ["labels", "generate"]
        assert set(other.names()) == {"labels", "open", "step", "close"}


def test_calls_are_spread_but_a_session_stays(server):
    with FakeServer() as other:
        ports = [f"127.0.0.1:{one.port}" for one in (server, other)]
        with SketcherClient(f"ipv4:{','.join(ports)}") as client:
            for seed in range(20):
                client.generate("cat", seed=seed)
            wait_until(lambda: client.generate("cat") and other.calls)
            assert server.names().count("generate") > 5
            list(client.draw_live("cat", points_per_call=1))
            steps = server.names().count("step"), other.names().count("step")
            assert min(steps) == 0
            assert max(steps) > 9


def test_a_loop_that_was_left_gives_the_session_back(server, client):
    drawing = client.draw_live("cat", seed=1, points_per_call=3)
    first = list(itertools.islice(drawing, 4))
    assert not server.model.sessions
    np.testing.assert_array_equal(
        first + list(drawing), fakes.expected("cat", 1)
    )


def test_a_client_gives_the_sessions_of_its_drawings_back(server):
    with SketcherClient(server.target) as client:
        turns = [
            iter(client.draw_live("cat", seed=n, points_per_call=1))
            for n in range(3)
        ]
        for turn in turns:
            next(turn)
        assert len(server.model.sessions) == 3
        turns[0].close()
        server.faults["close"].append(fakes.unavailable)
    assert not server.model.sessions
    assert server.names().count("close") == 4  # one was repeated
    turns[1].close()  # has nothing left to do
    with pytest.raises(ClientClosedError):
        list(turns[2])  # ends with the point that was fetched ahead


def test_a_server_that_is_gone_does_not_hold_up_closing(server, client):
    turn = iter(client.draw_live("cat", points_per_call=1))
    next(turn)
    server.stop()
    begun = time.monotonic()
    client.close()
    assert time.monotonic() - begun < 30


def test_a_closed_client_says_so(server, client):
    client.labels()
    closed = threading.Event()
    server.faults["generate"].append(held_until(closed.is_set))
    with ThreadPoolExecutor() as threads:
        under_way = threads.submit(client.generate, "cat")
        wait_until(lambda: "generate" in server.names())
        client.close()
        closed.set()
        assert isinstance(under_way.exception(60), ClientClosedError)
    for call in (
        client.labels,
        client.wait_until_ready,
        lambda: client.generate("cat"),
        lambda: list(client.draw_live("cat")),
    ):
        with pytest.raises(ClientClosedError, match="Make another client"):
            call()
    client.close()  # once more does no harm


def test_a_session_that_another_version_opened_is_given_back(server, client):
    def behind(proceed):
        version, outputs = proceed()
        return version - 1, outputs

    client.labels()
    server.faults["open"].extend([behind] * 3)
    turn = iter(client.draw_live("cat", points_per_call=1))
    next(turn)
    assert server.names().count("open") == 4
    assert len(server.model.sessions) == 1
    server.faults["open"].extend([behind] * 999)
    fakes.impatient(client)
    with pytest.raises(VersionChangedError, match="export the model again"):
        list(client.draw_live("pig"))
    assert len(server.model.sessions) == 1


def test_a_session_that_broke_the_contract_is_given_back(server, impatient):
    server.change = lambda name, outputs: (
        {**outputs, "length": np.int32(99)} if name == "step" else outputs
    )
    with pytest.raises(InvalidAnswerError):
        list(impatient.draw_live("cat"))
    assert not server.model.sessions


def test_many_threads_share_a_client(client):
    drawn = {}

    def draw(seed):
        drawn[seed] = client.generate("cat", seed=seed)[0].stroke3

    threads = [threading.Thread(target=draw, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for seed, stroke3 in drawn.items():
        np.testing.assert_array_equal(stroke3, fakes.expected("cat", seed))
    assert len(drawn) == 8


# --- The twin -----------------------------------------------------------------


def test_the_twin_draws_the_same(server, client):
    async def draw():
        async with AsyncSketcherClient(server.target) as twin:
            await twin.wait_until_ready()
            sketches, latents = await asyncio.gather(
                twin.generate("pig", count=3, seed=7), twin.encode([sketch()])
            )
            drawing = twin.draw_live("crab", seed=5, points_per_call=2)
            points = [point async for point in drawing]
            return sketches, latents, points, drawing.sketch

    sketches, latents, points, live = asyncio.run(draw())
    for one, other in zip(
        sketches, client.generate("pig", 3, seed=7), strict=True
    ):
        np.testing.assert_array_equal(one.stroke3, other.stroke3)
    np.testing.assert_array_equal(latents, client.encode([sketch()]))
    np.testing.assert_array_equal(points, fakes.expected("crab", 5))
    np.testing.assert_array_equal(live.stroke3, points)
    assert not server.model.sessions


def test_the_twin_fetches_the_next_points_meanwhile(server):
    async def draw():
        async with AsyncSketcherClient(server.target) as twin:
            drawing = twin.draw_live("pig", seed=6, points_per_call=4)
            turn = aiter(drawing)
            points = [await anext(turn), await anext(turn)]
            async with asyncio.timeout(60):
                while server.names().count("step") < 2:
                    await asyncio.sleep(0.01)
            np.testing.assert_array_equal(drawing.sketch.stroke3, points)
            return points + [point async for point in turn]

    points = asyncio.run(draw())
    np.testing.assert_array_equal(points, fakes.expected("pig", 6))
    assert server.names().count("step") == 4


def test_the_twin_fails_and_recovers_the_same(server):
    async def draw():
        async with AsyncSketcherClient(server.target) as twin:
            server.faults["generate"].append(fakes.unavailable)
            await twin.generate("cat")
            server.faults["generate"].append(fakes.fail(NOT_FOUND))
            with pytest.raises(NotFoundError) as error:
                await twin.generate("cat")
            assert isinstance(error.value.__cause__, grpc.RpcError)
            server.faults["step"].append(fakes.after(server.evict))
            return [p async for p in twin.draw_live("cat", seed=3)]

    np.testing.assert_array_equal(asyncio.run(draw()), fakes.expected("cat", 3))


def test_cancelling_the_twin_cancels_the_call(server):
    cancelled = threading.Event()

    async def draw():
        async with AsyncSketcherClient(server.target) as twin:
            await twin.labels()
            server.faults["generate"].append(held_until(cancelled.is_set))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await twin.generate("cat")
            cancelled.set()
            return await twin.generate("cat", seed=1)

    [one] = asyncio.run(draw())
    np.testing.assert_array_equal(one.stroke3, fakes.expected("cat", 1))


def test_the_twin_gives_the_sessions_of_its_drawings_back(server, caplog):
    async def draw(turns):
        async with AsyncSketcherClient(server.target) as twin:
            turn = aiter(twin.draw_live("pig", points_per_call=1))
            await anext(turn)
            server.faults["close"].append(fakes.unavailable)
            async for _ in twin.draw_live("cat", points_per_call=1):
                break
            # Leaving the loop only schedules that the session is given back:
            # closing finds this not begun, or under way.
            for _ in range(turns):
                await asyncio.sleep(0)
        assert not server.model.sessions
        with pytest.raises(ClientClosedError):
            async for _ in turn:  # which was fetched ahead
                pass

    for turns in range(6):
        asyncio.run(draw(turns))
    gc.collect()
    assert not caplog.records  # of tasks whose exception nobody retrieved


def test_a_cancelled_drawing_gives_its_session_back(server):
    async def draw():
        async with AsyncSketcherClient(server.target) as twin:
            await twin.labels()
            # After it has been given up.
            late = held_until(lambda: "close" in server.names())
            server.faults["open"].append(late)
            drawing = twin.draw_live("cat")
            under_way = asyncio.create_task(anext(aiter(drawing)))
            while "open" not in server.names():
                await asyncio.sleep(0.01)
            under_way.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way
            assert "close" in server.names()
        assert not server.model.sessions

    asyncio.run(draw())


def test_a_closed_twin_says_so(server):
    closed = threading.Event()

    async def draw():
        async with AsyncSketcherClient(server.target) as twin:
            await twin.labels()
            server.faults["generate"].append(held_until(closed.is_set))
            under_way = asyncio.create_task(twin.generate("cat"))
            while "generate" not in server.names():
                await asyncio.sleep(0.01)
        closed.set()
        with pytest.raises(ClientClosedError):
            await under_way
        for call in (twin.labels, twin.wait_until_ready):
            with pytest.raises(ClientClosedError, match="Make another client"):
                await call()
        with pytest.raises(ClientClosedError):
            async for _ in twin.draw_live("cat"):
                pass
        await twin.close()

    asyncio.run(draw())


def test_both_clients_have_the_same_operations():
    def operations(client):
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(client, callable)
            if not name.startswith("_")
        }

    assert operations(SketcherClient) == operations(AsyncSketcherClient)


# --- Large requests -----------------------------------------------------------


def test_a_large_request_is_several_calls(server, client):
    drawn = client.generate("cat", count=70, seed=1)
    for k, one in enumerate(drawn):
        np.testing.assert_array_equal(one.stroke3, fakes.expected("cat", 1, k))
    rows = [len(inputs["seed"]) for inputs in inputs_of(server, "generate")]
    assert rows == [32, 32, 6]


def test_the_connection_is_not_probed(server):
    sent = bytearray()
    with Proxy(server.port) as proxy:
        proxy.on_request = lambda data: sent.extend(data) or data
        with SketcherClient(proxy.target) as client:
            for _ in range(3):
                client.generate("cat")
    assert pings_of(bytes(sent)) == 0


def test_calls_fit_into_a_message(server):
    # A row of `reconstruct` is 21 * 20 + 16 * 16 bytes and a few more.
    with SketcherClient(server.target, message_bytes=4096 + 2500) as client:
        drawn = client.reconstruct([sketch()] * 10)
    assert len(drawn) == 10
    rows = [len(inputs["seed"]) for inputs in inputs_of(server, "reconstruct")]
    assert rows == [3, 3, 3, 1]


def test_an_answer_that_is_too_large_is_not_asked_for_again(server):
    with (
        SketcherClient(server.target, message_bytes=100) as client,
        pytest.raises(ResourceExhaustedError, match="larger than max") as error,
    ):
        client.labels()
    assert error.value.failure.attempts == 1
    assert server.names() == ["labels"]


# --- Versions -----------------------------------------------------------------


def test_labels_are_fetched_once(server, client):
    for _ in range(3):
        client.generate("cat")
    assert server.names().count("labels") == 1


@pytest.mark.parametrize("options", [{}, {"version": 4}, {"label": "stable"}])
def test_the_version_that_was_chosen_is_asked_for(server, options):
    server.reload(4)
    with SketcherClient(server.target, **options) as client:
        client.generate("cat")
        list(client.draw_live("cat"))
    assert len(server.calls) >= 5
    for _, _, _, spec in server.calls:
        assert spec.HasField("version") == ("version" in options)
        assert spec.version.value == options.get("version", 0)
        assert spec.version_label == options.get("label", "")


def test_after_a_reload_the_new_words_count(server, client):
    client.generate("cat", seed=1)
    server.reload(2, words=("pig", "cat", "owl"))  # as many, in another order
    [one] = client.generate("cat", seed=1)
    np.testing.assert_array_equal(
        one.stroke3, fakes.expected("pig", 1)
    )  # place 1
    server.reload(3, words=("owl", "cat"))  # fewer: the old condition is wrong
    server.faults["generate"].extend(
        [lambda proceed: fakes.refuse("INVALID_SHAPE", "it is too wide")] * 3
    )
    client.generate("owl")
    assert server.names().count("labels") == 3
    server.reload(4, words=("bee", "owl"))
    assert client.generate("bee")[0].category == "bee"


def test_a_walk_is_all_of_one_version(server, client):
    client.labels()
    server.faults["decode"].append(fakes.after(lambda: server.reload(2)))
    client.interpolate(sketch(5), sketch(7))
    walk = ["encode", "decode"]
    assert server.names() == ["labels", *walk, "labels", *walk]


def test_a_long_request_survives_a_reload(server):
    """The timeout is for each call, and not for all that is begun anew."""

    def late(proceed):
        time.sleep(0.8)
        return proceed()

    def reloaded(proceed):
        server.reload(2)
        return late(proceed)

    server.faults["generate"].extend([late, late, reloaded])
    with SketcherClient(server.target, timeout=2) as client:
        assert len(client.generate("cat", count=96)) == 96


def test_a_version_that_changes_for_ever_is_an_error(server, impatient):
    numbers = itertools.count(2)
    server.change = lambda name, outputs: (
        server.reload(next(numbers)) or outputs
    )
    with pytest.raises(VersionChangedError, match="pin one"):
        impatient.generate("cat")


def test_a_refusal_that_stays_is_reported(server, client):
    def refused(proceed):
        fakes.refuse("INVALID_CONDITION", "no")

    server.faults["generate"].extend([refused] * 9)
    with pytest.raises(
        InvalidArgumentError, match="INVALID_CONDITION: no"
    ) as e:
        client.generate("cat")
    assert e.value.reason == contract.Code.INVALID_CONDITION
    # What another call may have been to blame for is tried three times.
    assert server.names().count("generate") == 3


# --- Readiness ----------------------------------------------------------------


def test_waiting_until_ready(server, client):
    begins = grpc.StatusCode.UNAVAILABLE, NOT_FOUND, {1: 20}, {1: 50, 2: 30}
    server.statuses = iter([*begins, {1: 10}, {1: 30}])
    client.wait_until_ready()
    assert list(server.statuses) == []  # two servables


def test_waiting_for_a_label(server):
    """The state of a model tells nothing of its labels."""
    unknown = fakes.fail(
        grpc.StatusCode.INVALID_ARGUMENT,
        "Unrecognized servable version label: stable",
    )
    missing = fakes.fail(NOT_FOUND, "Servable not found")
    for name in ("labels", "stats"):
        server.faults[name].extend([fakes.unavailable, unknown, missing])
    with SketcherClient(server.target, label="stable") as client:
        client.wait_until_ready()
        assert not any(server.faults.values())
        assert {spec.version_label for *_, spec in server.calls} == {"stable"}
        server.faults["stats"].extend([unknown] * 999)
        with pytest.raises(InvalidArgumentError, match="version label: stable"):
            client.wait_until_ready(0.3)
        refused = fakes.fail(grpc.StatusCode.INVALID_ARGUMENT, "Something")
        server.faults["labels"].append(refused)
        with pytest.raises(InvalidArgumentError, match="Something"):
            client.wait_until_ready()
        assert server.names()[-1] == "labels"


def test_waiting_ends(server, client):
    server.statuses = itertools.repeat({1: 20, 2: 50})
    with pytest.raises(
        DeadlineExceededError, match="version 1 is LOADING; version 2 is END"
    ):
        client.wait_until_ready(0.4)
    server.statuses = itertools.repeat(NOT_FOUND)
    with pytest.raises(NotFoundError, match="not yet"):
        client.wait_until_ready(0.4)


def test_nobody_there_ends(server, impatient):
    server.stop()
    for call in (impatient.wait_until_ready, lambda: impatient.generate("cat")):
        with pytest.raises(UnavailableError, match=r"UNAVAILABLE.*[Cc]onnect"):
            call()


# --- TLS ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def pem(certificate):
    key = certificate.private_key_pem.bytes()
    return key, b"".join(p.bytes() for p in certificate.cert_chain_pems)


def serve_tls(authority, mutual):
    ca = authority.cert_pem.bytes()
    return FakeServer(
        credentials=grpc.ssl_server_credentials(
            [pem(authority.issue_cert("localhost"))],
            ca if mutual else None,
            mutual,
        )
    )


def test_tls(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with serve_tls(authority, mutual=False) as server:
        tls = Tls.from_files(ca=tmp_path / "ca.pem")
        with SketcherClient(server.target, tls=tls) as client:
            assert len(client.generate("cat")) == 1
        stranger = Tls(trustme.CA().cert_pem.bytes())
        for wrong in (None, stranger):
            with (
                SketcherClient(server.target, tls=wrong) as client,
                pytest.raises(UnavailableError, match="TLS settings"),
            ):
                fakes.impatient(client)
                client.labels()


def test_mutual_tls(authority):
    ca = authority.cert_pem.bytes()
    key, certificate = pem(authority.issue_cert("client@example.org"))
    with serve_tls(authority, mutual=True) as server:
        tls = Tls(ca, certificate, key)
        with SketcherClient(server.target, tls=tls) as client:
            assert len(client.generate("cat")) == 1
        for wrong in (
            Tls(ca),
            Tls(ca, *reversed(pem(trustme.CA().issue_cert("x")))),
        ):
            with (
                SketcherClient(server.target, tls=wrong) as client,
                pytest.raises(UnavailableError),
            ):
                fakes.impatient(client)
                client.labels()


# --- What is refused before it is sent ----------------------------------------


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda c: c.generate("owl"), "received 'owl'. Known: category: cat"),
        (lambda c: c.generate("cat", 0), "received 0. Ask for one."),
        (lambda c: c.generate("cat", temperature=-1), "received -1"),
        (lambda c: c.generate("cat", temperature=np.nan), "received nan"),
        (lambda c: c.generate("cat", seed=2**31), "seed must be 0 or more"),
        (lambda c: c.generate("cat", seed=-1), "received -1. Take it modulo"),
        (lambda c: c.complete(sketch(), count=0), "received 0. Ask for one."),
        (lambda c: c.complete(sketch(LONGEST + 1)), "at most 20 points"),
        (lambda c: c.complete(sketch(category="")), "received ''"),
        (lambda c: c.complete(sketch(dx=np.nan)), "finite numbers"),
        (lambda c: c.complete(sketch(dx=2e6)), "at most 1e+06 pixels"),
        (lambda c: c.encode([]), "at least one drawing"),
        (lambda c: c.reconstruct([]), "at least one drawing"),
        (lambda c: c.interpolate(sketch(), sketch(), 0), "received 0"),
        (lambda c: c.decode(np.ones((0, 3)), "cat"), "received 0. Ask for"),
        (lambda c: c.decode(np.ones((1, 9)), "cat"), "shape [count, 3]"),
        (lambda c: c.decode(np.full((1, 3), np.nan), "cat"), "finite"),
        *(
            (
                lambda c, n=n: c.draw_live("cat", points_per_call=n),
                f"int32 of 1 or more; received {n}",
            )
            for n in (0, 2.5, 2**31, "3")
        ),
        *(
            (lambda c, n=n, call=call: call(c, n), f"1000000; received {n}")
            for call in (
                lambda c, n: c.labels(timeout=n),
                lambda c, n: c.generate("cat", timeout=n),
                lambda c, n: c.interpolate(sketch(), sketch(), timeout=n),
                lambda c, n: c.draw_live("cat", timeout=n),
                lambda c, n: c.wait_until_ready(n),
            )
            for n in (0, -1.0, np.inf, np.nan, 1e12)
        ),
        (lambda c: list(c.draw_live("owl")), "received 'owl'"),
        (
            lambda c: list(c.draw_live("cat", sketch=sketch(LONGEST + 1))),
            "at most 20 points",
        ),
    ],
)
def test_mistakes_are_not_sent(server, client, call, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        call(client)
    assert set(server.names()) <= {"labels"}


def test_a_mistake_is_told_even_if_the_server_is_gone(server, client):
    client.labels()
    server.stop()
    for word, options in (("owl", {}), ("cat", {"seed": -1})):
        with pytest.raises(ValueError, match="received") as error:
            client.generate(word, timeout=0.3, **options)
        assert type(error.value) is ValueError


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"version": 1, "label": "a"}, "a number or a label"),
        ({"timeout": 0}, "positive number of seconds"),
        ({"timeout": float("inf")}, "positive number of seconds"),
        ({"timeout": 1e12}, "at most 1000000; received 1000000000000.0"),
    ],
)
def test_a_client_is_checked(options, text):
    with pytest.raises(ValueError, match=text):
        SketcherClient("localhost:1", **options)


def test_a_key_goes_with_a_certificate():
    with pytest.raises(ValueError, match="Give both"):
        Tls(certificate=b"x")


# --- Answers that break the contract ------------------------------------------


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"strokes": np.zeros((1, 7, 5), np.float32)}, r"\[1, 21, 5\]; rec"),
        ({"strokes": np.zeros((2, 21, 5), np.float32)}, r"received .*\[2, 21"),
        ({"latents": np.zeros((1, LATENTS), np.int32)}, "must be float32"),
        ({"latents": np.zeros(LATENTS, np.float32)}, r"\[1, 3\]; received"),
    ],
)
def test_wrong_answers_are_errors(server, client, change, text):
    client.labels()
    server.change = lambda name, outputs: {**outputs, **change}
    with pytest.raises(InvalidAnswerError, match=text):
        client.generate("cat")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            b'{"contract": 3}',
            "must follow version 1 or 2 of the contract; received 3",
        ),
        (b"not json", "Expecting value"),
        (b'{"contract": 1}', "missing"),
    ],
)
def test_labels_that_are_not_understood_are_errors(server, client, text, told):
    server.change = lambda *_: {"metadata": np.array([text], object)}
    with pytest.raises(InvalidAnswerError, match=told):
        client.generate("cat")


def test_missing_outputs_are_errors(server, client):
    server.change = lambda name, outputs: {}
    with pytest.raises(InvalidAnswerError, match="output metadata is missing"):
        client.labels()


# --- Import -------------------------------------------------------------------


def test_the_client_does_without_tensorflow():
    code = (
        "import sys; from sketcher_tf.client.blocking import SketcherClient;"
        "from sketcher_tf.client.aio import AsyncSketcherClient;"
        "SketcherClient('localhost:1').close();"
        "heavy = {'tensorflow', 'keras', 'tensorflow_serving', 'absl'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"
