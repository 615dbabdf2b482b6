"""Policies and baselines through whole sessions of the momentum environment, one session each by itself."""
