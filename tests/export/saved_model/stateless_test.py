import numpy as np
import pytest
import tensorflow as tf

from export.saved_model import verify
from export.saved_model.expected import stateless_calls
from export.saved_model.publish import metadata_of
from export.saved_model.replay import LOADERS
from export.saved_model.signatures import trace
from export.saved_model.stateless import StatelessCalls
from sketcher_tf import contract
from sketcher_tf.contract import Code, Metadata, code_of
from sketcher_tf.request import DEFAULT_TRIES, drawings
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import stroke3_to_stroke5
from tests.testing import toys
from tests.testing.exports import (
    WORD,
    caller,
    make_model,
    make_sketcher,
    sketches_of,
)

SEED, TEMPERATURE, ROWS = 7, 1.0, 6
T = toys.SCHEMA.max_seq_len + 1
S = toys.IMAGE_SIZE
Z = toys.MODEL.latent_size + toys.MODEL.image_latent_size
CONDITION = np.tile([1, 0], (ROWS, 1))
SEEDS = [(SEED, k) for k in range(ROWS)]
NOISE = {"seed": SEEDS, "temperature": np.full(ROWS, TEMPERATURE)}
GENERATE = {"condition": CONDITION, **NOISE}


@pytest.fixture(scope="module")
def sketcher():
    return make_sketcher()


@pytest.fixture(scope="module")
def drawn(sketcher):
    """Of all kinds: empty, short, as long as can be, and cut off."""
    sketches = sketcher.generate(WORD, 24, TEMPERATURE, SEED)
    lengths = {len(sketch.stroke3) for sketch in sketches}
    assert {0, T - 1} < lengths
    assert {sketch.finished for sketch in sketches} == {True, False}
    return sketches


@pytest.fixture(scope="module", params=LOADERS)
def ask(request, published):
    with LOADERS[request.param](published / "sketcher" / "1") as run:
        yield caller(contract.SKETCHER, run)


def strokes_of(sketches, rows=T):
    return np.array([stroke3_to_stroke5(s.stroke3, rows) for s in sketches])


def assert_same_sketches(received, expected):
    assert len(received) == len(expected)
    for one, other in zip(received, expected, strict=True):
        assert one.finished == other.finished
        assert one.stroke3.shape == other.stroke3.shape
        np.testing.assert_array_equal(one.stroke3[:, 2], other.stroke3[:, 2])
        # In pixels; rounding grows from point to point.
        np.testing.assert_allclose(one.stroke3, other.stroke3, atol=2e-3)


def test_generates_what_python_generates(ask, drawn):
    many = len(drawn)
    answer = ask(
        "generate",
        condition=np.tile([1, 0], (many, 1)),
        seed=[(SEED, k) for k in range(many)],
        temperature=np.full(many, TEMPERATURE),
    )
    assert_same_sketches(sketches_of(answer), drawn)
    lengths = [len(sketch.stroke3) for sketch in drawn]
    np.testing.assert_array_equal(answer["length"], lengths)
    # After the drawing there are end tokens and nothing else.
    for row, length in zip(answer["strokes"], lengths, strict=True):
        assert (row[length:] == [0, 0, 0, 0, 1]).all()


@pytest.mark.parametrize("points", [0, 1, 5, T - 1])
def test_completes_as_python_completes(ask, sketcher, drawn, points):
    longest = max(drawn, key=lambda sketch: len(sketch.stroke3))
    begun = Sketch(longest.stroke3[:points], WORD)
    expected = sketcher.complete(begun, WORD, ROWS, TEMPERATURE, SEED)
    for rows in (points + 1, T):  # padding says nothing
        answer = ask(
            "complete", strokes=strokes_of([begun] * ROWS, rows), **GENERATE
        )
        assert_same_sketches(sketches_of(answer), expected)
    # As many rows as points are given.
    answer = ask(
        "complete",
        strokes=strokes_of([begun] * ROWS, points + 1)[:, :points],
        **GENERATE,
    )
    assert_same_sketches(sketches_of(answer), expected)


def test_completions_of_unlike_lengths_in_one_call(ask, drawn):
    lengths = [0, 1, 4, 12, 7, 2]
    longest = max(drawn, key=lambda sketch: len(sketch.stroke3))
    begun = [Sketch(longest.stroke3[:n], WORD) for n in lengths]
    together = ask("complete", strokes=strokes_of(begun), **GENERATE)
    for row, strokes in enumerate(strokes_of(begun)):
        alone = ask(
            "complete",
            strokes=[strokes],
            **{k: v[row : row + 1] for k, v in GENERATE.items()},
        )
        assert_same_rows(alone, together, [row])
        n = lengths[row]
        np.testing.assert_allclose(
            together["strokes"][row, :n], strokes[:n], atol=1e-3
        )


@pytest.fixture(scope="module")
def calls(sketcher):
    """What an export is measured by."""
    metadata = metadata_of(sketcher.model, {"model": "toy"})
    return stateless_calls(sketcher, metadata)


def test_every_signature_answers_as_python(ask, calls):
    assert {c.signature for c in calls} == set(contract.SKETCHER.signatures)
    for call in calls:
        assert_answers(ask(call.signature, **call.inputs), call.outputs)
    generate = calls[0]
    assert_answers(ask("serving_default", **generate.inputs), generate.outputs)


@pytest.fixture(scope="module")
def of_another(calls):
    """The first call, as a model answers it of which one weight is another."""
    model = make_model()
    kernel = model.decoder.rnn.recurrent_kernel
    kernel.assign_add(tf.scatter_nd([[3, 5]], [0.05], kernel.shape))
    asked = calls[0].inputs
    seeds, temperature = asked["seed"], float(asked["temperature"][0])
    drawn = Sketcher(model).generate(
        WORD, len(seeds), temperature, int(seeds[0, 0]), tries=1
    )
    strokes = drawings(model.schema, drawn)
    return calls[0]._replace(outputs={"strokes": strokes})


def test_another_weight_is_another_answer(ask, calls, of_another):
    """One of many, changed by a little, is enough to be found out."""
    call = calls[0]
    answer = call._replace(outputs=ask(call.signature, **call.inputs))
    verify._compare(call, answer, "any")
    with pytest.raises(ValueError, match=r"generate must answer .* strokes"):
        verify._compare(of_another, answer, "any")


def assert_answers(received, expected):
    for name, value in expected.items():
        if value.dtype.kind in "fib":
            np.testing.assert_allclose(received[name], value, atol=2e-3)
        else:
            assert received[name].tolist() == value.tolist()


def assert_same_rows(part, whole, rows):
    for name, value in part.items():
        # Sums are rounded in an order that depends on the number of rows.
        np.testing.assert_allclose(value, whole[name][rows], atol=2e-3)


def test_a_row_does_not_depend_on_the_others(ask):
    conditions = np.array([[1, 0], [0, 1], [0.5, 0.5], [1, 0], [0, 1], [1, 0]])
    temperatures = np.array([1, 0.1, 1, 2, 1, 0.5])
    inputs = {
        "condition": conditions,
        "seed": np.array(SEEDS),
        "temperature": temperatures,
    }
    whole = ask("generate", **inputs)
    for rows in ([0], [5], [3, 1], [2, 2, 2, 4]):
        part = ask("generate", **{k: v[rows] for k, v in inputs.items()})
        assert_same_rows(part, whole, rows)
    # And each of its own inputs counts.
    for name, other in (
        ("condition", 1 - conditions),
        ("seed", np.array(SEEDS)[::-1]),
        ("temperature", temperatures * 3),
    ):
        changed = ask("generate", **{**inputs, name: other})
        differs = np.abs(changed["strokes"] - whole["strokes"]).max((1, 2))
        assert (differs[:2] > 1e-2).all(), name


def test_labels_tell_of_the_model(ask, sketcher):
    answer = ask("labels", row=[3, 4])
    assert answer["metadata"].shape == (2,)
    metadata = Metadata.loads(answer["metadata"][1].decode())
    schema = type(sketcher.schema).from_json(metadata.schema)
    assert schema == sketcher.schema
    assert metadata.latent_size == Z
    assert metadata.condition_size == schema.condition_size
    assert metadata.training == {"model": "toy"}
    assert metadata.config["model"]["rnn"] == toys.MODEL.rnn


# --- Bad requests ------------------------------------------------------------

DRAWING = np.tile([1.0, 2, 1, 0, 0], (ROWS, 3, 1))
IMAGE = np.zeros((ROWS, S, S))


def changed(array, value, where=0):
    array = np.array(array, np.float64)
    array.flat[where] = value
    return array


BAD = [
    ("generate", {"condition": changed(CONDITION, np.nan)}, "CONDITION", "nan"),
    (
        "generate",
        {"condition": changed(CONDITION, -np.inf)},
        "CONDITION",
        "inf",
    ),
    (
        "generate",
        {"condition": changed(CONDITION, 1e7)},
        "CONDITION",
        "1e+07",
    ),
    ("generate", {"condition": np.ones((ROWS, 3))}, "SHAPE", "[B, 2]"),
    ("generate", {"condition": np.ones(ROWS)}, "SHAPE", "condition"),
    ("generate", {"condition": np.ones((ROWS - 1, 2))}, "SHAPE", "rows"),
    ("generate", {"seed": np.ones((ROWS, 3))}, "SHAPE", "seed"),
    ("generate", {"temperature": np.zeros(ROWS)}, "TEMPERATURE", "[0 0 0 0"),
    ("generate", {"temperature": -np.ones(ROWS)}, "TEMPERATURE", "-1"),
    (
        "generate",
        {"temperature": changed(np.ones(ROWS), np.nan, 3)},
        "TEMPERATURE",
        "nan",
    ),
    ("generate", {"temperature": 1.0}, "SHAPE", "temperature"),
    (
        "generate",
        {
            "condition": np.zeros((0, 2)),
            "seed": np.zeros((0, 2)),
            "temperature": np.zeros(0),
        },
        "SHAPE",
        "[0 2]",
    ),
    ("decode", {"latents": np.ones((ROWS, Z + 1))}, "SHAPE", f"[B, {Z}]"),
    ("decode", {"latents": np.full((ROWS, Z), np.nan)}, "LATENTS", "nan"),
    ("complete", {"strokes": changed(DRAWING, np.nan, 6)}, "STROKES", "nan"),
    ("complete", {"strokes": changed(DRAWING, np.inf)}, "STROKES", "inf"),
    ("complete", {"strokes": DRAWING[..., :3]}, "SHAPE", "strokes"),
    ("complete", {"strokes": DRAWING * 0}, "STROKES", "one-hot"),
    ("complete", {"strokes": changed(DRAWING, 0.5, 2)}, "STROKES", "0.5"),
    ("complete", {"strokes": changed(DRAWING, 1, 4)}, "STROKES", "one-hot"),
    (
        "complete",
        {"strokes": np.tile(DRAWING[:, :1], (1, T, 1))},
        "POINTS",
        str(T - 1),
    ),
    (
        "complete",
        {"strokes": np.tile([0, 0, 0, 0, 1], (ROWS, T + 1, 1))},
        "POINTS",
        str(T - 1),
    ),
    ("encode", {"image": np.zeros((ROWS, S, S + 1))}, "SHAPE", "image"),
    ("reconstruct", {"image": np.zeros((1, S, S))}, "SHAPE", "rows"),
    ("labels", {"row": np.zeros(0)}, "SHAPE", "row"),
]


@pytest.mark.parametrize(("name", "bad", "code", "told"), BAD)
def test_a_bad_request_is_told_why_and_does_no_harm(ask, name, bad, code, told):
    good = {
        **GENERATE,
        "strokes": DRAWING,
        "image": IMAGE,
        "latents": np.zeros((ROWS, Z)),
        "row": [0],
    }
    before = ask(name, **good)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        ask(name, **{**good, **bad})
    text = str(error.value)
    assert "assertion failed" in text and told in text
    assert code_of(text) in [c for c in Code if c.endswith(f"_{code}")]
    assert len(text[text.index("assertion") :].split("\n")[0]) < 1000
    for name_, value in ask(name, **good).items():
        np.testing.assert_array_equal(value, before[name_])


def test_a_text_names_rule_value_and_remedy(ask):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        ask("generate", **{**GENERATE, "temperature": -np.ones(ROWS)})
    assert (
        "[INVALID_TEMPERATURE: temperature must lie between 1e-06 and 1e+06; "
        "received] [-1 -1 -1 -1...] [. Try 0.3"
    ) in str(error.value)


# --- Tries ------------------------------------------------------------------


@pytest.fixture(scope="module")
def critical():
    """Draws with tries."""
    config = toys.CONFIG.replace([("model.critic_units", 4)])
    return Sketcher(make_model(config))


def test_tries_are_those_of_python(critical):
    metadata = metadata_of(critical.model, {"model": "toy"})
    assert metadata.has_critic
    calls = StatelessCalls(critical.model, metadata)
    expected = {c.signature: c for c in stateless_calls(critical, metadata)}
    for signature in (contract.GENERATE_BEST, contract.COMPLETE_BEST):
        call = expected[signature.name]
        assert (call.inputs["tries"] == DEFAULT_TRIES).all()
        graph = trace(signature, metadata.sizes, getattr(calls, signature.name))
        inputs = {k: tf.constant(v) for k, v in call.inputs.items()}
        assert_answers(graph(**inputs), call.outputs)
    # They are not those of the first try.
    first = expected["generate"].outputs["strokes"]
    assert (expected["generate_best"].outputs["strokes"] != first).any()


def test_without_a_critic_the_first_try_is_kept(ask):
    tries = {"tries": np.full(ROWS, 3)}
    assert_same_rows(
        ask("generate_best", **GENERATE, **tries),
        ask("generate", **GENERATE),
        range(ROWS),
    )


@pytest.mark.parametrize("tries", [0, contract.MAX_TRIES + 1])
def test_tries_out_of_range_are_refused(ask, tries):
    numbers = np.ones(ROWS)
    numbers[2] = tries
    with pytest.raises(Exception, match=r"tries must be 1 to 16") as caught:
        ask("generate_best", **GENERATE, tries=numbers)
    assert code_of(str(caught.value)) == Code.INVALID_TRIES
