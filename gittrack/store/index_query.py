"""A search as SQL over the tables of the index.

Every comparison becomes a condition on one run ``r``, either ``EXISTS`` (quick for few runs) or ``IN`` (quick
for many), and is true or false, never NULL: so AND, OR and NOT are those of the search language. The order is
joined last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.direction import is_lower_better
from gittrack.core.model import (
    TAG_BRANCH,
    TAG_COMMIT,
    TAG_PARENT,
    TAG_REPO_URL,
    TAG_RUN_NAME,
    TAG_SOURCE_NAME,
    TAG_SOURCE_TYPE,
    TAG_USER,
    LifecycleStage,
)
from gittrack.core.query import DEFAULT_ORDER
from gittrack.core.query_keys import value_kind
from gittrack.core.query_match import MIN_DIGITS, is_commit_begin, make_test, plain_value
from gittrack.core.query_tree import And, Between, Children, Comparison, In, IsNull, Key, Like, Not, Or
from gittrack.core.select import is_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gittrack.core.query import Rank
    from gittrack.core.query_match import Cell, Test
    from gittrack.core.query_tree import Filter, Leaf, Order, Value
    from gittrack.core.search import RunQuery

    FindKey = Callable[[str, str], int | None]

COLUMNS = {
    "run_id": "r.run_id", "name": "r.name", "status": "r.status", "user": "r.user",
    "start_time": "r.start_time", "end_time": "r.end_time", "duration": "r.duration",
    "experiment_id": "r.experiment", "artifact_uri": "('runs:/' || r.run_id)", "parent": "r.parent",
    "source": "r.source",
}  # fmt: skip
CODE_COLUMNS = {
    "commit": "r.commit_id", "branch": "r.branch", "dirty": "r.dirty", "remote": "r.remote",
    "entry": "r.entry", "snapshot": "r.snapshot", "tree": "r.tree", "changed": "r.changed",
    "skipped": "r.skipped", "reason": "r.reason",
}  # fmt: skip
TAG_COLUMNS = {
    TAG_RUN_NAME: "r.name", TAG_USER: "r.user", TAG_SOURCE_NAME: "r.source", TAG_PARENT: "r.parent",
    TAG_SOURCE_TYPE: "CASE WHEN r.source != '' THEN 'LOCAL' END",
    TAG_COMMIT: "r.commit_id", TAG_BRANCH: "r.branch", TAG_REPO_URL: "r.remote",
}  # fmt: skip
"""Tags that are facts of a run; a tag that was set shows where there is no such fact."""


MAX_NESTED = 8
"""Sets of runs that are put into each other."""


class Compiler:
    """Makes the SQL of one search, with what is bound to it."""

    def __init__(self, query: RunQuery, find_key: FindKey, *, probed: str | None = None) -> None:
        """Compile ``query`` for an index whose keys ``find_key`` knows.

        Args:
            query: The search.
            find_key: Returns the id of a key, None if no run has it.
            probed: What holds the id of each of few runs: conditions are EXISTS on it, and so come before
                the run itself is read. Without it they are IN.
        """
        self.query = query
        self.values: dict[str, Cell | None] = {}
        """What is bound, by name."""
        self.tests: dict[str, Test] = {}
        """Functions of one value that the SQL calls, by name."""
        self._find_key = find_key
        self._probed = probed

    def bind(self, value: Cell | None) -> str:
        """Return the placeholder of a value; NaN is NULL."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def statement(self, runs: str = "runs r", *, more: int = 0) -> str:
        """Return the SELECT of the runs in their order: id, then group and value of every clause.

        Args:
            runs: Where ``r`` comes from.
            more: How many to select beyond the limit.
        """
        joins, places = self._places()
        condition = self._condition()
        if self.query.after is not None:
            condition = f"{condition} AND {self._after(places, self.query.after)}"
        shown = "".join(f", {group}, {value}" for group, value in places)
        limit = "" if self.query.limit is None else f" LIMIT {self.query.limit + more}"
        order = self._order_by(places)
        return f"SELECT r.id{shown} FROM {runs}{joins} WHERE {condition} ORDER BY {order}{limit}"

    @property
    def _orders(self) -> tuple[Order, ...]:
        return (*self.query.order, *DEFAULT_ORDER)

    def _condition(self) -> str:
        query = self.query
        parts = []
        if query.experiment_ids is not None:
            parts.append(self._is_in("r.experiment", query.experiment_ids))
        if len(query.stages) < len(LifecycleStage):
            parts.append(f"{self._stage()} {self._in(query.stages)}")
        if query.tree is not None:
            parts.append(self._tree(query.tree))
        return _join("AND", parts) if parts else "1"

    # What looks at one key

    def column(self, key: Key) -> tuple[str, str, str, str]:
        """Return the tables of a key's values, their column of the run, the value, and whether it is there.

        Where rows of one table are all there is to know, it is ``c``: nothing else need be read.
        """
        if key.kind == "metrics" and not self._has_whole(key):
            found = self._find_key("metrics", key.name)
            return "metrics c", "c.run", self._metric_column(key, "c"), f"c.key = {found or -1}"
        if _is_cell(key):
            found = self._find_key(key.kind, key.name)
            return "cells c", "c.run", "coalesce(c.text, c.value)", f"c.key = {found or -1}"
        join, value, is_there = self.source(key)
        return f"runs r{join}", "r.id", value, is_there

    def source(self, key: Key) -> tuple[str, str, str]:
        """Return tables to join to ``r``, the value of a key in them, and the condition that it is there."""
        match key.kind:
            case "metrics":
                return self._join_metric(key)
            case _ if _is_cell(key):
                alias, join = self._join("cells", key.kind, key.name)
                return join, f"{alias}.value", f"{alias}.run IS NOT NULL"
            case _:
                value = self.text(key)
                return "", value, f"{value} IS NOT NULL"

    def text(self, key: Key) -> str:
        """Return the expression of a fact of a run: an attribute, something of its code, a system tag."""
        if key.kind == "code":
            return CODE_COLUMNS[key.name]
        if key.kind == "datasets":
            facts = f"SELECT {key.name} AS fact FROM datasets WHERE run = r.id ORDER BY name || '@' || digest"
            return f"(SELECT group_concat(fact, ', ') FROM ({facts}))"
        if key.kind == "tags":
            logged = self._find_key("tags", key.name)
            if logged is None:
                return TAG_COLUMNS[key.name]
            cell = f"SELECT coalesce(c.text, c.value) FROM cells c WHERE c.key = {logged} AND c.run = r.id"
            return f"coalesce({TAG_COLUMNS[key.name]}, ({cell}))"
        if key.name == "lifecycle_stage":
            return self._stage()
        if key.name == "experiment":
            names = self.query.setting.experiments
            pairs = " ".join(f"WHEN {self.bind(one)} THEN {self.bind(name)}" for one, name in names.items())
            return f"CASE r.experiment {pairs} END" if pairs else "NULL"
        return COLUMNS[key.name]

    def _stage(self) -> str:
        deleted = self.query.deleted_experiments
        return f"CASE WHEN {self._is_in('r.experiment', deleted)} THEN 'deleted' ELSE r.stage END"

    # Trees

    def _tree(self, tree: Filter) -> str:
        match tree:
            case And(parts):
                return _join("AND", self._all(parts))
            case Or(parts):
                return _join("OR", [self._tree(part) for part in parts])
            case Not(part):
                return f"NOT ({self._tree(part)})"
            case Children(run):
                parent = self.query.setting.parents.get(run, run)
                if len(parent) >= MIN_DIGITS and is_digits(parent):
                    begin = parent.lower()
                    return f"(substr(r.parent, 1, {len(begin)}) = {self.bind(begin)}) IS TRUE"
                return f"(r.parent = {self.bind(parent)}) IS TRUE"
            case IsNull(key, negated):
                there = self._look(key, lambda _value, _text: "1")
                return there if negated else f"NOT ({there})"
            case _:
                return self._look(tree.key, lambda value, text: self._leaf(tree, value, text))

    def _all(self, parts: Sequence[Filter]) -> list[str]:
        """Return conditions that together are all of ``parts``.

        Sets of runs are put into each other: then only runs that are in all of them are looked at. The set of
        the innermost is kept in memory: equal cells are often fewer than metrics above something.
        """
        sets: list[str] = []
        others: list[str] = []
        for part in parts:
            rows = self._rows(part) if self._probed is None and len(sets) < MAX_NESTED else None
            if rows is None:
                others.append(self._tree(part))
            else:
                sets.append(rows)
        inner = ""
        for rows in sorted(sets, key=lambda one: one.startswith("FROM metrics")):
            inner = f"{rows} AND run IN (SELECT run {inner})" if inner else rows
        return [self._exists(inner), *others] if inner else others

    def _rows(self, part: Filter) -> str | None:
        """Return the rows of a table whose runs are those that fit, None if it is not so simple."""
        match part:
            case IsNull(key, negated=True):
                return self._rows_of(key, lambda _value, _text: "1")
            case Comparison(key) | Like(key) | In(key) | Between(key):
                return self._rows_of(key, lambda value, text: self._leaf(part, value, text))
            case _:
                return None

    def _rows_of(self, key: Key, condition: Callable[[str, str], str]) -> str | None:
        found = self._find_key(key.kind, key.name)
        if key.kind == "metrics" and not self._has_whole(key):
            value = self._metric_column(key)
            return f"FROM metrics WHERE key = {found or -1} AND ({condition(value, value)})"
        if _is_cell(key):
            return f"FROM cells WHERE key = {found or -1} AND ({condition('value', 'coalesce(text, value)')})"
        return None

    def _has_whole(self, key: Key) -> bool:
        """Return whether some run has a metric that is itself called as a key reads."""
        return key.or_whole and self._find_key("metrics", key.whole) is not None

    def _look(self, key: Key, condition: Callable[[str, str], str]) -> str:
        """Return that a run has a value of a key that fits a condition on value and text."""
        if (rows := self._rows_of(key, condition)) is not None:
            return self._exists(rows)
        match key.kind:
            case "metrics":
                return self._look_metric(key, lambda value: condition(value, value))
            case "datasets":
                found = condition(key.name, key.name)
                return self._exists(f"FROM datasets WHERE {key.name} IS NOT NULL AND ({found})")
            case _:
                value = self.text(key)
                return f"({value} IS NOT NULL AND {condition(value, value)})"

    def _look_metric(self, key: Key, condition: Callable[[str], str]) -> str:
        base = self._among(
            "metrics", self._find_key("metrics", key.name), condition(self._metric_column(key))
        )
        whole = self._find_key("metrics", key.whole)
        itself = self._among("metrics", whole, condition("last"))
        has_it = self._among("metrics", whole, "1")
        return f"({itself} OR (NOT {has_it} AND {base}))"

    def _among(self, table: str, key: int | None, condition: str) -> str:
        if key is None:
            return "0"
        return self._exists(f"FROM {table} WHERE key = {key} AND ({condition})")

    def _exists(self, rows: str) -> str:
        if self._probed is not None:
            return f"EXISTS (SELECT 1 {rows} AND run = {self._probed})"
        return f"r.id IN (SELECT run {rows})"

    def _metric_column(self, key: Key, table: str = "") -> str:
        """Return the column that holds a value of a metric; which is best, its experiment may say."""
        dot = f"{table}." if table else ""
        if key.value != "best":
            return f"{dot}{key.value or 'last'}"
        inferred = is_lower_better(key.name)
        declared = {
            experiment: directions[key.name]
            for experiment, directions in self.query.setting.directions.items()
            if directions.get(key.name, inferred) != inferred
        }
        column, other = (f"{dot}min", f"{dot}max") if inferred else (f"{dot}max", f"{dot}min")
        if not declared:
            return column
        experiment = f"(SELECT e.experiment FROM runs e WHERE e.id = {dot}run)"
        return f"CASE WHEN {experiment} {self._in(declared)} THEN {other} ELSE {column} END"

    # Comparisons

    def _leaf(self, tree: Leaf, value: str, text: str) -> str:
        match tree:
            case Comparison(key, operator, wanted):
                return self._compare(key, operator, wanted, value, text)
            case In(key, listed, negated) if all(isinstance(one, str) for one in listed) and not (
                key.kind == "code"
                or (key.kind, key.name) == ("attributes", "status")
                or value_kind(key) != "text"
            ):
                return f"{text} {'NOT ' * negated}{self._in(map(str, listed))}"
            case In(key, listed, negated):
                one_by_one = [
                    self._compare(key, "!=" if negated else "=", one, value, text) for one in listed
                ]
                return _join("AND" if negated else "OR", one_by_one)
            case Between(key, low, high, negated):
                first = self._compare(key, "<" if negated else ">=", low, value, text)
                second = self._compare(key, ">" if negated else "<=", high, value, text)
                return f"({first} {'OR' if negated else 'AND'} {second})"
            case Like():
                return self._call(make_test(tree, self.query.setting.now_ms), text)

    def _compare(self, key: Key, operator: str, wanted: Value, value: str, text: str) -> str:
        cell = plain_value(key, wanted, self.query.setting.now_ms)
        if isinstance(cell, bool):
            truth = f"{value} = 1" if value_kind(key) == "flag" else f"lower({text}) = 'true'"
            lie = f"{value} = 0" if value_kind(key) == "flag" else f"lower({text}) = 'false'"
            return f"(({truth if cell else lie}) IS {'TRUE' if operator == '=' else 'NOT TRUE'})"
        if isinstance(cell, str):
            return self._compare_text(key, operator, cell, text)
        is_numeric = key.kind in {"metrics", "params"} or value_kind(key) != "text"
        if not is_numeric and (key.kind != "tags" or key.name in TAG_COLUMNS):
            return self._call(make_test(Comparison(key, operator, cell), 0), text)  # type: ignore[arg-type]
        bound = self.bind(cell)
        match operator:
            case "=":
                return f"{value} IS {bound}"
            case "!=":
                return f"{value} IS NOT {bound}"
            case _ if key.kind == "metrics":
                # Bare, as the index of metrics wants it: there are no texts, and no row where it is NULL.
                return f"{value} {operator} {bound}"
            case ">" | ">=":
                # All text is more than any number here.
                return f"(({value} {operator} {bound} AND {value} < '') IS TRUE)"
            case _:
                return f"(({value} {operator} {bound}) IS TRUE)"

    def _compare_text(self, key: Key, operator: str, wanted: str, text: str) -> str:
        if operator in {"=", "!="}:
            if (key.kind, key.name) == ("attributes", "status"):
                wanted = wanted.upper()
            elif is_commit_begin(key, wanted):
                wanted, text = wanted.lower(), f"substr({text}, 1, {len(wanted)})"
        return f"{text} {operator} {self.bind(wanted)}"

    def _call(self, test: Test, text: str) -> str:
        name = f"test_{len(self.tests)}"
        self.tests[name] = test
        return f"{name}({text})"

    def _in(self, values: Iterable[str]) -> str:
        return f"IN ({', '.join(map(self.bind, values))})"

    def _is_in(self, expression: str, values: Iterable[str]) -> str:
        return f"{expression} {self._in(values)}"

    # Order

    def _places(self) -> tuple[str, list[tuple[str, str]]]:
        """Return tables to join to ``r``, and group and value of each clause of the order.

        Groups are those of `gittrack.core.query.Place`: what has an order, NaN, nothing.
        """
        joins, places = "", []
        for order in self._orders:
            join, value, is_there = self.source(order.key)
            joins += join
            if order.key.kind == "tags" and order.key.name in TAG_COLUMNS:
                value = f"number_or_text({value})"
            elif value_kind(order.key) == "flag":
                value = f"CASE {value} WHEN 1 THEN 'True' WHEN 0 THEN 'False' END"
            group = f"CASE WHEN NOT ({is_there}) THEN 2 WHEN {value} IS NULL THEN 1 ELSE 0 END"
            places.append((group, value))
        return joins, places

    def _join_metric(self, key: Key) -> tuple[str, str, str]:
        alias, join = self._join("metrics", "metrics", key.name)
        value = self._metric_column(key, alias)
        if not self._has_whole(key):
            return join, value, f"{alias}.run IS NOT NULL"
        itself, join_itself = self._join("metrics", "metrics", key.whole)
        value = f"CASE WHEN {itself}.run IS NOT NULL THEN {itself}.last ELSE {value} END"
        return join + join_itself, value, f"coalesce({itself}.run, {alias}.run) IS NOT NULL"

    def _join(self, table: str, kind: str, name: str) -> tuple[str, str]:
        key = self._find_key(kind, name)
        alias = f"o{len(self.values)}"
        bound = self.bind(-1 if key is None else key)  # its number makes the alias unique
        return alias, f" LEFT JOIN {table} {alias} ON {alias}.key = {bound} AND {alias}.run = r.id"

    def _order_by(self, places: Sequence[tuple[str, str]]) -> str:
        terms = []
        for (group, value), order in zip(places, self._orders, strict=True):
            place = f"{value} DESC" if order.is_descending else value
            terms += [place] if order in DEFAULT_ORDER else [group, place]
        return ", ".join(terms)

    def _after(self, places: Sequence[tuple[str, str]], rank: Rank) -> str:
        """Return the condition that a run stands later than ``rank``."""
        condition = "0"
        rows = list(zip(places, self._orders, rank, strict=True))
        for (group, value), order, (its_group, _, its_value) in reversed(rows):
            later, equal = f"({group}) > {its_group}", f"({group}) = {its_group}"
            if its_group == 0:
                bound = self.bind(its_value)
                beyond = f"({value}) {'<' if order.is_descending else '>'} {bound}"
                later, equal = f"({later} OR ({equal} AND {beyond}))", f"({equal} AND ({value}) IS {bound})"
            condition = f"(({later}) IS TRUE OR (({equal}) IS TRUE AND {condition}))"
        return condition


def _is_cell(key: Key) -> bool:
    """Return whether the values of a key are cells and nothing else."""
    return key.kind == "params" or (key.kind == "tags" and key.name not in TAG_COLUMNS)


def _join(operator: str, parts: Sequence[str]) -> str:
    """Return conditions joined as a balanced tree: SQLite bounds how deep one may be."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_join(operator, parts[:middle])} {operator} {_join(operator, parts[middle:])})"
