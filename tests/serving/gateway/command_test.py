"""The gateway as a command, and a caller in another language."""

import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.testing.fakes import FakeServer, told
from tests.testing.source_imports import ROOT


@pytest.fixture
def ports():
    """gRPC's and HTTP's, of a gateway in a process of its own."""
    with FakeServer() as server:
        command = [
            *(sys.executable, "-m", "serving.gateway", "--grpc_port=0"),
            *("--http_port=0", f"--target={server.target}"),
        ]
        process = subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        try:
            found = told(process, r"gRPC at \S+:(\d+), .*:(\d+)")
            yield int(found[1]), int(found[2])
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.stderr.close()


def example():
    """The program that the documentation shows."""
    page = (ROOT / "docs" / "services.md").read_text()
    block, *_ = re.findall(r"```ts\n(.*?)```", page, re.S)
    return block


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
def test_the_example_draws(ports):
    program = example().replace("8080", str(ports[1]))
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"cat \d+ strokes, seed 7\n", done.stdout)


def test_the_command_asks_for_a_choice():
    done = subprocess.run(
        [sys.executable, "-m", "serving.gateway", "--host=0.0.0.0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "error: a gateway for other machines needs" in done.stderr
