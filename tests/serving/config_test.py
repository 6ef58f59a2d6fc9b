"""The files for the real server, as far as they can be checked without it."""

import re
from pathlib import Path

import grpc
import pytest
import trustme
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving import tls
from sketcher_tf import contract
from sketcher_tf.client.blocking import SketcherClient
from sketcher_tf.client.channel import Tls
from sketcher_tf.wire import messages
from tests.testing.fakes import FakeServer

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "serving" / "config"

# The flags of tensorflow_model_server (model_servers/main.cc, release 2.20).
FLAGS = """
    port grpc_socket_path rest_api_port rest_api_num_threads
    rest_api_timeout_in_ms rest_api_enable_cors_support enable_batching
    allow_version_labels_for_unavailable_models batching_parameters_file
    enable_per_model_batching_parameters model_config_file
    model_config_file_poll_wait_seconds model_name model_base_path
    num_load_threads num_unload_threads max_num_load_retries
    load_retry_interval_micros file_system_poll_wait_seconds
    flush_filesystem_caches tensorflow_session_parallelism
    tensorflow_session_config_file tensorflow_intra_op_parallelism
    tensorflow_inter_op_parallelism use_alts_credentials ssl_config_file
    platform_config_file per_process_gpu_memory_fraction saved_model_tags
    grpc_channel_arguments grpc_max_threads enable_model_warmup
    num_request_iterations_for_warmup version monitoring_config_file
    remove_unused_fields_from_bundle_metagraph prefer_tflite_model
    num_tflite_pools num_tflite_interpreters_per_pool
    enable_signature_method_name_check xla_cpu_compilation_enabled
    xla_gpu_compilation_enabled enable_profiler
    thread_pool_factory_config_file mixed_precision skip_initialize_tpu
    enable_grpc_healthcheck_service enable_serialization_as_tensor_content
"""


def parse(name, message):
    return text_format.Parse((CONFIG / name).read_text(), message)


def documents(name):
    return list(yaml.safe_load_all((CONFIG / name).read_text()))


def flags(args):
    found = {}
    for arg in args:
        name, _, value = arg.removeprefix("--").partition("=")
        found[name] = value
    return found


# --- Files of the server ------------------------------------------------------


@pytest.mark.parametrize("name", ["models.config", "models_canary.config"])
def test_both_servables_are_served(name):
    models = parse(name, ModelServerConfig()).model_config_list.config
    assert [(m.name, m.base_path, m.model_platform) for m in models] == [
        (servable.name, f"/models/{servable.name}", "tensorflow")
        for servable in contract.SERVABLES
    ]


def test_labels_name_versions_that_are_loaded():
    models = parse("models_canary.config", ModelServerConfig())
    for model in models.model_config_list.config:
        assert set(model.version_labels) == {"stable", "canary"}
        loaded = model.model_version_policy.specific.versions
        assert sorted(model.version_labels.values()) == sorted(loaded)


def test_batching_gives_threads_only():
    """All else would be ignored: each model brings its own."""
    given = parse("batching.config", messages.BatchingParameters())
    names = {field.name for field, _ in given.ListFields()}
    assert names == {"thread_pool_name", "num_batch_threads"}
    assert given.num_batch_threads.value >= 1


def metrics_path():
    given = parse("monitoring.config", messages.MonitoringConfig())
    assert given.prometheus_config.enable
    return given.prometheus_config.path


def test_prometheus_looks_where_the_metrics_are():
    [config] = documents("prometheus.yml")
    job, gateway = config["scrape_configs"]
    assert gateway["metrics_path"] == "/metrics/"
    assert job["metrics_path"] == metrics_path()
    [targets] = job["static_configs"]
    assert targets["targets"] == ["serving:8501"]


# --- Compose ------------------------------------------------------------------


def assert_arguments_are_right(args, files):
    """Known flags, whose files are there and are parsed somewhere above."""
    for name, value in flags(args).items():
        assert name in FLAGS.split()
        if value.startswith("/"):
            assert value.removeprefix("/config/") in files
    assert "--enable_grpc_healthcheck_service" in args
    given = flags(args)
    assert ("batching_parameters_file" in given) == ("enable_batching" in given)
    assert ("enable_per_model_batching_parameters" in given) == (
        "enable_batching" in given
    )
    assert given["max_num_load_retries"] == "0"
    assert given["monitoring_config_file"] == "/config/monitoring.config"


FILES = {path.name for path in CONFIG.glob("*.config")}


def test_compose():
    [compose] = documents("docker-compose.yml")
    serving = compose["services"]["serving"]
    assert "tensorflow/serving" in serving["image"]
    assert_arguments_are_right(serving["command"], FILES)
    assert "--model_config_file=/config/models.config" in serving["command"]
    assert "--enable_batching" in serving["command"]
    assert "ports" not in serving  # it must not be exposed
    gateway = compose["services"]["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in gateway["ports"])
    assert "--target=serving:8500" in gateway["command"]
    assert (ROOT / gateway["build"]["dockerfile"]).is_file()
    assert "/readyz" in gateway["healthcheck"]["test"][-1]
    mounted = {}
    for volume in serving["volumes"]:
        source, inside, mode = volume.split(":")
        assert mode == "ro"
        mounted[inside] = (CONFIG / source).resolve()
    assert mounted == {"/models": ROOT / "models", "/config": CONFIG}
    for name in compose["services"]["prometheus"]["volumes"]:
        assert (CONFIG / name.split(":")[0]).is_file()


# --- Kubernetes ---------------------------------------------------------------

MANIFESTS = {
    "kubernetes/sketcher.yaml": contract.SKETCHER,
    "kubernetes/sketcher-session.yaml": contract.SKETCHER_SESSION,
}


def by_kind(name):
    kinds = {one["kind"]: one for one in documents(name)}
    assert len(kinds) == len(documents(name))
    return kinds


@pytest.fixture(params=MANIFESTS)
def manifest(request):
    return request.param


def container_of(kinds):
    containers = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
    return containers[0]


def test_the_parts_find_each_other(manifest):
    kinds = by_kind(manifest)
    deployment = kinds["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert kinds["Service"]["spec"]["selector"] == labels
    budget = kinds["PodDisruptionBudget"]["spec"]
    assert budget["selector"]["matchLabels"] == labels
    ports = {
        p["name"]: p["containerPort"] for p in container_of(kinds)["ports"]
    }
    assert ports == {"grpc": 8500, "http": 8501}
    [port] = kinds["Service"]["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8500, "grpc")
    assert {one["metadata"]["name"] for one in kinds.values()} == {
        Path(manifest).stem
    }


def test_arguments(manifest):
    container = container_of(by_kind(manifest))
    args = container["args"]
    assert_arguments_are_right(args, FILES)
    # A pod loads one of the two, by the variable of the image's entry point.
    name = MANIFESTS[manifest].name
    assert container["env"] == [{"name": "MODEL_NAME", "value": name}]
    assert not {"model_config_file", "model_base_path"} & flags(args).keys()
    # Sessions are never merged.
    merged = MANIFESTS[manifest] is contract.SKETCHER
    assert ("--enable_batching" in args) == merged


def test_probes_ask_for_the_model(manifest):
    container = container_of(by_kind(manifest))
    # By then the port is open, which it is only after the first load.
    assert container["startupProbe"]["grpc"] == {"port": 8500}
    probe = container["readinessProbe"]["httpGet"]
    name = MANIFESTS[manifest].name
    alive = container["livenessProbe"]["httpGet"]
    assert alive == {"path": f"/readyz?servable={name}", "port": "probe"}
    spec = by_kind(manifest)["Deployment"]["spec"]["template"]["spec"]
    draws = spec["containers"][1]
    assert draws["ports"] == [{"name": "probe", "containerPort": 8080}]
    assert "--target=localhost:8500" in draws["args"]
    assert probe == {"path": f"/v1/models/{name}/metadata", "port": "http"}
    patience = container["startupProbe"]
    assert patience["periodSeconds"] * patience["failureThreshold"] >= 120


def test_volumes(manifest):
    kinds = by_kind(manifest)
    mounts = {
        one["mountPath"]: (one["name"], one["readOnly"])
        for one in container_of(kinds)["volumeMounts"]
    }
    assert mounts == {"/models": ("models", True), "/config": ("config", True)}
    volumes = {
        one["name"]: one
        for one in kinds["Deployment"]["spec"]["template"]["spec"]["volumes"]
    }
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    [models] = documents("kubernetes/models.yaml")
    assert claim == models["metadata"]["name"]
    assert "ReadWriteMany" in models["spec"]["accessModes"]
    assert volumes["config"]["configMap"] == {"name": "sketcher-config"}


def test_metrics_are_announced(manifest):
    template = by_kind(manifest)["Deployment"]["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8501",
        "prometheus.io/path": metrics_path(),
    }


def test_the_end_is_waited_for(manifest):
    kinds = by_kind(manifest)
    spec = kinds["Deployment"]["spec"]["template"]["spec"]
    command = container_of(kinds)["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "sleep"
    assert spec["terminationGracePeriodSeconds"] > int(command[1])
    rolling = kinds["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0


def test_calls_without_state_are_spread_and_scaled():
    kinds = by_kind("kubernetes/sketcher.yaml")
    assert kinds["Service"]["spec"]["clusterIP"] == "None"
    scaler = kinds["HorizontalPodAutoscaler"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == "sketcher"
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    age = flags(container_of(kinds)["args"])["grpc_channel_arguments"]
    assert re.fullmatch(r"grpc\.max_connection_age_ms=\d+", age)


def test_sessions_stay_where_they_are():
    kinds = by_kind("kubernetes/sketcher-session.yaml")
    service = kinds["Service"]["spec"]
    assert service["sessionAffinity"] == "ClientIP"
    assert service["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] > 600
    assert "HorizontalPodAutoscaler" not in kinds
    args = flags(container_of(kinds)["args"])
    assert "grpc_channel_arguments" not in args


def test_only_the_gateway_reaches_the_servables():
    kinds = by_kind("kubernetes/gateway.yaml")
    policy = kinds["NetworkPolicy"]["spec"]
    [apps] = policy["podSelector"]["matchExpressions"]
    assert apps["values"] == [Path(name).stem for name in MANIFESTS]
    by_port = {
        one["port"]: rule.get("from")
        for rule in policy["ingress"]
        for one in rule["ports"]
    }
    labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert by_port[8500] == [{"podSelector": {"matchLabels": labels}}]
    args = flags(container_of(kinds)["args"])
    assert args["api_keys_file"].startswith("/keys/")
    probe = container_of(kinds)["readinessProbe"]["httpGet"]
    assert probe == {"path": "/readyz", "port": "http"}


def test_the_gateway_knows_its_arguments():
    source = (ROOT / "serving" / "gateway" / "__main__.py").read_text()
    [compose] = documents("docker-compose.yml")
    for args in (
        container_of(by_kind("kubernetes/gateway.yaml"))["args"],
        compose["services"]["gateway"]["command"],
    ):
        for name in flags(args):
            assert f'"{name}"' in source


# --- TLS ----------------------------------------------------------------------


@pytest.mark.parametrize("mutual", [False, True])
def test_tls_configuration(tmp_path, capsys, mutual):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    files = {
        name: tmp_path / f"{name}.pem" for name in ("key", "certificate", "ca")
    }
    issued.private_key_pem.write_to_path(files["key"])
    issued.cert_chain_pems[0].write_to_path(files["certificate"])
    authority.cert_pem.write_to_path(files["ca"])
    extra = [f"--client_ca={files['ca']}"] if mutual else []
    given = [f"--{name}={files[name]}" for name in ("key", "certificate")]
    tls.COMMAND.run(tls.main, [*given, *extra])
    config = text_format.Parse(capsys.readouterr().out, messages.SSLConfig())
    assert config.client_verify == mutual
    credentials = grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        config.custom_ca.encode() or None,
        config.client_verify,
    )
    with FakeServer(credentials=credentials) as server:
        wanted = files if mutual else {"ca": files["ca"]}
        with SketcherClient(
            server.target, tls=Tls.from_files(**wanted)
        ) as client:
            assert client.labels().version == 1


def test_missing_files_are_told(tmp_path):
    with pytest.raises(SystemExit, match=r"error: .*No such file"):
        tls.COMMAND.run(
            tls.main, [f"--key={tmp_path}/a", f"--certificate={tmp_path}/b"]
        )
