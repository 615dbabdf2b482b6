"""The quality report of one symbol: what was found, session by session, as text and as plain values."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from momentum_jax.market.checks.quality import ERROR, EXCLUDE, WARN, Finding

_SEVERITIES = (ERROR, EXCLUDE, WARN)


@dataclass(frozen=True)
class QualityReport:
    """Attributes:
    where: file or service.
    symbol: ticker.
    table: one row a session (see `quality.session_table`).
    findings: what is wrong.
    outside: bars outside sessions, which are not used.
    unlabelled: whether the file names no symbol, so that it was taken for the one that was asked for.
    """

    where: str
    symbol: str
    table: pd.DataFrame
    findings: list[Finding]
    outside: int
    unlabelled: bool = False

    @cached_property
    def excluded(self) -> dict[str, str]:
        """Sessions (ISO date) that are not used, and the first reason."""
        reasons: dict[str, str] = {}
        for finding in self.findings:
            if finding.severity == EXCLUDE and finding.session is not None:
                reasons.setdefault(finding.session, f"{finding.kind} ({finding.text})")
        return reasons

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == ERROR for finding in self.findings)

    def summary(self) -> dict[str, Any]:
        """Counts: sessions, excluded sessions, bars, missing bars, bars outside sessions, findings by kind."""
        bars = self.table["bars"]
        traded = self.table[bars > 0]
        return {
            "where": self.where,
            "symbol": self.symbol,
            "sessions": len(traded),
            "excluded": len(self.excluded),
            "first": str(traded.index[0].date()) if len(traded) else None,
            "last": str(traded.index[-1].date()) if len(traded) else None,
            "bars": int(bars.sum()),
            "missing": int(traded["missing"].sum()) if len(traded) else 0,
            "outside": self.outside,
            **({"unlabelled": True} if self.unlabelled else {}),
            "findings": {
                severity: dict(Counter(f.kind for f in self.findings if f.severity == severity))
                for severity in _SEVERITIES
            },
        }

    def to_json(self) -> dict[str, Any]:
        """Summary, findings and sessions as plain values; what is not a number is None."""
        table = self.table.astype(object).where(self.table.notna(), None)
        sessions = [{"session": str(date)[:10]} | row.to_dict() for date, row in table.iterrows()]
        findings = [finding._asdict() for finding in self.findings]
        return self.summary() | {"excluded_sessions": self.excluded, "all_findings": findings, "per_session": sessions}

    def to_text(self, limit: int = 8) -> str:
        """A table for the terminal: the summary, then up to `limit` findings of each kind (0: counts alone)."""
        facts = self.summary()
        lines = [
            f"{self.where}: {self.symbol}{' (the file names no symbol)' if self.unlabelled else ''}",
            f"  {facts['sessions']} sessions {facts['first']} to {facts['last']}, {facts['bars']:,} bars, "
            f"{facts['missing']:,} missing, {facts['outside']:,} outside sessions, {facts['excluded']} excluded",
        ]
        for severity in _SEVERITIES:
            for kind, count in facts["findings"][severity].items():
                lines.append(f"  {severity:<8} {kind:<16} {count}")
                chosen = [f for f in self.findings if (f.severity, f.kind) == (severity, kind)]
                of_file = sum(finding.session is None for finding in chosen)  # what concerns all bars is always shown
                shown = max(limit, of_file)
                lines += [f"      {finding.session or 'file':<11} {finding.text}" for finding in chosen[:shown]]
                if count > shown > 0:
                    lines.append(f"      … and {count - shown} more")
        if not self.findings:
            lines.append("  nothing found")
        return "\n".join(lines)
