"""Certificates: those that a gateway demands, and those that it shows."""

import http.client
import json
import signal
import ssl
import subprocess
import sys

import grpc
import pytest
import trustme

from serving.proto.sketcher.v1 import sketcher_pb2 as pb
from serving.proto.sketcher.v1 import sketcher_pb2_grpc as pb_grpc
from sketcher_tf.client import Tls
from tests.serving.gateway.gateway_test import Running
from tests.testing.fakes import FakeServer, told
from tests.testing.source_imports import ROOT

REQUEST = pb.GenerateRequest(category="cat", count=2)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def running(authority, tmp_path_factory):
    """A gateway that lets in whom `authority` vouches for."""
    folder = tmp_path_factory.mktemp("pem")
    own = authority.issue_cert("localhost")
    own.private_key_pem.write_to_path(folder / "key.pem")
    own.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    with FakeServer() as server:
        running = Running(
            server,
            certificate=str(folder / "certificate.pem"),
            key=str(folder / "key.pem"),
            client_ca=str(folder / "ca.pem"),
        )
        yield running
        running.stop()


@pytest.fixture(params=["ours", "another's", "none"])
def certificate(request, authority):
    """Of a client, and whether it is to be let in."""
    issuers = {"ours": authority, "another's": trustme.CA(), "none": None}
    issuer = issuers[request.param]
    issued = issuer and issuer.issue_cert("client.example")
    return issued, issuer is authority


def test_grpc(running, authority, certificate):
    issued, welcome = certificate
    pair = (None, None)
    if issued:
        chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
        pair = issued.private_key_pem.bytes(), chain
    credentials = grpc.ssl_channel_credentials(
        authority.cert_pem.bytes(), *pair
    )
    target = f"localhost:{running.gateway.grpc_port}"
    with grpc.secure_channel(target, credentials) as channel:
        generate = pb_grpc.SketcherServiceStub(channel).Generate
        if welcome:
            assert len(generate(REQUEST, timeout=20).sketches) == 2
            return
        with pytest.raises(grpc.RpcError) as error:
            generate(REQUEST, timeout=20)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE


def test_http(running, authority, certificate):
    issued, welcome = certificate
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if issued:
        issued.configure_cert(context)
    connection = http.client.HTTPSConnection(
        "localhost", running.gateway.http_port, timeout=20, context=context
    )
    body = json.dumps({"category": "cat", "count": 2})
    try:
        if welcome:
            connection.request("POST", "/v1/sketches:generate", body)
            answer = json.loads(connection.getresponse().read())
            assert len(answer["sketches"]) == 2
            return
        with pytest.raises((ssl.SSLError, ConnectionError)):
            connection.request("POST", "/v1/sketches:generate", body)
            connection.getresponse()
    finally:
        connection.close()


def test_nobody_is_let_in_plainly(running):
    stub = pb_grpc.SketcherServiceStub(running.channel)
    with pytest.raises(grpc.RpcError) as error:
        stub.Generate(REQUEST, timeout=20)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        running.ask("/healthz")


# --- Towards the servables ----------------------------------------------------


def pem(issued):
    """Chain and key of a certificate."""
    chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
    return chain, issued.private_key_pem.bytes()


@pytest.fixture(scope="module")
def careful(authority):
    """A server that lets in whom `authority` vouches for."""
    chain, key = pem(authority.issue_cert("localhost"))
    ca = authority.cert_pem.bytes()
    credentials = grpc.ssl_server_credentials([(key, chain)], ca, True)
    with FakeServer(credentials=credentials) as server:
        yield server


@pytest.mark.parametrize("shown", ["nothing", "no certificate", "another's"])
def test_a_server_refuses_a_gateway_without_its_certificate(
    careful, authority, shown
):
    ca = authority.cert_pem.bytes()
    tls = {
        "nothing": None,
        "no certificate": Tls(ca),
        "another's": Tls(ca, *pem(trustme.CA().issue_cert("gateway.example"))),
    }
    running = Running(careful, target_tls=tls[shown])
    try:
        with pytest.raises(grpc.RpcError) as error:
            running.stub.Generate(REQUEST, timeout=0.5)
    finally:
        running.stop()
    assert error.value.code() in {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }


def test_the_command_speaks_tls_to_a_server(careful, authority, tmp_path):
    chain, key = pem(authority.issue_cert("gateway.example"))
    files = {"ca": authority.cert_pem.bytes(), "certificate": chain, "key": key}
    options = []
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        options.append(f"--target_{name}={tmp_path / name}")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "serving.gateway", "--grpc_port=0"),
            *("--http_port=0", f"--target={careful.target}", *options),
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = told(process, r"gRPC at \S+:(\d+),")[1]
        with grpc.insecure_channel(f"localhost:{port}") as channel:
            generate = pb_grpc.SketcherServiceStub(channel).Generate
            assert len(generate(REQUEST, timeout=20).sketches) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stderr.close()
