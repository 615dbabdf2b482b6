"""Which curves each metric of an environment has, what they are called, and which way is good."""

from __future__ import annotations

from typing import NamedTuple

from momentum_jax.diagnostics.description import Diagnostics, Metric, Recorded, Share


class Curve(NamedTuple):
    """One form of a metric, by its name in `derive_curves`."""

    name: str
    metric: Metric
    counted: str  # one of COUNTED

    @property
    def sign(self) -> int:
        """+1 where up is good, -1 where down is good, 0 where neither is."""
        return self.metric.good_direction

    @property
    def symbol(self) -> str:
        """In a sentence: ``P(left)``, ``left``, ``episode return``."""
        return f"P({self.metric.label})" if self._is_probability else self.metric.label

    @property
    def label(self) -> str:
        """In a table or above a panel: ``exact P(left) %``, ``windowed left %``, ``episode return, reward``."""
        if isinstance(self.metric.derived, Recorded):
            return f"{self.symbol}, {self.unit}" if self.unit else self.symbol
        return f"{self.counted} {self.symbol} {self.unit}".rstrip()

    @property
    def full_symbol(self) -> str:
        """In a sentence, with the form: ``exact P(left)``, ``windowed left``, ``episode return``."""
        return self.symbol if isinstance(self.metric.derived, Recorded) else f"{self.counted} {self.symbol}"

    @property
    def unit(self) -> str:
        """Of its values; empty for pure numbers."""
        return "" if self.metric.unit == "1" else self.metric.unit

    @property
    def points(self) -> str:
        """Of a difference of two values: ``points`` of a percentage, else the unit; empty for pure numbers."""
        return "points" if self.metric.is_percentage else self.unit

    @property
    def worse(self) -> str:
        """What a value does that gets worse: ``rise`` where down is good, else ``fall``."""
        return "rise" if self.sign < 0 else "fall"

    @property
    def _is_probability(self) -> bool:
        return self.counted == "exact" and isinstance(self.metric.derived, Share)


def curves_of(metric: Metric) -> dict[str, Curve]:
    """The metric's curves by form."""
    return {counted: Curve(name, metric, counted) for counted, name in metric.curves.items()}


def every_curve(diagnostics: Diagnostics) -> dict[str, Curve]:
    """All curves by name, in the order of the metrics."""
    return {curve.name: curve for metric in diagnostics.metrics for curve in curves_of(metric).values()}


def steady_curve(metric: Metric) -> Curve:
    """The form with the least noise, see `Metric.steadiest`."""
    return next(curve for curve in curves_of(metric).values() if curve.name == metric.steadiest)


def primary_curve(diagnostics: Diagnostics) -> Curve:
    """The curve that a run is judged by first."""
    return steady_curve(diagnostics.metric(diagnostics.primary))


def dip_curves(diagnostics: Diagnostics) -> tuple[Curve, ...]:
    """The curves in which dips are looked for."""
    known = every_curve(diagnostics)
    return tuple(known[name] for name in diagnostics.dips_in)


def secondary_curve(diagnostics: Diagnostics) -> Curve | None:
    """Of the other metrics in which dips are looked for the first one's steady curve; None where there is none."""
    others = (curve.metric for curve in dip_curves(diagnostics) if curve.metric.name != diagnostics.primary)
    metric = next(others, None)
    return None if metric is None else steady_curve(metric)


def exact_share(diagnostics: Diagnostics) -> Metric | None:
    """The share on which the two halves of the probe states are compared: the primary metric, else the first one."""
    shares = [metric for metric in diagnostics.metrics if metric.exact_name]
    primary = [metric for metric in shares if metric.name == diagnostics.primary]
    return next(iter(primary or shares), None)


def decisions_in_words(diagnostics: Diagnostics, counted_in: str = "") -> str:
    """What the environment calls the decisions that a variable counts, plural; by default its table of decisions."""
    variables = {variable.name: variable for variable in diagnostics.variables}
    return variables[counted_in or diagnostics.decisions].denominator or "decisions"
