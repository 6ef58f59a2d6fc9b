"""Words for the drawings of a file."""

import pytest

from sketcher_tf.data.formats.labels import (
    category_of,
    complaint,
    describe,
    label_of,
)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("cat.npz", "cat"),
        ("alarm clock.npz", "alarm clock"),
        ("cat.full.npz", "cat"),
        ("cat.rdp100.npz", "cat"),
        ("cat (1).ndjson", "cat"),
        ("sketchrnn_cat.npz", "cat"),
        ("sketchrnn_cat.full.npz", "cat"),
        ("sketchrnn_cat.rdp.full.npz", "cat"),
        ("full_binary_cat.bin", "cat"),
        ("full-binary-cat.bin", "cat"),
        ("full%2Fbinary%2Falarm%20clock.bin", "alarm clock"),
        ("full_simplified_cat.ndjson", "cat"),
        ("full_raw_cat.ndjson.gz", "cat"),
        ("cat_simplified.json", "cat"),
        ("fullback.bin", "fullback"),
        ("t-shirt.bin", "t-shirt"),
        ("rdp100.npz", "rdp100"),
        (".rdp100.npz", ".rdp100"),
        ("cat", "cat"),
    ],
)
def test_a_file_name_tells_the_category(name, category):
    assert category_of(name) == category


@pytest.mark.parametrize(
    ("kind", "source", "words", "expected"),
    [
        ("svg", None, (), "owls"),
        ("npz", None, (), "barn owl"),
        ("json", None, (), "barn owl"),
        ("svg", "file", (), "barn owl"),
        ("npz", "folder", (), "owls"),
        ("npz", "none", (), "drawing"),
        # What a model knows is it, wherever it stands.
        ("svg", None, ("barn owl", "cat"), "barn owl"),
        ("npz", None, ("owls",), "owls"),
        ("svg", "folder", ("barn owl",), "owls"),
        ("svg", None, ("cat", "dog"), "owls"),
    ],
)
def test_folder_file_or_the_models_words(
    tmp_path, kind, source, words, expected
):
    path = tmp_path / "owls" / f"barn owl.{kind}"
    assert label_of(path, kind, source, words) == expected


def test_words_are_shown_with_their_counts():
    assert describe({"cat": 3}) == "1 word: cat 3"
    counts = {"cat": 3, "dog": 12_345}
    assert describe(counts) == "2 words: dog 12,345, cat 3"
    many = {f"w{i}": 1 for i in range(40)}
    assert describe(many).endswith("w11 1, and 28 more")


def test_as_many_words_as_drawings_are_suspicious():
    assert "(40) as drawings (40)" in complaint({f"w{i}": 1 for i in range(40)})
    assert "--label" in complaint({"a": 1, "b": 2, "c": 1, "d": 2})
    assert not complaint({"cat": 30, "dog": 30})
    assert not complaint({"cat": 1, "dog": 1})  # so few are none's set
