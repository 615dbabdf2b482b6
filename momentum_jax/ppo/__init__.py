"""Proximal policy optimisation with invalid-action masking: pure functions, one run at a time; see `learner`."""
