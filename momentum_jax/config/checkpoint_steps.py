"""Environment steps at which a run is measured by default."""

from __future__ import annotations

TABLE_STEPS = (5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000)
_DENSE_UNTIL, _DENSE_EVERY, _PER_DECADE = 20_000, 1_000, 20


def default_checkpoints(timesteps: int) -> tuple[int, ...]:
    """0, every 1 000 steps to 20 000, then 20 a decade, and always the steps at which runs were published."""
    dense = range(0, _DENSE_UNTIL + 1, _DENSE_EVERY)
    steps = {*dense, *TABLE_STEPS}
    exponent = 1
    while (step := _DENSE_UNTIL * 10 ** (exponent / _PER_DECADE)) <= timesteps:
        steps.add(round(step / _DENSE_EVERY) * _DENSE_EVERY)
        exponent += 1
    return tuple(sorted(step for step in steps if step <= timesteps))
