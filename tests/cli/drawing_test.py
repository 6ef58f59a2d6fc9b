import json

import numpy as np
import pytest
from absl import flags

from sketcher_tf import rendering
from sketcher_tf.cli.drawing import DrawingFlags
from sketcher_tf.cli.reading import ReadingFlags
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.sketches import Sketch

_STROKES = np.array([[9, 0, 0], [0, 9, 1]], np.float32)
_FEW = Schema((Factor("category", ("cat", "pig")),), 1.0, 9, 8)
_MANY = Schema((Factor("category", tuple(map(str, range(345)))),), 1.0, 9, 8)
_FACES = Schema(
    (Factor("gender", ("female", "male")), Factor("mood", ("happy",))),
    1.0,
    9,
    8,
)


class Drawer:
    """Notes what it is asked for."""

    def __init__(self):
        self.asked = []

    def generate(self, category, count, temperature, seed, tries):
        self.asked.append((category, count, temperature, seed, tries))
        return [Sketch(_STROKES, category)] * count

    def interpolate(self, first, last, count, temperature, seed):
        self.asked.append(("walk", count, temperature, seed))
        return [first] * count


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def draw(*args, schema=_FEW, walk_temperature=0.3):
        values = flags.FlagValues()
        drawing = DrawingFlags(values, ReadingFlags(values), walk_temperature)
        rest = values(["draw", "--output=a.ndjson", *args])[1:]
        drawing.check(rest)
        drawer = Drawer()
        seed = drawing.seed
        drawing.save(drawing.draw(drawer, schema, seed, rest), seed)
        return drawer.asked

    return draw


def words(asked):
    return [category for category, *_ in asked]


def test_what_is_asked_for_is_drawn(ask):
    args = "--count=3", "--temperature=0.5", "--seed=7"
    assert ask("--category=cat, pig", *args) == [
        ("cat", 3, 0.5, 7, None),
        ("pig", 3, 0.5, 7, None),
    ]
    assert ask("--category=cat", "--tries=2", *args) == [("cat", 3, 0.5, 7, 2)]


@pytest.mark.parametrize(
    ("args", "temperature"),
    [([], None), (["--temperature=0"], 0.0), (["--greedy"], 0.0)],
)
def test_the_temperature(ask, args, temperature):
    [[_, _, drawn, *_]] = ask("--category=cat", *args)
    assert drawn == temperature


def test_a_walk_has_a_temperature_of_its_own(ask, tmp_path):
    sheet = {"cat": [Sketch(_STROKES, "cat")]}
    rendering.save(sheet, tmp_path / "cat.ndjson")
    walk = "--interpolate", "cat.ndjson", "cat.ndjson", "--seed=1"
    assert ask(*walk) == [("walk", 10, 0.3, 1)]
    assert ask(*walk, walk_temperature=0.0) == [("walk", 10, 0.0, 1)]
    assert ask(*walk, "--temperature=1", walk_temperature=0.0) == [
        ("walk", 10, 1.0, 1)
    ]


def test_without_a_category_it_is_all_or_a_handful(ask):
    assert words(ask()) == ["cat", "pig"]
    first, same, other = (
        words(ask(f"--seed={seed}", schema=_MANY)) for seed in (1, 1, 2)
    )
    assert first == same != other
    assert len(set(first)) == 8
    assert first == sorted(first, key=int)
    assert words(ask("--category=all", schema=_MANY)) == list(_MANY.words)


def test_a_comma_stands_between_factors_if_there_are_several(ask):
    text = "gender=male,mood=happy"
    assert words(ask(f"--category={text}", schema=_FACES)) == [text]


def test_what_was_drawn_is_told_with_its_seed(ask, tmp_path, caplog):
    caplog.set_level("INFO")
    [[*_, seed, _]] = ask("--category=cat")
    assert caplog.messages == [f"Drew a.ndjson with --seed={seed}"]
    rows = (tmp_path / "a.ndjson").read_text().splitlines()
    assert [json.loads(row)["word"] for row in rows] == ["cat"] * 10


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--output=a.jpg"], "must end in one of"),
        (["cat"], r"received \['cat'\]. Write for example --category=cat"),
        (["--interpolate=a"], r"takes two files; received \['a'\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused_beforehand(ask, args, told):
    with pytest.raises(ValueError, match=told):
        ask(*args)
