"""The momentum environment behind gymnax's interface, and the interface through which the learner uses it.

gymnax's users call `reset` and `step`. The learner calls `transition`, `compact` and `expand`: it stores 5 numbers
a step instead of 460 and never builds the observation itself.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnax import registration
from gymnax.environments import environment, spaces

from momentum_jax.diagnostics.probes import History, ProbeStates
from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env import decision_weights, momentum_probes, observation_layout, rule_interventions, rules
from momentum_jax.env.account_value import account_features, flat_features
from momentum_jax.env.device_market import FIRST_BAR, Market
from momentum_jax.env.environment_options import BLACK_SCHOLES
from momentum_jax.env.market_view import NextBar, Prices, next_bar
from momentum_jax.env.momentum_diagnostics import IN_POSITION, MOMENTUM
from momentum_jax.env.momentum_events import event_word
from momentum_jax.env.momentum_params import EnvParams, make_market, make_params, typed_options
from momentum_jax.env.pricing import greeks
from momentum_jax.env.task import Exogenous, Step
from momentum_jax.env.traced_options import EnvOptions
from momentum_jax.market.dataset import load_segment
from momentum_jax.market.features import WINDOW
from momentum_jax.market.market_options import MarketConfig

__all__ = ["ENV_ID", "CompactObservation", "EnvParams", "Momentum", "make_market", "make_params", "typed_options"]


class Ahead(NamedTuple):
    """The market data of a step, which do not depend on the action; leaves [] in a step, [T] over a rollout."""

    seen: Prices  # at the cursor: what the observation is made of
    following: NextBar
    start: jax.Array  # int32: the cursor in a new episode, should this one end


class CompactObservation(NamedTuple):
    """What determines an observation, given the market."""

    bar: jax.Array  # [...] int32
    greeks: jax.Array  # [..., 4] float32
    account: jax.Array | tuple[()] = ()  # [..., 3] float32; () without account features


class Momentum(environment.Environment):
    """Intraday momentum with options on minute bars: 6 actions, observation [20, 23] in ±10.

    Args:
      options: whose static switches all runs of it share; with account features the observation is [20, 26]. The
        reference by default.
    """

    def __init__(self, options: EnvOptions | None = None):
        super().__init__()
        self.options = options or EnvOptions()
        num_columns = observation_layout.columns_of(self.options.account_features)
        self.observation_shape = (WINDOW, num_columns)
        self.num_inputs = WINDOW * num_columns
        self.input_counts = observation_layout.input_counts(num_columns)
        self.compact_bytes = 4 * (1 + len(self.input_counts) - observation_layout.NUM_MARKET_FEATURES)

    # gymnax's methods are jitted with a static `self`: instances must compare by value or each one recompiles.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Momentum) and self.options == other.options

    def __hash__(self) -> int:
        return hash(self.options)

    @property
    def name(self) -> str:
        return ENV_ID

    @property
    def num_actions(self) -> int:
        return rules.NUM_ACTIONS

    @property
    def default_params(self) -> EnvParams:
        """The embedded synthetic market with the environment's options."""
        return make_params(load_segment(MarketConfig()), self.options)

    # gymnax's interface

    @partial(jax.jit, static_argnames=("self",))
    def step(
        self, key: jax.Array, state: rules.State, action: Any, params: EnvParams | None = None
    ) -> tuple[jax.Array, rules.State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Step and reset at the end: the next state is selected first, then observed once."""
        params = self.default_params if params is None else params
        key_step, key_reset = jax.random.split(key)
        final, reward, terminated, info = self._step_state(key_step, state, action, params)
        state = jax.tree.map(partial(jnp.where, terminated), self.initial_state(key_reset, params), final)
        observation = self.observe(key_step, state, action, params)
        truncated = jnp.zeros_like(terminated)
        info |= {
            "terminated": terminated,
            "truncated": truncated,
            "final_observation": self.observe(key_step, final, action, params),
        }
        return observation, state, reward, terminated, truncated, info

    def step_env(
        self, key: jax.Array, state: rules.State, action: Any, params: EnvParams
    ) -> tuple[jax.Array, rules.State, jax.Array, jax.Array, dict[str, Any]]:
        """Step without a reset: (observation, state, reward, terminated, telemetry)."""
        state, reward, terminated, info = self._step_state(key, state, action, params)
        return self.observe(key, state, action, params), state, reward, terminated, info

    def reset_env(self, key: jax.Array, params: EnvParams) -> tuple[jax.Array, rules.State]:
        state = self.initial_state(key, params)
        return self.observe(key, state, None, params), state

    def observe(self, key: jax.Array, state: rules.State, action: Any, params: EnvParams) -> jax.Array:
        """The observation [20, 23] float32 of a state, or [20, 26]."""
        del key, action
        return observation_layout.expand(self.expand(self.compact(state, params), params))

    def action_mask(self, state: rules.State, params: EnvParams) -> jax.Array:
        """[..., 6] bool, True = legal; an option that expires at the very fill cannot be bought."""
        mask = rules.action_mask(state, params.options)
        if params.options.mark_to_market != BLACK_SCHOLES:
            return mask
        expires = params.market.prices_at(state.bar + 1).expiry.fill_years <= 0
        return mask & ~(expires[..., None] & np.isin(np.arange(rules.NUM_ACTIONS), rules.BUYS))

    def is_terminated(self, state: rules.State, params: EnvParams) -> jax.Array:
        return params.market.is_last(state.bar)

    def is_truncated(self, state: rules.State, params: EnvParams) -> jax.Array:
        del params
        return jnp.zeros_like(state.bar, bool)

    def action_space(self, params: EnvParams | None = None) -> spaces.Discrete:
        del params
        return spaces.Discrete(rules.NUM_ACTIONS)

    def observation_space(self, params: EnvParams) -> spaces.Box:
        del params
        return spaces.Box(-10.0, 10.0, self.observation_shape, jnp.float32)

    def state_space(self, params: EnvParams) -> spaces.Dict:
        """Loose bounds of the state's scalars: only the cursor and the position's kind have tight ones."""
        num_bars = params.market.last_bar + 1
        count = spaces.Discrete(np.iinfo(np.int32).max)
        names = jax.eval_shape(partial(rules.initial_state, jnp.float32, FIRST_BAR, self.options.mark_to_market))
        held = [name for name, value in names.__dict__.items() if value is not None]
        members = dict.fromkeys(held, spaces.Box(-jnp.inf, jnp.inf, (), jnp.float32))
        members |= dict.fromkeys(("quantity", "entry_quantity", "cost_quantity"), count)
        members |= {
            "bar": spaces.Discrete(num_bars),
            "entry_bar": spaces.Discrete(num_bars),
            "kind": spaces.Discrete(3),
        }
        return spaces.Dict(members)

    def _step_state(
        self, key: jax.Array, state: rules.State, action: Any, params: EnvParams
    ) -> tuple[rules.State, jax.Array, jax.Array, dict[str, Any]]:
        action, chance = jnp.asarray(action, jnp.int32), rule_interventions.draw(key, params.options)
        state, reward, terminated, telemetry = rules.step(state, action, params.market, params.options, chance)
        asked = {name: value for name, value in telemetry._asdict().items() if value is not None}
        return state, reward, terminated, asked

    # The interface to the learner (see `env.task`)

    diagnostics = MOMENTUM
    truncates = False
    always_legal = True  # HOLD
    decision_weights = staticmethod(decision_weights.of_events)
    evaluation_steps = 390  # the minutes of a session

    def bind(self, shared: Market, options: EnvOptions) -> EnvParams:
        """Parameters of one run from what all runs share and what is the run's own."""
        return EnvParams(market=shared, options=options)

    def evaluation_params(self, params: EnvParams, shared: Market) -> EnvParams:
        return EnvParams(market=shared, options=params.options)

    def evaluation_start(self, key: jax.Array, params: EnvParams, max_steps: jax.Array) -> rules.State:
        return self.state_at(params.market.draw_window(key, max_steps), params)

    def state_at(self, bar: jax.Array | int, params: EnvParams) -> rules.State:
        """A flat state at the cursor `bar` [], with the initial capital."""
        return rules.initial_state(params.market.prices.dtype, bar, params.options.mark_to_market)

    def initial_state(self, key: jax.Array, params: EnvParams, ahead: Ahead | None = None) -> rules.State:
        # The reference has one segment and starts every episode alike; with several the key draws one.
        return self.state_at(params.market.draw_start(key) if ahead is None else ahead.start, params)

    def exogenous(self, state: rules.State, reset_keys: jax.Array, params: EnvParams) -> Exogenous:
        """The market's part of the coming steps: no action moves the cursor."""
        market = params.market
        starts = jax.vmap(market.draw_start)(reset_keys)
        bars = market.path(state.bar, starts)
        ahead = Ahead(market.prices_at(bars), next_bar(bars, market, params.options), starts)
        return Exogenous(features=market.window_features_at(bars), ahead=ahead)

    def transition(
        self, key: jax.Array, state: rules.State, action: jax.Array, params: EnvParams, ahead: Ahead | None = None
    ) -> Step:
        following = next_bar(state.bar, params.market, params.options) if ahead is None else ahead.following
        entry, chance = params.market.prices_at(state.entry_bar), rule_interventions.draw(key, params.options)
        state, reward, terminated, telemetry = rules.step_to(following, state, action, entry, params.options, chance)
        truncated = jnp.zeros_like(terminated)
        return Step(state, reward, terminated, truncated, event_word(telemetry, terminated), telemetry.trade_return)

    def compact(self, state: rules.State, params: EnvParams, ahead: Ahead | None = None) -> CompactObservation:
        if params.options.switches != self.options.switches:
            raise ValueError(f"the environment has {self.options.switches}, its options {params.options.switches}")
        now = params.market.prices_at(state.bar) if ahead is None else ahead.seen
        at_expiry = params.options.mark_to_market == BLACK_SCHOLES
        strike = state.strike if at_expiry else jnp.round(params.market.prices_at(state.entry_bar).close)
        terms = (strike, now.sigma, now.expiry.seen_years) if at_expiry else (strike, now.sigma)
        values = greeks(state.kind, now.last_close, now.last_close_rest, *terms)
        account = account_features(state, now) if self.options.account_features else ()
        return CompactObservation(bar=state.bar, greeks=values.astype(jnp.float32), account=account)

    def expand(self, compact: CompactObservation, params: EnvParams) -> jax.Array:
        """Features [..., F] of compact observations [...]: 327, or 330 with account features."""
        market = params.market.window_features_at(compact.bar)
        return jnp.concatenate([market, self.expand_rest(compact, params)], axis=-1)

    def expand_rest(self, compact: CompactObservation, params: EnvParams) -> jax.Array:
        """The position's features [..., 4] or [..., 7], which follow those of `exogenous`."""
        del params
        return observation_layout.position_features(compact.greeks, compact.account)

    def observation(self, features: jax.Array) -> jax.Array:
        return observation_layout.expand(features).reshape(*features.shape[:-1], self.num_inputs)

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
        return observation_layout.reduce_kernel(kernel)

    def restore_kernel(self, rows: np.ndarray, deviations: np.ndarray) -> np.ndarray:
        return observation_layout.restore_kernel(rows, deviations)

    def probe_states(self, shared: Market) -> dict[str, ProbeStates]:
        """Flat states, whose contexts are their setup scores, and for each a twin in a position."""
        bars = momentum_probes.draw_probe_bars(shared.starts, shared.ends)
        params = self.bind(shared, typed_options(self.options, shared.prices.dtype))
        mask = self.action_mask(jax.vmap(jax.vmap(partial(self.state_at, params=params)))(jnp.asarray(bars)), params)
        flat = ProbeStates(self.flat_observation(jnp.asarray(bars), shared), mask)
        twins = momentum_probes.in_position(bars, params)
        observed = jax.vmap(jax.vmap(partial(self.compact, params=params)))
        return {PRIMARY: flat, IN_POSITION.name: ProbeStates(observed(twins), None, twins)}

    def probe_history(self, shared: Market, states: ProbeStates, num_steps: int) -> History:
        """Flat bars before those of the probe states, from the segment's first on."""
        bars, start = momentum_probes.bars_before(np.asarray(states.compact.bar), shared.starts, num_steps)
        return History(self.flat_observation(jnp.asarray(bars), shared), jnp.asarray(start))

    def probe_contexts(self, compact: CompactObservation, params: EnvParams) -> jax.Array:
        """Setup score [...] int32 by which the reward would judge a decision taken flat on the observations [...]."""
        judged = compact.bar + 1 - jnp.asarray(params.options.decision_time_setup, jnp.int32)
        setup = params.market.setups[judged - FIRST_BAR]
        return jnp.where(params.options.put_setup < 0, setup[..., :2].max(axis=-1), setup[..., 0])

    def flat_observation(self, bars: jax.Array, shared: Market | None = None) -> CompactObservation:
        """Compact observations of flat states at `bars` [...]; account features need the market."""
        greeks = jnp.zeros((*bars.shape, observation_layout.NUM_GREEKS), jnp.float32)
        account = flat_features(shared.prices_at(bars)) if self.options.account_features and shared else ()
        return CompactObservation(bar=bars, greeks=greeks, account=account)


ENV_ID = "Momentum-v0"
if ENV_ID not in registration.registered_envs:
    registration.register(ENV_ID, Momentum)
