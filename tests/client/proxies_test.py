"""Proxies: this machine's servers are reached past them, others name them."""

import socket
import threading

import grpc
import pytest

from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.errors import Failure, UnavailableError, error_of
from sketcher_tf.client.proxies import is_loopback, proxy_of
from tests.testing.fakes import FakeServer, impatient

PROXY = "http://user:secret@127.0.0.1:9"


@pytest.mark.parametrize(
    ("target", "loopback"),
    [
        ("localhost:8500", True),
        ("LOCALHOST:8500", True),
        ("api.localhost:8500", True),
        ("127.0.0.1:8500", True),
        ("127.3.2.1", True),
        ("[::1]:8500", True),
        ("::1", True),
        ("ipv4:127.0.0.1:8500", True),
        ("ipv6:[::1]:8500", True),
        ("dns:///localhost:8500", True),
        ("dns://8.8.8.8/localhost:8500", True),
        ("unix:/tmp/socket", True),
        ("host:8500", False),
        ("dns:///sketcher:8500", False),
        ("ipv4:10.0.0.1:8500", False),
        ("localhost.example:8500", False),
        ("notlocalhost:8500", False),
    ],
)
def test_loopback_is_told(monkeypatch, target, loopback):
    for name in ("no_proxy", "no_grpc_proxy", "grpc_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", PROXY)
    assert is_loopback(target) == loopback
    assert bool(proxy_of(target)) != loopback


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, ""),
        ({"http_proxy": PROXY}, "http_proxy=http://127.0.0.1:9"),
        (
            {"http_proxy": PROXY, "https_proxy": "http://other:8080/"},
            "https_proxy=http://other:8080",
        ),
        ({"http_proxy": PROXY, "no_proxy": "a.example, Example"}, ""),
        ({"http_proxy": PROXY, "no_proxy": ".example"}, ""),
        (
            {"http_proxy": PROXY, "no_proxy": "other.example,"},
            "http_proxy=http://127.0.0.1:9",
        ),
    ],
)
def test_the_proxy_is_named_by_grpcs_rules(monkeypatch, environment, proxy):
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of("host.example:8500") == proxy


@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "grpc_proxy"])
def test_this_machine_is_reached_past_a_proxy(monkeypatch, name):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(name, PROXY)
    with FakeServer() as server:
        port = server.target.rpartition(":")[2]
        for target in (f"localhost:{port}", f"dns:///localhost:{port}"):
            with SketcherClient(target) as client:
                assert client.labels().words


def test_a_failure_behind_a_proxy_names_it(monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse():
            while True:
                try:
                    peer, _ = proxy.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(1000)
                    peer.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        threading.Thread(target=refuse, daemon=True).start()
        port = proxy.getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{port}")
        with (
            SketcherClient("sketcher.example:8500") as client,
            pytest.raises(UnavailableError) as error,
        ):
            impatient(client)
            client.labels()
    assert f"the proxy http_proxy=http://127.0.0.1:{port};" in str(error.value)
    assert "no_proxy" in str(error.value)
    assert "secret" not in str(error.value)


def test_without_a_proxy_nothing_is_said_of_one():
    failure = Failure("labels", "sketcher", "1", "host:1", 1.0, 1, "refused")
    error = error_of(grpc.StatusCode.UNAVAILABLE, failure)
    assert "proxy" not in str(error)
