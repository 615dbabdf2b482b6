"""An environment's description as plain values for config.json, and back."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.fields import ConfigError

# JSON has no numbers that are not finite.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@given(st.from_type(Diagnostics))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_description_comes_back_from_json_as_it_was(diagnostics):
    assert Diagnostics.from_json(json.loads(json.dumps(diagnostics.to_json()))) == diagnostics


def test_the_momentum_description_comes_back_from_json_as_it_was():
    assert Diagnostics.from_json(json.loads(json.dumps(MOMENTUM.to_json()))) == MOMENTUM


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("variables", [{"name": "x", "long_name": "x", "source": {"rule": "Median"}}], "rule 'Median' is unknown"),
        ("metrics", [{"name": "x", "label": "x", "derived": {"rule": "Share", "weights": [1]}}], "weights"),
        ("colours", ["red"], r"Diagnostics has unknown fields \['colours'\]"),
        ("contrast", {"contexts": [1]}, "Contrast is incomplete"),
    ],
)
def test_a_part_that_this_version_does_not_know_is_refused(part, value, message):
    with pytest.raises(ConfigError, match=message):
        Diagnostics.from_json({**MOMENTUM.to_json(), part: value})


def test_a_field_that_did_not_exist_yet_takes_its_default():
    plain = MOMENTUM.to_json()
    del plain["shown_events"], plain["contrast"]
    assert Diagnostics.from_json(plain) == dataclasses.replace(MOMENTUM, shown_events=(), contrast=None)
