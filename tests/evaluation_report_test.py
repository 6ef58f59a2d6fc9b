"""The report as a reader gets it: one file, offline, also in a browser."""

import csv
import dataclasses
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from evaluation_rating_test import anova_by_regression
from evaluations import BASE, NASTY
from playwright.sync_api import sync_playwright

from sketcher_tf.evaluation.report import render

CHROMIUM = shutil.which("chromium")
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
        min(8, sum(word in meant for meant in evaluation.gallery.meant))
        for word in range(4)
    )
    given = 4 * (2 + 2 * 2)
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
        evaluation.gallery, drawn={first: evaluation.gallery.drawn[first]}
    )
    alone = dataclasses.replace(evaluation, results=results, gallery=gallery)
    told = " ".join(Page(render(alone)).texts)
    assert "against" not in told.split("Ablation")[0].lower()
    assert "None" not in told


@pytest.fixture
def browser_page(text, tmp_path):
    if CHROMIUM is None:
        pytest.skip("apt-get install chromium")
    file = tmp_path / "report.html"
    file.write_text(text, "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        context = browser.new_context(
            offline=True, viewport={"width": 360, "height": 740}
        )
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(file.as_uri())
        yield page
        browser.close()
        assert not errors


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
    assert f"F(2, 6) = {expected['f']:.2f}" in told

    page.reload()  # what was rated is kept
    page.fill("#rating-reader", "Ann")
    page.press("#rating-reader", "Enter")
    assert page.inner_text("#rating-anova") == told

    other = (tmp_path / "ratings.csv").read_text().replace(",Ann,", ",Bob,")
    (tmp_path / "bob.csv").write_text(other.replace(",5\n", ",4\n"))
    page.set_input_files("#rating-import", tmp_path / "bob.csv")
    page.wait_for_function(
        "document.getElementById('rating-message').textContent"
    )
    assert page.inner_text("#rating-message") == "2 readers in all."
    assert "over 2 readers" in page.inner_text("#rating-anova")
