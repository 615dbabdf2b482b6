"""A run of an environment that is not the momentum one: every table, verdict, figure and export has its words."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.text import Text

from momentum_jax.analysis.claims.claim_tables import claims_text
from momentum_jax.analysis.claims.verdicts import RunNumbers, declared_claims, judge_together
from momentum_jax.analysis.dips.evidence import comparison_table, gather, prediction_table
from momentum_jax.analysis.dips.noise_table import noise_table
from momentum_jax.analysis.export import run_exports
from momentum_jax.analysis.export.tensorboard import write_events
from momentum_jax.analysis.figures import gallery
from momentum_jax.analysis.inference.verdict import Verdict
from momentum_jax.analysis.metrics.derived_curves import derive_curves
from momentum_jax.analysis.metrics.signal import sensitivity_curves
from momentum_jax.analysis.report.build import write_report
from momentum_jax.analysis.report.formatting import compact, format_table
from momentum_jax.analysis.report.live import status
from momentum_jax.analysis.report.run_tables import checkpoint_table, dip_summary, dip_table, table_values
from momentum_jax.analysis.report.summary import summarise
from momentum_jax.analysis.report.terminal import summary
from momentum_jax.config.declared_claims import Claim, Criterion
from momentum_jax.env.plain_diagnostics import plain_diagnostics
from momentum_jax.fields import ConfigError
from momentum_jax.run_directory import load_run
from tests.analysis.export.test_exports import read_events
from tests.analysis.other_environment import DRIVING, RETURN, SPREAD, STEPS, write_run

MOMENTUM_WORDS = re.compile(r"HOLD|BUY|CALL|PUT|setup|flat decision|while flat|hold_pct|p_hold|_hold\b|_hold_")
RANGE = 200.0 + 7 * SPREAD  # of the returns of eight seeds
THRESHOLD = 0.05 * RANGE


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def ds(run_dir) -> xr.Dataset:
    return load_run(run_dir)


def test_curves_are_those_of_the_metrics(ds):
    curves = derive_curves(ds)
    assert set(curves.data_vars) == {
        "fast_pct", "fast_pct_cumulative", "p_fast", "p_fast_half",
        "episode_return", "crash_pct", "crash_pct_cumulative", "crash_cumulative",
    }  # fmt: skip
    np.testing.assert_array_equal(curves["episode_return"], ds["episode_return"])
    np.testing.assert_allclose(curves["crash_pct"].sel(arm="plain", seed=3)[1:], [10, 10, 10, 20, 30, 20, 5, 5])
    np.testing.assert_allclose(curves["crash_pct_cumulative"].sel(arm="plain", seed=3)[-1], 110 / 8)
    np.testing.assert_allclose(curves["fast_pct"][..., 1:], 25)
    np.testing.assert_allclose(curves["p_fast"], 75)
    assert curves["episode_return"].attrs["units"] == "coins" and curves["episode_return"].attrs["good_direction"] == 1
    assert not sensitivity_curves(ds).data_vars


def test_a_fall_of_the_return_and_a_rise_of_the_crashes_are_dips(ds):
    dips = dip_table(ds).query("arm == 'plain' and baseline == 0")
    assert dips["metric"].unique().tolist() == ["episode_return", "crash_pct"]
    fall, rise = (dips[dips["metric"] == name] for name in ("episode_return", "crash_pct"))
    np.testing.assert_allclose(fall["depth"], 60)
    np.testing.assert_allclose(rise["depth"], 20)
    assert (dips["trough_step"] == 10_000).all() and (dips["onset_step"] == 5_000).all()
    assert set(dips["class"]) == {"recovered"}
    np.testing.assert_allclose(fall["landmark_depth"], 60)
    assert dip_summary(dips)["prevalence_pct"].tolist() == [100, 100]


@pytest.mark.parametrize(("threshold", "dipped"), [(59.9, True), (60.1, False)])
def test_a_metric_may_have_a_threshold_of_its_own(tmp_path, threshold, dipped):
    first, primary, last = DRIVING.metrics
    own = dataclasses.replace(DRIVING, metrics=(first, dataclasses.replace(primary, dip_threshold=threshold), last))
    run = write_run(tmp_path, own)
    table = dip_table(load_run(run)).query("metric == 'episode_return' and baseline == 0")
    assert (table["has_dip"] == dipped).all()
    assert f"return, coins (threshold: {threshold} coins)" in summary(run)


def test_without_one_the_threshold_is_a_share_of_the_range_and_the_table_says_so(run_dir, ds):
    text = summary(run_dir)
    assert f"return, coins (threshold: {THRESHOLD:.4g} coins, 5 % of its range)" in text
    assert "windowed crashes % (threshold: 5 points)" in text
    assert f"fell by {THRESHOLD:.4g} coins or more below its highest value" in " ".join(summarise(ds, dip_table(ds)))


def test_a_curve_that_never_changes_has_no_dip(tmp_path):
    ds = load_run(write_run(tmp_path)).copy(deep=True)
    ds["episode_return"][...] = 1.0
    dips = dip_table(ds).query("metric == 'episode_return'")
    assert not dips["has_dip"].any() and (dips["depth"] == 0).all()


def test_the_table_of_checkpoints_has_each_metric_in_the_forms_that_it_has(ds):
    table = checkpoint_table(ds, "careful", (5_000, 10_000))
    at_10k = table.loc[10_000]
    assert at_10k.loc["windowed", "episode_return_median"] == 40 + 3.5 * SPREAD
    assert at_10k.loc["windowed", "crash_pct_median"] == 12.5  # 10 and 15 crashes since the row before
    assert at_10k.loc["exact", "fast_pct_median"] == 75
    assert at_10k.loc["cumulative"].filter(like="episode_return").isna().all()
    assert (at_10k["seeds"] == 8).all()


def test_evidence_is_about_the_primary_metric_and_the_counted_ones(ds):
    noise = noise_table(ds, draws=50)
    assert noise["metric"].unique().tolist() == ["windowed crashes %"]
    compared = comparison_table(ds)
    assert compared["windowed_episode_return"].tolist() == [
        "largest fall within the horizon, coins",
        "at the end, coins",
        f"seeds that fall by {THRESHOLD:.4g} coins, %",
    ]
    assert (compared["difference"] == 0).all()
    assert {"r2", "return_r2", "gain"} <= set(prediction_table(ds).columns)


def criterion(**changes) -> Criterion:
    given = {"arm": "plain", "metric": "episode_return", "step": 10_000, "counted": "windowed"} | changes
    return Criterion(**given)


CLAIMS = (
    ("level", criterion(minimum=40.0), 47.0, Verdict.SUPPORTED),
    ("change", criterion(quantity="change", from_step=5_000, maximum=0.0), -60.0, Verdict.SUPPORTED),
    ("depth", criterion(quantity="depth", step=25_000, minimum=THRESHOLD), 60.0, Verdict.SUPPORTED),
    ("prevalence", criterion(quantity="prevalence", step=25_000, minimum=50.0), 100.0, Verdict.SUPPORTED),
    ("crashes", criterion(metric="crash_pct", counted="cumulative", maximum=10.0), 16.6, Verdict.NOT_SUPPORTED),
    ("rise", criterion(metric="crash_pct", quantity="depth", step=25_000, maximum=5.0), 20.0, Verdict.NOT_SUPPORTED),
    ("arms", criterion(arm="careful", versus="plain", metric="crash_pct", maximum=0.0), -13.5, Verdict.SUPPORTED),
)


@pytest.mark.parametrize(("name", "given", "number", "verdict"), CLAIMS)
def test_claims_are_judged_by_direction_and_unit_of_their_metric(ds, name, given, number, verdict):
    # Seeds that are all alike make a point, which decides nothing: they are spread here.
    spread = ds.copy(deep=True)
    shift = np.linspace(-1, 1, 8)[None, :, None] * np.where(np.array(STEPS) == 10_000, 2.0, 0.0)
    spread["episode_return"][...] = spread["episode_return"] + shift
    spread["crash"][...] = spread["crash"] + np.array([1, -1])[:, None, None] * (np.arange(8) % 2)[None, :, None]
    (judgement,) = judge_together(RunNumbers(spread), [Claim(name=name, statement="", criteria=(given,))])
    (finding,) = judgement.findings
    assert finding.interval.estimate == pytest.approx(number)
    assert judgement.verdict == verdict, claims_text([judgement])


def test_the_room_of_a_metric_without_bounds_is_what_the_run_has_seen(ds):
    run, depth = RunNumbers(ds), criterion(quantity="depth", step=25_000, maximum=1.0)
    assert run.room(depth, "windowed", "plain") == pytest.approx(RANGE)  # from its highest to its lowest
    assert run.room(dataclasses.replace(depth, metric="crash_pct"), "windowed", "plain") == 95  # of a percentage, 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "hold_pct"}, "metric='hold_pct' is unknown: choose one of fast_pct, episode_return, crash_pct"),
        ({"counted": "cumulative"}, "cumulative episode_return: it has no such form, choose windowed"),
        ({"metric": "fast_pct", "quantity": "depth"}, "no dips: choose one of episode_return, crash_pct"),
    ],
)
def test_a_claim_of_another_environment_is_refused_when_its_run_is_read(tmp_path, changes, message):
    claim = {"name": "mine", "statement": "", "criteria": [dataclasses.asdict(criterion(minimum=0.0, **changes))]}
    with pytest.raises(ConfigError, match=f"claim 'mine': .*{message}"):
        declared_claims(load_run(write_run(tmp_path, claims=[claim])))


@pytest.mark.parametrize("diagnostics", [DRIVING, plain_diagnostics("CartPole-v1", 2)], ids=lambda one: one.environment)
@pytest.mark.filterwarnings("error")
def test_the_report_has_the_words_of_the_environment_and_none_of_another(tmp_path, diagnostics):
    claims = [dataclasses.asdict(Claim(name="c", statement="it rises", criteria=(criterion(minimum=0.0),)))]
    path = write_report(write_run(tmp_path, diagnostics, claims=claims))
    text = path.read_text()
    label = diagnostics.metric(diagnostics.primary).label
    first, second, change = ("5 000", "10 000", "-60") if diagnostics.early else ("2 000", "5 000", "+100")
    assert f"Claim: *{label} is lower at {second} than at {first} steps*" in text
    words = f"Between steps {first} and {second}, fixed in advance, {label} of plain changed on average by {change} "
    assert words in text
    assert not MOMENTUM_WORDS.findall(text)
    page = path.with_suffix(".html").read_text()
    data = json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert data["primary"] == "episode_return" and data["metrics"][0]["label"] == label
    assert not MOMENTUM_WORDS.findall(json.dumps(data))
    assert {dip["curve"] for dip in data["dips"]} == set(diagnostics.dips_in)
    unit = diagnostics.metric(diagnostics.primary).unit
    assert data["dips"][0]["unit"] == unit and data["dips"][0]["rows"][0][0]["depth"] == 60


def test_the_gallery_draws_the_primary_metric_on_its_own_axis(ds):
    pictures = {picture.name: picture for picture in gallery(ds, dip_table(ds), gather(ds, draws=50))}
    assert [re.sub(r"^\d_", "", name) for name in pictures] == [
        "episode_return", "curves", "drawdowns", "depths", "pairs", "recovery", "onset", "predictors",
    ]  # fmt: skip
    first = pictures["episode_return"].figure
    assert [axis.get_ylabel() for axis in first.axes] == ["return, coins", ""]
    low, high = first.axes[0].get_ylim()
    assert low < -50 and high > 150
    assert len(pictures["7_predictors"].figure.axes) == 2  # nothing to split: the return is no share of decisions
    assert sum(axis.get_visible() for axis in pictures["6_onset"].figure.axes) == 4  # no d' and c either
    for picture in pictures.values():
        shown = " ".join(text.get_text() for text in picture.figure.findobj(Text))
        assert not MOMENTUM_WORDS.findall(f"{picture.caption} {shown}"), picture.name


def test_the_live_line_has_the_unit(ds):
    line = status(ds).splitlines()[0]
    assert "plain: return 157.0 [153.5, 160.5] coins · dips 8/8" in line


def test_exports_have_the_names_of_the_environment(ds, tmp_path):
    table = run_exports.long_table(ds)
    names = set(table["variable"].astype(str))
    assert {"episode_return", "crash_pct", "p_fast", "drive_count[road=any,action=fast]"} <= names
    assert not table.duplicated(["arm", "seed", "env_steps", "variable"]).any()
    scores = run_exports.rliable_scores(ds)
    np.testing.assert_allclose(scores["plain"][:, 0], RETURN[-1] + SPREAD * np.arange(8))
    assert scores["plain"].shape == (8, 1)
    paths = run_exports.write_reliability(ds, tmp_path / "r")
    assert paths[0].parent.name == "episode_return" and pd.read_csv(paths[0])["episode_return"].iloc[-1] == RETURN[-1]
    back = xr.load_dataset(run_exports.write_netcdf(ds, tmp_path / "run.nc"))
    assert back["drive_count"].dims[-2:] == ("road", "action") and back["road"].values.tolist() == ["any"]


def test_without_a_metric_of_which_up_is_good_scores_are_mirrored(tmp_path):
    first, _, crashes = DRIVING.metrics
    only = dataclasses.replace(DRIVING, metrics=(first, crashes), primary="crash_pct", dips_in=("crash_pct",))
    scores = run_exports.rliable_scores(load_run(write_run(tmp_path, only)))
    np.testing.assert_allclose(scores["plain"], 0.95)


def test_event_files_have_the_tags_of_the_environment(ds, tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed: pip install 'momentum_jax[tensorboard]'")
    write_events(ds, tmp_path)
    tags = read_events(tmp_path / "plain" / "seed_0")
    assert tags["drive/crash_pct"][10_000] == 30 and tags["drive/p_fast"][0] == 75
    assert tags["learner/episode_return"][10_000] == 40 and "drive/episode_return" not in tags


def test_metric_values_re_window_counts_and_leave_recorded_variables_as_they_are(ds):
    values = table_values(ds, (5_000, 50_000)).sel(arm="plain", seed=0, counted="windowed")
    assert values["env_steps"].values.tolist() == [5_000, 50_000]
    np.testing.assert_allclose(values["crash_pct"], [10, 16])
    np.testing.assert_allclose(values["episode_return"], [100, 150])


def test_small_numbers_keep_two_digits_that_count():
    table = pd.DataFrame({"kl_median": [0.0041, 0.0002], "kl_min": [0.0010, 0.0001], "kl_max": [0.0102, 0.0003]})
    assert "0.004 [0.001, 0.010]" in format_table(table)
    assert "0.30 [0.10, 0.50]" in format_table(pd.DataFrame({"x_median": [0.3], "x_min": [0.1], "x_max": [0.5]}))


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_the_verdicts_of_a_report_do_not_depend_on_the_size_of_the_returns(ds, size):
    other = ds.copy(deep=True)
    other["episode_return"] = size * ds["episode_return"]
    columns = ["has_dip", "class", "trough_step", "recovery_step"]
    pd.testing.assert_frame_equal(dip_table(other)[columns], dip_table(ds)[columns])
    words, usual = (" ".join(summarise(each, dip_table(each))) for each in (other, ds))
    assert re.findall(r"\*\*(.*?)\*\*", words) == re.findall(r"\*\*(.*?)\*\*", usual)
    assert f"The mean depth over these 8 seeds, with a dip or without, was {compact(60 * size)} coins" in words
