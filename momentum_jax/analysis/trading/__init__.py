"""What a backtest says: performance with intervals over seeds and days, comparisons with baselines, a page. No JAX."""
