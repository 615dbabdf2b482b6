"""Every test here trains on a made-up market, and may compare its run with one that nothing interrupted."""

from tests.training.resumed_runs import made_up_market, uninterrupted  # noqa: F401 (fixtures)
