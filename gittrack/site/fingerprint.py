"""What a run's page and data are made of, as a digest: only what has another one is written again."""

from __future__ import annotations

import hashlib
import marshal
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from gittrack.core.documents import encode_inputs
from gittrack.core.late import pack_rows
from gittrack.core.manifest import signature_stamps
from gittrack.site.catalog import list_registered
from gittrack.site.gather import describe_lineage

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.site.gather import Contents

_FORMAT = 2
"""Of marshal: the last without references: equal values give equal bytes. JSON takes ten times as long."""
_facts_of_run = attrgetter(
    "run_id", "name", "experiment_id", "status.value", "start_time", "end_time", "reason", "user", "source",
    "parent", "environment", "model_inputs",
)  # fmt: skip
_facts_of_code = attrgetter(
    "commit", "branch", "dirty", "remote", "entry", "snapshot", "tree", "changed", "skipped", "reason"
)


class Fingerprints:
    """The digests of one build."""

    def __init__(self, contents: Contents) -> None:
        """Digest what ``contents`` holds."""
        self._contents = contents
        self._own: dict[str, bytes] = {}
        self._registered = list_registered(contents)
        self._shared = _digest((contents.title, contents.nav, contents.live))
        lower = contents.columns.lower
        self._flags = cache(lambda metrics: _digest(tuple(metric in lower for metric in metrics)))

    def of(self, run: Run) -> str:
        """Return a digest of everything a run's page and data are made of, besides the templates."""
        contents = self._contents
        parent = contents.by_id.get(run.parent or "")
        before = contents.previous.get(run.run_id)
        others, more = contents.same_code.get(run.run_id, ((), 0))
        facts = (
            self._digest_once(run),
            None if before is None else self._digest_once(before),
            None if parent is None else parent.name,
            [
                (child.run_id, child.name, child.status.value)
                for child in contents.children.get(run.run_id, ())
            ],
            [(other.run_id, other.name) for other in others],
            more,
            describe_lineage(run, contents),
            self._shared,
            contents.limits.get(run.run_id),
            contents.experiments.get(run.experiment_id),
            self._flags(tuple(run.metrics)),
            list(contents.axes.get(run.experiment_id, {}).items()),
            [(alert.time, alert.line, alert.text) for alert in contents.alerts.get(run.run_id, ())],
            contents.earlier.get(run.run_id),
            self._registered.get(run.run_id, []),
        )
        return _digest(facts).hex()[:24]

    def _digest_once(self, run: Run) -> bytes:
        """Return a digest of all that is in a run; it is asked for twice, as the run after shows it too."""
        found = self._own.get(run.run_id)
        if found is None:
            found = self._own[run.run_id] = _digest_run(run)
        return found


def _digest_run(run: Run) -> bytes:
    facts: tuple[Any, ...] = (
        _facts_of_run(run),
        _facts_of_code(run.code) if run.code else None,
        _digest_keys(tuple(run.params)),
        tuple(run.params.values()),
        _digest_keys(tuple(run.tags)),
        tuple(run.tags.values()),
        _digest_keys(tuple(run.metrics)),
        pack_rows(run.metrics),
        pack_rows(run.artifacts),
        encode_inputs(run.datasets),
        dict(run.used),
        dict(run.model_outputs),
        dict(run.edits),
        signature_stamps(run),
    )
    return _digest(facts)


@lru_cache(256)
def _digest_keys(keys: tuple[str, ...]) -> bytes:
    """Return a digest of keys: many runs have the same."""
    return _digest(keys)


def _digest(facts: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(marshal.dumps(facts, _FORMAT)).digest()
