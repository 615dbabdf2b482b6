"""What a set of curves accepts, and the one line with which it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from momentum_jax.analysis.curves.curve_set import CurveSet
from momentum_jax.fields import ConfigError

STEPS = np.array([0.0, 10, 20])
VALUES = np.arange(12.0).reshape(2, 2, 3)


def curves(**changed):
    return CurveSet(**({"values": VALUES, "steps": STEPS, "arms": ("a", "b"), "seeds": (7, 9)} | changed))


def with_value(value, *, name="values", place=(1, 0, 2)):
    array = np.ones_like(VALUES)
    array[place] = value
    return {name: array}


def test_labels_are_text_and_a_seed_that_an_arm_has_not_run_is_a_row_of_nan():
    values = VALUES.copy()
    values[1, 0] = np.nan
    found = curves(values=values)
    assert found.seeds == ("7", "9")
    assert found.seeds_of(0) == ("7", "9")
    assert found.seeds_of(1) == ("9",)
    assert found.ran.tolist() == [[True, True], [False, True]]


def test_seeds_without_labels_are_numbered():
    assert curves(seeds=()).seeds == ("0", "1")


def test_the_arrays_are_copies_in_double_precision():
    values = VALUES.astype(np.float32)
    found = curves(values=values)
    values[:] = 0
    assert found.values.dtype == np.float64
    assert found.values[1, 1, 2] == 11


BAD = {
    "shape": ({"values": VALUES[0]}, r"values have shape \(2, 3\), expected \[arm, seed, K\]"),
    "empty": ({"values": VALUES[:, :0]}, r"values have shape \(2, 0, 3\)"),
    "text": ({"values": [[["x", "y", "z"]]]}, "values: found something that is no number"),
    "ragged": ({"values": [[[1, 2, 3], [1, 2]]]}, "values: found rows of unequal lengths"),
    "steps length": ({"steps": STEPS[:2]}, r"steps have shape \(2,\), expected \[3\]"),
    "steps repeat": ({"steps": [0, 10, 10]}, "steps: found 10 and then 10 at place 2"),
    "steps fall": ({"steps": [0, 20, 10]}, "steps: found 20 and then 10 at place 2"),
    "steps nan": ({"steps": [np.nan, 10, 20]}, "steps: found nan and then 10 at place 1"),
    "infinite step": ({"steps": [0, 10, np.inf]}, "steps: found 10 and then inf at place 2"),
    "infinite": (with_value(np.inf), "^arm 'b', seed 7, step 20: found inf, expected a finite number$"),
    "too large": (with_value(-1e200), "values: found 1e.200 as the largest, expected one from 1e-140 to 1e.140"),
    "too small": ({"values": VALUES * 1e-200}, "values: found 1.1e-199 as the largest, .*: multiply all values by one"),
    "complex": ({"values": VALUES + 1j}, "values: found something that is no number"),
    "arms": ({"arms": ("a",)}, "arms: found 1 labels, expected 2"),
    "arms repeat": ({"arms": ("a", "a")}, "arms: found 'a' twice"),
    "seeds repeat": ({"seeds": (1, "1")}, "seeds: found '1' twice"),
    "good": ({"good": "left"}, "good='left': expected 'up' or 'down'"),
    "errors shape": ({"standard_errors": VALUES[0]}, r"standard_errors has shape \(2, 3\)"),
    "errors sign": (with_value(-1.0, name="standard_errors"), "standard_errors of arm 'b', seed 7, step 20: found -1"),
    "one count": ({"successes": VALUES}, "found one of them, expected both"),
    "counts": ({"totals": np.ones_like(VALUES)} | with_value(2.0, name="successes"), "found 2 of 1 in arm 'b', seed 7"),
    "replicates": ({"replicates": VALUES}, r"replicates have shape .*, expected \[2, 2, R, 3\]"),
}


@pytest.mark.parametrize(("changed", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_refused_in_one_line(changed, message):
    with pytest.raises(ConfigError, match=message) as caught:
        curves(**changed)
    assert "\n" not in str(caught.value)
