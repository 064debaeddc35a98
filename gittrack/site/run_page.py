"""The view model of one run's page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gittrack.core.artifact_uri import RUNS
from gittrack.core.documents import encode_run
from gittrack.core.frozen import dataclass
from gittrack.core.model import Code
from gittrack.site.catalog import list_data_of, list_registered
from gittrack.site.changes import list_changes
from gittrack.site.columns import SYSTEM, metric_order, section_of, visible_tags
from gittrack.site.curves import draw_svg, sort_points
from gittrack.site.gather import note_of
from gittrack.site.key_metrics import list_key_metrics
from gittrack.site.pages import share_values
from gittrack.site.param_tree import grow_tree
from gittrack.site.paths import data_path, run_slug
from gittrack.site.previews import Preview, can_preview, make_preview, suffix_of
from gittrack.site.render import Trusted
from gittrack.site.scripts import encode_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Artifact, MetricSummary, Run
    from gittrack.core.series import Series
    from gittrack.site.gather import Contents
    from gittrack.site.run_code import RunCode

_OPEN_CARDS = 60
_MAX_PREVIEWS = 24
_MAX_CHANGES = 8


@dataclass(frozen=True, slots=True)
class Card:
    """One metric with its picture."""

    key: str
    summary: MetricSummary
    lines: Sequence[str]
    """Point lists of the curve's polylines."""


@dataclass(frozen=True, slots=True)
class Section:
    """Metrics that share a prefix."""

    name: str
    cards: Sequence[Card]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One artifact of the list, with what can be shown of it."""

    artifact: Artifact
    preview: Preview | None
    file: str | None = None
    """Path in the site of what lies beside the page: a picture, a page or the data of a figure."""
    content: bytes | None = None
    """Of that file."""


@dataclass(frozen=True, slots=True)
class Link:
    """A run another page is about."""

    name: str
    page: str
    """Path relative to the run pages' folder."""
    status: str


def cut_sections(metrics: Mapping[str, MetricSummary], series: Mapping[str, Series]) -> list[Section]:
    """Return the metrics in sections: by prefix as they come, then the others, then the system's."""
    groups: dict[str, list[Card]] = {}
    for key in sorted(metrics, key=metric_order):
        points = sort_points(series[key])[1] if key in series else []
        card = Card(key, metrics[key], draw_svg(points))
        groups.setdefault(section_of(key), []).append(card)
    sections: list[Section] = []
    shown = 0
    for name, cards in groups.items():
        is_open = name != SYSTEM and (not sections or shown + len(cards) <= _OPEN_CARDS)
        shown += len(cards)
        sections.append(Section(name, cards, is_open))
    return sections


def list_files(shown: Sequence[Shown]) -> dict[str, bytes]:
    """Return the files that the previews refer to."""
    return {item.file: item.content for item in shown if item.file is not None and item.content is not None}


def choose_previews(run: Run) -> list[str]:
    """Return the paths of the artifacts whose content is worth reading."""
    paths = [path for path, artifact in sorted(run.artifacts.items()) if can_preview(artifact)]
    return paths[:_MAX_PREVIEWS]


def show_artifacts(run: Run, contents: Mapping[str, bytes]) -> list[Shown]:
    """Return the run's artifacts, with previews of those whose content is given."""
    return [
        _show(artifact, make_preview(path, contents[path]) if path in contents else None)
        for path, artifact in sorted(run.artifacts.items())
    ]


def _show(artifact: Artifact, preview: Preview | None) -> Shown:
    if preview is None:
        return Shown(artifact, None)
    if preview.picture is not None:
        suffix = suffix_of(artifact.path)
        return Shown(artifact, preview, data_path(preview.picture, suffix), preview.picture)
    if preview.page is not None:
        return Shown(artifact, preview, data_path(preview.page, ".html"), preview.page)
    if preview.figure is not None:
        script = encode_script(f"figure/{artifact.digest}", preview.figure)
        return Shown(artifact, preview, data_path(script), script)
    return Shown(artifact, preview)


def view_run(
    run: Run,
    contents: Contents,
    series: Mapping[str, Series],
    artifacts: Sequence[Shown],
    data: str,
    code: RunCode,
) -> dict[str, object]:
    """Return the values of a run page's template; ``data`` is the path of its data script."""
    parent = contents.by_id.get(run.parent or "")
    before = contents.previous.get(run.run_id)
    same_code, more_same_code = contents.same_code.get(run.run_id, ((), 0))
    note = note_of(run)
    changes = list_changes(contents.params[before.run_id], contents.params[run.run_id]) if before else []
    return {
        **share_values(contents, "run", "../"),
        "run": run,
        "experiment": contents.experiments[run.experiment_id],
        "params": grow_tree(contents.params[run.run_id]),
        "param_count": len(contents.params[run.run_id]),
        "tags": visible_tags(run),
        "note": note,
        "note_html": None if note is None else _show_note(note),
        "sections": cut_sections(run.metrics, series),
        "artifacts": artifacts,
        "has_figures": any(item.preview and item.preview.figure for item in artifacts),
        "has_pages": any(item.preview and item.preview.page for item in artifacts),
        "parent": _link(parent) if parent else None,
        "before": _link(before) if before else None,
        "changes": changes[:_MAX_CHANGES],
        "more_changes": max(0, len(changes) - _MAX_CHANGES),
        "other_commit": _has_other_code(before, run) if before else False,
        "key_metrics": list_key_metrics(run, series, before, contents.columns),
        "children": [_link(child) for child in contents.children.get(run.run_id, ())],
        "datasets": list_data_of(run),
        "models": list_registered(contents).get(run.run_id, []),
        "logged_models": sorted(run.model_outputs.items()),
        "inputs": _link_inputs(run, contents),
        "users": [(_link(user), path) for user, path in contents.users.get(run.run_id, ())],
        "data": data,
        "start": code.start,
        "skipped": code.skipped,
        "differences": code.differences,
        "differences_notice": code.notice,
        "packages": code.packages,
        "raw": encode_run(replace(run, edits={})).decode("utf-8", "backslashreplace"),
        "same_code": [_link(other) for other in same_code],
        "more_same_code": more_same_code,
    }


def _has_other_code(before: Run, run: Run) -> bool:
    """Whether the code differs: by its tree, which also tells of changes that were not committed."""
    ours, theirs = run.code or Code(), before.code or Code()
    if ours.tree is not None and theirs.tree is not None:
        return ours.tree != theirs.tree
    return ours.commit != theirs.commit


def _link_inputs(run: Run, contents: Contents) -> list[tuple[Link | None, str]]:
    """Return what a run used of others, with the run that made it if it has a page."""
    found = []
    for uri in sorted(run.used):
        maker, _, path = uri.removeprefix(RUNS).partition("/")
        other = contents.by_id.get(maker)
        found.append((_link(other) if other else None, path))
    return found


def _link(run: Run) -> Link:
    return Link(run.name or run.run_id, f"{run_slug(run.run_id)}.html", run.status.value)


def _show_note(note: str) -> Trusted:
    from gittrack.site.markdown import render_alone  # few builds need it

    return Trusted(render_alone(note, level=1))
