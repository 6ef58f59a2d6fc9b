from pathlib import Path

import pytest

from tests.testing import studio


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return studio.write_toy(tmp_path_factory.mktemp("model") / "toy.tflite")


@pytest.fixture(scope="session")
def address(model, tmp_path_factory):
    from export.studio.build import build

    folder = tmp_path_factory.mktemp("studio") / "page"
    build({"toy": model}, folder)
    with studio.served(folder) as address:
        yield address


# Not for the whole session: while Playwright is open, its event loop is the
# process's, and neither another nor `asyncio.run` can start.
@pytest.fixture(scope="module")
def browser():
    with studio.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def context(browser):
    """One for all tests of a module, so that the page is loaded once."""
    with browser.new_context(viewport=studio.DESK) as context:
        yield context


@pytest.fixture
def page(context, address):
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(address)
    studio.ready(page)
    studio.set_slider(page, "speed", 7)  # at once
    yield page
    page.close()
    assert not errors
