"""The search language: what it accepts, what it means, and how it says what is wrong."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.fields import flatten_params
from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from gittrack.core.messages import best_value
from gittrack.core.model import Code, MetricSummary, Run, RunStatus, format_param
from gittrack.core.query import (
    Setting,
    compile_filter,
    compile_order,
    format_filter,
    is_after,
    parse_filter,
    parse_order_by,
    sort_runs,
)
from gittrack.core.query_match import make_match
from gittrack.core.query_parse import MAX_DEPTH
from gittrack.core.query_tree import (
    UNITS_MS,
    Age,
    And,
    Between,
    Children,
    Comparison,
    Filter,
    In,
    IsNull,
    Key,
    Like,
    Not,
    Or,
    Order,
)
from gittrack.errors import QuerySyntaxError
from tests import strategies

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_700_000_000_000
HOUR = 3_600_000
HERE = Setting(NOW)


def make_run(**fields: Any) -> Run:
    plain = {"run_id": "a" * 32, "name": "tidy-otter-412", "experiment_id": "0"}
    return Run(**{**plain, "status": RunStatus.FINISHED, "start_time": NOW - HOUR, **fields})


def summary(last: float, low: float | None = None, high: float | None = None) -> MetricSummary:
    return MetricSummary(last, 1, 1, last if low is None else low, 0, last if high is None else high, 0, 2)


RUN = make_run(
    end_time=NOW - HOUR + 90_000,
    user="ada",
    parent="b" * 32,
    source="train.py",
    code=Code("4f9c2abd" * 5, "main", dirty=True, snapshot="5a" * 20, tree="6b" * 20, changed=2),
    params={
        "lr": 0.1, "epochs": 10, "optimizer": {"name": "adam", "beta": [0.9, 0.99]}, "flag": True,
        "text": "0.10", "nothing": None, "a b": "x", "it's": 'say "hi"', "`": "tick", "🦊": "fox",
        "'; DROP TABLE runs; --": "little bobby", "empty": "",
    },
    metrics={
        "acc": summary(0.8, 0.1, 0.9), "loss": summary(0.5, 0.2, 7.0), "nan": summary(math.nan),
        "up": summary(math.inf), "val/loss.min": summary(3.0), "val/loss": summary(2.0, 1.0, 4.0),
    },
    datasets={
        f"{name}@{digest}": DatasetInput(
            Dataset(name, digest, "local", "{}"),
            (InputTag("mlflow.data.context", context),) if context else (),
        )
        for name, digest, context in (("mnist", "1a2b", "training"), ("cifar", "77", None))
    },
    tags={"team": "Vision", "note": "two\nlines", "100%": "50% off", "mlflow.note.content": "n"},
)  # fmt: skip

TRUE = r"""
metrics.acc > 0.7
metrics.acc>=0.8 and metrics.acc<=.8
metric.acc = 8e-1
metrics.acc == 0.8
metrics."acc" = 0.8
metrics.`acc` <> 0.7
metrics.acc.last = 0.8
metrics.acc.min = 0.1
metrics.acc.max = 0.9
metrics.acc.best = 0.9
metrics.loss.best = 0.2
metrics.`loss`.max = 7
metrics.val/loss.min = 3
metrics.`val/loss`.min = 1
metrics.`val/loss.min` = 3
metrics.val/loss.max = 4
metrics.nan != 3
metrics.nan = NaN
metrics.nan IN (1, nan)
metrics.nan NOT IN (1, 2)
metrics.nan IS NOT NULL
metrics.up > 1e308
metrics.up = Infinity
metrics.acc > -inf
metrics.acc BETWEEN 0.8 AND 1
metrics.acc NOT BETWEEN 0.9 AND 1
metrics.none IS NULL
NOT metrics.none > 0
params.lr = '0.1'
params.lr = "0.1"
params.lr = 0.10
params.lr < 1
params.lr != '0.10'
params.text = '0.10'
params.text = 0.1
params.text != '0.1'
params.lr > 1e-3
parameters.epochs = 10
params.epochs = '10'
params.epochs IN (1, 10)
params.epochs IN ('1', '10')
params.epochs < '9'
params.optimizer.name = 'adam'
params.optimizer.beta = '[0.9, 0.99]'
params.optimizer LIKE '{%adam%}'
params.optimizer.name = adam
params.optimizer.name != 5
params.flag = true
params.flag = 'True'
params.nothing = 'None'
params.nothing IS NOT NULL
params.empty = ''
params.`a b` = 'x'
params."a b" = 'x'
params.`it's` = 'say "hi"'
params."it's" = "say ""hi"" "  OR params."it's" LIKE "say ""hi""%"
params.```` = 'tick'
params.🦊 = 'fox'
params.`'; DROP TABLE runs; --` LIKE 'little%'
tags.team = 'Vision'
tags.team LIKE 'Vis%'
tags.team NOT LIKE 'vis%'
tags.team ILIKE 'vis%'
tags.team LIKE 'V_s_on'
tags.team LIKE '%'
tags.team LIKE '%i%i%n'
tags.team NOT LIKE 'Visio'
tags.team NOT LIKE '%on_'
tags.team RLIKE '^V.*n$'
tags.team RLIKE '\w{6}'
tags.team NOT RLIKE 'x'
tags.note LIKE 'two%lines'
tags.`100%` LIKE '50% off'
tags.mlflow.note.content = 'n'
tags.`mlflow.runName` = 'tidy-otter-412'
tags.mlflow.user = 'ada'
run_name = 'tidy-otter-412'
name LIKE 'tidy%'
attributes.run_name ILIKE 'TIDY%'
attr.`Run Name` = 'tidy-otter-412'
`Run name` = 'tidy-otter-412'
"run name" = 'tidy-otter-412'
run.status = 'FINISHED'
status = finished
status != 'RUNNING'
status IN ('failed', 'Finished')
status NOT LIKE 'fin%'
user_id = 'ada'
experiment_id = '0'
experiment_id = 0
experiment = 'Default'
artifact_uri LIKE 'runs:/aaaa%'
parent IS NOT NULL
duration = 90
duration < 2m
duration > 0.02h
start_time > -7d
start_time < -30m
start_time = 1699996400000
created > '2023-11-01'
start_time < '2023-11-15T00:00:00+02:00'
start_time BETWEEN 2023-11-14 AND '2023-11-15 12:00'
end_time IS NOT NULL
code.commit = 4f9c2abd
code.commit = '4F9C2AB'
code.commit LIKE '4f9c%'
code.commit != 'ffffffff'
code.branch = 'main'
code.dirty = true
code.dirty != false
code.remote IS NULL
code.snapshot = 5A5a
code.tree = 6b6b6
code.changed > 1
code.skipped = 0
code.reason IS NULL
status = 'FAILED' OR metrics.acc > 0.5 AND params.lr = 0.1
NOT (status = 'FAILED' OR status = 'KILLED')
not not status = 'FINISHED'
(((status = 'FINISHED')))
run_id IN ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'b',)
dataset.name = 'mnist' AND datasets.digest = '77' AND dataset.context = 'training'
datasets.name != 'mnist'
inputs.name NOT IN ('mnist') AND input.name IN ('mnist', 'x')
datasets.name ILIKE 'CI%'
datasets.digest > 70 AND datasets.context IS NOT NULL
CHILDREN OF 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'
children of BBBB
children of `bbbbb` AND NOT CHILDREN OF "b"
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_a_filter_fits_the_run_and_its_negation_does_not(text: str) -> None:
    assert compile_filter(text, HERE)(RUN)
    assert not compile_filter(f"NOT ({text})", HERE)(RUN)


FALSE = """
metrics.nan > 0
metrics.nan <= 0
metrics.nan = 0
metrics.nan BETWEEN -1 AND 1
metrics.nan NOT BETWEEN -1 AND 1
metrics.none != 3
metrics.none NOT IN (1)
metrics.none NOT BETWEEN 0 AND 1
params.none != 'x'
params.none NOT LIKE '%x%'
params.optimizer.name > 3
params.flag = 1
params.lr LIKE '0'
tags.Team = 'Vision'
tags.team = 'vision'
tags.note LIKE 'two'
status = 'RUNNING'
end_time > -1s
code.remote = 'x'
code.commit = '4f9'
code.tree = '5a5a5'
code.changed > 2
start_time > -30m
metrics.none IS NULL AND status IS NULL
CHILDREN OF bbb
datasets.name = 'none' OR datasets.name = ''
datasets.context != 'training'
CHILDREN OF 'aaaa'
CHILDREN OF @
""".strip().splitlines()


@pytest.mark.parametrize("text", FALSE)
def test_a_filter_does_not_fit_the_run(text: str) -> None:
    assert not compile_filter(text, HERE)(RUN)


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_filter_fits_everything(text: str) -> None:
    assert parse_filter(text) is None
    assert compile_filter(text, HERE)(RUN)


def test_and_binds_closer_than_or_and_not_closer_than_and() -> None:
    a, b, c = (IsNull(Key("params", name)) for name in "abc")
    assert parse_filter("params.a IS NULL OR params.b IS NULL AND params.c IS NULL") == Or((a, And((b, c))))
    assert parse_filter("NOT params.a IS NULL AND params.b IS NULL") == And((Not(a), b))


def test_a_dotted_metric_is_itself_before_it_is_a_value_of_another_run_by_run() -> None:
    matches = compile_filter("metrics.loss.min < 1", HERE)
    itself = make_run(metrics={"loss.min": summary(5.0), "loss": summary(0.0)})
    assert not matches(itself)
    assert matches(make_run(metrics={"loss": summary(3.0, 0.5, 4.0)}))
    assert compile_filter("metrics.loss.lowest IS NULL", HERE)(itself)


ERRORS = [
    ("metrics.acc >", 13, "expected a value, not the end"),
    ("metrics.acc > 'x'", 14, "expected a number"),
    ("metrics.acc", 11, "expected a comparison, not the end"),
    ("metrics.acc LIKE '1'", 12, "LIKE is for text"),
    ("metrics. > 1", 8, "expected a name"),
    ("metrics.`a`.median > 1", 8, "no 'median'"),
    ("metrics.`a > 1", 8, "never closed"),
    ("params.a`b c` = 1", 7, "quoted in part"),
    ("acc > 1", 0, "no attribute 'acc'"),
    ("statsu = 'x'", 0, "no attribute 'statsu'"),
    ("params.a = 'x", 11, "never closed"),
    ("params.a = params.b", 11, "expected a value"),
    ("params.a = 1 params.b = 2", 13, "unexpected 'params.b'"),
    ("params.a = 1 AND", 16, "expected what to look at"),
    ("(params.a = 1", 0, "never closed"),
    ("params.a = 1)", 12, "unexpected ')'"),
    ("()", 1, "expected what to look at"),
    ("params.a ! 1", 9, "unexpected '!'"),
    ("params.a = NULL", 11, "expected a value"),
    ("params.a IS 1", 12, "expected NULL"),
    ("params.a NOT = 1", 13, "expected a comparison"),
    ("params.a IN 1", 12, "expected (, not '1'"),
    ("params.a IN ()", 13, "expected a value"),
    ("params.a IN (1 2)", 15, "expected )"),
    ("params.a BETWEEN 1 OR 2", 19, "expected AND"),
    ("params.a LIKE x", 14, "expected quoted text"),
    ("params.a RLIKE '['", 15, "no regular expression"),
    ("params.a < true", 11, "neither more nor less"),
    ("start_time > 'soon'", 13, "expected a time"),
    ("start_time > 7d", 13, "expected a time"),
    ("start_time > '2023-13-01'", 13, "expected a time"),
    ("duration > 'long'", 11, "expected a number of seconds"),
    ("code.dirty = 1", 13, "expected true or false"),
    ("code.author = 'x'", 5, "code has no 'author'"),
    ("dataset.path = 'mnist'", 8, "a dataset has no 'path'"),
    ("inputs. = 'mnist'", 7, "expected a name after 'inputs.'"),
    ("'a' = 1", 0, "expected what to look at"),
    ("AND", 0, "expected what to look at"),
    ("CHILDREN", 0, "no attribute 'CHILDREN'"),
    ("CHILDREN OF", 11, "expected a run, not the end"),
    ("CHILDREN OF ''", 12, "expected a run, not nothing"),
    ("CHILDREN OF (x)", 12, "expected a run, not '('"),
]


@pytest.mark.parametrize(("text", "position", "message"), ERRORS)
def test_an_error_points_at_the_character_and_says_what_to_do(text: str, position: int, message: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse_filter(text)
    error = caught.value
    assert error.position == position
    first, shown, caret = error.message.split("\n")
    assert message in first
    assert shown == f"  {text}"
    assert caret == " " * (position + 2) + "^"
    assert error.hint


def test_the_caret_of_a_long_text_of_several_lines_and_wide_letters_stands_where_it_should() -> None:
    text = (
        "params.a = 1 AND\n"
        + "params.bbbbbbbb = 1 AND " * 20
        + "params.学習 = = 2"
        + " AND params.c = 1" * 20
    )
    with pytest.raises(QuerySyntaxError) as caught:
        parse_filter(text)
    assert text[caught.value.position or 0 :].startswith("= 2")
    _, shown, caret = caught.value.message.split("\n")
    before = shown[: shown.rindex("= 2")]
    assert len(caret) == len(before) + 2 + 1, "two of the letters take two columns"
    assert len(shown) < 80


def test_long_filters_and_long_lists_are_read() -> None:
    many = " OR ".join(f"params.p{i} = {i}" for i in range(600))
    assert len(many) > 10_000
    assert not compile_filter(many, HERE)(RUN)
    ids = ", ".join(f"'{i:032x}'" for i in range(5_000))
    assert compile_filter(f"run_id NOT IN ({ids})", HERE)(RUN)
    assert not compile_filter(f"params.lr = {'9' * 10_000}", HERE)(RUN)
    assert compile_filter(f"tags.team NOT LIKE '{'%n' * 5_000}'", HERE)(
        replace(RUN, tags={"team": "n" * 4_000})
    )


@pytest.mark.parametrize("opening", ["(", "NOT ", "NOT ("])
def test_deep_nesting_is_an_error_and_no_crash(opening: str) -> None:
    closing = ")" if "(" in opening else ""
    levels = 40
    assert parse_filter(f"{opening * levels}status = 'x'{closing * levels}") is not None
    with pytest.raises(QuerySyntaxError, match=f"more than {MAX_DEPTH}"):
        parse_filter(opening * 5_000)


WORDS = """params.a = 'x' ( ) AND NOT IN , 1 LIKE IS NULL ` -7d BETWEEN metrics.`b` "c" """.split()


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_whatever_is_typed_is_read_or_refused_at_a_place_in_it(text: str) -> None:
    refused = None
    try:
        tree = parse_filter(text)
        assert parse_filter(format_filter(tree)) == tree
    except QuerySyntaxError as error:
        refused = error
    if refused is not None:
        assert refused.position is not None
        assert 0 <= refused.position <= len(text)
        assert len(refused.message.split("\n")) == 3


# Laws

NAMES = st.sampled_from(["acc", "loss", "loss.min", "val/acc", "a.b", "x"]) | strategies.texts
METRICS = st.sampled_from(["acc", "loss", "loss.min", "val/acc"])
NUMBERS = (
    st.integers(-3, 3) | st.sampled_from([0.5, 1e-7, 1e308, math.nan, math.inf, -math.inf]) | st.integers()
)
TEXTS = st.sampled_from(["adam", "Adam", "0.5", "1", "", "None", "True"]) | strategies.texts
PATTERNS = st.text("aAd%_m0.\n", max_size=5)
OPERATORS = st.sampled_from(["=", "!=", ">", ">=", "<", "<="])


@st.composite
def metric_keys(draw: st.DrawFn) -> Key:
    name, value = draw(METRICS), draw(st.none() | st.sampled_from(["last", "min", "max", "best"]))
    return Key("metrics", name, value, or_whole=value is not None and draw(st.booleans()))


TEXT_KEYS = (
    st.builds(Key, st.sampled_from(["params", "tags"]), NAMES)
    | st.builds(Key, st.just("attributes"), st.sampled_from(["name", "status", "parent", "user", "run_id"]))
    | st.builds(Key, st.just("code"), st.sampled_from(["commit", "branch", "snapshot", "tree", "reason"]))
)
TIME_KEYS = st.builds(Key, st.just("attributes"), st.sampled_from(["start_time", "end_time"]))
AGES = st.builds(Age, st.integers(-1000, 0), st.sampled_from(list(UNITS_MS)))
SPANS = st.builds(Age, st.integers(-9, 9) | st.floats(0, 1e6), st.sampled_from(list(UNITS_MS)))


def comparisons(keys: st.SearchStrategy[Key], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
    return (
        st.builds(Comparison, keys, OPERATORS, values)
        | st.builds(In, keys, st.lists(values, min_size=1, max_size=3).map(tuple), st.booleans())
        | st.builds(Between, keys, values, values, st.booleans())
        | st.builds(IsNull, keys, st.booleans())
    )


LEAVES = (
    comparisons(metric_keys(), NUMBERS)
    | comparisons(TEXT_KEYS, NUMBERS | TEXTS)
    | comparisons(TIME_KEYS, NUMBERS | AGES | st.just("2020-02-29"))
    | comparisons(st.just(Key("attributes", "duration")), NUMBERS | SPANS)
    | st.builds(Comparison, st.just(Key("code", "dirty")), st.sampled_from(["=", "!="]), st.booleans())
    | comparisons(st.builds(Key, st.just("datasets"), st.sampled_from(["name", "digest", "context"])), TEXTS)
    | comparisons(st.builds(Key, st.just("code"), st.sampled_from(["changed", "skipped"])), NUMBERS)
    | st.builds(Like, TEXT_KEYS, st.sampled_from(["LIKE", "ILIKE"]), PATTERNS, st.booleans())
    | st.builds(Children, st.sampled_from(["abcd", "aBcDe", "tidy-otter-412", "@{-2}", "a'b"]))
)
TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


@given(TREES)
def test_parsing_what_was_printed_gives_the_same_tree(tree: Filter) -> None:
    assert parse_filter(format_filter(tree)) == tree


DATASETS = st.builds(
    lambda name, digest, context: DatasetInput(
        Dataset(name, digest, "local", "{}"),
        () if context is None else (InputTag("mlflow.data.context", context),),
    ),
    TEXTS,
    st.sampled_from(["1", "0.5", "1a"]),
    st.none() | TEXTS,
)


@st.composite
def searched_runs(draw: st.DrawFn) -> Run:
    cells: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | NUMBERS | TEXTS | st.lists(NUMBERS, max_size=2)
    )
    nested: st.SearchStrategy[Any] = st.dictionaries(st.sampled_from(["a", "b", "x"]), cells, max_size=2)
    params = st.dictionaries(NAMES | st.sampled_from(["a"]), cells | nested, max_size=4)
    return replace(
        draw(strategies.runs()),
        params=draw(params),
        tags=draw(st.dictionaries(NAMES, TEXTS, max_size=3)),
        metrics=draw(st.dictionaries(METRICS, strategies.summaries, max_size=4)),
        datasets={
            f"{one.dataset.name}@{one.dataset.digest}": one for one in draw(st.lists(DATASETS, max_size=2))
        },
    )


def judge(tree: Filter, run: Run) -> bool:
    """Decide slowly and plainly, from the documentation alone."""
    match tree:
        case And(parts):
            return all(judge(part, run) for part in parts)
        case Or(parts):
            return any(judge(part, run) for part in parts)
        case Not(part):
            return not judge(part, run)
        case IsNull(key, negated):
            if key.kind == "datasets":
                return (dataset_facts(run, key.name) == []) != negated
            return (look_up(key, run) is None) != negated
        case Children(parent):
            is_begin = re.fullmatch("[0-9a-fA-F]{4,64}", parent) is not None
            return run.parent is not None and (
                run.parent.startswith(parent.lower()) if is_begin else run.parent == parent
            )
        case _:
            return judge_leaf(tree, run)


def judge_leaf(tree: Comparison | Like | In | Between, run: Run) -> bool:
    if tree.key.kind == "datasets":
        return any(judge_cell(tree, cell) for cell in dataset_facts(run, tree.key.name))
    cell = look_up(tree.key, run)
    return cell is not None and judge_cell(tree, cell)


def dataset_facts(run: Run, name: str) -> list[Any]:
    facts = [
        one.context if name == "context" else getattr(one.dataset, name) for one in run.datasets.values()
    ]
    return [fact for fact in facts if fact is not None]


def judge_cell(tree: Comparison | Like | In | Between, cell: Any) -> bool:
    match tree:
        case Comparison(key, operator, value):
            return compare(key, cell, operator, value)
        case In(key, values, False):
            return any(compare(key, cell, "=", value) for value in values)
        case In(key, values):
            return not any(compare(key, cell, "=", value) for value in values)
        case Between(key, low, high, False):
            return compare(key, cell, ">=", low) and compare(key, cell, "<=", high)
        case Between(key, low, high):
            return compare(key, cell, "<", low) or compare(key, cell, ">", high)
        case Like(_, operator, pattern, negated):
            wanted = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
            flags = re.DOTALL | (re.IGNORECASE if operator == "ILIKE" else 0)
            return bool(re.fullmatch(wanted, format_param(cell), flags)) != negated


def look_up(key: Key, run: Run) -> Any:
    if key.kind == "metrics":
        if key.or_whole and key.whole in run.metrics:
            return run.metrics[key.whole].last
        found = run.metrics.get(key.name)
        if found is None:
            return None
        values = {"last": found.last, "min": found.min, "max": found.max, "best": best_value(key.name, found)}
        return values[key.value or "last"]
    if key.kind == "params":
        flat = {**flatten_params(run.params), **run.params}
        return format_param(flat[key.name]) if flat.get(key.name, 0) is None else flat.get(key.name)
    if key.kind == "tags":
        return run.tags.get(key.name)
    if key.kind == "code" and key.name in {"changed", "skipped"}:
        return getattr(run.code, key.name) if run.code and run.code.dirty is not None else None
    if key.kind == "code":
        return getattr(run.code, key.name) if run.code else None
    return getattr(run, {"duration": "duration_s"}.get(key.name, key.name))


def compare(key: Key, cell: Any, operator: str, value: Any) -> bool:
    if isinstance(value, bool):
        return (str(cell).lower() == str(value).lower()) == (operator == "=")
    if isinstance(value, Age):
        span = value.amount * UNITS_MS[value.unit]
        value = span / 1000 if key.name == "duration" else NOW + span
    elif value == "2020-02-29" and key.name.endswith("_time"):
        value = 1_582_934_400_000
    if isinstance(value, str):
        left: Any = format_param(cell)
        if key.name == "status" and key.kind == "attributes" and operator in {"=", "!="}:
            left, value = left.upper(), value.upper()
        if (
            key.name in {"commit", "snapshot", "tree"}
            and key.kind == "code"
            and re.fullmatch("[0-9a-fA-F]{4,}", value)
            and operator in "!="
        ):
            left = left[: len(value)]
            value = value.lower()
    else:
        left, value = number_of(cell), number_of(value)
        if left is None:
            return operator == "!="
        if math.isnan(left) and math.isnan(value):
            return operator == "="
    checks: dict[str, Callable[[], bool]] = {
        "=": lambda: left == value,
        "!=": lambda: left != value,
        ">": lambda: left > value,
        ">=": lambda: left >= value,
        "<": lambda: left < value,
        "<=": lambda: left <= value,
    }
    return checks[operator]()


def number_of(cell: Any) -> Any:
    if isinstance(cell, (bool, list, dict)):
        return None
    if not isinstance(cell, str):
        return cell if isinstance(cell, float) or -(2**63) <= cell < 2**63 else float(cell)
    if re.fullmatch(
        r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)",
        cell,
        re.IGNORECASE | re.ASCII,
    ):
        return number_of(int(cell)) if re.fullmatch("[+-]?[0-9]+", cell) else float(cell)
    return None


@given(TREES, st.lists(searched_runs(), min_size=1, max_size=4))
def test_a_filter_means_what_a_plain_reading_of_it_means(tree: Filter, runs: list[Run]) -> None:
    matches = make_match(tree, Setting(NOW, {}))
    assert [matches(run) for run in runs] == [judge(tree, run) for run in runs]


# Order

ORDER_KEYS = metric_keys() | TEXT_KEYS | TIME_KEYS
ORDERS = st.lists(st.builds(Order, ORDER_KEYS, st.booleans()), max_size=3)


def test_numbers_come_first_then_nan_then_nothing_in_both_directions() -> None:
    values = {"low": -math.inf, "mid": 0.0, "high": math.inf, "nan": math.nan, "none": None}
    runs = [
        make_run(run_id=str(i), name=name, metrics={} if value is None else {"m": summary(value)})
        for i, (name, value) in enumerate(values.items())
    ]
    rising = sort_runs(runs, parse_order_by(["metrics.m"]))
    falling = sort_runs(runs, parse_order_by(["metrics.m DESC"]))
    assert [run.name for run in rising] == ["low", "mid", "high", "nan", "none"]
    assert [run.name for run in falling] == ["high", "mid", "low", "nan", "none"]


def test_params_that_read_as_numbers_come_in_the_order_of_numbers_and_before_text() -> None:
    runs = [
        make_run(run_id=str(i), params={"p": value}) for i, value in enumerate(["b", "10", 9, "a", "1e1"])
    ]
    assert [run.run_id for run in sort_runs(runs, parse_order_by("params.p ASC"))] == [
        "2",
        "1",
        "4",
        "3",
        "0",
    ]


def test_runs_come_newest_first_then_by_id_where_nothing_else_decides() -> None:
    runs = [make_run(run_id=name, start_time=time) for name, time in (("b", 1), ("c", 2), ("a", 1))]
    assert [run.run_id for run in sort_runs(runs, ())] == ["c", "a", "b"]
    assert [run.run_id for run in sort_runs(runs, parse_order_by(["status DESC"]))] == ["c", "a", "b"]


def test_ids_and_names_that_look_like_numbers_are_text() -> None:
    runs = [make_run(run_id=name) for name in ("9", "12e4", "a", "10")]
    assert [run.run_id for run in sort_runs(runs, ())] == ["10", "12e4", "9", "a"]


@pytest.mark.parametrize(
    ("text", "position"), [("", 0), ("metrics.a DOWN", 10), ("metrics.a DESC b", 15), ("b", 0)]
)
def test_an_order_that_cannot_be_read_says_where(text: str, position: int) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse_order_by([text])
    assert caught.value.position == position


@given(st.lists(searched_runs(), max_size=6, unique_by=lambda run: run.run_id), ORDERS)
def test_sorting_and_comparing_places_agree(runs: list[Run], orders: list[Order]) -> None:
    found = sort_runs(runs, orders)
    rank = compile_order(orders)
    for i, early in enumerate(found):
        for late in found[i + 1 :]:
            assert is_after(rank(late), rank(early), orders)
            assert not is_after(rank(early), rank(late), orders)
        assert not is_after(rank(early), rank(early), orders)
