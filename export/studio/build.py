"""Puts the studio together: a folder that any web server can serve.

npm brings LiteRT.js and builds the page, Python adds icons and models. In an
installed package the page is there, built, and only these are added.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from sketcher_tf.data.synthetic.doodles import doodle
from sketcher_tf.strokes import fit_to_box, stroke3_to_polylines

SOURCE = Path(__file__).parent
# Where the page lies in an installed package.
BUILT = SOURCE / "dist"

_GROUND, _INK, _ACCENT = "#f6f1e7", "#26303b", "#c2410c"


def build(models: Mapping[str, Path], output: Path) -> None:
    """Builds the page and puts models beside it.

    Args:
        models: .tflite files by the names that the page shows; the first is
            the one that it begins with.
        output: the folder; what was in it is replaced.

    Raises:
        FileNotFoundError: there is no npm.
        subprocess.CalledProcessError: npm cannot install or build.
    """
    building = output.absolute().with_name(f".building-{output.name}")
    shutil.rmtree(building, ignore_errors=True)
    if (SOURCE / "package.json").exists():
        _build_page(building)
    else:
        _check_built()
        leave = shutil.ignore_patterns("models*")
        shutil.copytree(BUILT, building, ignore=leave)
    for side in (192, 512):
        _icon(side).save(building / f"icon-{side}.png")
    _add_models(models, building)
    shutil.rmtree(output, ignore_errors=True)
    building.rename(output)


def _check_built() -> None:
    if not BUILT.is_dir():
        raise FileNotFoundError(
            "the page must come built with the package; received a package "
            "without it. Install a release, or run it from a clone with npm."
        )


def _build_page(folder: Path) -> None:
    if shutil.which("npm") is None:
        raise FileNotFoundError(
            "npm must build the page; received none on the PATH. Install "
            "Node.js 20 or later."
        )
    stamp = SOURCE / "node_modules" / ".package-lock.json"
    lock = SOURCE / "package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        _npm("ci", "--no-audit", "--no-fund")
    _npm("run", "build", "--", "--emptyOutDir", f"--outDir={folder}")


def _npm(*arguments: str) -> None:
    subprocess.run(["npm", "--silent", *arguments], cwd=SOURCE, check=True)


def _add_models(models: Mapping[str, Path], folder: Path) -> None:
    """Under names that change with the content: browsers may keep them."""
    (folder / "models").mkdir()
    entries = []
    for name, path in models.items():
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:8]
        file = f"models/{name}-{digest}.tflite"
        (folder / file).write_bytes(content)
        entries.append({"name": name, "file": file, "bytes": len(content)})
    (folder / "models.json").write_text(json.dumps(entries, indent=2))


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
