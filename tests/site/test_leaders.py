"""Which runs count as the same setting, and which setting leads."""

from __future__ import annotations

from gittrack.site.columns import flatten_params
from gittrack.site.gather import gather
from gittrack.site.leaders import digest_setting, note_settings, rank_settings
from gittrack.site.options import SiteOptions
from tests.site.sources import MemorySource, make_run, make_series


def digest(params: dict[str, object], experiment: str = "0") -> str:
    run = make_run(1, experiment_id=experiment, params=params)
    return digest_setting(run, flatten_params(run.params))


def test_settings_are_alike_but_for_their_seeds() -> None:
    lr = digest({"lr": 0.1})
    assert lr == digest({"lr": 0.1, "seed": 3}) == digest({"seed": 4, "lr": 0.1})
    assert len({lr, digest({"lr": 0.2}), digest({"rate": 0.1}), digest({"lr": 0.1}, "1"), digest({})}) == 5


def test_a_number_is_the_same_whole_or_not() -> None:
    assert digest({"lr": 1}) == digest({"lr": 1.0}) != digest({"lr": "1"})
    assert digest({"lr": float("inf")}) != digest({"lr": float("nan")}) == digest({"lr": float("nan")})


def test_runs_without_params_are_not_known_to_be_alike() -> None:
    assert digest({}) == ""
    assert digest({"seed": 1}) == digest({"seed": 2}) != ""


def test_settings_are_ranked_by_their_mean() -> None:
    source = MemorySource()
    for number, (lr, score) in enumerate([(1, 0.9), (1, 0.1), (2, 0.6), (2, 0.7), (None, 0.62), (None, 0.2)]):
        params = {} if lr is None else {"lr": lr, "seed": number}
        source.add(make_run(number, experiment_id="0", params=params), {"val/acc": make_series([score])})
    contents = gather(source, SiteOptions())
    leaders = rank_settings(contents, note_settings(contents), 3)
    assert [[run.params.get("seed") for run in one.runs] for one in leaders] == [[3, 2], [None], [0, 1]]
    assert [(one.spread.count, round(one.spread.mean, 3)) for one in leaders] == [
        (2, 0.65),
        (1, 0.62),
        (2, 0.5),
    ]
