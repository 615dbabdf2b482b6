"""Which source a configuration asks for."""

import pandas as pd

from momentum_jax.market.errors import DataError
from momentum_jax.market.options import FILE_SOURCES, MarketConfig
from momentum_jax.market.sources import BarSource, FileSource
from momentum_jax.market.synthetic import SyntheticSource
from momentum_jax.market.vix import load_vix


def open_source(config: MarketConfig) -> BarSource:
    """The source of bars."""
    if config.data_source == "synthetic":
        return SyntheticSource(config.synthetic_seed, config.synthetic_scenario)
    if config.data_source in FILE_SOURCES:
        assert config.data_path is not None  # MarketConfig refuses anything else
        return FileSource(config.data_path, config.file_format)
    # Vendors are optional extras: imported only when asked for.
    from momentum_jax.market.vendors import open_vendor

    return open_vendor(config)


def open_vix(config: MarketConfig, source: BarSource) -> pd.Series:
    """The daily VIX that goes with the source.

    Raises:
        DataError: without a VIX file for bars that bring none.
    """
    if isinstance(source, SyntheticSource):
        return source.vix
    if config.vix_path is None:
        raise DataError(
            f"data_source is {config.data_source!r} but vix_path is missing: give vix_path, a file of daily VIX closes"
        )
    return load_vix(config.vix_path)
