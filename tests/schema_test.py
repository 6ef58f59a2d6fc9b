import json

import numpy as np
import pytest

from sketcher_tf.data.schema import Factor, Manifest, Schema, Split

ANIMALS = Schema((Factor("category", ("cat", "ice cream")),), 20.0, 99, 64)
FACES = Schema(
    (
        Factor("gender", ("female", "male")),
        Factor("emotion", ("happy", "sad", "angry")),
    ),
    20.0,
    99,
    64,
)


@pytest.mark.parametrize("schema", [ANIMALS, FACES])
def test_schema_comes_back_from_json(schema):
    text = json.dumps(schema.to_json())
    assert Schema.from_json(json.loads(text)) == schema


def test_manifest_comes_back_from_json():
    manifest = Manifest(
        FACES,
        {"train": Split(("a", "b"), {3: 5, 20: 2}), "valid": Split((), {})},
        {"train": {"female": 7}, "valid": {}},
        {"too long": 2},
        ("x.ndjson",),
        "somebody",
    )
    assert Manifest.loads(manifest.dumps()) == manifest
    assert manifest.splits["train"].count == 7
    assert manifest.splits["valid"].count == 0


@pytest.mark.parametrize("schema", [ANIMALS, FACES])
def test_every_word_can_be_parsed(schema):
    for word in schema.words:
        condition = schema.parse(word)
        assert condition.dtype == np.float32
        assert condition.shape == (schema.condition_size,)
        assert (condition == 1).sum() == 1


def test_words_are_values_or_name_their_factor():
    assert ANIMALS.words == ("cat", "ice cream")
    assert FACES.words[0] == "gender=female"
    assert len(FACES.words) == 5


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("cat", [1, 0]),
        ("ice cream", [0, 1]),
        ("category = cat", [1, 0]),
        ("cat*0.5+ice cream*0.5", [0.5, 0.5]),
        ("cat*3 + ice cream", [0.75, 0.25]),
        ("cat+cat", [1, 0]),
    ],
)
def test_blends_sum_to_one(text, condition):
    np.testing.assert_allclose(ANIMALS.parse(text), condition)


def test_several_factors():
    np.testing.assert_allclose(
        FACES.parse("gender=male,emotion=happy*0.5+sad*0.5"),
        [0, 1, 0.5, 0.5, 0],
    )
    np.testing.assert_allclose(FACES.parse("sad,female"), [1, 0, 0, 1, 0])


def test_a_factor_not_named_is_spread_or_drawn():
    np.testing.assert_allclose(FACES.parse("sad"), [0.5, 0.5, 0, 1, 0])
    drawn = {
        tuple(FACES.parse("male", np.random.default_rng(seed))[2:])
        for seed in range(50)
    }
    assert drawn == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}


def test_encode_is_parse_of_numbers():
    ids = np.array([[0, 2], [1, 0]])
    expected = [FACES.parse("female,angry"), FACES.parse("male,happy")]
    np.testing.assert_array_equal(FACES.encode(ids), expected)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dog", r"words of the model; received 'dog'. Known: category: cat, i"),
        ("", "received ''"),
        ("kind=cat", "received 'kind=cat'"),
        ("cat*-1", r"a positive number; received 'cat\*-1'"),
        ("cat*much", r"received 'cat\*much'. Write for example cat\*0.5"),
        ("cat*nan", "positive"),
        ("cat*inf", "positive"),
        ("cat*0", "positive"),
    ],
)
def test_what_is_wrong_is_told(text, told):
    with pytest.raises(ValueError, match=told):
        ANIMALS.parse(text)
