"""A good file, spoiled in two hundred ways: each load is right, refused with its row, or told in the report.

Three kinds of damage have three answers. What leaves the bars as they were must load them as they were. What makes
a row wrong must be refused by a message that names a row. What takes bars away, or moves a price so far that no
market does, must be found in the session it happened in.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from momentum_jax.market.errors import DataError, DataWarning
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.prepare import prepare
from momentum_jax.market.sources import load_bars

DAYS = ("2024-02-20", "2024-02-21", "2024-02-22")
MINUTES = 390
COLUMNS = ("datetime", "open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close")

Row = list[str]
Damage = Callable[[list[Row], int, int], list[str]]  # rows, a row's number, a number to choose by -> lines


def good_rows() -> list[Row]:
    rng = np.random.default_rng(5)
    stamps = [stamp for day in DAYS for stamp in pd.date_range(f"{day} 09:30", periods=MINUTES, freq="min")]
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 2e-4, len(stamps)))), 2)
    opens = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(opens, close) + 0.05, np.minimum(opens, close) - 0.05
    volume = rng.integers(1000, 2000, len(stamps))
    columns = zip(stamps, opens, high, low, close, volume, strict=True)
    return [
        [f"{t}-05:00", f"{o:.2f}", f"{h:.2f}", f"{low_:.2f}", f"{c:.2f}", str(v)] for t, o, h, low_, c, v in columns
    ]


GOOD = good_rows()


def lines_of(rows: list[Row], header: tuple[str, ...] = COLUMNS) -> list[str]:
    return [",".join(header), *(",".join(row) for row in rows)]


def with_cell(rows: list[Row], at: int, column: str, cell: str) -> list[str]:
    changed = list(rows[at])
    changed[COLUMNS.index(column)] = cell
    return lines_of([*rows[:at], changed, *rows[at + 1 :]])


def with_line(rows: list[Row], at: int, line: str) -> list[str]:
    lines = lines_of(rows)
    lines[at + 1] = line
    return lines


# --- damage ----------------------------------------------------------------------------------------------


def blank_line(rows: list[Row], at: int, choice: int) -> list[str]:
    lines = lines_of(rows)
    return [*lines[: at + 1], *[""] * (1 + choice % 3), *lines[at + 1 :]]


def other_header(rows: list[Row], at: int, choice: int) -> list[str]:
    stamp = ("Timestamp", "DATE", " time ", "DateTime")[choice % 4]
    return lines_of(rows, (stamp, "OPEN", "High", " low", "Close ", "VOLUME"))


def other_order(rows: list[Row], at: int, choice: int) -> list[str]:
    order = np.random.default_rng(choice).permutation(len(COLUMNS))
    return lines_of([[row[place] for place in order] for row in rows], tuple(COLUMNS[place] for place in order))


def other_offset(rows: list[Row], at: int, choice: int) -> list[str]:
    hours = choice % 9
    stamp = pd.Timestamp(rows[at][0]).tz_convert(f"Etc/GMT+{hours}")
    return with_cell(rows, at, "datetime", str(stamp))


def further_column(rows: list[Row], at: int, choice: int) -> list[str]:
    return lines_of([[*row, str(choice)] for row in rows], (*COLUMNS, "vwap"))


def trailing_zeros(rows: list[Row], at: int, choice: int) -> list[str]:
    column = PRICES[choice % 4]
    return with_cell(rows, at, column, rows[at][COLUMNS.index(column)] + "0" * (1 + choice % 5))


def other_line_ends(rows: list[Row], at: int, choice: int) -> list[str]:
    return [line + "\r" for line in lines_of(rows)]


def repeated_row(rows: list[Row], at: int, choice: int) -> list[str]:
    return lines_of([*rows[: at + 1], *[rows[at]] * (1 + choice % 3), *rows[at + 1 :]])


HARMLESS: tuple[Damage, ...] = (
    blank_line,
    other_header,
    other_order,
    other_offset,
    further_column,
    trailing_zeros,
    other_line_ends,
    repeated_row,
)


def garbage_cell(rows: list[Row], at: int, choice: int) -> list[str]:
    empty = ("", "n/a", "nan", "None")
    garbage = ("-", "1.2.3", "12a", "0x1f", "1 000", "inf", "-inf", "#REF!", "ÿþ", "1e999")
    column = COLUMNS[choice % 6]
    words = garbage if column == "volume" else (*empty, *garbage)
    return with_cell(rows, at, column, words[choice // 6 % len(words)])


def bad_sign(rows: list[Row], at: int, choice: int) -> list[str]:
    column = COLUMNS[1 + choice % 5]
    return with_cell(rows, at, column, "-" + rows[at][COLUMNS.index(column)])


def zero_price(rows: list[Row], at: int, choice: int) -> list[str]:
    return with_cell(rows, at, PRICES[choice % 4], "0")


def crossed_bar(rows: list[Row], at: int, choice: int) -> list[str]:
    changed = list(rows[at])
    changed[2], changed[3] = changed[3], changed[2]
    return lines_of([*rows[:at], changed, *rows[at + 1 :]])


def swapped_rows(rows: list[Row], at: int, choice: int) -> list[str]:
    other = (at + 1 + choice % (len(rows) - 1)) % len(rows)
    changed = list(rows)
    changed[at], changed[other] = changed[other], changed[at]
    return lines_of(changed)


def odd_stamp(rows: list[Row], at: int, choice: int) -> list[str]:
    at = min(at, len(rows) - 2)  # the last row may be a bar that is not over
    text = rows[at][0]
    odd = (
        text.replace(":00-05:00", f":{1 + choice % 59:02d}-05:00"),
        text.replace("2024-02", "2024-13"),
        text.replace("-05:00", ""),
        text.replace("2024-", "24-"),
        text[:10],
        "1708439400",
        text.replace("2024", "1024"),
    )
    return with_cell(rows, at, "datetime", odd[choice % len(odd)])


def moved_stamp(rows: list[Row], at: int, choice: int) -> list[str]:
    """By an hour or more, onto or past another bar: only inside a session is there always one."""
    inside = at // MINUTES * MINUTES + 120 + at % 120
    stamp = pd.Timestamp(rows[inside][0]) + pd.Timedelta(minutes=(1 + choice % 60) * (-1) ** choice)
    return with_cell(rows, inside, "datetime", str(stamp))


def too_few_cells(rows: list[Row], at: int, choice: int) -> list[str]:
    return with_line(rows, at, ",".join(rows[at][: 1 + choice % 4]))


def swapped_cells(rows: list[Row], at: int, choice: int) -> list[str]:
    changed = list(rows[at])
    changed[1 + choice % 4], changed[5] = changed[5], changed[1 + choice % 4]
    return lines_of([*rows[:at], changed, *rows[at + 1 :]])


def two_lines_in_one(rows: list[Row], at: int, choice: int) -> list[str]:
    return with_line(rows, at, ",".join(rows[at]) + ",".join(rows[at]))


REFUSED: tuple[Damage, ...] = (
    garbage_cell,
    bad_sign,
    zero_price,
    crossed_bar,
    swapped_rows,
    odd_stamp,
    moved_stamp,
    too_few_cells,
    two_lines_in_one,
)


def lost_rows(rows: list[Row], at: int, choice: int) -> list[str]:
    return lines_of(rows[:at] + rows[at + 1 + choice % 20 :])


def cut_off(rows: list[Row], at: int, choice: int) -> list[str]:
    return lines_of(rows[: at + 1])


def factor(rows: list[Row], at: int, choice: int) -> list[str]:
    times = (10, 100, 0.1, 0.01, 2, 0.5)[choice % 6]
    cells = [f"{float(cell) * times:.6f}" for cell in rows[at][1:5]]
    return lines_of([*rows[:at], [rows[at][0], *cells, rows[at][5]], *rows[at + 1 :]])


def stray_extreme(rows: list[Row], at: int, choice: int) -> list[str]:
    column, times = (("high", 1.2), ("low", 0.8), ("high", 10), ("low", 0.1))[choice % 4]
    return with_cell(rows, at, column, f"{float(rows[at][COLUMNS.index(column)]) * times:.4f}")


def empty_volume(rows: list[Row], at: int, choice: int) -> list[str]:
    return with_cell(rows, at, "volume", ("", "n/a", "nan", "None")[choice % 4])


TOLD: tuple[Damage, ...] = (lost_rows, cut_off, factor, stray_extreme, empty_volume)


# --- the test --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "bars.csv"


def load(path: Path, lines: list[str]) -> pd.DataFrame | str:
    """The bars, or the message of the refusal."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", DataWarning)  # rows that are set right are counted
            return load_bars(path, "SPY", form=FileFormat())
    except DataError as error:
        return str(error)


def expected_bars() -> pd.DataFrame:
    index = pd.DatetimeIndex([row[0] for row in GOOD]).tz_convert("America/New_York").as_unit("ns").rename("datetime")
    return pd.DataFrame(np.array([row[1:] for row in GOOD], dtype=float), index=index, columns=list(COLUMNS[1:]))


def told_sessions(bars: pd.DataFrame) -> set[str | None]:
    return {finding.session for finding in prepare(bars, None, "SPY", MarketConfig()).report.findings}


@given(st.sampled_from((*HARMLESS, *REFUSED, *TOLD)), st.integers(0, len(GOOD) - 1), st.integers(0, 10_000))
@settings(
    max_examples=200,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_spoiled_file_is_loaded_right_or_refused_with_its_row_or_told(path, damage, at, choice):
    answer = load(path, damage([list(row) for row in GOOD], at, choice))
    if damage in REFUSED:
        assert isinstance(answer, str), f"{damage.__name__} was not noticed"
        assert "line " in answer and "bars.csv" in answer and "\n" not in answer
        return
    assert isinstance(answer, pd.DataFrame), answer
    expected = expected_bars()
    if damage in HARMLESS:
        pd.testing.assert_frame_equal(answer, expected, check_freq=False)
        return
    untouched = expected.loc[expected.index.isin(answer.index)]
    differs = (answer != untouched).any(axis=1)
    spoiled = {*expected.index.difference(answer.index), *answer.index[differs]}
    days = {str(stamp.date()) for stamp in spoiled}
    # A file cut off between two sessions is a whole file: only what is left of a session can be seen to lack.
    seen = days & set(answer.index.strftime("%Y-%m-%d")) if damage is cut_off else days
    assert seen <= told_sessions(answer), damage.__name__


def test_the_good_file_itself_is_loaded_and_nothing_is_told(path):
    bars = load(path, lines_of(GOOD))
    pd.testing.assert_frame_equal(bars, expected_bars(), check_freq=False)
    assert told_sessions(bars) == set()


def test_damage_that_swaps_price_and_volume_is_refused_or_told(path):
    for at in range(0, len(GOOD), 97):
        for choice in range(4):
            answer = load(path, swapped_cells(GOOD, at, choice))
            assert isinstance(answer, str) or GOOD[at][0][:10] in told_sessions(answer)
