"""What a run's page and data are made of, as a digest: only what has another one is written again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gittrack.core.late import LateMapping
from gittrack.core.plain import pack_plain
from gittrack.core.run_digest import digest_run
from gittrack.site.catalog import list_registered
from gittrack.site.gather import describe_lineage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import MetricSummary, Run
    from gittrack.site.gather import Contents


class Fingerprints:
    """The digests of one build."""

    def __init__(self, contents: Contents) -> None:
        """Digest what ``contents`` holds."""
        self._contents = contents
        self._own: dict[str, bytes] = {}
        self._registered = list_registered(contents)
        self._shared = _digest((contents.title, contents.nav, contents.live, contents.columns.primary))
        self._kinds: dict[tuple[str, object], bytes] = {}
        self._odd = contents.users.keys() | contents.children.keys() | contents.limits.keys()
        self._odd |= contents.same_code.keys() | contents.alerts.keys() | contents.earlier.keys()
        self._odd |= self._registered.keys()

    def of(self, run: Run) -> str:
        """Return a digest of everything a run's page and data are made of, besides the templates."""
        before = self._contents.previous.get(run.run_id)
        parts = (
            self._digest_once(run),
            b"" if before is None else self._digest_once(before),
            self._of_kind(run.experiment_id, run.metrics),
            self._digest_others(run) if run.run_id in self._odd or run.parent or run.used else b"",
        )
        return hashlib.blake2b(b"".join(parts), digest_size=12).hexdigest()  # quicker than SHA-256

    def _of_kind(self, experiment_id: str, metrics: Mapping[str, MetricSummary]) -> bytes:
        """Return a digest of what many runs have alike."""
        # Keys that mappings share are there as long as the runs that are asked about.
        keys = id(metrics.places) if isinstance(metrics, LateMapping) else tuple(metrics)
        found = self._kinds.get((experiment_id, keys))
        if found is None:
            contents = self._contents
            facts = (
                self._shared,
                contents.experiments.get(experiment_id),
                list(contents.axes.get(experiment_id, {}).items()),
                [metric in contents.columns.lower for metric in metrics],
            )
            found = self._kinds[experiment_id, keys] = _digest(facts)
        return found

    def _digest_others(self, run: Run) -> bytes:
        """Return a digest of what a run's page tells of others, and of what few runs have."""
        contents = self._contents
        parent = contents.by_id.get(run.parent or "")
        others, more = contents.same_code.get(run.run_id, ((), 0))
        facts = (
            None if parent is None else parent.name,
            [
                (child.run_id, child.name, child.status.value)
                for child in contents.children.get(run.run_id, ())
            ],
            [(other.run_id, other.name) for other in others],
            more,
            describe_lineage(run, contents),
            contents.limits.get(run.run_id),
            [(alert.time, alert.line, alert.text) for alert in contents.alerts.get(run.run_id, ())],
            contents.earlier.get(run.run_id),
            self._registered.get(run.run_id, []),
        )
        return _digest(facts)

    def _digest_once(self, run: Run) -> bytes:
        """Return a digest of all that is in a run; it is asked for twice, as the run after shows it too."""
        found = run.digest or self._own.get(run.run_id)
        if not found:
            found = self._own[run.run_id] = digest_run(run)
        return found


def _digest(facts: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(pack_plain(facts)).digest()
