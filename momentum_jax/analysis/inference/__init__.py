"""Statistics over seeds, one question a file. The seed is the unit; whole trajectories are resampled."""
