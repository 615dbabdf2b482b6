"""What a study claims, declared in its experiment file before it runs and kept in config.json. Imports no JAX.

Claim(
    name="higher",
    statement="With a larger learning rate the return rises more from 5k to 10k.",
    criteria=(
        Criterion(
            arm="large", versus="small", metric="episode_return", counted="windowed", quantity="change",
            from_step=5_000, step=10_000, minimum=0,
        ),
    ),
)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from momentum_jax.diagnostics.description import COUNTED, Diagnostics, Metric
from momentum_jax.field_checks import convert_fields
from momentum_jax.fields import ConfigError, unknown

QUANTITIES = ("level", "change", "depth", "prevalence")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Criterion:
    """One number over seeds and the range it is claimed to lie in: above `minimum`, at most `maximum`.

    Attributes:
        arm: arm of the run.
        metric: name of a metric of the run's environment (`Diagnostics.metrics`).
        step: env step of the number; of a dip, the horizon.
        quantity: ``level`` at the step, ``change`` from `from_step` to it, ``depth``, the largest
            drawdown from baseline `from_step` to it, or ``prevalence`` of dips, percent of seeds.
        from_step: see `quantity`.
        counted: since step 0 (``cumulative``), since the row of the table before (``windowed``; of a dip and of a
            recorded variable, the checkpoint before), or ``exact`` (of a share, on the probe states), of those that
            the metric has. A dip has no cumulative form, for cumulative percentages hide dips.
        versus: arm to subtract, seed by seed; empty to judge the arm by itself.
        versus_share: share of `versus` that is subtracted: with 0.5 and minimum 0 the number is claimed to be more
            than half of the other arm's.
        along: further arms in the order of a dose, `arm` being of the smallest: the number is the mean over seeds of
            the slope along the arms, per arm. It is judged by Page's trend test; one limit, 0, says which way it goes.
        equivalence: judge each limit by a one-sided test of 5 % (TOST where both are given), so by a 90 % interval of
            the seeds that were drawn; limits are margins within which a difference counts as none.
        minimum: in the metric's unit, points of a percentage; None for no lower end.
        maximum: likewise; None for no upper end.
    """

    arm: str
    metric: str
    step: int
    quantity: str = "level"
    from_step: int = 0
    counted: str = "cumulative"
    versus: str = ""
    versus_share: float = 1.0
    along: tuple[str, ...] = ()
    equivalence: bool = False
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        convert_fields(self)

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that it speaks of, `arm` first."""
        return (self.arm, *filter(None, [self.versus]), *self.along)

    @property
    def other_arms(self) -> tuple[str, ...]:
        """Those that `arm` is compared with; they may be of other runs."""
        return self.arms[1:]

    @property
    def is_dip(self) -> bool:
        """Whether it speaks of dips up to `step` and not of the value at a step."""
        return self.quantity in ("depth", "prevalence")

    @property
    def steps(self) -> tuple[int, ...]:
        """Checkpoints that the run must have for it; none in particular for dips."""
        if self.is_dip:
            return ()
        return (self.from_step, self.step) if self.quantity == "change" else (self.step,)

    def validate(self, diagnostics: Diagnostics) -> None:
        """Raises ConfigError on what cannot be judged of a run of the environment that is described."""
        for name, value, allowed in (
            ("metric", self.metric, diagnostics.metric_names),
            ("quantity", self.quantity, QUANTITIES),
            ("counted", self.counted, COUNTED),
        ):
            if value not in allowed:
                raise unknown(f"criterion {name}", value, allowed)
        if self.minimum is None and self.maximum is None:
            raise ConfigError(f"criterion on {self.metric} has neither minimum nor maximum: give one")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ConfigError(
                f"criterion on {self.metric}: no number is above minimum={self.minimum:g} and at most "
                f"maximum={self.maximum:g}, give a larger maximum"
            )
        if self.quantity != "level" and self.from_step >= self.step:
            raise ConfigError(
                f"criterion on the {self.quantity} of {self.metric}: from_step={self.from_step} is not before "
                f"step={self.step}, give an earlier one"
            )
        if self.quantity == "change" and not self.from_step and self.counted not in ("exact", "evaluated"):
            raise ConfigError(
                f"criterion on the change of {self.counted} {self.metric} from step 0: nothing is counted there yet, "
                "give a later from_step or counted='exact'"
            )
        self._check_comparison()
        self._check_form(diagnostics)

    def _check_comparison(self) -> None:
        """Whether the arms can be compared in the way that is asked for."""
        front = f"criterion on the {self.quantity} of {self.metric}"
        if self.versus_share != 1.0 and (not self.versus or self.versus_share <= 0):
            raise ConfigError(f"{front}: versus_share={self.versus_share:g} needs an arm in versus, and is above 0")
        shares_of_seeds = self.quantity == "prevalence"
        if shares_of_seeds and (self.versus_share != 1.0 or self.along or self.equivalence):
            raise ConfigError(
                f"{front}: a prevalence has no versus_share, along or equivalence: leave them out, or choose depth"
            )
        if not self.along:
            return
        if len(self.along) < 2 or self.versus or self.equivalence:
            raise ConfigError(f"{front}: along needs two further arms at least, and neither versus nor equivalence")
        if {self.minimum, self.maximum} != {None, 0}:
            raise ConfigError(f"{front}: a trend is judged against 0: give minimum=0 (rises) or maximum=0 (falls)")

    def _check_form(self, diagnostics: Diagnostics) -> None:
        """Whether the metric has the form and, of a dip, a direction."""
        metric = diagnostics.metric(self.metric)
        forms = self.forms(metric)
        if self.is_dip and not metric.good_direction:
            directed = ", ".join(other.name for other in diagnostics.metrics if other.good_direction)
            raise ConfigError(
                f"criterion on the {self.quantity} of {self.metric}: the metric has no good direction, so it has no "
                f"dips: choose one of {directed}"
            )
        if self.counted not in forms:
            raise ConfigError(
                f"criterion on the {self.quantity} of {self.counted} {self.metric}: it has no such form, choose "
                f"{' or '.join(forms)}"
            )

    def forms(self, metric: Metric) -> tuple[str, ...]:
        """Those of `COUNTED` in which this criterion's number of the metric is known."""
        return tuple(form for form in COUNTED if form in metric.curves and not (self.is_dip and form == "cumulative"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement and the criteria that all have to hold.

    Attributes:
        name: short, unique within a study.
        statement: as it was made.
        criteria: what decides it; empty only with `unmeasured`.
        note: what to keep in mind when reading the verdict.
        unmeasured: why no run of this kind can decide it.
    """

    name: str
    statement: str
    criteria: tuple[Criterion, ...] = ()
    note: str = ""
    unmeasured: str = ""

    def __post_init__(self) -> None:
        convert_fields(self)

    def validate(self, diagnostics: Diagnostics) -> None:
        """Raises ConfigError on a claim that cannot be judged of a run of the environment that is described."""
        if not self.criteria and not self.unmeasured:
            raise ConfigError(f"claim {self.name!r} has no criteria: give some, or say why it is unmeasured")
        for criterion in self.criteria:
            try:
                criterion.validate(diagnostics)
            except ConfigError as error:
                raise ConfigError(f"claim {self.name!r}: {error}") from None


def impossible_criteria(
    claims: Sequence[Claim], arms: Sequence[str], other_arms: Sequence[str], checkpoints: Sequence[int]
) -> Iterator[tuple[tuple[str, int], str]]:
    """Criteria that a run can never decide, with what is wrong and what to do, in one line each.

    Args:
        claims: what is declared.
        arms: the run's own arms.
        other_arms: arms of other runs on the same seeds, which `Criterion.versus` and `along` may name too.
        checkpoints: steps that the run measures at, ascending.

    Yields:
        The claim's name and the criterion's place in it, and the line.
    """
    for claim in claims:
        for place, criterion in enumerate(claim.criteria):
            problem = unknown_arm(criterion, arms, other_arms) or _missing_step(criterion, checkpoints)
            if problem:
                yield (claim.name, place), f"claim {claim.name!r} {problem}"


def unknown_arm(criterion: Criterion, arms: Sequence[str], other_arms: Sequence[str]) -> str:
    """What is wrong with the arms that a criterion names, and what to do; empty where nothing is."""
    others = [(name, [*arms, *other_arms]) for name in criterion.other_arms]
    for name, known in ((criterion.arm, arms), *others):
        if name not in known:
            choices = ", ".join(arm for arm in known if arm)
            return f"names arm {name!r}, which the experiment does not have: choose from {choices}"
    return ""


def _missing_step(criterion: Criterion, checkpoints: Sequence[int]) -> str:
    end = checkpoints[-1]
    late = [step for step in (criterion.from_step, criterion.step) if step > end]
    if late:
        return f"speaks of step {late[0]}, and the run ends at {end}: give --timesteps={late[0]} or an earlier step"
    for step in (step for step in criterion.steps if step not in checkpoints):
        before = max(known for known in checkpoints if known < step)
        after = min(known for known in checkpoints if known > step)
        return (
            f"speaks of step {step}, which is no checkpoint: choose {before} or {after}, "
            f"or give --checkpoints with {step} among them"
        )
    return ""


def claim_from_json(plain: Mapping[str, Any], diagnostics: Diagnostics) -> Claim:
    """A claim as the config.json of a run holds it, whose environment is described.

    Raises:
        ConfigError: fields are missing, unknown or cannot be.
    """
    try:
        criteria = tuple(Criterion(**{**given, "along": tuple(given.get("along", ()))}) for given in plain["criteria"])
        claim = Claim(**{**plain, "criteria": criteria})
    except (TypeError, KeyError, ConfigError) as error:
        raise ConfigError(f"claim {plain.get('name')!r} in config.json does not fit: {error}") from None
    claim.validate(diagnostics)
    return claim
