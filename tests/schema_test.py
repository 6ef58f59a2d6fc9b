import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketcher_tf.schema import Factor, Schema

ANIMALS = Schema(
    (Factor("category", ("cat", "pig", "polar bear")),), 31.5, 120, 48
)
FACES = Schema(
    (
        Factor("gender", ("female", "male")),
        Factor("emotion", ("happy", "sad", "angry")),
    ),
    12.25,
    80,
    64,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", [1, 0, 0]),
        ("  pig ", [0, 1, 0]),
        ("polar bear", [0, 0, 1]),
        ("category=pig", [0, 1, 0]),
        ("cat*0.5+pig*0.5", [0.5, 0.5, 0]),
        ("cat*3 + pig*1", [0.75, 0.25, 0]),
        ("cat+pig", [0.5, 0.5, 0]),
        ("cat*2", [1, 0, 0]),
        ("cat+cat+pig*2", [0.5, 0.5, 0]),
        ("category=cat*1+polar bear*3", [0.25, 0, 0.75]),
    ],
)
def test_a_condition_of_one_factor(text, expected):
    condition = ANIMALS.parse(text)
    assert condition.dtype == np.float32
    np.testing.assert_allclose(condition, expected)


def test_words_may_have_signs_of_the_grammar():
    signs = ("c++", "a,b", "x=y", "five*star", "a*2+b")
    one = Schema((Factor("category", signs),), 1.0, 9, 8)
    two = Schema((Factor("kind", signs), Factor("size", ("s", "l"))), 1.0, 9, 8)
    for i, word in enumerate(signs):
        np.testing.assert_array_equal(one.parse(word), np.eye(5)[i])
        condition = two.parse(two.words[i])
        np.testing.assert_array_equal(condition, [*np.eye(5)[i], 0.5, 0.5])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gender=female,emotion=sad", [1, 0, 0, 1, 0]),
        ("emotion = sad , gender = male", [0, 1, 0, 1, 0]),
        ("gender=male,emotion=happy*0.5+sad*0.5", [0, 1, 0.5, 0.5, 0]),
        ("male,angry", [0, 1, 0, 0, 1]),
        ("angry,gender=female+male*3", [0.25, 0.75, 0, 0, 1]),
    ],
)
def test_a_condition_of_several_factors(text, expected):
    np.testing.assert_allclose(FACES.parse(text), expected)


@given(st.lists(st.floats(0.01, 100), min_size=3, max_size=3))
def test_a_blend_has_the_sum_1_and_the_proportions_of_its_weights(weights):
    terms = zip(ANIMALS.words, weights, strict=True)
    text = "+".join(f"{word}*{weight!r}" for word, weight in terms)
    expected = np.array(weights) / sum(weights)
    np.testing.assert_allclose(ANIMALS.parse(text), expected, rtol=1e-5)


def test_a_factor_not_named_is_even_without_a_generator():
    np.testing.assert_allclose(FACES.parse("male"), [0, 1, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(FACES.parse("sad"), [0.5, 0.5, 0, 1, 0])


def test_a_factor_not_named_takes_each_value_of_a_generator():
    rng = np.random.default_rng(0)
    seen = np.stack([FACES.parse("male", rng) for _ in range(300)])
    assert set(np.unique(seen)) == {0, 1}
    assert (seen[:, :2] == [0, 1]).all()
    assert (seen[:, 2:].sum(axis=1) == 1).all()
    assert (seen[:, 2:].sum(axis=0) > 60).all()


def test_a_factor_that_is_named_needs_no_generator():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    FACES.parse("male,sad", rng)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(
    ("schema", "text", "received"),
    [
        (ANIMALS, "dog", "'dog'"),
        (ANIMALS, "", "''"),
        (ANIMALS, "cat+dog*2", "'dog'"),
        (FACES, "gender=happy", "'gender=happy'"),
        (FACES, "mood=happy", "'mood=happy'"),
    ],
)
def test_an_unknown_word_is_answered_with_the_known_ones(
    schema, text, received
):
    with pytest.raises(ValueError) as error:
        schema.parse(text)
    message = str(error.value)
    assert f"received {received}." in message
    for factor in schema.factors:
        assert f"{factor.name}: {', '.join(factor.values)}" in message


@pytest.mark.parametrize(
    "weight", ["", "0", "-1", "nan", "inf", "half", "0.5.5"]
)
def test_a_weight_must_be_a_positive_number(weight):
    with pytest.raises(ValueError, match=r"positive number; received 'pig\*"):
        ANIMALS.parse(f"cat*0.5 + pig*{weight}")


@pytest.mark.parametrize("schema", [ANIMALS, FACES])
def test_every_word_is_read_as_its_one_hot(schema):
    assert len(schema.words) == schema.condition_size
    for i, word in enumerate(schema.words):
        assert np.flatnonzero(schema.parse(word) == 1).tolist() == [i]


def test_words_name_the_factor_where_there_are_several():
    assert ANIMALS.words == ("cat", "pig", "polar bear")
    assert FACES.words == (
        "gender=female",
        "gender=male",
        "emotion=happy",
        "emotion=sad",
        "emotion=angry",
    )


def test_value_numbers_become_one_hots():
    encoded = FACES.encode(np.array([[[0, 2], [1, 0]]]))
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]]


def test_encoding_agrees_with_parsing():
    for i, gender in enumerate(FACES.factors[0].values):
        for j, emotion in enumerate(FACES.factors[1].values):
            np.testing.assert_array_equal(
                FACES.encode(np.array([i, j])),
                FACES.parse(f"gender={gender},emotion={emotion}"),
            )


@pytest.mark.parametrize("schema", [ANIMALS, FACES])
def test_a_schema_survives_json(schema):
    text = json.dumps(schema.to_json())
    assert Schema.from_json(json.loads(text)) == schema
