"""Which params, metrics and tags are columns of the runs table, and which of them show first."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from gittrack.core.direction import is_lower_better
from gittrack.core.frozen import dataclass
from gittrack.core.shared import FLAT, is_flat
from gittrack.site.column_facts import Cell, count_metrics, is_visible, merge_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from gittrack.core.model import ParamValue, Run
    from gittrack.site.column_facts import Facts

METRIC, PARAM, TAG = "m", "p", "t"
LOWEST, HIGHEST = "l", "h"
"""The extremes of a metric: columns that are loaded when they are asked for."""
OTHER, SYSTEM = "Other", "System"

_encode = json.JSONEncoder(ensure_ascii=False).encode
_SECTIONS = ("train", "val", "valid", "validation", "eval", "dev", "test")
_GROUP_SIZE = 128
_SYSTEM = re.compile(
    r"(system|sys)[/.]|(gpu|cpu|mem|memory|disk|net|network|ram)[_/]|epoch_time|throughput|samples_per_sec"
)
_LEADING_METRICS = 2
_SHOWN_PARAMS = 8
_SHOWN_METRICS = 6
_QUALITY = re.compile(
    r"acc|f1|auc|score|iou|map\b|bleu|rouge|reward|return|r2|psnr|ndcg|mrr|dice", re.IGNORECASE
)
_LOSS = re.compile(r"loss|error|rmse|mse|mae|perplexity|ppl|wer|cer|fid", re.IGNORECASE)
_HELD_OUT = re.compile(r"(^|[/_.])(val|valid|validation|dev|eval)", re.IGNORECASE)
_TEST = re.compile(r"(^|[/_.])test", re.IGNORECASE)
_SEEDS = frozenset("seed random_seed random_state rng_seed global_seed manual_seed".split())
_FAMILIAR = """
    lr learning_rate optimizer optim model arch architecture batch_size bs weight_decay wd dropout
    depth width layers hidden hidden_size n_estimators max_depth c alpha gamma scheduler
    warmup_steps warmup epochs dataset data augment
    """.split()


@dataclass(frozen=True, slots=True)
class Column:
    """One metric, param or tag that some run has."""

    kind: str
    """`METRIC`, `LOWEST`, `HIGHEST`, `PARAM` or `TAG`."""
    key: str
    numeric: bool
    """Whether every value is a number or reads as one."""
    count: int
    """Runs that have it."""
    varies: bool
    """Whether two runs differ in it."""

    @property
    def name(self) -> str:
        """Name that is unique among all kinds, as the index knows the column by."""
        return f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns, and the choice made among them."""

    all: tuple[Column, ...]
    shown: tuple[str, ...]
    """Names of the columns the table begins with."""
    primary: str | None
    """Key of the metric that stands for a run's success."""
    lower: frozenset[str] = frozenset()
    """Keys of the metrics of which less is better."""

    @property
    def extremes(self) -> tuple[Column, ...]:
        """The lowest and highest values of every metric, as columns."""
        metrics = [column for column in self.all if column.kind == METRIC]
        return tuple(replace(column, kind=kind) for column in metrics for kind in (LOWEST, HIGHEST))


def flatten_params(params: Mapping[str, ParamValue]) -> Mapping[str, Cell]:
    """Return params as scalars, nested ones under dotted keys, in the form MLflow would show."""
    if is_flat(params):
        return params  # type: ignore[return-value]
    flat: dict[str, Cell] = {}
    for key, value in params.items():
        if type(value) in FLAT:
            flat[key] = value  # type: ignore[assignment]
        elif isinstance(value, dict) and value:
            for inner, cell in flatten_params(value).items():
                flat.setdefault(f"{key}.{inner}", cell)
        elif isinstance(value, (dict, list)):
            flat[key] = _encode(value)
        elif isinstance(value, bool) or value is None:
            flat[key] = str(value)
        else:
            flat[key] = value
    return flat


def is_system_metric(key: str) -> bool:
    """Return whether a metric tells about the machine rather than the model."""
    return _SYSTEM.match(key) is not None


def section_of(key: str) -> str:
    """Return the section a metric is shown in: its prefix, `OTHER` or `SYSTEM`."""
    if is_system_metric(key):
        return SYSTEM
    prefix, slash, _ = key.partition("/")
    return prefix if slash else OTHER


def metric_order(key: str) -> tuple[int, str, int, str]:
    """Return what metrics are sorted by: training first, the system last, losses first in a section."""
    section = section_of(key)
    place = _SECTIONS.index(section) if section in _SECTIONS else {OTHER: 90, SYSTEM: 91}.get(section, 50)
    name = key.rpartition("/")[2].lower()
    rank = 0 if name == "loss" else 1 if name in {"acc", "accuracy"} else 2
    return place, section, rank, key


def choose_columns(segments: Sequence[Facts], declared: Mapping[str, bool] = MappingProxyType({})) -> Columns:
    """Return all columns of the runs and those to show first: what varies, and what was achieved.

    ``declared`` says of metrics whether less is better; of the others their names tell.
    """
    runs = sum(facts["runs"] for facts in segments)
    metrics = _metric_columns(count_metrics(segments))
    lower = frozenset(one.key for one in metrics if declared.get(one.key, is_lower_better(one.key)))
    settings = [Column(PARAM, *facts) for facts in merge_cells(segments, "params")]
    tags = [Column(TAG, *facts) for facts in merge_cells(segments, "tags")]
    ranked = sorted((column for column in metrics if not is_system_metric(column.key)), key=_metric_rank)
    primary = next((column.key for column in ranked if column.count * 10 >= runs), None)
    leading = _leading_metrics(ranked, primary, lower)
    rest = [column for column in ranked if column not in leading]
    varying = sorted((column for column in settings if column.varies), key=lambda c: _param_rank(c, runs))
    chosen = [*leading, *varying[:_SHOWN_PARAMS], *rest[: _SHOWN_METRICS - len(leading)]]
    return Columns((*metrics, *settings, *tags), tuple(column.name for column in chosen), primary, lower)


def visible_tags(run: Run) -> dict[str, str]:
    """Return the tags people set, without those that have their own place on the pages."""
    return {key: value for key, value in run.tags.items() if is_visible(key)}


def count_groups(columns: Columns) -> int:
    """Return into how many groups the columns that are not shown first are cut: a power of two."""
    count = 1
    while count * _GROUP_SIZE < len(columns.all) + len(columns.extremes) - len(columns.shown):
        count *= 2
    return count


def find_counterpart(columns: Columns, primary: str) -> list[str]:
    """Return the first metric that pulls the other way, a loss beside an accuracy, or nothing."""
    keys = [name[2:] for name in columns.shown if name[0] == METRIC]
    return [key for key in keys if (key in columns.lower) != (primary in columns.lower)][:1]


@functools.cache
def is_seed(key: str) -> bool:
    """Return whether a param only makes chance repeatable."""
    return key.rpartition(".")[2].lower() in _SEEDS


def _metric_columns(counts: Mapping[str, int]) -> list[Column]:
    ordered = sorted(counts, key=metric_order)
    return [Column(METRIC, key, numeric=True, count=counts[key], varies=True) for key in ordered]


def leading_keys(keys: Iterable[str], primary: str | None, lower: AbstractSet[str]) -> list[str]:
    """Return metrics by how much they tell: the primary, one that pulls the other way, then the others.

    The system's come last. Of the metrics in ``lower`` less is better.
    """
    ranked = sorted(keys, key=lambda key: (key != primary, is_system_metric(key), _worth(key), key))
    if not ranked:
        return []
    first = ranked[0]
    second = next(
        (key for key in ranked if (key in lower) != (first in lower) and not is_system_metric(key)), None
    )
    return [first, *([second] if second else []), *(key for key in ranked if key not in {first, second})]


def _metric_rank(column: Column) -> tuple[int, int, str]:
    return (_worth(column.key), -column.count, column.key)


def _worth(key: str) -> int:
    """Return the less, the more a metric tells of success."""
    quality = 2 if _QUALITY.search(key) and not is_lower_better(key) else 1 if _LOSS.search(key) else 0
    where = 2 if _HELD_OUT.search(key) else 1 if _TEST.search(key) else 0
    plain = re.search(r"(^|[/_.])(acc|accuracy|loss)$", key, re.IGNORECASE) is not None
    return -(quality * 4 + where * 3 + plain)


def _leading_metrics(ranked: Sequence[Column], primary: str | None, lower: AbstractSet[str]) -> list[Column]:
    first = [column for column in ranked if column.key == primary]
    if primary is None:
        return list(ranked[:1])
    opposite = [column for column in ranked if (column.key in lower) != (primary in lower)]
    return [*first, *opposite[: _LEADING_METRICS - 1]]


def _param_rank(column: Column, runs: int) -> tuple[int, str]:
    key = re.sub(r"\.(name|type|class|kind)$", "", column.key.lower())
    name = key.rpartition(".")[2]
    if column.count * 2 < runs:
        return 500 + (_FAMILIAR.index(key) if key in _FAMILIAR else 300), column.key
    if key in _FAMILIAR:
        return _FAMILIAR.index(key), column.key
    if name in _SEEDS or name in {"name", "id", "path", "output_dir", "run_id"}:
        return 900, column.key
    return (100 if name in _FAMILIAR or column.numeric else 200), column.key
