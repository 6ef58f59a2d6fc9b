"""The examples of callers in other languages, as their users run them."""

import os
import re
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.serving.gateway.gateway_test import Running
from tests.testing import fakes
from tests.testing.browser import NEEDS_CHROMIUM, chromium
from tests.testing.source_imports import ROOT

EXAMPLES = ROOT / "serving" / "examples"
WEB, GO = EXAMPLES / "web", EXAMPLES / "go"
BUF = WEB / "node_modules" / ".bin" / "buf"
DEBIANS = Path("/usr/share/gocode")  # sources of Go packages

needs_npm = pytest.mark.skipif(
    not BUF.exists(), reason=f"needs its packages: npm --prefix {WEB} ci"
)


def run(command, folder, seconds=120, **environment):
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_npm
def test_the_messages_keep_the_rules_of_buf():
    run([BUF, "lint"], ROOT / "serving" / "proto")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Its address, built as `npm run build` does."""
    folder = tmp_path_factory.mktemp("page")
    run(["npm", "run", "build", "--", f"--outDir={folder}"], WEB)
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join(60)


@pytest.fixture(scope="module")
def running():
    with fakes.FakeServer() as server:
        running = Running(server, cors_origins=("*",))
        yield running
        running.stop()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@needs_npm
@NEEDS_CHROMIUM
@pytest.mark.parametrize("protocol", ["", "&grpc-web"], ids=["connect", "web"])
def test_a_page_watches_a_sketch(browser, page, running, protocol):
    gateway = f"http://localhost:{running.gateway.http_port}"
    tab = browser.new_page()
    tab.goto(f"{page}/?gateway={gateway}{protocol}")
    status = tab.get_by_role("status")
    expect(status).to_have_text(f"{len(fakes.WORDS)} words.")
    tab.get_by_label("What").fill("pig")
    tab.get_by_role("button").click()
    count = len(fakes.expected("pig", 7))
    expect(status).to_have_text(f"pig: {count} points, finished.")
    tab.get_by_label("What").fill("owl")
    tab.get_by_role("button").click()
    expect(status).to_contain_text("received 'owl'")
    tab.close()


@pytest.mark.skipif(
    not (shutil.which("go") and shutil.which("protoc-gen-go-grpc")),
    reason="needs Debian's golang-google-grpc-dev and protoc-gen-go-grpc",
)
@needs_npm
def test_a_program_in_go_draws(running, tmp_path):
    place = tmp_path / "src" / "example.com" / "sketcher"
    shutil.copytree(GO, place, ignore=shutil.ignore_patterns("sketcher"))
    run([BUF, "generate", ROOT / "serving" / "proto"], place)
    run(
        ["go", "build", "-o", tmp_path / "draw", "."],
        place,
        300,
        GO111MODULE="off",
        GOPATH=f"{tmp_path}:{DEBIANS}",
    )
    target = f"localhost:{running.gateway.grpc_port}"
    told = run([tmp_path / "draw", f"-target={target}", "-category=pig"], place)
    points = [len(fakes.expected("pig", 7, k)) for k in range(2)]
    found = re.findall(r"(\d+) points, finished true", told)
    assert list(map(int, found)) == [*points, points[0]]
