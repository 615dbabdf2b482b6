"""One compiled program of many runs, arms × seeds over programs, checkpoints, and resuming."""
