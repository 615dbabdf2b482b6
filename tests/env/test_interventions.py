"""Each intervention for what it isolates, and nothing else changed: many environments under a random legal policy."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum import Momentum, typed_options
from momentum_jax.env.momentum_events import EVENT_WORD
from momentum_jax.fields import ConfigError

ENV = Momentum()
HOLD, CALL, PUT, TRIM_50, TRIM_70, EXIT = range(6)
ENVS, STEPS = 64, 250
RATE = 0.07


@jax.jit
def _play(actions, keys, params):
    """Chosen actions [T, M]; where negative, a random legal one is chosen."""

    def step(state, given):
        action, key = given
        mask = ENV.action_mask(state, params)
        choose_key, step_key = jax.random.split(key)
        drawn = jax.random.categorical(choose_key, jnp.where(mask, 0.0, -jnp.inf)).astype(jnp.int32)
        action = jnp.where(action < 0, drawn, action)
        after = ENV.transition(step_key, state, action, params)
        return after.state, {"before": state, "mask": mask, "action": action, "step": after}

    start = ENV.initial_state(keys[0, 0], params)
    return jax.vmap(lambda given: jax.lax.scan(step, start, given)[1], in_axes=1, out_axes=1)((actions, keys))


def play(market, actions=None, seed=0, typed=None, **changes):
    """What happened to `ENVS` environments in `STEPS` steps, arrays [T, M]; the same keys for the same seed.

    By one program, in which all interventions are, unless `typed` makes its options.
    """
    actions = np.full((STEPS, ENVS), -1, np.int32) if actions is None else actions
    keys = jax.random.split(jax.random.key(seed), actions.shape)
    params = market.params.replace(options=(typed or all_typed)(EnvOptions(**changes)))
    told = jax.device_get(_play(jnp.asarray(actions, jnp.int32), keys, params))
    step = told["step"]
    flags = {name: EVENT_WORD.flag(step.event, name) for name in ("forced_stop", "yoked_stop", "forced_trim")}
    return SimpleNamespace(
        before=told["before"],
        held=told["before"].kind > 0,
        mask=told["mask"],
        action=told["action"],
        executed=EVENT_WORD.action(step.event),
        state=step.state,
        reward=step.reward,
        event=step.event,
        outcome=step.outcome,
        **flags,
    )


def all_typed(options):
    return jax.tree.map(lambda value: np.asarray(value, bool if isinstance(value, bool) else np.float32), options)


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, vars(one), vars(other))


@pytest.fixture(scope="module")
def reference(market):
    """Random legal play by the reference's rules: purchases, trims, exits and stops take part."""
    played = play(market)
    assert all((played.action == action).sum() > 100 for action in range(6)) and played.forced_stop.sum() > 100
    return played


def test_interventions_that_are_off_change_nothing(market, reference):
    """Whether they are in the program, as above, or not."""
    assert typed_options(EnvOptions()).yoked_stop_rate is None
    assert_same(play(market, typed=typed_options), reference)


def test_masked_trims_are_never_taken(market):
    played = play(market, trims_legal=False)
    assert set(played.executed[played.held]) == {HOLD, EXIT}
    legal = np.where(played.held[..., None], np.isin(range(6), (HOLD, EXIT)), np.isin(range(6), (HOLD, CALL, PUT)))
    np.testing.assert_array_equal(played.mask, legal)
    assert not played.forced_stop.any()  # it takes trims to spring the trap on so calm a market


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.75, 2.0])
def test_the_weight_of_a_stops_reward_changes_no_state(market, reference, weight):
    """The whole reward of a stop is weighted, tier and penalty, and no other reward."""
    played = play(market, reference.action, stop_reward_weight=weight)
    jax.tree.map(np.testing.assert_array_equal, played.state, reference.state)
    np.testing.assert_array_equal(played.event, reference.event)
    np.testing.assert_array_equal(played.outcome, reference.outcome)
    expected = np.where(reference.forced_stop, np.float32(weight) * reference.reward, reference.reward)
    np.testing.assert_array_equal(played.reward, expected)
    assert reference.reward[reference.forced_stop] == pytest.approx(-1.7)


def test_a_stop_that_never_fires_leaves_the_accounting_false(market, reference):
    played = play(market, reference.action, stop_fires=False)
    assert not played.forced_stop.any()
    trimmed = played.held & (played.before.quantity < played.before.entry_quantity)
    assert trimmed.sum() > 100
    np.testing.assert_array_equal(played.before.cost_quantity, played.before.entry_quantity)
    # What would have been stopped is held at the loss that the accounting claims, and exits at its tier.
    held_on = trimmed & (played.action == HOLD)
    assert (played.state.unrealized_pnl < 0)[held_on].all() and (played.state.kind > 0)[held_on].all()
    assert played.reward[trimmed & (played.action == EXIT)] == pytest.approx(-0.9)
    until = np.maximum.accumulate(reference.forced_stop, axis=0)  # and at its first stop it is another trade
    np.testing.assert_array_equal(played.reward[~until], reference.reward[~until])


def test_the_share_of_the_cost_that_a_trim_takes_off(market, reference):
    """0 is the reference's accounting, 1 is `trim_reduces_cost`, and the cost falls with it in between."""
    shared = partial(play, market, reference.action)
    whole = shared(trim_reduces_cost=True)
    assert_same(shared(trim_reduces_cost=True, typed=typed_options), whole)
    assert_same(shared(trim_reduces_cost=True, trim_cost_share=0.0), reference)
    shares = np.linspace(0, 1, 9)
    runs = [shared(trim_reduces_cost=True, trim_cost_share=float(share), stop_fires=False) for share in shares]
    costs = np.stack([run.state.cost_quantity for run in runs])
    assert (np.diff(costs, axis=0) <= 0).all() and (costs[-1] < costs[4]).any() and (costs[4] < costs[0]).any()
    for share, run in zip(shares, runs, strict=True):
        left, bought = run.state.quantity, run.state.entry_quantity
        counted = np.where(run.state.kind > 0, run.state.cost_quantity, bought)
        off = np.where(run.state.kind > 0, share * (bought - left), 0)
        assert (np.abs(bought - off - counted) <= 0.5).all()


def test_a_share_of_the_cost_springs_the_trap_until_it_is_large(market, reference):
    """The loss on paper after a trim is beyond 15 % up to a share of 0.82 (TRIM_50) or 0.92 (TRIM_70)."""
    stops = {}
    for share in (0.25, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0):
        run = play(market, reference.action, trim_reduces_cost=True, trim_cost_share=share)
        whole = run.held & (run.before.quantity == run.before.entry_quantity)
        trimmed = [(whole & (run.action == trim))[:-1] for trim in (TRIM_50, TRIM_70)]
        stops[share] = [run.forced_stop[1:][after].mean() for after in trimmed]
        if share <= 0.8:
            np.testing.assert_array_equal(run.reward, reference.reward)
    assert [stops[share] for share in (0.25, 0.75, 0.8)] == [[1, 1]] * 3
    assert stops[0.85] == stops[0.9] == [0, 1] and stops[0.95] == stops[1.0] == [0, 0]


def test_yoked_stops_have_their_rate_and_are_drawn_whatever_the_action(market):
    changes = {"yoked_stop_rate": RATE, "trim_reduces_cost": True}
    played, other = play(market, **changes), play(market, np.full((STEPS, ENVS), CALL), **changes)
    assert not played.forced_stop.any() and not played.yoked_stop[~played.held].any()
    for run in (played, other):
        assert stats.binomtest(int(run.yoked_stop.sum()), int(run.held.sum()), RATE).pvalue > 0.01
    both = played.held & other.held
    np.testing.assert_array_equal(played.yoked_stop[both], other.yoked_stop[both])
    legal = (HOLD, TRIM_50, TRIM_70, EXIT)
    by_action = [played.yoked_stop[played.held & (played.action == action)] for action in legal]
    table = [[stopped.sum(), (~stopped).sum()] for stopped in by_action]
    assert stats.chi2_contingency(table).pvalue > 0.01
    assert (play(market, **changes, seed=1).yoked_stop != played.yoked_stop).any()


@pytest.mark.parametrize(
    ("changes", "reward"),
    [
        ({}, -1.7),
        ({"stop_penalty": -0.25}, -1.15),
        ({"graded_loss_tiers": True}, -1.8),
        ({"stop_reward_weight": 0.0}, -1.7),
    ],
)
def test_a_yoked_stop_sells_at_the_market_for_the_reward_of_the_trap(market, changes, reward):
    """Whatever the position is worth and whatever the action was; the sale is that of an exit."""
    changes = {"trim_reduces_cost": True, **changes}
    played = play(market, yoked_stop_rate=RATE, **changes)
    stopped = played.yoked_stop
    assert stopped.sum() > 50 and (played.outcome[stopped] > 0).any() and (played.outcome[stopped] < 0).any()
    assert played.reward[stopped] == pytest.approx(reward, abs=1e-6) and np.unique(played.reward[stopped]).size == 1
    exited = play(market, np.where(stopped, EXIT, played.action), **changes)
    jax.tree.map(np.testing.assert_array_equal, exited.state, played.state)
    np.testing.assert_array_equal(exited.outcome, played.outcome)
    np.testing.assert_array_equal(exited.reward[~stopped], played.reward[~stopped])
    for name in ("trade_closed", "is_flat", "episode_end"):
        np.testing.assert_array_equal(EVENT_WORD.flag(exited.event, name), EVENT_WORD.flag(played.event, name))


def test_a_natural_stop_comes_before_a_yoked_one(market, reference):
    """It keeps its own flag, and its reward's weight."""
    played = play(market, reference.action, yoked_stop_rate=1.0)
    assert not (played.forced_stop & played.yoked_stop).any()
    trapped = play(market, np.tile([[CALL], [HOLD]], (STEPS // 2, ENVS)), yoked_stop_rate=1.0)
    assert trapped.yoked_stop[trapped.held].all()
    late = play(market, reference.action, yoked_stop_rate=RATE, stop_reward_weight=0.5)
    assert late.forced_stop.sum() > 50 and late.yoked_stop.sum() > 50
    assert late.reward[late.forced_stop] == pytest.approx(-0.85) and late.reward[late.yoked_stop] == pytest.approx(-1.7)


def test_forced_trims_replace_the_chosen_action(market):
    played = play(market, trims_legal=False, forced_trim_rate=RATE)
    forced, trims = played.forced_trim, np.isin(played.executed, (TRIM_50, TRIM_70))
    np.testing.assert_array_equal(forced, trims & played.held)
    np.testing.assert_array_equal(played.executed[~forced], played.action[~forced])
    assert set(played.action[forced]) == {HOLD, EXIT}  # what the policy chose, and did not get
    free = played.held & ~played.forced_stop
    assert stats.binomtest(int(forced.sum()), int(free.sum()), RATE).pvalue > 0.01
    assert stats.binomtest(int((played.executed[forced] == TRIM_70).sum()), int(forced.sum())).pvalue > 0.01
    assert played.forced_stop.sum() > 50  # the trap is there, as where the policy samples trims


def test_a_forced_trim_is_the_trim_that_the_word_names(market):
    """The same actions chosen freely lead to the same states and rewards."""
    played = play(market, trims_legal=False, forced_trim_rate=RATE)
    chosen = play(market, played.executed)
    jax.tree.map(np.testing.assert_array_equal, chosen.state, played.state)
    np.testing.assert_array_equal(chosen.reward, played.reward)
    np.testing.assert_array_equal(chosen.forced_stop, played.forced_stop)


def test_the_two_draws_of_a_step_are_apart(market):
    """Half of the trims where half of the positions are sold, not all or none of them."""
    played = play(market, trims_legal=False, forced_trim_rate=0.5, yoked_stop_rate=0.5, stop_fires=False)
    free = played.held & ~played.yoked_stop
    assert stats.binomtest(int(played.forced_trim.sum()), int(free.sum()), 0.5).pvalue > 0.01


@pytest.mark.parametrize(
    ("changes", "message", "remedy"),
    [
        ({"trim_cost_share": 0.5}, "trim_cost_share=0.5 .*: set trim_reduces_cost=true", {"trim_reduces_cost": True}),
        ({"forced_trim_rate": 0.1}, "forced_trim_rate=0.1 .*: set trims_legal=false", {"trims_legal": False}),
        ({"yoked_stop_rate": 1.5}, "yoked_stop_rate=1.5 is too large: use at most 1", {"yoked_stop_rate": 1}),
        ({"stop_reward_weight": -1.0}, "stop_reward_weight=-1.0 .*: use at least 0", {"stop_reward_weight": 0}),
        ({"flat_entropy_weight": -0.5}, "flat_entropy_weight=-0.5 .*: use at least 0", {"flat_entropy_weight": 0}),
    ],
)
def test_settings_that_cannot_be_are_refused_with_a_remedy(changes, message, remedy):
    with pytest.raises(ConfigError, match=message) as caught:
        EnvOptions(**changes).validate()
    assert "\n" not in str(caught.value)
    EnvOptions(**changes | remedy).validate()
