"""What a server must do, told to any server.

SKETCHER_TARGET=host:8500 names one that serves an export of this project, for
example tensorflow_model_server; empty, the embedded server serves a toy model,
once with single calls and once with merged ones.
"""

import asyncio
import os
import threading
from collections.abc import Mapping

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sketcher_tf import contract
from sketcher_tf.client.aio import AsyncSketcherClient
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.channel import MESSAGE_BYTES
from sketcher_tf.client.errors import NotFoundError
from sketcher_tf.contract import Code
from sketcher_tf.sketches import Sketch
from sketcher_tf.wire import messages, tensors
from tests.testing.fakes import wait_until

CODE = grpc.StatusCode
TARGET = os.environ.get("SKETCHER_TARGET", "")
ONLY_EMBEDDED = pytest.mark.skipif(
    bool(TARGET), reason="needs a server of its own: unset SKETCHER_TARGET"
)
WARM = {"timeout": 120.0}  # the first call of a signature takes long


@pytest.fixture(
    scope="module", params=["single"] if TARGET else ["single", "batched"]
)
def target(request):
    if TARGET:
        yield TARGET
        return
    from serving.server.service import EmbeddedServer

    published = request.getfixturevalue("published")
    merged = request.param == "batched"
    with EmbeddedServer(published, warm=False, batching=merged) as server:
        yield f"localhost:{server.port}"


@pytest.fixture(scope="module")
def client(target):
    with SketcherClient(target, **WARM) as client:
        client.wait_until_ready()
        yield client


@pytest.fixture(scope="module")
def word(client):
    return client.labels().words[0]


class Ask:
    """Sends anything at all; the outputs, or the code and the text."""

    def __init__(self, channel: grpc.Channel, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self._send = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            messages.PredictRequest.SerializeToString,
            messages.PredictResponse.FromString,
        )

    def __call__(self, signature, servable="sketcher", version=None, **inputs):
        request = messages.PredictRequest()
        request.model_spec.name = servable
        request.model_spec.signature_name = signature
        if version is not None:
            request.model_spec.version.value = version
        for name, value in inputs.items():
            tensors.encode(np.asarray(value), request.inputs[name])
        try:
            answer = self._send(request, timeout=120)
        except grpc.RpcError as error:
            return error.code(), error.details()
        return {k: tensors.decode(v) for k, v in answer.outputs.items()}


@pytest.fixture(scope="module")
def ask(target, client):
    sizes = client.labels().metadata.sizes
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES)]
    with grpc.insecure_channel(target, options) as channel:
        yield Ask(channel, sizes)


def good(ask, rows=1, **changes):
    """Inputs of `generate`, some of them changed."""
    condition = np.zeros((rows, ask.sizes["C"]), np.float32)
    condition[:, 0] = 1
    seeds = [(9, k) for k in range(rows)]
    return {
        "condition": condition,
        "seed": np.array(seeds, np.int32),
        "temperature": np.full(rows, 0.5, np.float32),
        **changes,
    }


def assert_same(one, other):
    assert len(one.stroke3) == len(other.stroke3)
    assert one.finished == other.finished
    np.testing.assert_array_equal(one.stroke3[:, 2], other.stroke3[:, 2])
    np.testing.assert_allclose(one.stroke3, other.stroke3, atol=0.01)


# --- The stateless servable ---------------------------------------------------


def test_a_sketch_depends_on_its_own_seed_only(client, word):
    five = client.generate(word, count=5, temperature=0.5, seed=3)
    two = client.generate(word, count=2, temperature=0.5, seed=3)
    other = client.generate(word, count=1, temperature=0.5, seed=4)
    for one, same in zip(two, five[:2], strict=True):
        assert_same(one, same)
    assert not np.array_equal(other[0].stroke3, five[0].stroke3)
    assert not np.array_equal(five[1].stroke3, five[0].stroke3)


@ONLY_EMBEDDED
def test_the_client_draws_what_the_library_draws(client):
    from tests.testing.exports import make_sketcher

    sketcher = make_sketcher()
    for blend in ("ring", "ring*1+zigzag*3"):
        options = {"count": 3, "temperature": 0.5, "seed": 5}
        for one, other in zip(
            client.generate(blend, **options),
            sketcher.generate(blend, **options),
            strict=True,
        ):
            assert_same(one, other)
            assert one.category == other.category


def test_many_sketches(client, word):
    count = contract.MAX_BATCH_SIZE + 3
    drawn = client.generate(word, count=count, temperature=0.5, seed=1)
    assert len(drawn) == count
    [last] = drawn[-1:]
    again = client.generate(word, count=count, temperature=0.5, seed=1)[-1]
    assert_same(last, again)


def test_completions_begin_with_what_is_given(client, word):
    [whole] = client.generate(word, temperature=0.5, seed=2)
    given = Sketch(whole.stroke3[:3], word)
    for one in client.complete(given, count=2, temperature=0.5):
        np.testing.assert_allclose(one.stroke3[:3], given.stroke3, rtol=1e-5)


def test_reconstruction_is_decoding_what_was_encoded(client, word):
    drawings = client.generate(word, count=2, temperature=0.5, seed=6)
    latents = client.encode(drawings)
    assert latents.shape == (2, client.labels().metadata.latent_size)
    redrawn = client.reconstruct(drawings, temperature=0.5, seed=8)
    decoded = client.decode(latents, word, temperature=0.5, seed=8)
    for one, other in zip(redrawn, decoded, strict=True):
        assert_same(one, other)
    walk = client.interpolate(*drawings, count=3)
    np.testing.assert_allclose(walk[0].latents, latents[0], atol=1e-4)
    np.testing.assert_allclose(walk[2].latents, latents[1], atol=1e-4)


# --- The stateful servable ----------------------------------------------------


@pytest.mark.parametrize("points_per_call", [1, 5, 1000])
def test_live_drawing_is_the_generated_one(client, word, points_per_call):
    options = {"temperature": 0.5, "seed": 11}
    [whole] = client.generate(word, **options)
    drawing = client.draw_live(word, **options, points_per_call=points_per_call)
    points = list(drawing)
    assert_same(drawing.sketch, whole)
    np.testing.assert_array_equal(points, drawing.sketch.stroke3)


def test_drawings_do_not_mix(client, word):
    """Several in each of several threads, point by point in turn."""
    seeds = range(100, 124)
    drawn = {}

    def draw(seeds):
        drawings = {
            seed: client.draw_live(word, seed=seed, points_per_call=2)
            for seed in seeds
        }
        turns = {seed: iter(drawing) for seed, drawing in drawings.items()}
        while turns:
            for seed in list(turns):
                if next(turns[seed], None) is None:
                    del turns[seed]
        drawn.update({s: one.sketch for s, one in drawings.items()})

    threads = [
        threading.Thread(target=draw, args=(seeds[n::6],)) for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for seed in seeds:
        assert_same(drawn[seed], client.generate(word, seed=seed)[0])


def open_session(ask, session_id, **changes):
    one = good(ask)
    return ask(
        "open",
        "sketcher_session",
        **{
            "session_id": np.int64(session_id),
            "condition": one["condition"][0],
            "seed": one["seed"][0],
            "temperature": one["temperature"][0],
            "strokes": np.zeros((0, 5), np.float32),
            "latents": np.zeros(0, np.float32),
            **changes,
        },
    )


def step(ask, session_id, number, count=2):
    return ask(
        "step",
        "sketcher_session",
        session_id=np.int64(session_id),
        step=np.int64(number),
        num_points=np.int32(count),
    )


def refused(answer, reason):
    code, text = answer
    return code == CODE.INVALID_ARGUMENT and contract.code_of(text) == reason


def test_steps_are_numbered(ask):
    open_session(ask, 71)
    first = step(ask, 71, 0)
    second = step(ask, 71, 1)
    again = step(ask, 71, 1)
    for name, value in second.items():
        np.testing.assert_array_equal(again[name], value)
    assert refused(step(ask, 71, 0), Code.STEP_GAP)
    assert refused(step(ask, 71, 3), Code.STEP_GAP)
    assert refused(step(ask, 72, 0), Code.SESSION_NOT_FOUND)
    assert refused(step(ask, 71, 2, count=0), Code.INVALID_NUM_POINTS)
    third = step(ask, 71, 2)
    lengths = [int(answer["length"]) for answer in (first, second, third)]
    assert (
        lengths
        == np.cumsum(
            [len(answer["strokes"]) for answer in (first, second, third)]
        ).tolist()
    )
    closing = {"session_id": np.int64(71)}
    assert ask("close", "sketcher_session", **closing)["closed"]
    assert not ask("close", "sketcher_session", **closing)["closed"]
    assert refused(step(ask, 71, 3), Code.SESSION_NOT_FOUND)


def test_live_drawing_survives_eviction(client, word, ask):
    capacity = int(ask("stats", "sketcher_session")["capacity"])
    if capacity > 1024:  # what an export has room for, if it is not told
        pytest.skip(f"the server has room for {capacity} sessions")
    [whole] = client.generate(word, temperature=0.5, seed=11)
    drawing = client.draw_live(
        word, temperature=0.5, seed=11, points_per_call=3
    )
    points = []
    for point in drawing:
        points.append(point)
        if len(points) == 4:
            before = ask("stats", "sketcher_session")["evicted"]
            for number in range(capacity):
                open_session(ask, 1000 + number)
            assert ask("stats", "sketcher_session")["evicted"] > before
    assert_same(drawing.sketch, whole)
    np.testing.assert_array_equal(points, drawing.sketch.stroke3)


@ONLY_EMBEDDED
@pytest.mark.parametrize("loss", ["restart", "reload"])
def test_live_drawing_survives_a_new_server(published, tmp_path, loss):
    from serving.server.service import EmbeddedServer
    from tests.testing import servables
    from tests.testing.exports import WORD, make_sketcher

    def publish(version):
        for servable in contract.SERVABLES:
            servables.copy(
                published / servable.name / "1",
                tmp_path / servable.name / str(version),
            )

    publish(1)
    options = {"temperature": 0.5, "seed": 11}
    [whole] = make_sketcher().generate(WORD, **options)
    server = EmbeddedServer(tmp_path, warm=False, poll_seconds=0.1)
    try:
        with SketcherClient(f"localhost:{server.port}", **WARM) as client:
            drawing = client.draw_live(WORD, **options, points_per_call=2)
            for number, _ in enumerate(drawing):
                if number == 3 and loss == "reload":
                    publish(2)
                    wait_until(lambda: client.labels().version == 2)
                elif number == 3:
                    port = server.port
                    server.stop(grace=0)
                    server = EmbeddedServer(tmp_path, port=port, warm=False)
            assert_same(drawing.sketch, whole)
    finally:
        server.stop()


# --- The twin -----------------------------------------------------------------


def test_the_twin_draws_the_same(target, client, word):
    async def draw():
        async with AsyncSketcherClient(target, **WARM) as twin:
            drawing = twin.draw_live(word, seed=4)
            points = [point async for point in drawing]
            sketches = await asyncio.gather(
                *(twin.generate(word, seed=seed) for seed in (4, 5))
            )
            return points, [row[0] for row in sketches]

    points, sketches = asyncio.run(draw())
    for seed, sketch in zip((4, 5), sketches, strict=True):
        assert_same(sketch, client.generate(word, seed=seed)[0])
    np.testing.assert_allclose(points, sketches[0].stroke3, atol=0.01)


# --- Errors -------------------------------------------------------------------

WRONG = [
    ({"temperature": np.zeros(1, np.float32)}, Code.INVALID_TEMPERATURE),
    ({"temperature": np.full(1, -1, np.float32)}, Code.INVALID_TEMPERATURE),
    ({"temperature": np.full(1, np.nan, np.float32)}, Code.INVALID_TEMPERATURE),
    ({"temperature": np.ones((1, 1), np.float32)}, Code.INVALID_SHAPE),
    ({"condition": np.ones((1, 99), np.float32)}, Code.INVALID_SHAPE),
    ({"seed": np.ones((3, 2), np.int32)}, Code.INVALID_SHAPE),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG)
def test_bad_input_is_refused_with_a_reason(ask, changes, reason):
    assert refused(ask("generate", **good(ask, **changes)), reason)
    assert set(ask("generate", **good(ask))) == {
        tensor.name for tensor in contract.GENERATE.outputs
    }


@ONLY_EMBEDDED  # TensorFlow Serving with batching never answers it
def test_a_call_of_no_rows_does_no_harm(ask):
    answer = ask("generate", **good(ask, rows=0))
    if isinstance(answer, tuple):
        assert answer[0] == CODE.INVALID_ARGUMENT
    else:
        assert {len(values) for values in answer.values()} == {0}
    assert len(ask("generate", **good(ask, rows=2))["strokes"]) == 2


def test_too_many_points_are_refused(ask):
    strokes = np.zeros((1, ask.sizes["T"] + 3, 5), np.float32)
    strokes[..., 2] = 1
    answer = ask("complete", **good(ask, strokes=strokes))
    assert refused(answer, Code.TOO_MANY_POINTS)


@pytest.mark.parametrize(
    ("signature", "options", "code"),
    [
        ("generate", {"servable": "no_such_model"}, CODE.NOT_FOUND),
        ("generate", {"version": 987654}, CODE.NOT_FOUND),
        ("no_such_signature", {}, CODE.FAILED_PRECONDITION),
        ("generate", {"extra": np.ones(1, np.float32)}, CODE.INVALID_ARGUMENT),
        (
            "generate",
            {"seed": np.ones((1, 2), np.int64)},
            CODE.INVALID_ARGUMENT,
        ),
        ("labels", {}, CODE.INVALID_ARGUMENT),
    ],
)
def test_codes(ask, signature, options, code):
    answer = ask(signature, **good(ask, **options))
    assert answer[0] == code


def test_errors_of_the_client(target):
    with (
        SketcherClient(target, version=987654) as client,
        pytest.raises(NotFoundError) as error,
    ):
        client.generate("ring")
    assert error.value.failure.target == target
    assert error.value.failure.version == "987654"


def arrays():
    shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
    dtypes = st.sampled_from(
        ["float32", "float32", "float32", "int32", "int32", "int64", "uint8"]
    )

    def fill(dtype, shape, kind):
        if kind == "large":
            return np.full(shape, np.iinfo("uint8").max).astype(dtype)
        if kind == "nan" and dtype == "float32":
            return np.full(shape, np.nan, dtype)
        return (
            (np.arange(np.prod(shape, dtype=int)) % 3)
            .reshape(shape)
            .astype(dtype)
        )

    return st.builds(
        fill, dtypes, shapes, st.sampled_from(["", "large", "nan"])
    )


@given(data=st.data())
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_fuzzed_requests_get_a_status(ask, data):
    servable = data.draw(st.sampled_from(contract.SERVABLES))
    signature = data.draw(st.sampled_from(list(servable.signatures.values())))
    inputs = {
        tensor.name: data.draw(arrays())
        for tensor in signature.inputs
        if data.draw(st.integers(0, 9))
    }
    # Some are right, so that the others are looked at.
    usual = good(ask)
    for name in usual.keys() & inputs.keys():
        if data.draw(st.booleans()):
            inputs[name] = usual[name]
    answer = ask(signature.name, servable.name, **inputs)
    if isinstance(answer, tuple):
        refusals = CODE.INVALID_ARGUMENT, CODE.FAILED_PRECONDITION
        assert answer[0] in refusals, answer
    labels = ask("labels", row=np.zeros(1, np.int32))
    assert set(labels) == {"metadata"}
