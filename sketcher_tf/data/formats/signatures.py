"""What a file is, told from its first bytes.

Drawings are known by their structure; everything else that people take for
drawings is named, with what to do instead.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sketcher_tf.data.formats import binary
from sketcher_tf.data.formats.arrays.layout import holds_bitmaps
from sketcher_tf.data.formats.packed import (
    GZIP_ERRORS,
    encoding_of,
    open_source,
)

_HEAD_BYTES = 65536  # a comment may stand before <svg>

_EXTENSIONS = {
    ".bin": "bin",
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".svg": "svg",
    ".svgz": "svg",
}

_RASTER = "it has no strokes; trace it to an SVG, with potrace for example"
_ARCHIVE = "unpack it first"
_DOWNLOAD = "download the raw file"
_IN_PAGE = f"{_DOWNLOAD}, or save the <svg> in it as a file of its own"
_EXPORT = "export it as SVG"
_BITMAPS = "they hold no strokes; get the ndjson or npz of the same words"
_PREPARED = "name the prepared folder that it is in, or its sources"
_TABLE = "export it as csv or JSON lines"
_PICKLE = "save the arrays with numpy.savez"

# First bytes -> what it is, and the remedy.
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a raster image (PNG)", _RASTER),
    (b"\xff\xd8\xff", "a raster image (JPEG)", _RASTER),
    (b"GIF87a", "a raster image (GIF)", _RASTER),
    (b"GIF89a", "a raster image (GIF)", _RASTER),
    (b"II*\0", "a raster image (TIFF)", _RASTER),
    (b"MM\0*", "a raster image (TIFF)", _RASTER),
    (b"8BPS", "a raster image (Photoshop)", _RASTER),
    (b"\0\0\1\0", "a raster image (icon)", _RASTER),
    (b"\0\0\0\x0cJXL ", "a raster image (JPEG XL)", _RASTER),
    (b"\0\0\0\x0cjP  ", "a raster image (JPEG 2000)", _RASTER),
    (b"%PDF", "a PDF or Illustrator document", _EXPORT),
    (b"%!PS", "a PostScript document", _EXPORT),
    (b"\xc5\xd0\xd3\xc6", "an EPS document", _EXPORT),
    (b"{\\rtf", "a text document (RTF)", ""),
    (b"AC10", "an AutoCAD drawing (DWG)", _EXPORT),
    (b"gimp xcf", "a raster image (GIMP)", _RASTER),
    (b"SQLite format 3\0", "an SQLite database", _TABLE),
    (b"PAR1", "a Parquet table", _TABLE),
    (b"ARROW1", "an Arrow table", _TABLE),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "if it holds weights, see --model"),
    (b"\x80\x02}q", "a Python pickle", _PICKLE),
    (b"\x80\x02]q", "a Python pickle", _PICKLE),
    (b"\x80\x03}q", "a Python pickle", _PICKLE),
    (b"\x80\x03]q", "a Python pickle", _PICKLE),
    (b"\x80\x04\x95", "a Python pickle", _PICKLE),
    (b"\x80\x05\x95", "a Python pickle", _PICKLE),
    (b"Rar!\x1a\x07", "a rar archive", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _ARCHIVE),
    (b"BZh", "a bzip2 archive", _ARCHIVE),
    (b"\xfd7zXZ\0", "an xz archive", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _ARCHIVE),
    (b"PK\5\6", "an empty zip archive", ""),
    (b"ID3", "a sound file", ""),
    (b"OggS", "a sound file", ""),
    (b"\x1aE\xdf\xa3", "a video", ""),
    (b"\x7fELF", "a program", ""),
    (b"MZ\x90\0", "a program", ""),
    (b"\0asm", "a program", ""),
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer",
        "get the file itself with git lfs pull",
    ),
)

# Of a file of the family RIFF, and of ISO media: bytes 8 to 12.
_RIFF = {
    b"WEBP": ("a raster image (WebP)", _RASTER),
    b"WAVE": ("a sound file", ""),
    b"AVI ": ("a video", ""),
}
_MEDIA = {
    **dict.fromkeys(
        (b"heic", b"heix", b"mif1", b"avif", b"avis"),
        ("a raster image (HEIF or AVIF)", _RASTER),
    )
}

# A member's name -> what the zip archive is.
_ZIPS = (
    ("model.weights.h5", "a Keras model", "give it with --model"),
    ("data.pkl", "a PyTorch checkpoint", ""),
    ("[Content_Types].xml", "an Office document", ""),
    ("META-INF/manifest.xml", "an OpenDocument file", _EXPORT),
    ("document.json", "a Sketch document", _EXPORT),
)


class Identity(NamedTuple):
    """What a file is.

    Attributes:
        format: of drawings: json, csv, bin, npz, npy, svg; "" if it is none.
        name: for people, of what is none.
        remedy: what to do instead; may be "".
    """

    format: str
    name: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.name, self.remedy)))


def identify(path: Path) -> Identity:
    """Tells what a file is; never fails for its content.

    Where the content says nothing, because it is damaged, the extension does,
    so that what is wrong is counted row by row.
    """
    try:
        with open_source(path) as file:
            head = file.read(_HEAD_BYTES)
    except GZIP_ERRORS:
        return _by_extension(path, "a damaged gzip file", "get it again")
    if not head:
        return Identity("", "empty")
    return (
        _by_magic(head, path)
        or _by_structure(head)
        or _by_extension(path, "no format of drawings, or damaged")
    )


def _by_magic(head: bytes, path: Path) -> Identity | None:
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head.startswith(b"\x93NUMPY"):
        return _npy(head)
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return Identity("", *_RIFF[head[8:12]])
    if head[4:8] == b"ftyp":
        known = _MEDIA.get(head[8:12], ("a video", ""))
        return Identity("", *known)
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return Identity("", "a raster image (BMP)", _RASTER)
    if head[257:262] == b"ustar":
        return Identity("", "a tar archive", _ARCHIVE)
    for magic, name, remedy in _MAGIC:
        if head.startswith(magic):
            return Identity("", name, remedy)
    return None


def _npy(head: bytes) -> Identity:
    """An array is taken for drawings, unless it plainly holds pictures."""
    file = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = (
            np.lib.format.read_array_header_1_0(file)
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0(file)
        )
    except Exception:  # NumPy parses the header as Python
        return Identity("", "a damaged npy file", "get it again")
    if holds_bitmaps(dtype, shape):
        return Identity("", "an array of bitmaps", _BITMAPS)
    return Identity("npy")


def _zip(path: Path) -> Identity:
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return Identity("", "a damaged npz or zip archive", "get it again")
    if any(name.endswith(".npy") for name in names):
        return Identity("npz")
    for member, name, remedy in _ZIPS:
        if any(one.endswith(member) for one in names):
            return Identity("", name, remedy)
    return Identity("", "a zip archive", _ARCHIVE)


def _by_structure(head: bytes) -> Identity | None:
    if binary.is_bin(head):
        return Identity("bin")
    text = _decoded(head)
    if text.startswith("{"):
        return Identity("json")
    if text.startswith("[") and text[1:].lstrip()[:1] in set('[{]"-0123456789'):
        return Identity("json")
    if text.startswith("<"):
        return _markup(text)
    if "drawing" in re.split(r'[",;\t\r]+', text.partition("\n")[0]):
        return Identity("csv")
    if text.startswith("/annex/objects/"):
        return Identity("", "a git-annex pointer", "git annex get it")
    return None


def _decoded(head: bytes) -> str:
    text = head.decode(encoding_of(head[:4].ljust(4)), errors="replace")
    return text.lstrip("\ufeff").lstrip()


def _markup(text: str) -> Identity | None:
    """By the root element; what stands before it says nothing."""
    text = re.sub(r"<!--.*?(-->|\Z)", "", text, flags=re.DOTALL)
    if re.match(r"\s*(<\?.*?\?>\s*)*<!doctype\s+html", text, re.I | re.DOTALL):
        return _page(text)
    text = re.sub(r"<\?.*?\?>", "", text, flags=re.DOTALL)
    text = re.sub(
        r"<!DOCTYPE[^\[>]*(\[.*?\]\s*)?>", "", text, flags=re.DOTALL | re.I
    )
    root = re.match(r"\s*<(?:[\w.-]+:)?([\w.-]+)", text)
    if root is None:
        return None
    name = root[1].lower()
    if name == "svg":
        return Identity("svg")
    if name in ("html", "head", "body", "div", "script", "title", "meta"):
        return _page(text)
    if name == "error":
        return Identity("", "a server's error message", f"{_DOWNLOAD} again")
    return Identity("", f"an XML document <{root[1]}>", _EXPORT)


def _page(text: str) -> Identity:
    remedy = _IN_PAGE if "<svg" in text else _DOWNLOAD
    return Identity("", "an HTML page", remedy)


def _by_extension(path: Path, name: str, remedy: str = "") -> Identity:
    if ".tfrecord" in path.name:
        return Identity("", "a TFRecord file", _PREPARED)
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return Identity(_EXTENSIONS.get(suffix, ""), name, remedy)
