"""Drawings in JSON, by lines and as documents, and in csv."""

import gzip
import json
from typing import Any

import pytest

from sketcher_tf.data.formats.checks import Intake, Rules, content_key
from sketcher_tf.data.formats.drawing import BadDrawingError, SkipReport
from sketcher_tf.data.formats.text import read_csv, read_json
from sketcher_tf.strokes import stroke3_to_polylines

GOOD: dict[str, Any] = {
    "word": "cat",
    "key_id": "123",
    "recognized": False,
    "drawing": [[[0, 255, 255], [0, 0, 90]], [[7, 8], [9, 200]]],
}


def write_rows(path, rows):
    texts = [r if isinstance(r, str) else json.dumps(r) for r in rows]
    path.write_text("\n".join(texts) + "\n")
    return path


def read(path, rules=None, strict=False, reader=read_json):
    intake = Intake(rules or Rules(), SkipReport(strict))
    return list(reader(path, "from the name", intake)), intake.report.causes


def row(**changes):
    return {**GOOD, **changes}


def read_rows(rows, folder, **kwargs):
    return read(write_rows(folder / "rows.ndjson", rows), **kwargs)


def lines_of(drawing):
    lines = stroke3_to_polylines(drawing.stroke3)
    return [line.tolist() for line in lines]


def test_reads_a_simplified_row(tmp_path):
    (drawing,), causes = read_rows([GOOD], tmp_path)
    assert drawing.labels == {"category": "cat"}
    assert drawing.key == "123"
    assert drawing.split == ""
    assert not causes
    lines = stroke3_to_polylines(drawing.stroke3)
    assert [line.T.tolist() for line in lines] == GOOD["drawing"]


def test_a_row_may_lack_word_and_key(tmp_path):
    rows = [{"drawing": GOOD["drawing"]}, row(key_id=None, word="dog")]
    (first, second), _ = read_rows(rows, tmp_path)
    assert first.labels == {"category": "from the name"}
    assert first.key == second.key == content_key(first.stroke3)


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ("{", "malformed JSON"),
        ("[" * 100_000, "malformed JSON"),
        ('{"drawing": "\xff', "malformed JSON"),
        ("7", "wrong shape"),
        (row(drawing=None), "wrong shape"),
        (row(word=3), "wrong shape"),
        (row(drawing=[[[1, 2]]]), "one point"),
        (row(drawing=[[[1, 2], [3]]]), "wrong shape"),
        (row(drawing=[[[1, 2], [3, "4"]]]), "wrong shape"),
        (row(drawing=[[[1, 2], [3, None]]]), "wrong shape"),
        (row(drawing=[[1, 2], [3, 4]]), "wrong shape"),
        (row(drawing=[{"x": [1]}]), "wrong shape"),
        (row(drawing=[[[0]] * 4]), "wrong shape"),
        (row(drawing=[[[1, float("nan")], [3, 4]]]), "not finite"),
        (row(drawing=[[[1, float("inf")], [3, 4]]]), "not finite"),
        (row(drawing=[[[1, 1e39], [3, 4]]]), "not finite"),
        (row(drawing=[[[1, float("nan")], [3, 4], [0, 1]]]), "not finite"),
        (row(drawing=[]), "no points"),
        (row(drawing=[[[], []]]), "no points"),
        (row(drawing=[[[3], [4]]]), "one point"),
        (row(drawing=[[[3, 3], [4, 4]], [[3], [4]]]), "one point"),
        (row(drawing=[[[3, 3], [4, 4], [0, 9]]]), "one point"),
        (row(drawing=[[list(range(11)), [0] * 11]]), "too long"),
        (row(word="dog"), "unknown category"),
        (row(word="dog", drawing=[[1]]), "unknown category"),
    ],
)
def test_a_bad_row_is_counted_or_raised(tmp_path, bad, cause):
    rules = Rules(max_seq_len=10, categories=frozenset({"cat"}))
    rows = [GOOD, "", bad, GOOD]
    found, causes = read_rows(rows, tmp_path, rules=rules)
    assert len(found) == 2
    assert causes == {cause: 1}
    with pytest.raises(BadDrawingError, match=rf"rows\.ndjson:3: {cause}"):
        read_rows(rows, tmp_path, rules=rules, strict=True)


def test_a_drawing_at_the_length_limit_is_taken(tmp_path):
    found, _ = read_rows([GOOD], tmp_path, rules=Rules(max_seq_len=5))
    assert len(found) == 1
    found, causes = read_rows([GOOD], tmp_path, rules=Rules(max_seq_len=4))
    assert not found and causes == {"too long": 1}


def test_a_raw_row_is_simplified(tmp_path):
    xs = [10.5, 110.5, 210.5, 210.5]
    raw = row(drawing=[[xs, [50.25, 50.25, 50.25, 100.25], [0, 9, 20, 40]]])
    (drawing,), _ = read_rows([raw], tmp_path)
    lines = stroke3_to_polylines(drawing.stroke3)
    assert [line.tolist() for line in lines] == [[[0, 0], [255, 0], [255, 64]]]


def test_rows_are_read_one_by_one(tmp_path):
    path = write_rows(tmp_path / "rows.ndjson", [GOOD, "{"])
    reader = read_json(path, "", Intake(report=SkipReport(strict=True)))
    assert next(reader).key == "123"  # before the bad row is reached


def test_gzip_is_unpacked_and_a_cut_one_counted(tmp_path):
    path = tmp_path / "rows.ndjson"
    rows = [row(key_id=str(i)) for i in range(500)]
    data = gzip.compress(write_rows(path, rows).read_bytes())
    path.write_bytes(data)
    assert len(read(path)[0]) == 500
    path.write_bytes(data[:-20])
    found, causes = read(path)
    assert causes["truncated"] == 1
    assert 0 < len(found) <= 500


# ----- what else people have

STROKES = GOOD["drawing"]
POINTS = [[list(p) for p in zip(*s, strict=True)] for s in STROKES]
OBJECTS = [{"x": s[0], "y": s[1]} for s in STROKES]
PADS = [
    {"penColor": "black", "points": [{"x": x, "y": y, "time": 1} for x, y in s]}
    for s in POINTS
]


@pytest.mark.parametrize(
    "value",
    [
        GOOD,
        [GOOD],
        {"drawings": [GOOD]},
        {"data": [GOOD], "version": 1},
        {"word": "cat", "polylines": POINTS},
        row(drawing=OBJECTS),
        row(drawing=[[{"x": x, "y": y} for x, y in s] for s in POINTS]),
        [{"word": "cat", "strokes": OBJECTS}],
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]
)
def test_documents_of_json_are_read(tmp_path, value, indent, encoding):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value, indent=indent), encoding=encoding)
    [drawing], causes = read(path)
    assert not causes
    assert drawing.labels == {"category": "cat"}
    assert lines_of(drawing) == POINTS


def test_strokes_may_be_those_of_signature_pad(tmp_path):
    [drawing], _ = read_rows([row(drawing=PADS)], tmp_path)
    assert lines_of(drawing)[0] == [[0, 0], [255, 0], [255, 90]]


@pytest.mark.parametrize("indent", [None, 2])
def test_bare_drawings_are_read(tmp_path, indent):
    path = tmp_path / "a.json"
    for value, number in ((STROKES, 1), ([STROKES] * 3, 3)):
        path.write_text(json.dumps(value, indent=indent))
        found, causes = read(path)
        assert not causes
        assert [lines_of(drawing) for drawing in found] == [POINTS] * number
        assert found[0].labels == {"category": "from the name"}


def test_lists_of_points_are_told_from_axes(tmp_path):
    three = [[[1, 1], [50, 30], [90, 80]], [[0, 9], [7, 7]]]
    four = [*three, [[1, 7], [2, 7], [3, 7], [4, 1]]]
    [drawing], _ = read_rows([row(drawing=four)], tmp_path)
    assert lines_of(drawing) == four
    # As axes it is a drawing too, and then that is what it is.
    assert not read_rows([row(drawing=three[1:])], tmp_path)[1]
    [drawing], _ = read_rows([row(drawing=three[1:])], tmp_path)
    assert lines_of(drawing) == [[[0, 7], [9, 7]]]


def test_rows_of_a_document_say_where_they_are(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"drawings": [GOOD, row(drawing=[])]}, indent=1))
    with pytest.raises(
        BadDrawingError, match=r"a\.json:drawings\[1\]: no point"
    ):
        read(path, strict=True)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"type": "excalidraw", "elements": []}, "Excalidraw scene; export"),
        ({"tldrawFileFormatVersion": 1}, "tldraw document; export it as SVG"),
        ({"layers": [], "id": 1}, "no list `drawing`, only layers, id"),
        (row(drawing=[[[None, 1], [2, 3]]]), "received null"),
        (row(drawing=[[[1, "a"], [2, 3]]]), "equally long lists of numbers"),
        (7, "a drawing must be a list of strokes, received 7"),
    ],
)
def test_other_values_are_named(tmp_path, value, told):
    with pytest.raises(BadDrawingError, match=told):
        read_rows([value], tmp_path, strict=True)


def test_kaggles_csv_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "countrycode,drawing,key_id,recognized,word\n"
        f'US,"{json.dumps(STROKES)}",5,True,pig\n'
        'US,"[[[0, 1",6,True,pig\n'
        f'US,"{json.dumps(STROKES)}",7,True,\n'
        "US\n"
    )
    (first, second), causes = read(path, reader=read_csv)
    assert (first.labels["category"], first.key) == ("pig", "5")
    assert (second.labels["category"], second.key) == ("from the name", "7")
    assert lines_of(first) == POINTS
    assert causes == {"malformed JSON": 1, "wrong shape": 1}
    with pytest.raises(BadDrawingError, match=r"a\.csv:3: malformed JSON"):
        read(path, reader=read_csv, strict=True)
    packed = tmp_path / "b.csv"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(read(packed, reader=read_csv)[0]) == 2


def test_a_label_of_ones_own_stands_above_the_words(tmp_path):
    [drawing], _ = read_rows([GOOD], tmp_path, rules=Rules(relabel=True))
    assert drawing.labels == {"category": "from the name"}
