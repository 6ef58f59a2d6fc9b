import collections
import json
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import BadDrawingError, SkipReport
from sketcher_tf.data.formats.reading import (
    find_files,
    read_drawings,
    split_sources,
)

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" stroke="red">'
    '<line x2="9" y2="5"/></svg>'
)


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
STRICT = Intake(report=SkipReport(strict=True))


def ndjson_row(word="cat", size=3, **more):
    strokes = [[list(range(size)), [0, *[7] * (size - 1)]]]
    return json.dumps({"word": word, "drawing": strokes, **more})


def write_ndjson(path, words=("cat",)):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{ndjson_row(word)}\n" for word in words))
    return path


def write_svg(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SVG)
    return path


def write_npz(path, packed=True, labels=None):
    rows = np.empty(2, object)
    for i in range(2):
        rows[i] = np.array([[i, 0, 0], [3, 4, 1]], np.int16)
    save = np.savez_compressed if packed else np.savez
    more = {} if labels is None else {"train_label": labels}
    with path.open("wb") as file:  # savez would add .npz to a path
        save(file, train=rows, **more)
    return path


def write_bin(path, key=1):
    header = struct.pack("<Q2sbIH", key, b"DE", 1, 1, 1)
    path.write_bytes(header + b"\2\0" + bytes([0, 9, 0, 9]))
    return path


def categories_of(sources, **kwargs):
    label = kwargs.pop("label", None)
    intake = Intake(Rules(relabel=label is not None, **kwargs))
    found = list(read_drawings(sources, intake, label=label))
    return [
        drawing.labels["category"] for drawing in found
    ], intake.report.causes


def test_each_format_gives_its_category(tmp_path):
    write_ndjson(tmp_path / "1.ndjson", ["dog"])
    write_npz(tmp_path / "2 cats.npz")
    write_bin(tmp_path / "3.bin")
    write_svg(tmp_path / "4.svg")
    write_svg(tmp_path / "5" / "x.svg")
    write_svg(tmp_path / "deep" / "6" / "x.svg")
    (tmp_path / "7").mkdir()
    write_npz(tmp_path / "7" / "owl.npz")
    found, causes = categories_of(str(tmp_path))
    assert not causes
    assert found == [
        "dog",
        "2 cats",
        "2 cats",
        "3",
        tmp_path.name,
        "5",
        "owl",
        "owl",
        "6",
    ]


def test_sources_are_files_globs_and_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    write_ndjson(tmp_path / "a b" / "one.ndjson", ["1"])
    write_ndjson(tmp_path / "c" / "two.ndjson", ["2"])
    write_ndjson(tmp_path / "c" / "d" / "three.ndjson", ["3"])
    write_ndjson(tmp_path / "x, y[1].ndjson", ["4"])
    for sources, expected in [
        ("a b/one.ndjson", "1"),
        ("c", "32"),
        ("c/*.ndjson", "2"),
        ("**/*.ndjson", "1324"),
        ("c, a b/one.ndjson", "321"),
        ("c/*, c, c/two.ndjson", "23"),  # each file once
        ("c/d/../two.ndjson, c/two.ndjson", "2"),
        ("~/a b", "1"),
        ("x, y[1].ndjson", "4"),
        (["x, y[1].ndjson", "c/two.ndjson"], "42"),
    ]:
        assert "".join(categories_of(sources)[0]) == expected, sources


def test_svg_folders_are_categories_in_a_glob_too(tmp_path, monkeypatch):
    for name in ("cat/1.svg", "cat/2.svg", "dog/1.svg"):
        write_svg(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for source in (".", "*/*.svg", str(tmp_path / "*" / "*.svg"), "**/*"):
        assert categories_of(source)[0] == ["cat", "cat", "dog"], source
        assert categories_of(source, label="folder")[0] == ["cat", "cat", "dog"]
        assert categories_of(source, label="file")[0] == ["1", "2", "1"]
        assert set(categories_of(source, label="none")[0]) == {"drawing"}
    # So it is for files that stand alone, in whatever way they are named.
    for source in ("cat", "cat/*.svg", "cat/1.svg,cat/2.svg"):
        assert categories_of(source)[0] == ["cat", "cat"], source
    monkeypatch.chdir(tmp_path / "dog")
    assert categories_of("*.svg")[0] == ["dog"]


def test_a_label_stands_above_the_words_of_rows(tmp_path):
    path = write_ndjson(tmp_path / "zoo" / "pets.ndjson", ["cat", "dog"])
    for label, expected in [
        (None, ["cat", "dog"]),
        ("file", ["pets"] * 2),
        ("folder", ["zoo"] * 2),
        ("none", ["drawing"] * 2),
    ]:
        assert categories_of(str(path), label=label)[0] == expected


def test_other_files_of_a_folder_are_left_out(tmp_path, caplog):
    write_ndjson(tmp_path / "cat.ndjson")
    (tmp_path / "LICENSE.txt").write_text("CC BY")
    write_ndjson(tmp_path / ".cache" / "cat.ndjson")
    (tmp_path / ".hidden.ndjson").write_text("{")
    assert categories_of(str(tmp_path)) == (["cat"], {})
    assert "LICENSE.txt is ignored" in caplog.text
    assert "hidden" not in caplog.text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.ndjson", "'nowhere.ndjson', which has none"),
        ("*.none", "which has none"),
        ("empty", "'empty', which has none"),
        ("notes.txt", "'notes.txt', which is no format of drawings"),
        ("*.txt", "'notes.txt', which is no format of drawings"),
        ("cut.npz", "'cut.npz', which is a damaged npz or zip archive"),
        ("archive.zip", "'archive.zip', which is a zip archive: unpack it"),
        ("pictures", "which has none: 1.png is a raster image (PNG)"),
        ("pictures", "5.png is a raster image"),
        ("pictures", "; and 2 more."),
        ("cat.ndjson,nowhere", "'nowhere', which has none"),
        pytest.param("a" * 5000, "which has none", id="too long a path"),
        ("", "received ''"),
        (" , ", "received ' , '"),
    ],
)
def test_a_wrong_source_is_an_error_at_once(
    tmp_path, monkeypatch, source, message
):
    monkeypatch.chdir(tmp_path)
    write_ndjson(tmp_path / "cat.ndjson")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    data = write_npz(tmp_path / "a.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data[:-30])
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("cat.ndjson", "{}")
    (tmp_path / "pictures").mkdir()
    for name in ("1", "2", "5", "6", "7"):
        (tmp_path / "pictures" / f"{name}.png").write_bytes(PNG)
    with pytest.raises(ValueError, match=r"must (be|hold)") as error:
        read_drawings(source, Intake())  # not yet read
    assert message in str(error.value)


def test_limits_hold_for_every_format(tmp_path):
    write_ndjson(tmp_path / "cat.ndjson", ["cat", "dog"])
    write_bin(tmp_path / "dog.bin")
    write_npz(tmp_path / "dog.npz")
    write_svg(tmp_path / "cat" / "1.svg")
    found, causes = categories_of(str(tmp_path), categories=frozenset({"cat"}))
    assert found == ["cat", "cat"]
    assert causes == {"unknown category": 4}
    found, causes = categories_of(str(tmp_path), max_seq_len=2)
    assert len(found) == 4
    assert causes == {"too long": 2}
    assert categories_of(str(tmp_path), categories=frozenset())[0] == []


def test_factors_reach_the_npz(tmp_path):
    path = write_npz(tmp_path / "faces.npz", labels=np.eye(4)[[0, 3]])
    read = read_drawings(str(path), Intake(), factors=(("a", 4),))
    assert [drawing.labels for drawing in read] == [{"a": "0"}, {"a": "3"}]


def test_bad_rows_do_not_stop_the_reading_unless_strict(tmp_path):
    (tmp_path / "a.ndjson").write_text(f"{{\n{ndjson_row('1')}\n")
    (tmp_path / "b.svg").write_text("<svg")
    (tmp_path / "c.bin").write_bytes(b"short")
    write_ndjson(tmp_path / "d.ndjson", ["2"])
    intake = Intake()
    report = intake.report
    found = list(read_drawings(str(tmp_path), intake))
    assert [drawing.labels["category"] for drawing in found] == ["1", "2"]
    assert report.causes == {
        "malformed JSON": 1,
        "malformed SVG": 1,
        "truncated": 1,
    }
    strict = read_drawings(str(tmp_path), STRICT)
    with pytest.raises(BadDrawingError, match=r"a\.ndjson:1: malformed JSON"):
        next(strict)


names = st.text("abc ", min_size=1).map(str.strip).filter(bool)


@settings(deadline=None)
@given(st.lists(names, min_size=1))
def test_split_sources_is_the_inverse_of_a_comma(parts):
    assert split_sources(", ".join(parts)) == parts


# ----- real files


def test_real_simplified_drawings(shared_data):
    counts, keys = collections.Counter(), set()
    for drawing in read_drawings(str(shared_data / "quickdraw"), STRICT):
        counts[drawing.labels["category"]] += 1
        keys.add(drawing.key)
    assert counts.total() == len(keys) == 19_165
    assert len(counts) == 33
    assert (min(counts.values()), max(counts.values())) == (359, 1351)
    files = find_files(str(shared_data / "quickdraw"))
    assert [file.category for file in files] == sorted(counts)


def test_real_raw_drawings_look_like_simplified_ones(shared_data):
    source = str(shared_data / "quickdraw-raw")
    raw = list(read_drawings(source, STRICT))
    assert len(raw) == 61
    words = collections.Counter(d.labels["category"] for d in raw)
    assert words == {"cat": 20, "face": 27, "pig": 14}
    wanted = {drawing.key: len(drawing.stroke3) for drawing in raw}
    simplified = read_drawings(
        [str(shared_data / "quickdraw" / f"{word}.ndjson") for word in words],
        STRICT,
    )
    ratios = [
        wanted[drawing.key] / len(drawing.stroke3)
        for drawing in simplified
        if drawing.key in wanted
    ]
    assert len(ratios) == 55
    assert 0.95 < np.mean(ratios) < 1.1


def test_real_files_of_two_formats_in_one_call(shared_data):
    folders = ("quickdraw-raw", "sketchrnn")
    sources = ",".join(str(shared_data / folder) for folder in folders)
    drawings = read_drawings(sources, STRICT)
    splits = collections.Counter(drawing.split for drawing in drawings)
    assert splits == {"": 61, "train": 40_000, "valid": 1_600, "test": 1_500}
