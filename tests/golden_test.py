import numpy as np
import pytest

from tests.testing import golden, graphs

# Sums in another order, by another processor or in another batch, differ in
# their last digit, and a drawing carries that on: by 0.0005 pixels at most in
# what was seen (oneDNN or Eigen, 1 to 16 drawings at once). Ten times that is
# still a tenth of what a thousandth more of one layer's weights makes.
_PIXELS = 0.005


@pytest.fixture(autouse=True)
def as_users_draw():
    graphs.optimize(True)
    yield
    graphs.optimize(False)


@pytest.mark.parametrize("name", golden.MODELS)
def test_a_seed_draws_what_it_always_drew(name):
    expected, drawn = golden.recorded(name), golden.draw(name)
    assert drawn.keys() == expected.keys()
    for what, sketches in expected.items():
        for number, sketch in enumerate(sketches):
            place = f"{what} {number}"
            same = drawn[what][number]
            assert same["finished"] == sketch["finished"], place
            np.testing.assert_allclose(
                same["points"], sketch["points"], atol=_PIXELS, err_msg=place
            )
