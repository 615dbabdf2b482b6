"""The project on one accelerator, measured by one command; see `__main__`."""
