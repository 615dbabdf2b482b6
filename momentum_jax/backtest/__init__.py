"""Policies of a finished run on sessions of a part of the data, beside baselines, in one compiled program."""
