"""The scripts of the report's rating page, run as a browser would."""

import csv
import io
import json

import numpy as np
import pytest
from py_mini_racer import MiniRacer
from scipy import stats

from tests.testing.source_imports import ROOT

TEMPLATES = ROOT / "sketcher_tf" / "evaluation" / "templates"


@pytest.fixture(scope="module")
def script():
    """Calls a function of the scripts with values that JSON can hold."""
    engine = MiniRacer()
    for name in ("anova.js", "rating.js"):
        engine.eval((TEMPLATES / name).read_text())

    def call(function, *args):
        given = ",".join(map(json.dumps, args))
        # JSON knows no infinity and no NaN.
        text = engine.eval(
            f"JSON.stringify({function}({given}), (_, x) => "
            "typeof x === 'number' && !Number.isFinite(x) ? String(x) : x)"
        )
        return json.loads(text)

    return call


def anova_by_regression(ratings):
    """F of the sources, from two least-squares fits: with and without them.

    The degrees of freedom are corrected by Box's formula of the covariance.
    """
    subjects, sources = ratings.shape
    by_subject = np.repeat(np.eye(subjects), sources, axis=0)
    by_source = np.tile(np.eye(sources), (subjects, 1))
    rating = ratings.ravel()

    def rest(design):
        fitted = design @ np.linalg.lstsq(design, rating, rcond=None)[0]
        return np.sum((rating - fitted) ** 2)

    error = rest(np.hstack([by_subject, by_source]))
    effect = rest(by_subject) - error
    f = effect / (error / (subjects - 1))
    table = np.cov(ratings.T)
    means = table.mean(axis=0)
    epsilon = (sources * (np.trace(table) / sources - means.mean())) ** 2 / (
        (sources - 1)
        * (
            np.sum(table**2)
            - 2 * sources * np.sum(means**2)
            + sources**2 * means.mean() ** 2
        )
    )
    df = epsilon * (sources - 1)
    df_error = df * (subjects - 1)
    return {
        "f": f,
        "df": df,
        "dfError": df_error,
        "epsilon": epsilon,
        "p": stats.f.sf(f, df, df_error),
        "etaSquared": effect / (effect + error),
    }


@pytest.mark.parametrize(
    ("subjects", "sources", "effect"),
    [(2, 2, 0), (5, 2, 1), (12, 3, 0), (12, 3, 0.4), (40, 5, 0.2), (30, 3, 3)],
)
def test_anova_is_that_of_regression(script, subjects, sources, effect):
    rng = np.random.default_rng(subjects)
    ratings = rng.normal(3, 1, (subjects, sources)) + rng.normal(
        0, 2, (subjects, 1)
    )
    ratings += effect * np.arange(sources)
    found = script("Anova.repeatedMeasures", ratings.tolist())
    assert found == pytest.approx(anova_by_regression(ratings), rel=1e-9)


def test_anova_of_two_sources_is_the_paired_t_test(script):
    ratings = np.random.default_rng(0).normal(size=(15, 2))
    found = script("Anova.repeatedMeasures", ratings.tolist())
    paired = stats.ttest_rel(*ratings.T)
    assert found["f"] == pytest.approx(paired.statistic**2)
    assert found["p"] == pytest.approx(paired.pvalue)


@pytest.mark.parametrize(
    ("residuals", "epsilon"),
    [
        # (sum of squares)^2 over twice the sum of squared products, by hand.
        ([[1, -1, 0], [0, 1, -1], [-1, 0, 1]], 36 / (2 * 18)),
        ([[1, -1, 0], [-1, 1, 0], [1, 1, -2], [-1, -1, 2]], 256 / (2 * 160)),
        ([[1, -1, 0], [-1, 1, 0], [0, 0, 0]], 16 / (2 * 16)),
    ],
)
def test_epsilon_is_that_by_hand(script, residuals, epsilon):
    subjects = len(residuals)
    ratings = np.array(residuals) + [0, 1, 3] + np.arange(subjects)[:, None]
    found = script("Anova.repeatedMeasures", ratings.tolist())
    assert found["epsilon"] == pytest.approx(epsilon)
    # The F of the plain analysis, as the paper has it.
    effect = subjects * np.var([0, 1, 3]) * 3
    f = effect / 2 / (np.sum(np.square(residuals)) / (2 * (subjects - 1)))
    assert found["f"] == pytest.approx(f)
    df = 2 * epsilon, 2 * epsilon * (subjects - 1)
    assert (found["df"], found["dfError"]) == pytest.approx(df)
    assert found["p"] == pytest.approx(stats.f.sf(f, *df))


def test_epsilon_of_two_sources_is_1(script):
    ratings = np.random.default_rng(1).normal(size=(9, 2)).tolist()
    assert script("Anova.repeatedMeasures", ratings)["df"] == pytest.approx(1)


def test_anova_of_constant_differences(script):
    sure = script("Anova.repeatedMeasures", [[1, 2], [2, 3], [4, 5]])
    assert (sure["f"], sure["p"], sure["etaSquared"]) == ("Infinity", 0, 1)
    assert sure["epsilon"] == 1
    same = script("Anova.repeatedMeasures", [[1, 1], [5, 5], [0.1, 0.1]])
    assert (same["f"], same["p"], same["etaSquared"]) == ("NaN", "NaN", 0)


@pytest.mark.parametrize("df", [1, 2, 3, 7])
@pytest.mark.parametrize("df_error", [1, 2, 58, 64, 400])
def test_tail_of_f_is_scipys(script, df, df_error):
    for f in (0, 1e-6, 0.3, 0.99, 1, 3.1, 12.0, 400.0):
        assert script("Anova.fSurvival", f, df, df_error) == pytest.approx(
            stats.f.sf(f, df, df_error), rel=1e-9, abs=1e-13
        )


def rating(reader, word, source, value):
    return {"reader": reader, "word": word, "source": source, "rating": value}


def test_one_readers_subjects_are_words(script):
    ratings = [
        *(rating("a", "cat", "real", 5), rating("a", "cat", "real", 4)),
        *(rating("a", "cat", "ours", 2), rating("a", "pig", "real", 3)),
        *(rating("a", "pig", "ours", 1), rating("a", "owl", "ours", 1)),
    ]
    assert script("Anova.table", ratings, ["real", "ours"]) == {
        "unit": "word",
        "rows": [[4.5, 2], [3, 1]],
    }


def test_several_readers_are_the_subjects(script):
    ratings = [
        *(rating("a", "cat", "real", 5), rating("a", "pig", "real", 4)),
        *(rating("a", "cat", "ours", 2), rating("b", "cat", "real", 3)),
        *(rating("b", "pig", "ours", 1), rating("c", "pig", "ours", 1)),
    ]
    assert script("Anova.table", ratings, ["ours", "real"]) == {
        "unit": "reader",
        "rows": [[2, 4.5], [1, 3]],
    }


def test_every_reader_has_an_order_of_their_own(script):
    orders = [script("Rating.order", 40, name) for name in ("a", "b", "a", "")]
    assert orders[0] == orders[2] != orders[1] != orders[3]
    for order in orders:
        assert sorted(order) == list(range(40)) != order
    # Where item 0 comes is even over readers.
    places = [script("Rating.order", 5, f"r{i}").index(0) for i in range(500)]
    assert stats.chisquare(np.bincount(places, minlength=5)).pvalue > 0.001


ITEMS = [
    {"word": 'a "b", c', "source": "real"},
    {"word": "ü\nz", "source": "=cmd()"},
]


def rated(reader):
    return [
        {"report": "r1", "reader": reader, "item": i, "rating": 2 + i, **item}
        for i, item in enumerate(ITEMS)
    ]


@pytest.mark.parametrize("reader", ["Ann", "a,b", '"', "=1+2", "-", "Zoë 漢"])
def test_csv_comes_back(script, reader):
    text = script("Rating.toCsv", rated(reader))
    assert script("Rating.fromCsv", text, "r1", ITEMS) == rated(reader)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["rating"] for row in rows] == ["2", "3"]
    assert rows[0]["word"] == 'a "b", c'
    # A spreadsheet must not take a cell for a formula.
    assert rows[1]["source"] == "'=cmd()"
    assert not any(row["reader"].startswith(("=", "-")) for row in rows)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("report,", "raport,", "one that was exported here"),
        ("r1,Ann,0", "r2,Ann,0", "of this very report"),
        ("r1,Ann,1", "r1,Ann,7", "of this very report"),
        (",real,2", ",real,6", "a rating must be 1 to 5; received 6"),
        (",real,2", ",real,", "a rating must be 1 to 5"),
        (",real,2", ',real,"2', "one that was exported here"),
    ],
)
def test_foreign_csv_is_refused(script, old, new, told):
    text = script("Rating.toCsv", rated("Ann"))
    assert old in text
    with pytest.raises(Exception, match=told):
        script("Rating.fromCsv", text.replace(old, new), "r1", ITEMS)


def test_an_empty_file_is_refused(script):
    with pytest.raises(Exception, match="exported here"):
        script("Rating.fromCsv", "", "r1", ITEMS)
