"""Learning curves of several seeds and arms on one grid of steps: the one input of `momentum_jax.dips`.

A reader of any file fills a `CurveSet`; everything after it knows nothing of where the curves come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from momentum_jax.fields import ConfigError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

GOOD = ("up", "down")
NOISE_ARRAYS = ("standard_errors", "successes", "totals", "replicates")
_LARGEST = 1e140  # sums of squares of values within it are finite


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveSet:
    """Values of one metric, by arm, seed and step. Arrays become float64, labels become text.

    A seed that an arm has not run is a row of NaN.

    Attributes:
        values: ``[arm, seed, K]``; NaN is a missing value.
        steps: ``[K]`` environment steps, or any other clock, strictly increasing.
        arms: ``[arm]`` names, all different.
        seeds: ``[seed]`` labels, all different; a seed of the same label is the same seed in every arm.
        value_name: what the values are, such as ``eval_return``.
        unit: of the values, such as ``reward`` or ``%``; empty where it is not known.
        good: ``up`` or ``down`` where the source says which way is good, else empty.
        standard_errors: ``[arm, seed, K]`` of each value, 0 or more; NaN where the value is missing.
        successes: ``[arm, seed, K]`` counts of which each value is a percentage.
        totals: ``[arm, seed, K]`` what they are counted of.
        replicates: ``[arm, seed, R, K]`` repeated measurements, whose mean each value is.

    Raises:
        ConfigError: an array does not fit, a value is infinite, steps do not increase, labels repeat.
    """

    values: Floats
    steps: Floats
    arms: tuple[str, ...] = ("all",)
    seeds: tuple[str, ...] = ()
    value_name: str = "value"
    unit: str = ""
    good: str = ""
    standard_errors: Floats | None = None
    successes: Floats | None = None
    totals: Floats | None = None
    replicates: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("values", "steps", *NOISE_ARRAYS):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_numbers(getattr(self, name), name))
        _check_shape(self.values, self.steps)
        seeds = self.seeds or tuple(str(seed) for seed in range(self.values.shape[1]))
        object.__setattr__(self, "arms", _labels(self.arms, self.values.shape[0], "arm"))
        object.__setattr__(self, "seeds", _labels(seeds, self.values.shape[1], "seed"))
        if self.good not in ("", *GOOD):
            raise ConfigError(
                f"good={self.good!r}: expected 'up' or 'down', the direction in which {self.value_name!r} improves"
            )
        check_steps(self.steps)
        self._check_finite()
        self._check_noise()

    def _check_finite(self) -> None:
        place = first_place(np.isinf(self.values))
        if place is not None:
            raise ConfigError(f"{self.place_in_words(place)}: found {self.values[place]}, expected a finite number")
        sizes = np.abs(self.values[self.known])
        largest = float(sizes.max(initial=0.0))
        if largest and not 1 / _LARGEST <= largest <= _LARGEST:
            raise ConfigError(
                f"values: found {largest:g} as the largest, expected one from {1 / _LARGEST:g} to {_LARGEST:g}, whose "
                "square can be computed: multiply all values by one number"
            )

    def _check_noise(self) -> None:
        shape = self.values.shape
        for name in ("standard_errors", "successes", "totals"):
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ConfigError(f"{name} has shape {array.shape}, expected that of the values, {shape}")
            place = None if array is None else first_place((array < 0) | np.isinf(array))
            if place is not None:
                found = f"{name} of {self.place_in_words(place)}: found {array[place]}"
                raise ConfigError(f"{found}, expected a finite number of 0 or more")
        if (self.successes is None) != (self.totals is None):
            raise ConfigError("successes and totals: found one of them, expected both or neither")
        if self.successes is not None and self.totals is not None:
            place = first_place(self.successes > self.totals)
            if place is not None:
                found = f"{self.successes[place]:g} of {self.totals[place]:g} in {self.place_in_words(place)}"
                raise ConfigError(f"counts: found {found}, expected at most as many successes as the total")
        expected = (*shape[:2], "R", shape[2])
        if self.replicates is not None and (
            self.replicates.ndim != 4 or (*self.replicates.shape[:2], "R", self.replicates.shape[3]) != expected
        ):
            words = "[" + ", ".join(map(str, expected)) + "]"
            raise ConfigError(f"replicates have shape {self.replicates.shape}, expected {words}, R of each value")

    @property
    def known(self) -> Flags:
        """``[arm, seed, K]``: the value is there."""
        return ~np.isnan(self.values)

    @property
    def ran(self) -> Flags:
        """``[arm, seed]``: the arm has a value of the seed."""
        return np.asarray(self.known.any(axis=-1))

    def arms_with(self, name: str) -> tuple[str, ...]:
        """Arms of some of whose values the noise is known, by one of `NOISE_ARRAYS`; of replicates two at a value."""
        array = getattr(self, name)
        if array is None:
            return ()
        there = np.isfinite(array)
        if name == "replicates":
            there = np.count_nonzero(there, axis=2) > 1
        return tuple(arm for arm, some in zip(self.arms, there.any(axis=(1, 2)), strict=True) if some)

    def seeds_of(self, arm: int) -> tuple[str, ...]:
        """Labels of the seeds that the arm has run."""
        return tuple(label for label, ran in zip(self.seeds, self.ran[arm], strict=True) if ran)

    def place_in_words(self, place: Sequence[int]) -> str:
        """Where a value ``[arm, seed, K]`` stands: ``arm 'a', seed 3, step 4000``; without the arm if there is one."""
        arm = f"arm {self.arms[place[0]]!r}, " if len(self.arms) > 1 else ""
        return f"{arm}seed {self.seeds[place[1]]}, step {self.steps[place[2]]:g}"


def as_numbers(array: npt.ArrayLike, name: str) -> Floats:
    """A copy in float64; what is masked is missing, and NaN.

    Raises:
        ConfigError: it holds something that is no number, or rows of unequal lengths.
    """
    try:
        given = np.asarray(_unmasked(array))
        if np.iscomplexobj(given):
            raise TypeError("complex numbers")
        return np.array(given, np.float64)
    except (TypeError, ValueError) as error:
        reason = "rows of unequal lengths" if "inhomogeneous" in str(error) else "something that is no number"
        raise ConfigError(f"{name}: found {reason}, expected an array of numbers") from None


def _unmasked(array: Any) -> Any:
    """NaN in place of what is masked, also in lists of masked arrays, which NumPy would read without their masks."""
    if isinstance(array, np.ma.MaskedArray):
        if not np.ma.is_masked(array):
            return array.data
        kind = array.dtype if np.iscomplexobj(array) else np.float64
        return np.ma.filled(array.astype(kind), np.nan)
    nested = (list, tuple, np.ma.MaskedArray)
    if isinstance(array, (list, tuple)) and any(isinstance(part, nested) for part in array):
        return [_unmasked(part) for part in array]
    return array


def check_steps(steps: Floats) -> None:
    """Refuses steps that are not finite or do not increase, and says where."""
    wrong = np.flatnonzero(~(np.diff(steps) > 0)) + 1
    if not np.isfinite(steps).all() or len(wrong):
        index = int(wrong[0]) if len(wrong) else int(np.flatnonzero(~np.isfinite(steps))[0])
        before = f"{steps[index - 1]:g} and then " if index else ""
        raise ConfigError(
            f"steps: found {before}{steps[index]:g} at place {index}, expected steps that increase strictly"
        )


def first_place(wrong: Flags) -> tuple[int, ...] | None:
    """Index of the first True, None where there is none."""
    flat = np.flatnonzero(wrong)
    return tuple(int(index) for index in np.unravel_index(flat[0], wrong.shape)) if len(flat) else None


def _check_shape(values: Floats, steps: Floats) -> None:
    if values.ndim != 3 or not values.size:
        raise ConfigError(f"values have shape {values.shape}, expected [arm, seed, K] with one value or more")
    if steps.shape != values.shape[-1:]:
        raise ConfigError(
            f"steps have shape {steps.shape}, expected [{values.shape[-1]}], one for each value of a curve"
        )


def _labels(labels: Sequence[object], number: int, kind: str) -> tuple[str, ...]:
    words = tuple(str(label) for label in labels)
    if len(words) != number:
        raise ConfigError(f"{kind}s: found {len(words)} labels, expected {number}, one for each {kind} of the values")
    twice = next((word for place, word in enumerate(words) if word in words[:place]), None)
    if twice is not None:
        raise ConfigError(f"{kind}s: found {twice!r} twice, expected different labels")
    return words
