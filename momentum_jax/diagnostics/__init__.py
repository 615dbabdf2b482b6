"""What is recorded of a run: the table of variables, and the code that counts and probes."""
