"""What was run."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd

from momentum_jax.analysis.metrics.derived_curves import failed_steps
from momentum_jax.analysis.pages.study_market import Market

_TRAINED = re.compile(r"trained ([\d,]+) environment steps in ([\d.]+) s")


def runs(market: Market) -> pd.DataFrame:
    """What was run: arms, seeds, steps and times, as the logs have them."""
    rows = []
    for part, ds in market.parts.items():
        config = json.loads(ds.attrs["config"])
        trained = [(int(n.replace(",", "")), float(s)) for n, s in _TRAINED.findall(ds.attrs["log"])]
        steps, seconds = sum(n for n, _ in trained), sum(s for _, s in trained)
        rows.append(
            {
                "part": part,
                "arms": ds.sizes["arm"],
                "seeds": ds.sizes["seed"],
                "steps": min(int(config["timesteps"]), int(ds["env_steps"].values[-1])),
                "failed_seeds": int((failed_steps(ds) >= 0).sum()),
                # A run that was stopped before its end has logged neither.
                "env_steps_millions": steps / 1e6 if trained else np.nan,
                "seconds": seconds if trained else np.nan,
                "steps_per_second": f"{steps / seconds:,.0f}" if seconds else "",
                "git_commit": (config.get("git_commit") or "")[:10],
            }
        )
    return pd.DataFrame(rows)
