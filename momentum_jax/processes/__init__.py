"""What touches the operating system's process: terminal, signals, machine, JAX's start, several processes."""
