"""The report as a reader gets it: one file, offline, also in a browser."""

import copy
import csv
import dataclasses
import html
import json
import re
import statistics
from html.parser import HTMLParser

import numpy as np
import pytest

from sketcher_tf import rendering
from sketcher_tf.evaluation import report
from sketcher_tf.evaluation.report import render
from sketcher_tf.sketches import Sketch
from tests.evaluation.rating_test import anova_by_regression
from tests.testing.browser import NEEDS_CHROMIUM, chromium
from tests.testing.evaluations import BASE, NASTY

_VOID = ("meta", "input")
_WORDS = ["category=ring", "category=zigzag", "mood=a", f"mood={NASTY}"]


@pytest.fixture(scope="module")
def evaluation(evaluated):
    return evaluated.evaluation


@pytest.fixture(scope="module")
def text(evaluation):
    return render(evaluation)


class Page(HTMLParser):
    """Checks nesting, and collects what tests ask for."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.attributes, self.ids = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        if tag not in _VOID:
            self.open.append(tag)
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_startendtag(self, tag, attributes):
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_it_needs_nothing_else(text, page):
    links = {
        value
        for _, name, value in page.attributes
        if name in ("href", "src", "srcset", "action", "data", "poster")
    }
    assert links == {f"#{i}" for i in page.ids if not i.startswith("rating")}
    assert len(page.ids) == len(set(page.ids))
    urls = set(re.findall(r"\w+://[^\\\"' ]+|@import|url\(", text))
    assert urls == {"http://www.w3.org/2000/svg"}


def test_names_are_text_and_not_markup(page):
    assert "u" not in page.tags
    assert page.texts.count(BASE) > 3
    assert NASTY in " ".join(page.texts)


def test_every_drawing_is_there(evaluation, text):
    # Words: 4 new drawings of each model, at most 8 real ones.
    real = sum(
        min(8, sum(word in meant for meant in evaluation.gallery.target))
        for word in range(4)
    )
    given = 4 * (2 + 2 * 3)
    blends = 2 * 2 * 5
    nearest = 2 * 4 * 2
    count = len(re.findall('<div class="drawing( seen)?">', text))
    assert count == 2 * 4 * 4 + real + given + blends + nearest


def test_numbers_stand_in_the_page(evaluation, page):
    told = " ".join(page.texts)
    for model in evaluation.results["models"].values():
        share = model["generated"]["recognised"]["share"]
        assert f"{100 * share['value']:.1f}\N{NO-BREAK SPACE}%" in told
        assert f"[{100 * share['low']:.1f}, {100 * share['high']:.1f}]" in told
        loss = model["losses"]["reconstruction"]
        assert f"{loss['value']:.3f} [{loss['low']:.3f}" in told
    assert "No user study was made" in told


def test_one_model_has_no_comparison(evaluation):
    first = next(iter(evaluation.results["models"]))
    results = {
        **evaluation.results,
        "models": {first: evaluation.results["models"][first]},
        "comparisons": {},
        "baseline": None,
    }
    gallery = dataclasses.replace(
        evaluation.gallery, samples={first: evaluation.gallery.samples[first]}
    )
    alone = dataclasses.replace(evaluation, results=results, gallery=gallery)
    told = " ".join(Page(render(alone)).texts)
    assert "against" not in told.split("Ablation")[0].lower()
    assert "None" not in told


@pytest.fixture
def results(evaluation):
    """A copy of the numbers, for tests that change them."""
    return copy.deepcopy(evaluation.results)


@pytest.fixture
def rendered(evaluation, results):
    return lambda: render(dataclasses.replace(evaluation, results=results))


def test_the_nearest_drawing_stands_beside_its_own(evaluation, text):
    def svg(sketch):
        untitled = Sketch(sketch.stroke3, "", sketch.finished)
        return rendering.to_svg(untitled, 96)

    shown = re.findall(
        r'<div class="drawing(?: seen)?">(.*?)</div>',
        text.split("Drawn or recited?")[1].split("</section>")[0],
        re.DOTALL,
    )
    gallery = evaluation.gallery
    assert shown == [
        svg(sketch)
        for name, drawn in gallery.samples.items()
        for word, row in enumerate(drawn.generated.values())
        for sketch in (row[0], gallery.nearest[name][4 * word])
    ]


def test_what_differs_stands_out(results, rendered):
    tests = results["comparisons"]["ours"]["diversity"]["words"]
    for word, p in zip(_WORDS, (0.03, 0.2, 0.0004, None), strict=True):
        tests[word]["p"] = p
    table = rendered().split('id="diversity"')[1].split("</table>")[0]
    cells = [
        re.search(
            rf"<th>{html.escape(word, quote=False)}</th>"
            r"(?:\s*<td>.*?</td>\s*){2}<td(.*?)>(.*?)</td>",
            table.replace("&#34;", '"'),
            re.DOTALL,
        ).groups()
        for word in _WORDS
    ]
    assert cells == [
        (' class="differs"', ".030"),
        ("", ".200"),
        (' class="differs"', "&lt; .001"),
        ("", "\N{EN DASH}"),
    ]


def test_a_bar_is_the_interval(results, rendered):
    share = {"value": 0.5, "low": 0.25, "high": 0.875}
    results["real"]["recognised"]["share"] = share
    assert (
        '<span style="left:25.0%;right:12.5%"></span>'
        '<em style="left:50.0%"></em>'
    ) in rendered()


@pytest.mark.parametrize(
    ("value", "told"), [(0.1, "more; diversity"), (-0.1, "(less); diversity")]
)
def test_more_is_more_than_the_baseline(results, rendered, value, told):
    found = results["comparisons"]["ours"]["recognised_difference"]
    found["value"] = value
    words = " ".join(Page(rendered()).texts).split()
    assert f"percentage points {told}" in " ".join(words)


def test_the_training_drawings_that_were_used_are_counted(results, rendered):
    results["training"] = 7
    told = " ".join(" ".join(Page(rendered()).texts).split())
    assert "trained on 7 of the 40 real drawings" in told
    assert "to the same 7 training drawings" in told


def test_models_that_were_trained_elsewhere_are_told(results, rendered, page):
    note = "Not trained on this training split: "
    assert note not in " ".join(page.texts)
    results["trained_elsewhere"] = [BASE]
    assert f"{note}{BASE}." in Page(rendered()).texts


def test_of_many_words_some_are_rated(evaluation, monkeypatch):
    monkeypatch.setattr(report, "_RATED", 2)
    data = re.search(
        r'id="rating-data" type="application/json">(.*?)</script>',
        render(evaluation),
    )
    items = json.loads(data[1])["items"]
    assert [(item["word"], item["source"]) for item in items] == [
        (word, source)
        for word in (_WORDS[0], _WORDS[2])
        for source in ("real", "ours", BASE)
    ]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser_page(browser, text, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(text, "utf-8")
    errors = []
    with browser.new_context(
        offline=True, viewport={"width": 360, "height": 740}
    ) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(file.as_uri())
        yield page
    assert not errors


@NEEDS_CHROMIUM
def test_a_reader_rates_on_a_phone_without_network(
    browser_page, evaluation, tmp_path
):
    page = browser_page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    items = page.evaluate(
        "JSON.parse(document.getElementById('rating-data').textContent).items"
    )
    sources = ["real", "ours", BASE]
    for word in _WORDS:
        for source in sources:
            [_, *_] = [
                i for i in items if (i["word"], i["source"]) == (word, source)
            ]
    page.fill("#rating-reader", "Ann")
    page.press("#rating-reader", "Enter")
    order = page.evaluate(f"Rating.order({len(items)}, 'Ann')")

    # Real ones are liked, by a rule that the test can repeat.
    def opinion(number):
        likes = {"real": 4, "ours": 3, BASE: 2}
        return likes[items[number]["source"]] + (number * 7 % 5 - 2) // 2

    page.keyboard.press("1")
    page.keyboard.press("Backspace")
    for number in order:
        card = page.inner_html("#rating-card")
        assert page.inner_text("#rating-word") == items[number]["word"]
        assert not any(s in card for s in ("ours", "base", "real"))
        rating = opinion(number)
        if number % 2:
            page.keyboard.press(str(rating))
        else:
            page.click(f"#rating-buttons [value='{rating}']")

    with page.expect_download() as download:
        page.click("#rating-export")
    download.value.save_as(tmp_path / "ratings.csv")
    with open(tmp_path / "ratings.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["item"]) for row in rows] == order
    table = np.array(
        [
            [
                np.mean(
                    [
                        int(row["rating"])
                        for row in rows
                        if (row["word"], row["source"]) == (word, source)
                    ]
                )
                for source in sources
            ]
            for word in _WORDS
        ]
    )
    assert [int(row["rating"]) for row in rows] == list(map(opinion, order))
    expected = anova_by_regression(table)
    told = page.inner_text("#rating-anova")
    assert "over 4 words, rated by one reader" in told
    df = [f"{round(expected[name], 2):g}" for name in ("df", "dfError")]
    assert f"F({', '.join(df)}) = {expected['f']:.2f}" in told
    assert f"ε = {expected['epsilon']:.2f}" in told
    deviation = statistics.stdev(
        int(row["rating"]) for row in rows if row["source"] == "real"
    )
    shown = page.inner_text("#rating-table tbody tr").split()
    assert shown[2:] == [f"{deviation:.2f}", str(len(rows) // 3)]

    page.click("#rating-undo")  # the last one was a slip
    count = len(items)
    assert page.inner_text("#rating-progress") == f"{count} of {count}"
    page.keyboard.press(str(opinion(order[-1])))
    assert page.inner_text("#rating-anova") == told

    page.reload()  # what was rated is kept
    page.fill("#rating-reader", "Ann")
    page.press("#rating-reader", "Enter")
    assert page.inner_text("#rating-anova") == told

    page.set_input_files("#rating-import", tmp_path / "ratings.csv")
    page.wait_for_function(
        "document.getElementById('rating-message').textContent"
    )
    assert page.inner_text("#rating-anova") == told  # Ann is counted once

    other = (tmp_path / "ratings.csv").read_text().replace(",Ann,", ",Bob,")
    (tmp_path / "bob.csv").write_text(other.replace(",5\n", ",4\n"))
    page.set_input_files("#rating-import", tmp_path / "bob.csv")
    page.wait_for_function(
        "document.getElementById('rating-message').textContent[0] === '2'"
    )
    assert page.inner_text("#rating-message") == "2 readers in all."
    assert "over 2 readers" in page.inner_text("#rating-anova")


@NEEDS_CHROMIUM
def test_only_a_key_of_its_own_rates(browser_page):
    page = browser_page
    page.fill("#rating-reader", "Ann")
    page.press("#rating-reader", "Enter")
    for key in ("Control+1", "Meta+1", "Alt+1", "6"):
        page.keyboard.press(key)
        assert page.inner_text("#rating-progress").startswith("1 of")
    for _ in range(3):  # held
        page.keyboard.down("3")
    page.keyboard.up("3")
    assert page.inner_text("#rating-progress").startswith("2 of")
    page.focus("#rating-buttons [value='2']")
    for _ in range(3):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    assert page.inner_text("#rating-progress").startswith("3 of")
    page.click("#rating-stop")
    page.click("#rating-undo")
    assert page.inner_text("#rating-progress").startswith("2 of")
