"""Descriptions that do not fit together are refused in one line, before anything is compiled."""

from __future__ import annotations

import dataclasses

import pytest

from momentum_jax.diagnostics.description import (
    Count,
    DecisionTable,
    Metric,
    Outcomes,
    Ratio,
    Recorded,
    Share,
    Variable,
)
from momentum_jax.diagnostics.description_check import check
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.fields import ConfigError

PLAIN = plain_diagnostics("plain", 3)


def with_variable(**settings):
    own = Variable(name="own", long_name="own", **settings)
    return dataclasses.replace(PLAIN, flags=("hit",), variables=(*PLAIN.variables, own))


def with_metric(derived, name="own", **settings):
    own = Metric(name=name, label="own", derived=derived, **settings)
    return dataclasses.replace(PLAIN, metrics=(*PLAIN.metrics, own))


def fits(diagnostics):
    """Whether nothing is said against a description."""
    try:
        check(diagnostics)
    except ConfigError as error:
        print(error)
        return False
    return True


@pytest.mark.parametrize("diagnostics", [MOMENTUM, PLAIN, plain_diagnostics("one", 1)], ids=lambda one: one.environment)
def test_the_descriptions_of_this_package_fit(diagnostics):
    assert fits(diagnostics)


def test_a_description_of_ones_own_fits():
    assert fits(with_variable(source=Count(when=("hit", "episode_end"), actions=("action_2",))))
    assert fits(with_variable(source=Outcomes(when="hit", reduce="positive")))
    assert fits(with_variable(source=Outcomes(when="hit", reduce="smallest"), dtype="float64"))


@pytest.mark.parametrize(
    ("diagnostics", "problem"),
    [
        (with_variable(source=Count(when=("hitt",))), "variable 'own' names 'hitt', .* hit; did you mean hit?"),
        (with_variable(source=Count(unless=("miss",))), "names 'miss', expected one of episode_end, hit"),
        (with_variable(source=Count(actions=("jump",))), "names 'jump', expected one of action_0, action_1, action_2"),
        (with_variable(source=DecisionTable(), dims=("action",)), r"has dims \('action',\)"),
        (with_variable(source=Outcomes(when="hit", reduce="sum")), "dtype int64, its source gives .* float64"),
        (with_variable(), "'own' has no source: say how it is counted"),
        (dataclasses.replace(PLAIN, actions=("a", "b", "a")), "actions has 'a' more than once"),
        (dataclasses.replace(PLAIN, contexts=()), "contexts is empty"),
        (dataclasses.replace(PLAIN, context="action"), "context 'action' is another dimension's name"),
        (dataclasses.replace(PLAIN, decisions="episode_count"), "decisions='episode_count' names no variable whose"),
        (dataclasses.replace(PLAIN, primary="episode_retur"), "primary names 'episode_retur', .*mean episode_return"),
        (dataclasses.replace(PLAIN, dips_in=("p_action_9",)), "dips_in names 'p_action_9'"),
        (dataclasses.replace(PLAIN, columns=("x",)), "columns names 'x'"),
        (dataclasses.replace(PLAIN, shown_events=("x",)), "shown_events names 'x'"),
        (
            dataclasses.replace(
                PLAIN, variables=(*PLAIN.variables, dataclasses.replace(PLAIN.variables[0], name="entropy"))
            ),
            "variables has 'entropy' more than once",
        ),
        (with_metric(Share(actions=("jump",))), "metric 'own' names 'jump'"),
        (with_metric(Share(actions=("action_0",), contexts=(7,))), "metric 'own' names 7"),
        (with_metric(Ratio(numerator="x", actions=("action_0",))), "metric 'own' names 'x'"),
        (with_metric(Recorded(variable="reward_sum")), "unit '%', and 'reward_sum' is in 'reward': give unit='reward'"),
        (with_metric(Share(actions=("action_0",)), unit="reward"), "a Share or a Ratio is in percent: leave unit out"),
        (with_metric(Share(actions=("action_0",)), dip_threshold=0.0), "dip_threshold=0.0, expected more than 0"),
        (with_metric(Recorded(variable="p_action")), "'own' stands for 'p_action', which has dims"),
        (
            with_metric(Share(actions=("action_0",)), name="reward_sum"),
            "curve 'reward_sum', which is a recorded variable",
        ),
        (with_metric(Share(actions=("action_0",)), exact_name="p_action_1"), "the curve 'p_action_1' more than once"),
        (dataclasses.replace(PLAIN, dips_in=("entropy",)), "dips_in names 'entropy', expected one of episode_return"),
        (dataclasses.replace(PLAIN, dips_in=()), "dips_in does not name 'episode_return', the curve of the primary"),
        (dataclasses.replace(PLAIN, primary="entropy"), "primary='entropy' has good_direction=0: say whether up"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(diagnostics, problem):
    with pytest.raises(ConfigError, match=rf"diagnostics of plain: .*{problem}") as caught:
        check(diagnostics)
    assert "\n" not in str(caught.value)
