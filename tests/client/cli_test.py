import json
import logging
import subprocess
import sys
import xml.etree.ElementTree as ET

import grpc
import numpy as np
import pytest
import trustme

from sketcher_tf.client import cli
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.channel import Tls
from sketcher_tf.rendering import save
from sketcher_tf.sketches import Sketch
from tests.testing import fakes
from tests.testing.fakes import FakeServer, expected


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def run(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*args):
        target = f"--target={server.target}"
        cli.COMMAND.run(cli.main, [target, *args])

    return call


@pytest.fixture
def drawings(tmp_path):
    """Two drawings of three and five points, in a file."""
    sketches = [
        Sketch(np.array([[9, 0, 0]] * n + [[0, 9, 1]], np.float32), word)
        for n, word in ((2, "cat"), (4, "pig"))
    ]
    save({"": sketches}, tmp_path / "given.ndjson")
    return "given.ndjson"


def rows(path):
    return [json.loads(row) for row in path.read_text().splitlines()]


def words(path):
    return [row["word"] for row in rows(path)]


def inputs_of(server, name):
    return [inputs for called, inputs, *_ in server.calls if called == name]


def test_generate(run, server, tmp_path):
    run("--category=cat", "--output=cat.svg", "--count=1")
    ET.parse(tmp_path / "cat.svg")
    categories = "--category=pig", "--category=cat*1+crab*1"
    run(
        *categories,
        *("--count=2", "--seed=5", "--temperature=0.25"),
        "--output=two.ndjson",
    )
    assert words(tmp_path / "two.ndjson") == ["pig"] * 2 + ["cat*1+crab*1"] * 2
    inputs = inputs_of(server, "generate")[1]
    assert inputs["seed"].tolist() == [[5, 0], [5, 1]]
    assert inputs["temperature"].tolist() == [0.25] * 2
    run("--count=1", "--output=all.ndjson")
    assert words(tmp_path / "all.ndjson") == list(fakes.WORDS)


def test_a_seed_is_made_up_and_told(run, server, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(2):
        run("--category=cat", "--output=a.svg")
    seeds = [int(i["seed"][0, 0]) for i in inputs_of(server, "generate")]
    assert len(set(seeds)) == 2
    assert caplog.messages == [
        f"Drew a.svg with --seed={seed}" for seed in seeds
    ]


def test_drawings_of_a_file(run, server, drawings, tmp_path):
    run(f"--complete={drawings}", "--count=3", "--output=c.ndjson")
    assert words(tmp_path / "c.ndjson") == ["cat"] * 3 + ["pig"] * 3
    run(f"--complete={drawings}", "--category=crab", "--output=c.svg")
    run(f"--reconstruct={drawings}", "--output=r.ndjson")
    assert words(tmp_path / "r.ndjson") == ["cat", "pig"]
    run(f"--reconstruct={drawings}", "--output=r.svg")
    assert "given</text>" in (tmp_path / "r.svg").read_text()
    run("--interpolate", drawings, drawings, "--count=4", "--output=i.ndjson")
    assert words(tmp_path / "i.ndjson") == ["cat"] * 4


@pytest.mark.parametrize(
    ("in_words", "in_flags"),
    [
        (["generate", "--category=pig"], ["--category=pig"]),
        (["complete", "--count=2", "FILE"], ["--complete=FILE", "--count=2"]),
        (["reconstruct", "FILE"], ["--reconstruct=FILE"]),
        (["interpolate", "FILE", "FILE"], ["--interpolate", "FILE", "FILE"]),
        (["live", "--category=pig"], ["--live", "--category=pig"]),
    ],
)
def test_flags_can_be_written_as_words(
    run, drawings, tmp_path, in_words, in_flags
):
    for args, name in ((in_words, "a.ndjson"), (in_flags, "b.ndjson")):
        given = [arg.replace("FILE", drawings) for arg in args]
        run(*given, "--seed=7", f"--output={name}")
    a, b = (rows(tmp_path / f"{name}.ndjson") for name in "ab")
    assert a == b


def test_live(run, tmp_path, capsys):
    run("--live", "--category=pig", "--seed=3", "--output=live.ndjson")
    points = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    np.testing.assert_array_equal(
        [[p["dx"], p["dy"], p["pen_lifted"]] for p in points],
        expected("pig", 3),
    )
    assert words(tmp_path / "live.ndjson") == ["pig"]


def test_labels(run, server, capsys):
    server.reload(4)
    run("--labels")
    assert capsys.readouterr().out == (
        "version 4\ncategory: cat, pig, crab\nrun: fake\n"
    )
    run("--labels", "--version=4")
    assert server.calls[-1][-1].version.value == 4
    run("--labels", "--label=stable")
    assert server.calls[-1][-1].version_label == "stable"


def test_words_are_listed(run, capsys):
    run("--category=list")
    assert capsys.readouterr().out == "cat\npig\ncrab\n"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--category=owl"], "received 'owl'"),
        (["--output=a.jpg"], "must end in one of"),
        (["--count=0"], "--count=0: 0 is not a positive integer"),
        (["--complete=none.ndjson"], "none.ndjson"),
        (["--live"], "--live draws one category; received []"),
        (["--labels", "--version=1", "--label=x"], "a number or a label"),
        (["--labels", "--key=none.pem"], "No such file"),
        (["paint"], "received ['paint']"),
    ],
)
def test_errors_are_one_line(run, server, tmp_path, args, text):
    with pytest.raises(SystemExit) as exit_:
        run(*args)
    assert exit_.value.code.startswith("error: ")
    assert text in exit_.value.code
    assert "\n" not in exit_.value.code
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_down_is_told(run, server):
    server.stop()
    with pytest.raises(SystemExit, match="error: labels of sketcher"):
        run("--labels", "--timeout=0.3")


def test_tls(tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    credentials = grpc.ssl_server_credentials(
        [
            (
                (tmp_path / "key.pem").read_bytes(),
                (tmp_path / "certificate.pem").read_bytes(),
            )
        ],
        (tmp_path / "ca.pem").read_bytes(),
        require_client_auth=True,
    )
    with FakeServer(credentials=credentials) as server:
        args = [
            f"--{name}={tmp_path / name}.pem"
            for name in ("ca", "certificate", "key")
        ]
        target = f"--target={server.target}"
        cli.COMMAND.run(cli.main, ["--labels", target, *args])
        assert server.names() == ["labels"]


def test_tls_by_the_usual_authorities_and_sessions_elsewhere():
    given = {}

    def connect(target, **options):
        given.update(options)
        return SketcherClient(target, **options)

    def main(arguments):
        cli.main(arguments, connect)

    with (
        FakeServer() as server,
        FakeServer() as other,
        pytest.raises(SystemExit, match=r"UNAVAILABLE|DEADLINE"),
    ):
        args = ["--live", "--category=cat", f"--target={server.target}"]
        args.append(f"--session_target={other.target}")
        cli.COMMAND.run(main, args)
        assert given["tls"] is None
        assert server.names() == []
        assert {"labels", "open", "step", "close"} == set(other.names())
        cli.COMMAND.run(main, [*args, "--tls", "--timeout=0.3"])
    assert given["tls"] == Tls()


def test_the_module_is_a_command(server, tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "serving.client", "generate"),
            f"--target={server.target}",
            *("--category=cat", "--count=1", f"--output={tmp_path}/cat.svg"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    ET.parse(tmp_path / "cat.svg")
