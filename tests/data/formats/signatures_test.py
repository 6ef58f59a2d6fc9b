"""Files are told by their content, and named for what they are."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sketcher_tf.data.formats.signatures import identify

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><line x2="9" y2="5"/></svg>'
ROW = json.dumps({"word": "cat", "drawing": [[[0, 9], [0, 7]]]}).encode()


def bin_row(key=1):
    header = struct.pack("<Q2sbIH", key, b"DE", 1, 1, 1)
    return header + b"\2\0" + bytes([0, 9, 0, 9])


def saved(save, *arrays, **named):
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def picture(kind):
    file = io.BytesIO()
    Image.new("RGB", (28, 28), "white").save(file, kind)
    return file.getvalue()


def archive(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name in names:
            zipped.writestr(name, "content")
    return file.getvalue()


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        packed.addfile(tarfile.TarInfo("cat.ndjson"))
    return file.getvalue()


OBJECTS = np.fromiter([np.eye(3)], object, 1)

DRAWINGS = [
    (ROW, "json"),
    (b"\xef\xbb\xbf \n" + ROW, "json"),
    (ROW.decode().encode("utf-16"), "json"),
    (ROW.decode().encode("utf-16-be"), "json"),
    (b"[\n " + ROW + b"]", "json"),
    (b"[[[[0, 9], [0, 7]]]]", "json"),
    (gzip.compress(ROW), "json"),
    (b"countrycode,drawing,word\nUS,x,y", "csv"),
    (b'"key_id","drawing"\n', "csv"),
    (b"word;drawing\n", "csv"),
    (SVG.encode(), "svg"),
    (SVG.encode("utf-16"), "svg"),
    (gzip.compress(SVG.encode()), "svg"),
    (f"\n<!--{'x' * 30_000}-->\n{SVG}".encode(), "svg"),
    (
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.encode(),
        "svg",
    ),
    (b'<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>', "svg"),
    (bin_row(), "bin"),
    (bin_row(0x7B), "bin"),  # starts with {
    (bin_row(0x8B1F), "bin"),  # like gzip
    (bin_row(0x4B50), "bin"),  # like zip
    (bin_row(0x4D42), "bin"),  # like BMP
    (saved(np.savez, train=OBJECTS), "npz"),
    (saved(np.savez_compressed, train=OBJECTS), "npz"),
    (saved(np.savez, other=OBJECTS), "npz"),
    (saved(np.save, OBJECTS), "npy"),
    (saved(np.save, np.zeros((4, 9, 5), np.uint8)), "npy"),
]


@pytest.mark.parametrize("name", ["a.data", "b.svg", "c.ndjson", "d.png"])
@pytest.mark.parametrize(
    ("content", "expected"), DRAWINGS, ids=range(len(DRAWINGS))
)
def test_the_content_tells_the_format(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert identify(tmp_path / name).format == expected


OTHERS = [
    (b"", "empty"),
    (picture("PNG"), "raster image (PNG): it has no strokes; trace it"),
    (picture("JPEG"), "raster image (JPEG)"),
    (picture("GIF"), "raster image (GIF)"),
    (picture("BMP"), "raster image (BMP)"),
    (picture("TIFF"), "raster image (TIFF)"),
    (picture("WEBP"), "raster image (WebP)"),
    (picture("ICO"), "raster image (icon)"),
    (gzip.compress(picture("PNG")), "raster image (PNG)"),
    (b"%PDF-1.7 and more", "a PDF or Illustrator document: export it as SVG"),
    (b"<!DOCTYPE html>\n<html><svg></svg></html>", "an HTML page: download"),
    (
        b"\n<HTML><body><svg/></body></HTML>",
        "or save the <svg> in it as a file",
    ),
    (
        b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
        "a server's error message",
    ),
    (b"<kml><Placemark/></kml>", "an XML document <kml>"),
    (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "a Git LFS pointer: get the file itself with git lfs pull",
    ),
    (archive("a.txt"), "a zip archive: unpack it"),
    (archive("config.json", "model.weights.h5"), "a Keras model: give it with"),
    (archive("[Content_Types].xml"), "an Office document"),
    (tar(), "a tar archive"),
    (gzip.compress(tar()), "a tar archive"),
    (pickle.dumps([[1, 2]]), "a Python pickle: save the arrays with"),
    (saved(np.save, np.zeros((20, 784), np.uint8)), "an array of bitmaps"),
    (saved(np.save, np.zeros((20, 28, 28), np.uint8)), "an array of bitmaps"),
    (b"\x93NUMPY\1\0cut", "a damaged npy file"),
    (b"PK\x03\x04cut", "a damaged npz or zip archive"),
    (b"\x89HDF\r\n\x1a\n" + bytes(40), "an HDF5 file"),
    (b"PAR1" + bytes(40), "a Parquet table"),
    (b"hello", "no format of drawings"),
    (b"a,b\n1,2\n", "no format of drawings"),
]


@pytest.mark.parametrize("name", ["cat.npz", "cat", "cat.txt", "cat.png"])
@pytest.mark.parametrize(("content", "told"), OTHERS, ids=range(len(OTHERS)))
def test_other_files_are_named(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    identity = identify(tmp_path / name)
    assert identity.format == ""
    assert told in str(identity)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.ndjson", "json"),
        ("a.json", "json"),
        ("a.svg", "svg"),
        ("a.SVG", "svg"),
        ("a.bin", "bin"),
        ("a.csv", "csv"),
        ("a.ndjson.gz", "json"),
        ("a.txt", ""),
        ("a.npz", ""),
    ],
)
@pytest.mark.parametrize("content", [b"hello", b"\x1f\x8b\x08cut", b"\xff" * 9])
def test_the_extension_helps_where_the_content_says_nothing(
    tmp_path, name, expected, content
):
    (tmp_path / name).write_bytes(content)
    assert identify(tmp_path / name).format == expected


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_whatever_bytes_there_are_a_name_is_found(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("files") / "a.svg"
    start = data.draw(st.sampled_from([c for c, _ in DRAWINGS + OTHERS]))
    cut = data.draw(st.integers(0, len(start)))
    path.write_bytes(start[:cut] + data.draw(st.binary(max_size=40)))
    identity = identify(path)
    assert identity.format or identity.name
