"""The forms in which programs save a drawing as JSON or in a table."""

import json

import pytest

from sketcher_tf.data.formats.text import read_csv
from tests.data.formats.text_test import lines_of, read

LINES = [
    [[0, 0], [200, 0], [200, 90], [0, 90]],
    [[7, 9], [8, 99], [90, 120], [8, 255]],
]
AXES = [list(map(list, zip(*line, strict=True))) for line in LINES]
OBJECTS = [[{"x": x, "y": y} for x, y in line] for line in LINES]
ROW = {"word": "owl", "drawing": AXES}

# Content -> the words of the drawings in it; "" is that of the file.
FORMS = {
    "bare": (AXES, [""]),
    "bare points": (LINES, [""]),
    "one more list": ({"word": "owl", "drawing": [AXES]}, ["owl"]),
    "text": ({"word": "owl", "drawing": json.dumps(AXES)}, ["owl"]),
    "category": ({"category": "owl", "drawing": AXES}, ["owl"]),
    "label": ({"label": "owl", "strokes": LINES}, ["owl"]),
    "number": ({"label": 3, "drawing": AXES}, [""]),
    "word first": ({"category": "bird", **ROW}, ["owl"]),
    "large letters": ({"Word": "owl", "Drawing": AXES}, ["owl"]),
    "objects": ({"paths": OBJECTS}, [""]),
    "flat": (
        {
            "lines": [
                {"points": [n for point in line for n in point]}
                for line in LINES
            ]
        },
        [""],
    ),
    "pad": ([{"penColor": "black", "points": line} for line in OBJECTS], [""]),
    "canvas": (
        [{"drawMode": True, "paths": line} for line in OBJECTS]
        + [{"drawMode": False, "paths": OBJECTS[0]}],  # an eraser
        [""],
    ),
    "by word": ({"owl": [AXES, AXES], "cat": [ROW]}, ["owl", "owl", "owl"]),
    "by key": ({"0": ROW, "1": {"drawing": AXES}}, ["owl", ""]),
    "below a name": ({"data": [ROW, ROW]}, ["owl", "owl"]),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_json_is_read(tmp_path, name):
    value, words = FORMS[name]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    drawings, causes = read(path)
    assert not causes
    wanted = [word or "from the name" for word in words]
    assert [one.labels["category"] for one in drawings] == wanted
    for drawing in drawings:
        [first, second] = lines_of(drawing)
        assert first == LINES[0]
        assert second == LINES[1]


@pytest.mark.parametrize("value", [LINES[0], OBJECTS[0]])
def test_a_single_line_is_a_drawing(tmp_path, value):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    [drawing], _ = read(path)
    assert lines_of(drawing) == [LINES[0]]


@pytest.mark.parametrize(
    "text",
    [
        "{0},\n{0},\n",
        "[\n{0},\n{0}\n]\n",
        "[\n{0},\n{0},\n]\n",
        "{0}{0}",
        "{0} {0}",
        "{1}\n{1}\n",
        "{0}\r\n\r\n{0}\r\n",
    ],
)
def test_rows_may_stand_one_after_another(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(
        text.replace("{0}", json.dumps(ROW)).replace(
            "{1}", json.dumps(ROW, indent=1)
        )
    )
    drawings, causes = read(path, strict=True)
    assert not causes
    assert [lines_of(drawing) for drawing in drawings] == [LINES, LINES]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_has_some_delimiter(tmp_path, delimiter):
    path = tmp_path / "a.csv"
    cells = ["1", f'"{json.dumps(AXES)}"', "owl"]
    head = ["key_id", "drawing", "word"]
    path.write_text("\n".join(map(delimiter.join, (head, cells))))
    [drawing], causes = read(path, reader=read_csv)
    assert not causes
    assert (drawing.key, drawing.labels["category"]) == ("1", "owl")
    assert lines_of(drawing) == LINES


def test_a_table_without_drawings_names_its_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("stroke,x,y\n0,1,2\n")
    drawings, causes = read(path, reader=read_csv)
    assert not drawings
    assert causes == {"wrong columns": 1}


def test_a_map_is_named(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"type": "LineString", "coordinates": LINES[0]}))
    with pytest.raises(ValueError, match="a GeoJSON map"):
        read(path, strict=True)
