"""The command line."""

import functools
import json
import os
import re
from unittest import mock

import pytest

from sketcher_tf import evaluate
from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.evaluate import check_recognised
from sketcher_tf.evaluation import classifier
from sketcher_tf.evaluation.classifier import ClassifierConfig
from sketcher_tf.evaluation.models import load_models
from tests.testing import processes, toys
from tests.testing.exports import make_model


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return toys.prepare(tmp_path_factory.mktemp("data") / "toys", 16, 2, 6)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "toy" / "model.keras"
    path.parent.mkdir()
    # The command looks at drawings only, whatever draws them.
    small = [("model.image_latent_size", 0), ("model.influence", "none")]
    config = toys.CONFIG.replace(small)
    make_model(config, read_manifest(data).schema).save(path)
    return path


def run_command(args, cache):
    """In a process of its own, with a classifier that is soon trained."""
    os.environ |= {"PATH": "", "XDG_CACHE_HOME": str(cache)}
    small = functools.partial(
        ClassifierConfig, filters=4, features=8, epochs=1, min_steps=20
    )
    with mock.patch.object(classifier, "ClassifierConfig", small):
        evaluate.COMMAND.run(evaluate.main, args)


def test_the_command_writes_page_and_numbers(data, model, tmp_path):
    output = tmp_path / "new" / "report.html"
    args = [
        *(f"--model=a={model}", f"--model=b={model.parent}"),
        *(f"--data={data}", "--count=2", "--baseline=b"),
        f"--output={output}",
    ]
    assert processes.finish(processes.start(run_command, args, tmp_path)) == [0]
    results = json.loads(output.with_suffix(".json").read_text())
    assert results["baseline"] == "b"
    # The same model under two names.
    assert results["models"]["a"] == results["models"]["b"]
    compared = results["comparisons"]["a"]["recognised_difference"]
    assert compared["value"] == 0
    check_recognised(results, compared["value"])
    assert "</html>" in output.read_text()
    assert sorted(p.name for p in output.parent.iterdir()) == [
        "report.html",
        "report.json",
    ]


def test_models_below_the_threshold_are_refused():
    shares = {"a": 0.7, "b": 0.5, "b, one try": 0.1}
    results = {
        "models": {
            name: {"generated": {"recognised": {"share": {"value": share}}}}
            for name, share in shares.items()
        }
    }
    check_recognised(results, 0.5)
    with pytest.raises(ValueError, match=r"received 0\.500 for b"):
        check_recognised(results, 0.6)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--output=a.pdf"], "the report must be a .html file"),
        (["more"], "everything is given by flags; received ['more']"),
    ],
)
def test_errors_are_one_line(args, told):
    with pytest.raises(SystemExit, match=re.escape(f"error: {told}")):
        evaluate.COMMAND.run(evaluate.main, args)


def test_models_have_names(model, monkeypatch):
    copy = model.with_name("best=1.keras")
    copy.write_bytes(model.read_bytes())
    for text, name in (
        (f"ours={model}", "ours"),
        (f"ours={model.parent}", "ours"),
        (str(model), "toy"),
        (str(model.parent), "toy"),
        (str(copy), "best=1"),
    ):
        [(found, sketcher)] = load_models([text]).items()
        assert found == name
        assert sketcher.schema.words == toys.CATEGORIES
    monkeypatch.chdir(model.parents[1])
    model.parents[1].joinpath("runs").symlink_to(".")
    assert list(load_models([])) == ["toy"]


def test_there_must_be_a_model():
    with pytest.raises(FileNotFoundError, match="a model must be a run folder"):
        load_models(["ours=nowhere"])


@pytest.mark.parametrize("names", [["real"], ["a", "a"], [""]])
def test_names_must_tell_models_apart(model, names):
    with pytest.raises(ValueError, match="needs a name of its own"):
        load_models([f"{name}={model}" for name in names])
