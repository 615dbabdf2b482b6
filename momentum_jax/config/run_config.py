"""What a run is: arms, seeds, steps, market and machine, composed of the layers' own dataclasses. Imports no JAX."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from momentum_jax.config.agreeing_switches import check_switches
from momentum_jax.config.arms import Arm, check_arms
from momentum_jax.config.checkpoint_steps import default_checkpoints
from momentum_jax.config.declared_claims import Claim, impossible_criteria, unknown_arm
from momentum_jax.diagnostics.description import Diagnostics
from momentum_jax.diagnostics.evaluation import DEFAULT_MAX_STEPS, EPISODE_DRAW, Evaluation
from momentum_jax.diagnostics.measurements import extended
from momentum_jax.diagnostics.session_profit import TradedSessions
from momentum_jax.diagnostics.variables import DIVERGENCE_LIMIT
from momentum_jax.env.environment_names import MOMENTUM_NAME
from momentum_jax.env.environment_options import EnvOptions
from momentum_jax.env.momentum_diagnostics import MOMENTUM
from momentum_jax.field_checks import check_fields, convert_fields
from momentum_jax.fields import ConfigError, from_plain, is_static, static
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.ppo.hyper_parameters import STREAMS

# Enough for counters in int32 inside the program.
_MAX_TIMESTEPS = 2**31 - 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One resolved run: everything that decides its numbers, and where they go.

    In a run on another environment than `momentum`, `market` and each arm's `env` stay at their defaults.

    Raises:
      ConfigError: a value of another type, no arm, or two of one name. `validate` sees to the rest.
    """

    experiment: str
    arms: tuple[Arm, ...]
    timesteps: int = static(100_000, "environment steps of each seed", minimum=1, maximum=_MAX_TIMESTEPS)
    num_seeds: int = static(8, "seeds of each arm", minimum=1, maximum=2**31)
    first_seed: int = static(0, "number of the first seed", minimum=0, maximum=2**31)
    checkpoints: tuple[int, ...] = static((), "environment steps to measure at; empty for the default list", minimum=0)
    fixed_streams: tuple[str, ...] = static((), f"random streams held fixed across seeds: {', '.join(STREAMS)}")
    group_width: tuple[int, ...] = static(
        (), "runs advanced together on each device: one number, or one for each program; default by backend", minimum=1
    )
    num_devices: int | None = static(None, "devices to use; default all (on CPU: one per core)", minimum=1)
    state_interval: float = static(60.0, "least seconds between two saved states to resume from", minimum=0)
    divergence_limit: float = static(
        DIVERGENCE_LIMIT, "value loss (reward²) above which a seed counts as diverged and is left out", minimum=0.0
    )
    eval_episodes: int = static(
        0, "episodes that every run's frozen policy plays at each checkpoint, sampled and greedy; 0: none", minimum=0
    )
    eval_max_steps: int | None = static(
        None, "steps after which an evaluated episode is cut off; default the environment's own limit", minimum=1
    )
    evaluate_every: int = static(
        0,
        "interval, in checkpoints, at which each frozen policy trades the validation part's sessions; 0: never",
        minimum=0,
    )
    record_probes: int = static(
        0, "probe states whose action probabilities are recorded whole at each checkpoint; 0: none", minimum=0
    )
    market: MarketConfig = MarketConfig()
    claims: tuple[Claim, ...] = ()
    environment: str = MOMENTUM_NAME

    def __post_init__(self) -> None:
        convert_fields(self)
        check_arms(self.arms)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.first_seed, self.first_seed + self.num_seeds))

    @property
    def programs(self) -> list[list[int]]:
        """Indices of the arms of each compiled program: arms share one if they agree in every static field of `ppo`."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for index, arm in enumerate(self.arms):
            fields = dataclasses.fields(arm.ppo)
            static_values = tuple(getattr(arm.ppo, field.name) for field in fields if is_static(field))
            groups.setdefault(static_values, []).append(index)
        return list(groups.values())

    @property
    def env_options(self) -> tuple[EnvOptions, ...]:
        """The options of every arm, and of its seeds where they differ."""
        return tuple(
            arm.of_seed(place).env for arm in self.arms for place in range(self.num_seeds if arm.by_seed else 1)
        )

    @property
    def rollout_size(self) -> int:
        """Environment steps between two updates, the same in all arms."""
        return self.arms[0].ppo.rollout_size

    @property
    def total_updates(self) -> int:
        """Updates until `timesteps` are covered: training runs to whole updates."""
        return -(-self.timesteps // self.rollout_size)

    @property
    def planned_checkpoints(self) -> tuple[int, ...]:
        """Steps to measure at: 0, the asked-for or default list up to `timesteps`, and the last step trained."""
        asked = self.checkpoints or default_checkpoints(self.timesteps)
        return tuple(sorted({0, *asked, self.timesteps, self.total_updates * self.rollout_size}))

    @property
    def traded_checkpoints(self) -> tuple[int, ...]:
        """Steps of the checkpoints at which policies trade the validation part's sessions; the last is among them."""
        planned = self.planned_checkpoints
        return tuple(sorted({*planned[:: self.evaluate_every], planned[-1]})) if self.evaluate_every else ()

    def validate(self) -> None:
        """Raises ConfigError on the first invalid setting."""
        check_fields(self)
        self._check_environment()
        for arm in self.arms:
            arm.validate(self.seeds)
            _check_streams(f"redrawn_streams of arm {arm.name}", arm.redrawn_streams)
            both = sorted(set(arm.redrawn_streams) & set(self.fixed_streams))
            if both:
                raise ConfigError(f"arm {arm.name} redraws {both}, which fixed_streams holds fixed: choose one")
        check_switches(self.arms, self.market)
        if self.environment == MOMENTUM_NAME:
            self.check_claims(self.described(MOMENTUM))
        _check_claimed_arms(self.claims, [arm.name for arm in self.arms])
        shapes = {(arm.ppo.num_steps, arm.ppo.num_envs) for arm in self.arms}
        if len(shapes) > 1:
            raise ConfigError(f"arms have (num_steps, num_envs) {sorted(shapes)}: give all the same, or run them apart")
        if len(self.group_width) not in (0, 1, len(self.programs)):
            raise ConfigError(
                f"group_width has {len(self.group_width)} numbers for {len(self.programs)} program(s): "
                "give one number, or one for each"
            )
        late = [step for step in self.checkpoints if step > self.timesteps]
        if late:
            raise ConfigError(f"checkpoint {late[0]} lies beyond timesteps={self.timesteps}: drop it or train longer")
        _check_streams("fixed_streams", self.fixed_streams)
        if self.eval_max_steps is not None and not self.eval_episodes:
            raise ConfigError(
                f"eval_max_steps={self.eval_max_steps} has no effect without evaluated episodes: leave it out, or ask "
                "for some, e.g. eval_episodes=32"
            )
        self._check_trading()

    def described(
        self, diagnostics: Diagnostics, episode_limit: int | None = None, sessions: Sequence[str] = ()
    ) -> Diagnostics:
        """The description of what this run records.

        Args:
          diagnostics: of its environment.
          episode_limit: steps after which the environment itself ends an episode; None where it does not say.
          sessions: labels of those that policies trade; empty where the data are not loaded yet.
        """
        max_steps = self.eval_max_steps or episode_limit or DEFAULT_MAX_STEPS
        evaluation = Evaluation(episodes=self.eval_episodes, max_steps=max_steps, draw=EPISODE_DRAW)
        traded = TradedSessions(every=self.evaluate_every, labels=tuple(sessions)) if self.evaluate_every else None
        return extended(diagnostics, evaluation if self.eval_episodes else None, self.record_probes, traded)

    def check_claims(self, diagnostics: Diagnostics) -> None:
        """Raises ConfigError on the first claim that cannot be judged of a run of the environment that is described.

        `validate` asks it of the momentum environment; another one's description is known once it is made.
        """
        for claim in self.claims:
            claim.validate(diagnostics)

    def unjudged_claims(self) -> Iterator[str]:
        """Claims that this run cannot decide, a line each: flags made it shorter than it was declared."""
        others = [arm for claim in self.claims for criterion in claim.criteria for arm in criterion.other_arms]
        arms = [arm.name for arm in self.arms]
        for _, problem in impossible_criteria(self.claims, arms, others, self.planned_checkpoints):
            yield f"{problem.partition(':')[0]}: it will not be judged"

    def to_json(self) -> dict[str, Any]:
        """The run as plain values for config.json."""
        plain = dataclasses.asdict(self)
        del plain["checkpoints"], plain["num_seeds"], plain["first_seed"]
        if self.environment != MOMENTUM_NAME:
            del plain["market"]
            for arm in plain["arms"]:
                del arm["env"]
        plain |= {"seeds": self.seeds, "checkpoints": self.planned_checkpoints}
        return json.loads(json.dumps(plain))  # tuples become lists

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> RunConfig:
        """The run that `to_json` wrote; keys that are not this class's are left aside.

        Raises:
          ConfigError: a part that this program does not know.
        """
        names = {field.name for field in dataclasses.fields(cls)} - {"checkpoints"}
        seeds, timesteps = plain["seeds"], plain["timesteps"]
        own = {name: value for name, value in plain.items() if name in names}
        own |= {"num_seeds": len(seeds), "first_seed": seeds[0]}
        if isinstance(plain.get("group_width"), int):  # written when all programs had the same
            own["group_width"] = [plain["group_width"]]
        # What lies beyond `timesteps` follows from the rollouts' size.
        own["checkpoints"] = [step for step in plain["checkpoints"] if step <= timesteps]
        return from_plain(cls, own)

    def _check_environment(self) -> None:
        """Refuse settings of the momentum environment in a run on another one."""
        found = [f"arm {arm.name}" for arm in self.arms if arm.has_env_settings]
        found += ["market"] if self.market != MarketConfig() else []
        if found and self.environment != MOMENTUM_NAME:
            raise ConfigError(
                f"{found[0]} has settings of the environment {MOMENTUM_NAME}, and the run is on {self.environment}: "
                "leave them out"
            )

    def _check_trading(self) -> None:
        """Refuse trading at checkpoints of a run that has no sessions, or too few checkpoints."""
        if self.evaluate_every and self.environment != MOMENTUM_NAME:
            raise ConfigError(
                f"evaluate_every={self.evaluate_every} trades sessions of the environment {MOMENTUM_NAME}, and the run "
                f"is on {self.environment}: leave it out, and play episodes with e.g. eval_episodes=32"
            )
        checkpoints = len(self.planned_checkpoints)
        if self.evaluate_every >= checkpoints:
            raise ConfigError(
                f"evaluate_every={self.evaluate_every} counts checkpoints, and the run has {checkpoints}: "
                "1 is every checkpoint, 2 every other one"
            )

    def extended(self, timesteps: int, checkpoints: Sequence[int] = ()) -> RunConfig:
        """The same run made longer; what was measured so far stays in the list of checkpoints.

        Args:
          timesteps: the new end.
          checkpoints: steps to measure at after the old end; empty for those of the default list.

        Raises:
          ConfigError: it would not be longer, or what it anneals depended on the old end.
        """
        if timesteps <= self.timesteps:
            raise ConfigError(f"extend_to={timesteps} is not beyond the run's {self.timesteps} steps")
        for option, annealed in (("anneal_learning_rate", "learning rate"), ("anneal_clip_range", "clipping range")):
            arms = [arm.name for arm in self.arms if self._asked_for(arm, option)]
            if arms:
                raise ConfigError(
                    f"arm {arms[0]} anneals its {annealed} to zero at {self.timesteps} ({option}): start a new run"
                )
        later = [step for step in checkpoints or default_checkpoints(timesteps) if step > self.timesteps]
        kept = tuple(sorted({*self.planned_checkpoints, *later}))
        return dataclasses.replace(
            self, timesteps=timesteps, checkpoints=tuple(step for step in kept if step <= timesteps)
        )

    def _asked_for(self, arm: Arm, switch: str) -> bool:
        """Whether any seed of an arm has a switch of the learner on."""
        return any(getattr(arm.of_seed(place).ppo, switch) for place in range(self.num_seeds))


def _check_claimed_arms(claims: Sequence[Claim], arms: Sequence[str]) -> None:
    """Refuse claims on arms that are not there; what they are compared with may be an arm of another run."""
    for claim in claims:
        for criterion in claim.criteria:
            problem = unknown_arm(criterion, arms, criterion.other_arms)
            if problem:
                raise ConfigError(f"claim {claim.name!r} {problem}")


def _check_streams(setting: str, names: Sequence[str]) -> None:
    unknown = sorted(set(names) - set(STREAMS))
    if unknown:
        raise ConfigError(f"{setting} names {unknown}: choose from {', '.join(STREAMS)}")
