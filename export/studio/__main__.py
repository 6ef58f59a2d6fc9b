"""Builds the demo for phones, a static page, and serves it.

    python -m export.studio
    python -m export.studio --model=runs/cats --output=build/demo --noserve

The page is in export/studio; npm brings LiteRT.js and its WebAssembly. The
model, if it was not exported before, is exported with 8 bits per weight.
"""

import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
from pathlib import Path

# Before TensorFlow is imported, which else reports on hardware at length.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app, flags, logging
from PIL import Image, ImageDraw

from sketcher_tf.cli import refuse_arguments
from sketcher_tf.data.synthetic.doodles import doodle
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.strokes import fit_to_box, stroke3_to_polylines
from sketcher_tf.training.run_folder import model_file

from ..tflite import export

_SHARED = {"allow_override": True}
_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A run folder, .keras or .tflite file; by default the newest run, or the "
    "pretrained model.",
    **_SHARED,
)
_OUTPUT = flags.DEFINE_string(
    "output", "build/demo", "The folder of the page.", **_SHARED
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Drawings on which the export is tried; by default those of the run.",
    **_SHARED,
)
_SERVE = flags.DEFINE_bool("serve", True, "Serve the page when it is built.")
_PORT = flags.DEFINE_integer("port", 8000, "Where to.", 0, **_SHARED)

_SOURCE = Path(__file__).parent
# What the build has besides, the browser does not load.
_NOT_SERVED = (
    "*.py",
    "__pycache__",
    "package.json",
    "package-lock.json",
    "*.md",
    "node_modules",
)
# Without threads, which would need headers that plain web servers do not send;
# for browsers with relaxed SIMD, and without.
_RUNTIMES = ("litert_wasm_internal", "litert_wasm_compat_internal")
_GROUND, _INK, _ACCENT = "#f6f1e7", "#26303b", "#c2410c"


def build(model: Path, output: Path) -> None:
    """Puts the page together.

    Args:
        model: a .tflite file.
        output: the folder; what was in it is replaced.

    Raises:
        FileNotFoundError: there is no npm.
        subprocess.CalledProcessError: npm cannot install.
    """
    _install_packages()
    building = output.with_name(f".building-{output.name}")
    shutil.rmtree(building, ignore_errors=True)
    ignored = shutil.ignore_patterns(*_NOT_SERVED)
    shutil.copytree(_SOURCE, building, ignore=ignored)
    for side in (192, 512):
        _icon(side).save(building / f"icon-{side}.png")
    own = sorted(file.name for file in building.iterdir())
    _copy_runtime(building / "litert")
    shutil.copy(model, building / "sketcher.tflite")
    described = {"version": _fingerprint(building), "files": ["./", *own]}
    (building / "build.js").write_text(
        f"self.BUILD = {json.dumps(described)};\n"
    )
    shutil.rmtree(output, ignore_errors=True)
    building.rename(output)


def _install_packages() -> None:
    if shutil.which("npm") is None:
        raise FileNotFoundError(
            "npm must bring LiteRT.js; received none on the PATH. Install "
            "Node.js 20 or later."
        )
    stamp = _SOURCE / "node_modules" / ".package-lock.json"
    lock = _SOURCE / "package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"], cwd=_SOURCE, check=True
        )


def _copy_runtime(folder: Path) -> None:
    """LiteRT.js as modules that load each other by relative paths."""
    packages = _SOURCE / "node_modules" / "@litertjs"
    (folder / "wasm").mkdir(parents=True)
    for name in _RUNTIMES:
        for ending in ("js", "wasm"):
            file = packages / "core" / "wasm" / f"{name}.{ending}"
            shutil.copy(file, folder / "wasm")
    script = (packages / "core" / "dist" / "index.js").read_text()
    (folder / "index.js").write_text(
        script.replace('"@litertjs/wasm-utils"', '"./wasm-utils.js"')
    )
    shutil.copy(
        packages / "wasm-utils" / "dist" / "bundle.js",
        folder / "wasm-utils.js",
    )


def _fingerprint(folder: Path) -> str:
    """Changes with any file, and makes browsers fetch them all anew."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(folder)}\n".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _icon(side: int) -> Image.Image:
    """A doodle, half in ink and half in the model's colour."""
    scale = 4  # drawn larger, for smooth edges
    image = Image.new("RGB", (scale * side,) * 2, _GROUND)
    canvas = ImageDraw.Draw(image)
    # Within the circle that a phone may cut out.
    lines = stroke3_to_polylines(doodle("cat", 0).stroke3)
    lines = fit_to_box(lines, 0.56 * scale * side)
    for i, line in enumerate(lines):
        places = [tuple(place + 0.22 * scale * side) for place in line]
        color = _INK if i < len(lines) // 2 else _ACCENT
        width = scale * side // 32
        canvas.line(places, color, width, joint="curve")
    return image.resize((side, side), Image.Resampling.LANCZOS)


def exported(model: Path | None, data: str | None) -> Path:
    """The .tflite file to show: the given one, or a run's, exported if needed.

    Args:
        model: a run folder, .keras or .tflite file; None is the newest run.
        data: drawings on which the export is tried, see `drawings_for`.
    """
    if model is not None and model.suffix == ".tflite":
        return model
    file = model_file(model)
    target = file.with_suffix(".tflite")
    if not target.exists() or target.stat().st_mtime < file.stat().st_mtime:
        logging.info("Exporting %s", file)
        sketcher = Sketcher.load(file)
        drawings = export.drawings_for(sketcher, file, data)
        export.export(sketcher, target, "int8", drawings)
    return target


def serve(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """A web server of a folder, on this machine only; not yet running."""
    handler = functools.partial(_Handler, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".webmanifest": "application/manifest+json",
    }

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Says nothing of each file."""


def main(argv: list[str]) -> None:
    """Flags -> library calls."""
    logging.set_verbosity(logging.INFO)
    output = Path(_OUTPUT.value)
    try:
        refuse_arguments(argv, "--model=runs/doodles")
        model = exported(
            None if _MODEL.value is None else Path(_MODEL.value), _DATA.value
        )
        build(model, output)
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"error: {error}") from error
    logging.info("Built %s with %s", output, model)
    if _SERVE.value:
        with serve(output, _PORT.value) as server:
            logging.info("Open http://localhost:%d", server.server_port)
            server.serve_forever()


if __name__ == "__main__":
    app.run(main)
