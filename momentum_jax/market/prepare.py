"""From a source's bars to the sessions that a run may use: cut, inspected, excluded, filled."""

import dataclasses
from typing import NamedTuple

import pandas as pd

from momentum_jax.market.bars import session_dates
from momentum_jax.market.checks.clock import clock_findings
from momentum_jax.market.checks.no_session import NO_SESSION, without_sessions
from momentum_jax.market.checks.quality import ERROR, EXCLUDE, WARN, Finding, findings, session_table
from momentum_jax.market.checks.quality_report import QualityReport
from momentum_jax.market.checks.strikes import strike_findings
from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.market_options import FILE_SOURCES, MarketConfig
from momentum_jax.market.sessions import cut_sessions, fill_minutes
from momentum_jax.market.vix.daily_vix import missing_days


class Prepared(NamedTuple):
    """Bars that may be used, and why others may not."""

    bars: pd.DataFrame  # bar frame of whole sessions; with missing_minutes=fill also a bool column `filled`
    report: QualityReport


def prepare(bars: pd.DataFrame, vix: pd.Series | None, symbol: str, config: MarketConfig) -> Prepared:
    """Cuts a bar frame into sessions, looks for faults, and drops the sessions that have serious ones.

    The reference's clock leaves pre-market bars with gaps and frozen stretches; it excludes nothing, since that is
    what the published runs were trained on.

    Args:
        bars: a bar frame, extended hours included.
        vix: daily VIX closes by naive date; None to leave them out of the report.
        symbol: ticker, for the report.
        config: session policies.
    """
    interval = config.file_format.bar_minutes
    sessions = cut_sessions(bars, config.session_clock, interval)
    table = session_table(sessions) if len(sessions.expected) else pd.DataFrame({"bars": []})
    found = findings(sessions, table, config.max_move_pct) if len(sessions.expected) else []
    if sessions.bars.empty:
        naive = "no bar starts from 09:30 to 16:00 UTC, which session_clock=naive_utc takes for a session"
        text = without_sessions(bars).text if config.session_clock == "exchange" else f"{naive}: use exchange"
        report = QualityReport(config.where, symbol, table, [Finding(ERROR, NO_SESSION, None, text)], len(bars))
        return Prepared(sessions.bars, report)
    found += _policy_findings(table, config)
    from_file = config.data_source in FILE_SOURCES
    if from_file and config.session_clock == "exchange":
        found = clock_findings(bars, sessions.bars, table, interval) + found
    found = strike_findings(sessions.bars, vix, config.file_format.price_scale if from_file else None) + found
    if vix is not None:
        found += _vix_findings(table, vix)
    found = [_with_severity(finding, config) for finding in found]
    report = QualityReport(config.where, symbol, table, found, sessions.outside)
    kept = sessions.bars[~session_dates(sessions.bars.index).isin(pd.DatetimeIndex(list(report.excluded)))]
    if config.missing_minutes == "fill" and not kept.empty:
        kept = fill_minutes(kept, sessions.expected, interval)
    return Prepared(kept, report)


def usable_bars(prepared: Prepared) -> pd.DataFrame:
    """The bars; DataError, naming the first reason, where the report leaves none."""
    report = prepared.report
    errors = [finding for finding in report.findings if finding.severity == ERROR]
    if errors:
        raise DataError(f"{report.where}: {report.symbol}: {errors[0].text}")
    if prepared.bars.empty:
        date, why = next(iter(report.excluded.items()))
        raise DataError(
            f"{report.where}: all {len(report.excluded)} sessions of {report.symbol} are excluded, {date} because of "
            f"{why}: inspect the file with python -m momentum_jax.market inspect, or change the session options"
        )
    return prepared.bars


def _policy_findings(table: pd.DataFrame, config: MarketConfig) -> list[Finding]:
    result = []
    for date, row in table[table["bars"] > 0].iterrows():
        day, gap = str(pd.Timestamp(str(date)).date()), int(row["longest_gap"])
        if row["bars"] < config.min_bars_per_session:
            text = f"{row['bars']} bars, under min_bars_per_session={config.min_bars_per_session}"
            result.append(Finding(EXCLUDE, "short_session", day, text))
        if config.missing_minutes == "drop" and row["missing"] > 0:
            result.append(Finding(EXCLUDE, "missing_minutes", day, f"{row['missing']} missing, missing_minutes=drop"))
        if config.missing_minutes == "fill" and gap > config.fill_limit:
            text = f"a gap of {gap} bars, over fill_limit={config.fill_limit}"
            result.append(Finding(EXCLUDE, "missing_minutes", day, text))
        elif config.missing_minutes == "fill" and not row["at_open"]:
            result.append(Finding(EXCLUDE, "missing_minutes", day, "no bar at the open to fill from"))
    return result


def _vix_findings(table: pd.DataFrame, vix: pd.Series) -> list[Finding]:
    absent = missing_days(vix, pd.DatetimeIndex(table.index[table["bars"] > 0]))
    return [Finding(EXCLUDE, "no_vix", str(date.date()), "no VIX close of that day") for date in absent]


def _with_severity(finding: Finding, config: MarketConfig) -> Finding:
    if config.session_clock == "naive_utc" and finding.severity == EXCLUDE and finding.kind != "no_vix":
        return finding._replace(severity=WARN)
    return finding._replace(severity=EXCLUDE) if finding.kind in config.exclude_findings else finding


def with_warnings(prepared: Prepared, caught: list[DataWarning]) -> Prepared:
    """The same with what the reader set right, and counted."""
    read = [Finding(WARN, warning.kind, None, str(warning)) for warning in caught]
    return prepared._replace(report=dataclasses.replace(prepared.report, findings=[*read, *prepared.report.findings]))
