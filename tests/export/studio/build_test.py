"""The page is a folder: built from a clone, or taken from a package."""

import json
import shutil

import pytest

from export.studio import build as studio_build
from export.studio.build import build

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None, reason="install Node.js"
)


@needs_npm
def test_a_build_replaces_what_was_there(model, tmp_path):
    folder = tmp_path / "page"
    build({"toy": model}, folder)
    (first,) = (folder / "models").iterdir()
    (folder / "old.js").touch()
    other = tmp_path / "other.tflite"
    other.write_bytes(model.read_bytes() + b"\0")
    build({"toy": other}, folder)
    assert not (folder / "old.js").exists()
    # Only so do browsers notice that there is something new.
    (entry,) = json.loads((folder / "models.json").read_text())
    assert (folder / entry["file"]).read_bytes() == other.read_bytes()
    assert not first.exists()
    assert not list(folder.glob("package*"))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"page", "other.tflite"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package, where there is no npm; its page is to come."""
    source = tmp_path / "package"
    source.mkdir()
    monkeypatch.setattr(studio_build, "SOURCE", source)
    monkeypatch.setattr(studio_build, "BUILT", source / "dist")
    monkeypatch.setenv("PATH", "")
    return source


@needs_npm
def test_a_package_brings_the_page(package, folder, model, tmp_path):
    by_python = shutil.ignore_patterns("icon*", "models*")
    shutil.copytree(folder, package / "dist", ignore=by_python)
    build({"mine": model}, tmp_path / "page")
    built, page = (
        {
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.is_file() and not path.name.endswith(".tflite")
        }
        for root in (folder, tmp_path / "page")
    )
    assert page == built
    [entry] = json.loads((tmp_path / "page" / "models.json").read_text())
    assert entry["name"] == "mine"
    assert (tmp_path / "page" / entry["file"]).exists()
    # Where a package is installed the page may be made in its own place.
    build({"mine": model}, package / "dist")
    assert (package / "dist" / entry["file"]).exists()


def test_a_package_without_the_page_says_so(package, model, tmp_path):
    with pytest.raises(FileNotFoundError, match="Install a release"):
        build({"mine": model}, tmp_path / "page")
