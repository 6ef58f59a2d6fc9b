import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sketcher_tf.data.formats.arrays.npz import read_npy, read_npz
from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import BadDrawingError, SkipReport
from sketcher_tf.strokes import START_TOKEN, stroke3_to_stroke5

SQUARE = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [-9, 0, 1]], np.int16)
LARGE = SQUARE * np.array([2, 2, 1], np.int16)
DOT = SQUARE[:1]

drawings = (
    hnp.arrays(
        np.int16,
        st.tuples(st.integers(2, 9), st.just(2)),
        elements=st.integers(-9, 9),
    )
    .filter(lambda offsets: offsets[1:].any())
    .map(
        lambda offsets: np.insert(
            offsets, 2, ([0] * 8 + [1])[-len(offsets) :], 1
        )
    )
)


def objects(rows):
    rows = list(rows)
    return np.fromiter(rows, object, len(rows))


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def read(path, rules=None, strict=False, factors=None):
    intake = Intake(rules or Rules(), SkipReport(strict))
    found = read_npz(path, "cat", intake, factors=factors)
    return list(found), intake.report.causes


@settings(deadline=None)
@given(st.lists(drawings, min_size=1, max_size=5), st.integers(0, 2))
def test_sketch_rnn_arrays_come_back_as_they_are(tmp_path_factory, rows, kind):
    path = tmp_path_factory.mktemp("npz") / "cat.npz"
    rows = [*rows, SQUARE, SQUARE]  # so that some offsets are negative
    dtype = (np.int16, np.float32, np.float64)[kind]
    save(path, valid=objects([row.astype(dtype) for row in rows]))
    found, causes = read(path)
    assert not causes
    for drawing, row in zip(found, rows, strict=True):
        assert drawing.stroke3.dtype == np.float32
        np.testing.assert_array_equal(drawing.stroke3, row)
        assert drawing.labels == {"category": "cat"}
        assert drawing.split == "valid"


def test_equally_long_drawings_may_be_one_array(tmp_path):
    stacked = np.stack([SQUARE, LARGE])
    for i, array in enumerate([stacked, stacked.astype(object)]):
        found, _ = read(save(tmp_path / f"{i}.npz", train=array))
        assert [len(drawing.stroke3) for drawing in found] == [4, 4]


def test_splits_come_from_the_array_names(tmp_path):
    path = save(
        tmp_path / "a.npz",
        test=objects([SQUARE]),
        train=objects([SQUARE, LARGE]),
        mean=np.zeros(3),
        valid=objects([LARGE]),
    )
    found, _ = read(path)
    splits = [drawing.split for drawing in found]
    assert splits == ["train", "train", "valid", "test"]
    assert found[0].key == found[3].key != found[1].key == found[2].key


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (SQUARE[:, :2], "wrong shape"),
        (np.zeros((4, 4), np.int16), "wrong shape"),
        (np.zeros((2, 2, 3), np.int16), "wrong shape"),
        ([[1, 2, 3], [4, 5]], "wrong shape"),
        (None, "wrong shape"),
        ({}, "wrong shape"),
        (SQUARE + np.array(7), "wrong pen state"),
        (np.float32([[0, 0, 0], [np.nan, 1, 0]]), "not finite"),
        (np.float32([[0, 0, 0], [np.inf, 1, 0]]), "not finite"),
        (np.float64([[0, 0, 0], [1e300, 1, 0]]), "not finite"),
        (SQUARE[:0], "no points"),
        (DOT, "one point"),
        (np.zeros((3, 3), np.int16), "one point"),
        (np.tile(SQUARE, (3, 1)), "too long"),
    ],
)
def test_a_bad_row_is_counted_or_raised(tmp_path, bad, cause):
    path = save(tmp_path / "a.npz", valid=objects([SQUARE, bad, SQUARE]))
    rules = Rules(max_seq_len=10)
    found, causes = read(path, rules)
    assert len(found) == 2
    assert causes == {cause: 1}
    with pytest.raises(BadDrawingError, match=rf"a\.npz:valid\[1\]: {cause}"):
        read(path, rules, strict=True)


def test_other_categories_are_counted(tmp_path):
    path = save(tmp_path / "a.npz", train=objects([SQUARE, SQUARE]))
    found, causes = read(path, Rules(categories=frozenset({"dog"})))
    assert not found and causes == {"unknown category": 2}


# ----- labels


def one_hots(*blocks):
    parts = [np.eye(size)[number] for number, size in blocks]
    return np.concatenate(parts)


def save_labelled(path, rows, **more):
    train = objects([SQUARE] * len(rows))
    return save(path, train=train, train_label=np.array(rows), **more)


def labels_of(path, **kwargs):
    found, causes = read(path, **kwargs)
    assert not causes
    return [dict(drawing.labels) for drawing in found]


def test_facex_labels_are_four_factors(tmp_path):
    rows = [
        one_hots((0, 2), (1, 2), (3, 7), (2, 3)),
        one_hots((1, 2), (0, 2), (6, 7), (0, 3)),
    ]
    path = save_labelled(tmp_path / "a.npz", rows)
    assert labels_of(path) == [
        {
            "gender": "male",
            "view": "mid-profile",
            "emotion": "angry",
            "style": "abstract",
        },
        {
            "gender": "female",
            "view": "frontal",
            "emotion": "disgusted",
            "style": "realistic",
        },
    ]


@pytest.mark.parametrize("width", [3, 14])
def test_a_single_one_hot_is_a_category(tmp_path, width):
    rows = [one_hots((2, width)), one_hots((0, width))]
    path = save_labelled(tmp_path / "a.npz", rows)
    assert labels_of(path) == [{"category": "2"}, {"category": "0"}]


def test_labels_may_be_pickled_lists(tmp_path):
    rows = objects([[0, 1], np.array([1, 0], np.int8)])
    path = tmp_path / "a.npz"
    save(path, train=objects([SQUARE, LARGE]), train_label=rows)
    assert labels_of(path) == [{"category": "1"}, {"category": "0"}]


def test_factors_say_what_the_blocks_are(tmp_path):
    rows = [one_hots((2, 3), (1, 2)), one_hots((0, 3), (0, 2))]
    path = save_labelled(tmp_path / "a.npz", rows)
    # Names of FaceX, the second of them with as many values as there.
    assert labels_of(path, factors=(("emotion", 3), ("gender", 2))) == [
        {"emotion": "2", "gender": "female"},
        {"emotion": "0", "gender": "male"},
    ]


@settings(deadline=None)
@given(st.data())
def test_any_factors_round_trip(tmp_path_factory, data):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    numbers = data.draw(
        st.lists(
            st.tuples(*[st.integers(0, size - 1) for size in sizes]),
            min_size=1,
            max_size=4,
        )
    )
    rows = [one_hots(*zip(row, sizes, strict=True)) for row in numbers]
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    save_labelled(path, rows)
    names = [f"f{i}" for i in range(len(sizes))]
    labels = labels_of(path, factors=tuple(zip(names, sizes, strict=True)))
    expected = [dict(zip(names, map(str, row), strict=True)) for row in numbers]
    assert labels == expected


def test_a_row_that_is_not_one_hot_is_counted(tmp_path):
    good = one_hots((0, 2), (1, 2), (3, 7), (2, 3))
    soft = good.copy()
    soft[:2] = 0.5
    rows = [good, soft, np.zeros(14), np.roll(good, 1), good]
    path = save_labelled(tmp_path / "a.npz", rows)
    found, causes = read(path)
    assert len(found) == 2
    assert causes == {"wrong label": 3}
    with pytest.raises(BadDrawingError, match=r"train\[1\]: wrong label: gend"):
        read(path, strict=True)


@pytest.mark.parametrize(
    ("rows", "factors", "message"),
    [
        (np.ones((2, 5)), None, "Give the name and size of each factor"),
        (np.ones((2, 5)), (("a", 2), ("b", 2)), r"\[5\].*\('a', 2\)"),
        (np.ones(2), None, "one vector of equal length per drawing"),
        (objects([[1, 0], [1]]), None, "one vector of equal length"),
        (np.eye(3), None, "3 rows for 2 drawings"),
        (np.eye(1), None, "1 rows for 2 drawings"),
    ],
)
def test_labels_that_do_not_fit_are_an_error(tmp_path, rows, factors, message):
    path = tmp_path / "a.npz"
    save(path, train=objects([SQUARE, SQUARE]), train_label=rows)
    with pytest.raises(ValueError, match=message):
        read(path, factors=factors)


def test_labels_of_some_splits_only_are_an_error(tmp_path):
    path = save_labelled(tmp_path / "a.npz", np.eye(2), test=objects([SQUARE]))
    with pytest.raises(ValueError, match="every split or none"):
        read(path)


# ----- real files


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("short_kanji", {"train": 10_000, "valid": 600, "test": 500}),
        ("omniglot", {"train": 30_000, "valid": 1_000, "test": 1_000}),
    ],
)
def test_real_sketch_rnn_files(shared_data, name, counts):
    found, causes = read(shared_data / "sketchrnn" / f"{name}.npz")
    assert not causes
    splits = itertools.groupby(found, key=lambda drawing: drawing.split)
    assert {split: len(list(rows)) for split, rows in splits} == counts
    offsets = np.concatenate([drawing.stroke3 for drawing in found])
    assert (offsets == np.round(offsets)).all()
    assert np.abs(offsets[:, :2]).max() > 1
    assert all(drawing.stroke3[-1, 2] == 1 for drawing in found)


# ----- arrays that mean something else


def drawings_of(number=30, seed=0):
    """Drawings of some strokes about a middle, as stroke-3."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(number):
        size = rng.integers(12, 30)
        points = rng.integers(60, 200, (size, 2))
        stroke3 = np.zeros((size, 3), np.float32)
        stroke3[0, :2] = points[0]
        stroke3[1:, :2] = np.diff(points, axis=0)
        stroke3[3::4, 2] = 1
        stroke3[-1, 2] = 1
        rows.append(stroke3)
    return rows


def absolute(stroke3):
    return np.column_stack([np.cumsum(stroke3[:, :2], 0), stroke3[:, 2]])


def pen_down(stroke3):
    return stroke3 * [1, 1, -1] + [0, 0, 1]


def pen_drawn(stroke3):
    """1 where the pen drew on its way to a point."""
    down = np.append(0, 1 - stroke3[:-1, 2])
    return np.column_stack([stroke3[:, :2], down])


def padded(stroke3, length=40):
    return np.pad(stroke3, ((0, length - len(stroke3)), (0, 0)))


def stroke5(stroke3, length=40, start=False):
    rows = stroke3_to_stroke5(stroke3, length)
    return np.concatenate([START_TOKEN[None], rows]) if start else rows


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda row: row, None),
        (absolute, "absolute points"),
        (pen_down, "1 when down"),
        (pen_drawn, "1 when down"),
        (padded, "zeros behind"),
        (lambda row: padded(absolute(row)), "absolute points, not offsets and"),
        (lambda row: pen_down(absolute(row)), "and taken with a pen"),
        (lambda row: padded(pen_down(row)), "1 when down and cut"),
        (stroke5, None),
        (lambda row: stroke5(row, start=True), None),
    ],
)
@pytest.mark.parametrize("name", ["train", "arr_0"])
def test_other_meanings_are_recognised_and_told(tmp_path, change, note, name):
    rows = drawings_of()
    path = save(tmp_path / "a.npz", **{name: objects(map(change, rows))})
    intake = Intake()
    found = list(read_npz(path, "cat", intake))
    assert not intake.report.causes
    for drawing, row in zip(found, rows, strict=True):
        np.testing.assert_array_equal(drawing.stroke3, row)
    assert list(intake.report.notes.values()) == [30] * bool(note)
    assert (note or "") in "".join(intake.report.messages())
    strict = Intake(report=SkipReport(strict=True))
    if note:
        with pytest.raises(ValueError, match="read them without --strict"):
            list(read_npz(path, "cat", strict))
    else:
        assert len(list(read_npz(path, "cat", strict))) == 30


def objects_of_one_length(rows):
    return np.stack([padded(row) for row in rows])


def test_unnamed_arrays_may_be_a_drawing_each(tmp_path):
    rows = drawings_of(3)
    path = tmp_path / "a.npz"
    np.savez(path, *rows)
    found, causes = read(path)
    assert not causes
    for drawing, row in zip(found, rows, strict=True):
        np.testing.assert_array_equal(drawing.stroke3, row)
        assert drawing.split == ""


def test_an_npy_is_read_like_an_array_of_an_npz(tmp_path):
    rows = drawings_of(3)
    for name, array in [
        ("objects", objects(rows)),
        ("stacked", objects_of_one_length(rows)),
    ]:
        path = tmp_path / f"{name}.npy"
        np.save(path, array)
        intake = Intake()
        found = list(read_npy(path, "cat", intake))
        assert [len(d.stroke3) for d in found] == [len(r) for r in rows]


def test_arrays_of_other_names_are_named(tmp_path):
    path = save(tmp_path / "a.npz", strokes=objects([SQUARE]), mean=np.zeros(3))
    with pytest.raises(
        ValueError,
        match=r"called train, valid and test.*which has strokes, mean\. Save",
    ):
        read(path)


def test_a_single_drawing_or_few_points_decide_nothing(tmp_path):
    """All of the offsets below are positive; so may be a short line's."""
    line = np.array([[3, 4, 0], [5, 6, 0], [1, 2, 1]], np.float32)
    found, _ = read(save(tmp_path / "a.npz", train=objects([line, line])))
    np.testing.assert_array_equal(found[0].stroke3, line)
