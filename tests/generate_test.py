import functools
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from sketcher_tf import generate
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.sketcher import Sketcher
from tests.testing import toys


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    model = AISketcher(toys.CONFIG, toys.SCHEMA)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if not weight.path.startswith("seed"):
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
    # Sketches of a point or none would not be read back.
    bias = model.decoder.output_projection.bias
    bias.assign_add(-3 * np.eye(1, bias.shape[0], 2)[0])
    path = tmp_path_factory.mktemp("run") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def load():
    """`Sketcher.load`, which prepares for drawing once and not at each call."""
    return functools.cache(Sketcher.load)


@pytest.fixture
def run(model, load, tmp_path, monkeypatch):
    """Runs the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Sketcher, "load", load)

    def call(*args):
        given = [f"--model={model}", "--output=sketches.png", *args]
        generate.COMMAND.run(generate.main, given)

    return call


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def words(path):
    return [row["word"] for row in rows(path)]


def test_every_kind_of_file_is_written(run, tmp_path):
    for ending in ("png", "gif"):
        run("--count=2", f"--output=a.{ending}")
        with Image.open(tmp_path / f"a.{ending}") as image:
            image.load()
    run("--count=2", "--output=a.svg")
    assert "zigzag</text>" in (tmp_path / "a.svg").read_text()
    ET.parse(tmp_path / "a.svg")
    run("--count=2", "--output=a.ndjson")
    assert words(tmp_path / "a.ndjson") == ["ring"] * 2 + ["zigzag"] * 2
    run("--count=2", "--output=b.svg", "--separate")
    assert sorted(p.name for p in tmp_path.glob("b*")) == [
        "b-ring-1.svg",
        "b-ring-2.svg",
        "b-zigzag-1.svg",
        "b-zigzag-2.svg",
    ]


def test_seed_repeats_the_drawings(run, tmp_path):
    common = "--category=ring,ring*1+zigzag*3", "--count=3"
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        run(*common, f"--seed={seed}", f"--output={name}.ndjson")
    a, b, c = (
        (tmp_path / f"{name}.ndjson").read_bytes() for name in ("a", "b", "c")
    )
    assert a == b != c
    assert (
        words(tmp_path / "a.ndjson") == ["ring"] * 3 + ["ring*1+zigzag*3"] * 3
    )
    run(*common, "--output=d.ndjson")
    run(*common, "--output=e.ndjson")
    assert rows(tmp_path / "d.ndjson") != rows(tmp_path / "e.ndjson")


def test_greedy_is_temperature_0(run, tmp_path):
    common = "--category=ring", "--count=2", "--seed=1"
    run(*common, "--greedy", "--output=a.ndjson")
    run(*common, "--temperature=0", "--output=b.ndjson")
    run(*common, "--temperature=1", "--output=c.ndjson")
    a, b, c = (rows(tmp_path / f"{name}.ndjson") for name in "abc")
    assert a == b != c


def test_what_was_drawn_can_be_given_again(run, tmp_path):
    run("--category=ring", "--count=3", "--seed=1", "--output=ring.ndjson")
    run("--category=zigzag", "--count=1", "--seed=2", "--output=zigzag.ndjson")

    run("--complete=ring.ndjson", "--count=4", "--limit=2", "--output=c.ndjson")
    assert words(tmp_path / "c.ndjson") == ["ring"] * 8
    [given, *_] = rows(tmp_path / "ring.ndjson")
    [drawn, *_] = rows(tmp_path / "c.ndjson")
    first = np.array(given["drawing"][0])
    same = np.array(drawn["drawing"][0])
    # From corner to corner: offsets are kept, to 2 decimals.
    np.testing.assert_allclose(np.diff(same), np.diff(first), atol=0.03)

    run("--reconstruct=ring.ndjson", "--output=r.ndjson")
    assert words(tmp_path / "r.ndjson") == ["ring"] * 3
    run("--reconstruct=ring.ndjson", "--category=zigzag", "--output=z.ndjson")
    assert words(tmp_path / "z.ndjson") == ["zigzag"] * 3
    run("--reconstruct=ring.ndjson", "--output=r.svg")
    sheet = (tmp_path / "r.svg").read_text()
    assert "given</text>" in sheet
    assert "drawn</text>" in sheet

    # Flags may stand before and after the second file.
    run(
        *("--interpolate", "ring.ndjson", "zigzag.ndjson"),
        *("--count=5", "--output=i.ndjson"),
    )
    assert words(tmp_path / "i.ndjson") == ["ring to zigzag"] * 5


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--category=owl"], "received 'owl'. Known: category: ring, zigzag."),
        (["--output=a.jpg"], "must end in one of"),
        (["--complete=none.ndjson"], "received 'none.ndjson'"),
        (["--model=none"], "a model must be a run folder, a .keras file"),
        (["--interpolate=a.ndjson"], "--interpolate takes two files"),
        (
            ["--interpolate", "a", "b", "c"],
            "received ['a', 'b', 'c']. Write --interpolate A B.",
        ),
        (["ring"], "received ['ring']"),
    ],
)
def test_errors_are_one_line(run, tmp_path, args, text):
    with pytest.raises(SystemExit) as exit_:
        run("--count=1", *args)
    assert exit_.value.code.startswith("error: ")
    assert text in exit_.value.code
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arg", ["--count=0", "--temperature=-1", f"--seed={2**31}"]
)
def test_flags_have_limits(run, arg):
    with pytest.raises(SystemExit, match=f"error: flag {arg}"):
        run(arg)


def test_words_are_listed(run, capsys):
    run("--category=list")
    assert capsys.readouterr().out == "ring\nzigzag\n"


def test_several_models_draw_in_one_call(run, model, tmp_path):
    run(f"--model={model},{model}", "--count=2", "--output=a.ndjson")
    assert words(tmp_path / "a.ndjson") == (["ring"] * 2 + ["zigzag"] * 2) * 2
    run(f"--model={model},{model}", "--count=2", "--output=a.svg")
    assert "zigzag model</text>" in (tmp_path / "a.svg").read_text()
