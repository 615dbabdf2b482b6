"""What is wrong with market data, said at the boundary."""


class DataError(ValueError):
    """Market data that cannot be used: the message names file, row and remedy."""


class DataWarning(UserWarning):
    """Market data that can be used, but not as it stood."""
