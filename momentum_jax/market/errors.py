"""What is wrong with market data, said at the boundary."""


class DataError(ValueError):
    """Market data that cannot be used: the message names file, row and remedy."""


class UnknownSymbolError(DataError):
    """A file that names symbols, but not the one that was asked for.

    Attributes:
        found: one that it names.
    """

    def __init__(self, text: str, found: str = ""):
        super().__init__(text)
        self.found = found


class IntervalError(DataError):
    """Bars that span another time than declared."""


class DataWarning(UserWarning):
    """Market data that can be used, but not as it stood.

    Attributes:
        kind: what a quality report calls the finding.
    """

    def __init__(self, text: str, kind: str = "reading"):
        super().__init__(text)
        self.kind = kind
