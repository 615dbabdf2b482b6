"""The momentum environment behind gymnax's interface, and the seam through which the learner uses it.

gymnax's users call `reset` and `step`. The learner calls `transition`, `compact` and `expand`: it stores 5 numbers
a step instead of 460 and never builds the observation itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax import registration
from gymnax.environments import environment, spaces

from momentum_jax.diagnostics.probes import History, ProbeStates
from momentum_jax.diagnostics.variables import PRIMARY
from momentum_jax.env import decision_weights, momentum_probes, observation_layout, rule_interventions, rules
from momentum_jax.env.device_market import FIRST_BAR, Market, stacked_market
from momentum_jax.env.market_view import NextBar, Prices, next_bar
from momentum_jax.env.momentum_diagnostics import IN_POSITION, MOMENTUM
from momentum_jax.env.momentum_events import event_word
from momentum_jax.env.pricing import greeks
from momentum_jax.env.task import Exogenous, Step
from momentum_jax.env.traced_options import EnvOptions
from momentum_jax.fields import without_unused
from momentum_jax.market.dataset import load_segment
from momentum_jax.market.features import WINDOW, compute_features
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.segment import Segment, episode_weights


@struct.dataclass
class EnvParams:
    """What an environment is played on: the market's tables and one arm's options (leaves [] of numbers)."""

    market: Market
    options: EnvOptions


class Ahead(NamedTuple):
    """What a step meets in the market, whatever is done; leaves [] in a step, [T] over a rollout."""

    seen: Prices  # at the cursor: what the observation is made of
    following: NextBar
    start: jax.Array  # int32: the cursor in a new episode, should this one end


class CompactObservation(NamedTuple):
    """What determines an observation, given the market."""

    bar: jax.Array  # [...] int32
    greeks: jax.Array  # [..., 4] float32


def make_params(segment: Segment, options: EnvOptions | None = None, dtype: Any = jnp.float32) -> EnvParams:
    """Compute a segment's features (float64, on the host) and move them to the device.

    Args:
      segment: the bars to play on.
      options: rewards and switches; the reference preset by default.
      dtype: float width of prices and rewards: float32, or float64 under JAX's x64 mode.

    Raises:
      DataError: when the segment is too short.
    """
    market = make_market([segment], dtype=dtype)
    return EnvParams(market=market, options=typed_options(options or EnvOptions(), dtype))


def make_market(segments: Sequence[Segment], policy: str = "all", dtype: Any = jnp.float32) -> Market:
    """The tables of all segments, computed one segment at a time; an episode plays one of them.

    Args:
      segments: at least one.
      policy: how a segment is drawn, see `market.segment.episode_weights`.
      dtype: float width of prices.

    Raises:
      DataError: when a segment is too short.
    """
    parts = (
        compute_features(segment.bars, segment.bar_time_ns, segment.vix_date_ns, segment.vix_close, segment.vix_timing)
        for segment in segments
    )
    rows = [max(0, len(segment.bars) - FIRST_BAR) for segment in segments]
    return stacked_market(parts, rows, episode_weights(segments, policy), dtype)


def typed_options(options: EnvOptions, dtype: Any = jnp.float32) -> EnvOptions:
    """Options as strongly typed arrays, None where an intervention is off.

    Python numbers would be weakly typed and recompile every program.
    """

    def typed(value: Any) -> np.ndarray:
        return np.asarray(value, np.bool_ if isinstance(value, bool) else dtype)

    return jax.tree.map(typed, *without_unused([options]))


class Momentum(environment.Environment):
    """Intraday momentum with options on one segment of minute bars: 6 actions, observation [20, 23] in ±10."""

    # gymnax's methods are jitted with a static `self`: instances must compare by value or each one recompiles.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @property
    def name(self) -> str:
        return ENV_ID

    @property
    def num_actions(self) -> int:
        return rules.NUM_ACTIONS

    @property
    def default_params(self) -> EnvParams:
        """The embedded synthetic market with the reference's options."""
        return make_params(load_segment(MarketConfig()))

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
        """The observation [20, 23] float32 of a state."""
        del key, action
        return observation_layout.expand(self.expand(self.compact(state, params), params))

    def action_mask(self, state: rules.State, params: EnvParams) -> jax.Array:
        """[6] bool, True = legal."""
        return rules.action_mask(state, params.options)

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
        members = dict.fromkeys(rules.State.__dataclass_fields__, spaces.Box(-jnp.inf, jnp.inf, (), jnp.float32))
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

    # The learner's seam (see `env.task`)

    diagnostics = MOMENTUM
    compact_bytes = 4 * (1 + observation_layout.NUM_GREEKS)
    truncates = False
    observation_shape = (WINDOW, observation_layout.NUM_COLUMNS)
    num_inputs = WINDOW * observation_layout.NUM_COLUMNS
    input_counts = observation_layout.INPUT_COUNTS
    decision_weights = staticmethod(decision_weights.of_events)
    evaluation_steps = 390  # the minutes of a session

    def bind(self, shared: Market, options: EnvOptions) -> EnvParams:
        """Parameters of one run from what all runs share and what is the run's own."""
        return EnvParams(market=shared, options=options)

    def evaluation_params(self, params: EnvParams, shared: Market) -> EnvParams:
        return EnvParams(market=shared, options=params.options)

    def evaluation_start(self, key: jax.Array, params: EnvParams, max_steps: jax.Array) -> rules.State:
        return rules.initial_state(params.market.prices.dtype, params.market.draw_window(key, max_steps))

    def initial_state(self, key: jax.Array, params: EnvParams, ahead: Ahead | None = None) -> rules.State:
        # The reference has one segment and starts every episode alike; with several the key draws one.
        start = params.market.draw_start(key) if ahead is None else ahead.start
        return rules.initial_state(params.market.prices.dtype, start)

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
        now = params.market.prices_at(state.bar) if ahead is None else ahead.seen
        strike = jnp.round(params.market.prices_at(state.entry_bar).close)
        values = greeks(state.kind, now.last_close, now.last_close_rest, strike, now.sigma)
        return CompactObservation(bar=state.bar, greeks=values.astype(jnp.float32))

    def expand(self, compact: CompactObservation, params: EnvParams) -> jax.Array:
        """Features [..., 327] of compact observations [...]."""
        market = params.market.window_features_at(compact.bar)
        return jnp.concatenate([market, self.expand_rest(compact, params)], axis=-1)

    def expand_rest(self, compact: CompactObservation, params: EnvParams) -> jax.Array:
        """The position's features [..., 4], which follow those of `exogenous`."""
        del params
        return observation_layout.position_features(compact.greeks)

    def observation(self, features: jax.Array) -> jax.Array:
        return observation_layout.expand(features).reshape(*features.shape[:-1], self.num_inputs)

    def reduce_kernel(self, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
        return observation_layout.reduce_kernel(kernel)

    def restore_kernel(self, rows: np.ndarray, deviations: np.ndarray) -> np.ndarray:
        return observation_layout.restore_kernel(rows, deviations)

    def probe_states(self, shared: Market) -> dict[str, ProbeStates]:
        """Flat states, whose contexts are their setup scores, and for each a twin in a position."""
        bars = momentum_probes.draw_probe_bars(shared.starts, shared.ends)
        mask = np.broadcast_to(rules.FLAT_MASK, (*bars.shape, rules.NUM_ACTIONS))
        flat = ProbeStates(self.flat_observation(jnp.asarray(bars)), jnp.asarray(mask))
        twins = momentum_probes.in_position(bars, shared.starts, shared.prices.dtype)
        observed = jax.vmap(jax.vmap(partial(self.compact, params=self.bind(shared, EnvOptions()))))
        return {PRIMARY: flat, IN_POSITION.name: ProbeStates(observed(twins), None, twins)}

    def probe_history(self, shared: Market, states: ProbeStates, num_steps: int) -> History:
        """Flat bars before those of the probe states, from the segment's first on."""
        bars, start = momentum_probes.bars_before(np.asarray(states.compact.bar), shared.starts, num_steps)
        return History(self.flat_observation(jnp.asarray(bars)), jnp.asarray(start))

    def probe_contexts(self, compact: CompactObservation, params: EnvParams) -> jax.Array:
        """Setup score [...] int32 by which the reward would judge a decision taken flat on the observations [...]."""
        judged = compact.bar + 1 - jnp.asarray(params.options.decision_time_setup, jnp.int32)
        setup = params.market.setups[judged - FIRST_BAR]
        return jnp.where(params.options.put_setup < 0, setup[..., :2].max(axis=-1), setup[..., 0])

    def flat_observation(self, bars: jax.Array) -> CompactObservation:
        """Compact observations of flat states at `bars` [...]."""
        return CompactObservation(bar=bars, greeks=jnp.zeros((*bars.shape, observation_layout.NUM_GREEKS), jnp.float32))


ENV_ID = "Momentum-v0"
if ENV_ID not in registration.registered_envs:
    registration.register(ENV_ID, Momentum)
