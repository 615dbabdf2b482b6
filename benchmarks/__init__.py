"""The measurements quoted in the README, one command each: a table on the screen and JSON in benchmarks/results/."""
