"""The package, as pip builds and installs it: the wheel, unpacked."""

import configparser
import email
import json
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest
from packaging.requirements import Requirement

import sketcher_tf
from tests.testing.fakes import FakeServer
from tests.testing.source_imports import ROOT, read_sources

# What the extras bring. The base install has none of it, and no command may
# need it before it says so.
_HEAVY = (
    *("ai_edge_litert", "ai_edge_quantizer", "grpc_health", "grpc_reflection"),
    *("h5py", "huggingface_hub", "imagehash", "jinja2", "keras", "rich"),
    *("scipy", "tensorboard", "tensorflow", "tensorflow_serving"),
)


_BLOCKER = f"""
import sys
class Blocker:
    def find_spec(name, path, target=None):
        if name.partition(".")[0] in {_HEAVY}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Blocker)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def site(built, tmp_path_factory):
    """The wheel, where it is installed."""
    folder = tmp_path_factory.mktemp("site")
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def metadata(site):
    [info] = site.glob("*.dist-info")
    return email.message_from_string((info / "METADATA").read_text("utf-8"))


@pytest.fixture
def light(site, tmp_path):
    """Runs Python in a base install, beside a service's own packages."""
    for name in ("serving", "export"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OWNER = 'the service'")

    def run(code, *args):
        path = [str(tmp_path), str(site)]
        return subprocess.run(
            [
                *(sys.executable, "-I", "-c"),
                f"{_BLOCKER}\nsys.path[:0] = {path}\n{code}",
                *args,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def test_there_is_one_name_at_the_top(site):
    [name, info] = sorted(path.name for path in site.iterdir())
    assert name == "sketcher_tf"
    assert info == f"sketcher_tf-{sketcher_tf.__version__}.dist-info"


def test_every_source_is_packed_and_nothing_else(site):
    packed = {path.relative_to(site).as_posix() for path in site.rglob("*.py")}
    wanted = {
        re.sub("^(export|serving)/", r"sketcher_tf/\1/", path)
        for path in read_sources()
        if not path.startswith(("tests/", "benchmarks/"))
    }
    assert packed == wanted


def test_data_are_packed(site):
    for path in (
        *ROOT.glob("sketcher_tf/data/*.txt"),
        *ROOT.glob("sketcher_tf/evaluation/templates/*"),
        ROOT / "sketcher_tf/py.typed",
        ROOT / "sketcher_tf/__init__.pyi",
        *(p for p in ROOT.glob("serving/config/**/*") if p.is_file()),
        *ROOT.glob("pretrained/*.keras"),
        ROOT / "pretrained/README.md",
    ):
        name = path.relative_to(ROOT).as_posix()
        inside = re.sub("^(serving|pretrained)/", r"sketcher_tf/\1/", name)
        assert (site / inside).read_bytes() == path.read_bytes()
    unwanted = ("BUILD", "package.json", "node_modules", "*.ts", "*_test.py")
    assert not [path for name in unwanted for path in site.rglob(name)]


def test_the_command_is_installed(site):
    [info] = site.glob("*.dist-info")
    points = configparser.ConfigParser()
    points.read(info / "entry_points.txt")
    assert dict(points["console_scripts"]) == {
        "sketcher": "sketcher_tf.cli.main:main"
    }


def test_extras_bring_what_the_base_does_without(metadata):
    requires = list(map(Requirement, metadata.get_all("Requires-Dist")))

    def installed(extra):
        return {
            requirement.name
            for requirement in requires
            if requirement.marker is None
            or requirement.marker.evaluate({"extra": extra})
        }

    base = installed("")
    assert {"grpcio", "numpy", "pillow", "protobuf", "svgelements"} <= base
    assert not base & {"tensorflow", "keras", "h5py", "scipy", "rich"}
    assert {"tensorflow", "keras"} <= installed("tf")
    assert installed("tf") < installed("phone")
    assert installed("phone") | installed("hub") <= installed("all")
    assert metadata["Version"] == sketcher_tf.__version__


def test_the_source_distribution_can_be_built_anew(built):
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        names = {name.partition("/")[2] for name in content.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "NOTICE"} <= names
    assert {"export/share.py", "serving/tls.py"} <= names
    assert "pretrained/quickdraw.keras" in names
    assert not [name for name in names if name.startswith(("runs/", ".venv"))]


def test_the_base_install_is_light_and_shadows_nothing(light):
    done = light(
        "import json, export, serving, sketcher_tf as sk\n"
        "import sketcher_tf.strokes, sketcher_tf.rendering\n"
        "import sketcher_tf.data.formats.reading\n"
        "from sketcher_tf.client import AsyncSketcherClient, SketcherClient\n"
        "from sketcher_tf.serving.client import SketcherClient as same\n"
        "from sketcher_tf.training.run_folder import pretrained\n"
        "assert same is SketcherClient is sk.SketcherClient\n"
        "print(json.dumps([export.OWNER, serving.OWNER,"
        " *map(str, pretrained().values())]))"
    )
    assert done.returncode == 0, done.stderr
    *owners, faces, quickdraw = json.loads(done.stdout)
    assert owners == ["the service"] * 2
    assert faces.endswith("site0/sketcher_tf/pretrained/faces.keras")
    assert quickdraw.endswith("site0/sketcher_tf/pretrained/quickdraw.keras")


def test_the_base_install_draws_from_a_server(light, tmp_path):
    code = "from sketcher_tf.cli.main import main; main()"
    with FakeServer() as server:
        target = f"--target={server.target}"
        args = "client", target, "--category=cat", "--output=cat.svg"
        done = light(code, *args)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cat.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        ("draw", "tensorflow", "tf"),
        ("train", "tensorflow", "tf"),
        ("serve", "tensorflow", "tf"),
        ("studio", "tensorflow", "phone"),
    ],
)
def test_a_command_without_its_extra_says_which(light, command, missing, extra):
    done = light("from sketcher_tf.cli.main import main; main()", command)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: sketcher {command} needs {missing}, which is not installed. "
        f"Run `pip install 'sketcher-tf[{extra}]'`, or in a clone `make "
        "install`.\n"
    )
