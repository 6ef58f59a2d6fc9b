"""The manifests of the steps from data to a served model, without a cluster."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from export.studio.build import BUILT
from tests.testing.commands import command_of, module_of, problems
from tests.testing.source_imports import ROOT

FOLDERS = [ROOT / "cluster" / "kubernetes", ROOT / "serving/config/kubernetes"]
FILES = sorted(file for folder in FOLDERS for file in folder.glob("*.yaml"))
KUBERNETES = "1.34"
# Of the operators; their schemas are not at hand.
OTHERS = {"FlinkDeployment", "TFJob", "Workflow"}


def documents(name: str) -> list[dict[str, Any]]:
    return _read(FOLDERS[0] / name)


def _read(file: Path) -> list[dict[str, Any]]:
    # By libyaml: Python alone takes ten times as long.
    return list(yaml.load_all(file.read_text(), yaml.CSafeLoader))


@functools.cache
def everything() -> list[tuple[str, dict[str, Any]]]:
    return [(file.name, document) for file in FILES for document in _read(file)]


def find(tree: Any, key: str) -> Iterator[Any]:
    """All values of `key`, however deep."""
    if isinstance(tree, dict):
        yield from (tree[key] for _ in range(key in tree))
        for value in tree.values():
            yield from find(value, key)
    elif isinstance(tree, list):
        for item in tree:
            yield from find(item, key)


def containers() -> list[dict[str, Any]]:
    """Those that run a command of the project."""
    return [
        container
        for _, document in everything()
        for group in find(document, "containers")
        for container in group
        if "sketcher-tf" in container.get("image", "")
    ]


@pytest.mark.parametrize(("name", "document"), everything())
def test_manifests_follow_their_schema(name, document):
    if document["kind"] not in OTHERS:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_manifest_with_a_slip_is_found():
    [job] = documents("prepare.yaml")
    job["spec"]["template"]["spec"]["restartPolice"] = "Never"
    with pytest.raises(kubernetes_validate.ValidationError, match="Police"):
        kubernetes_validate.validate(job, KUBERNETES, strict=True)


def commands() -> list[list[str]]:
    """What the containers run, but for Beam's own."""
    return [
        [*container.get("command", ["sketcher"]), *container["args"]]
        for container in containers()
        if container["name"] != "beam-worker"
    ]


def parse(words: list[str]) -> list[str]:
    """Reads the flags of a command; returns what is none."""
    first = next(i for i, word in enumerate(words) if word.startswith("--"))
    return command_of(module_of(words)).parse(words[first:])


@pytest.mark.parametrize("words", commands(), ids="_".join)
def test_flags_have_values_that_are_understood(words):
    assert not parse(words)


def test_a_flag_with_a_slip_is_found():
    for flag in ("--preset=papers", "--epochs=many", "--strategies=mirrored"):
        with pytest.raises(SystemExit, match="error: "):
            parse(["sketcher", "train", "--data=x", flag])


def test_commands_have_these_flags():
    words = commands()
    found = [problem for command in words for problem in problems(command)]
    assert not found
    assert {command[1] for command in words if command[0] == "sketcher"} == {
        *("prepare", "train", "evaluate", "export")
    }
    assert problems(["sketcher", "train", "--restarted"])


def test_each_worker_is_told_who_all_are_and_which_it_is():
    job, service = documents("train.yaml")
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    env = {entry["name"]: entry for entry in container["env"]}
    [port] = [entry["containerPort"] for entry in container["ports"]]
    workers = job["spec"]["completions"]
    assert job["spec"]["parallelism"] == workers
    assert list(env) == ["INDEX", "TF_CONFIG"]  # one uses the other
    for i in range(workers):
        text = env["TF_CONFIG"]["value"].replace("$(INDEX)", str(i))
        config = json.loads(text)
        assert config["task"] == {"type": "worker", "index": i}
        # The names of an indexed Job's pods, through the headless service.
        assert config["cluster"]["worker"] == [
            f"{job['metadata']['name']}-{n}.{pod['subdomain']}:{port}"
            for n in range(workers)
        ]
    assert service["metadata"]["name"] == pod["subdomain"]
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def test_both_ways_to_train_run_the_same_command():
    [kubeflow] = documents("train-kubeflow.yaml")
    job, _ = documents("train.yaml")
    [args], [others] = find(job, "args"), find(kubeflow, "args")
    assert args == others
    assert list(find(kubeflow, "replicas")) == [job["spec"]["completions"]]


def test_the_workflow_runs_the_jobs_of_the_files_in_order():
    workflow = documents("workflow.yaml")[0]
    steps = [
        parameter["value"]
        for [step] in workflow["spec"]["templates"][0]["steps"]
        for parameter in step["arguments"]["parameters"]
    ]
    assert steps == ["prepare", "train", "evaluate", "export"]
    for step in steps:
        job = documents(f"{step}.yaml")[0]
        assert job["kind"] == "Job"
        assert job["metadata"]["name"] == f"sketcher-{step}"
    # What a step reads is what the one before has written.
    args = {step: documents(f"{step}.yaml")[0] for step in steps}
    flags = {
        step: dict(re.findall(r"--(\w+)=(\S+)", " ".join(*find(job, "args"))))
        for step, job in args.items()
    }
    assert flags["train"]["data"] == flags["prepare"]["output"]
    assert flags["evaluate"]["data"] == flags["prepare"]["output"]
    assert flags["evaluate"]["model"] == flags["train"]["run"]
    assert flags["export"]["model"] == flags["train"]["run"]
    assert 0 < float(flags["evaluate"]["min_recognised"]) < 1


def test_volumes_are_claimed_and_mounted():
    documents_ = [document for _, document in everything()]
    claims = {
        document["metadata"]["name"]
        for document in documents_
        if document["kind"] == "PersistentVolumeClaim"
    }
    assert set(find(documents_, "claimName")) == claims


def test_nothing_runs_as_root():
    for _, document in everything():
        for pod in find(document, "template"):
            spec = pod.get("spec", {}) if isinstance(pod, dict) else {}
            own = spec.get("securityContext", {})
            for container in spec.get("containers", []):
                context = own | container.get("securityContext", {})
                assert context["runAsNonRoot"], container["name"]
                assert context["allowPrivilegeEscalation"] is False


# --- The image --------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """The lines of the Dockerfile, as (instruction, rest)."""
    text = (ROOT / "cluster" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def test_the_image_is_made_of_files_that_are_there():
    stages, copied = set(), set()
    for name, rest in instructions():
        words = [word for word in rest.split() if not word.startswith("--")]
        [stage] = re.findall(r"--from=(\S+)", rest) or [None]
        if name == "FROM":
            assert ":" in words[0] or words[0] in stages, "a version is named"
            stages.add(words[-1])
        elif name == "COPY" and stage:
            assert stage in stages
        elif name == "COPY":
            assert all((ROOT / source).exists() for source in words[:-1])
            copied |= {words[-1] + source for source in words[:-1]}
        elif name == "RUN" and "pip" in words:
            files = re.findall(r"--(?:requirement|constraint) (\S+)", rest)
            assert copied.issuperset(files)
    assert instructions()[-2:] == [
        ("ENTRYPOINT", '["sketcher"]'),
        ("CMD", '["--help"]'),
    ]
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users and "0" not in users and "root" not in users


def test_the_image_has_the_page_of_the_studio_where_it_is_looked_for():
    [copy] = [rest for _, rest in instructions() if "--from=page" in rest]
    assert copy.split()[-1] == f"/src/{BUILT.relative_to(ROOT)}"
