"""Everything a repository holds for gittrack, read and hashed again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gittrack.core.content import decode_recipe
from gittrack.core.documents import decode_experiment, decode_manifest, decode_run
from gittrack.core.events import digest_environment
from gittrack.core.jsonform import decode
from gittrack.core.paths import (
    ARTIFACTS_DOCUMENT,
    CONTENT,
    DOCUMENTS,
    ENVIRONMENTS,
    EXPERIMENTS,
    FILES_FOLDER,
    FORMAT,
    FORMAT_VERSION,
    METRICS_DOCUMENT,
    METRICS_FOLDER,
    OWN_NAMES,
    RUN_DOCUMENT,
    RUNS,
    content_digest,
    run_folder,
)
from gittrack.core.series import Series, decode_series, summarize, union
from gittrack.core.stamped import decode_stamped, document_path
from gittrack.errors import CorruptDataError, StoreError
from gittrack.store import blobs
from gittrack.store.digests import digest_bytes
from gittrack.store.git_pack import make_object
from gittrack.store.journal_files import list_journals, read_journal
from gittrack.store.recipes import list_recipe_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gittrack.core.model import Artifact, MetricSummary, Run
    from gittrack.store.git_objects import Objects
    from gittrack.store.git_store import GitStore
    from gittrack.store.git_tree import TreeEntry
    from gittrack.store.layout import Layout


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written."""

    where: str
    """A run, a path or a file."""
    message: str


def check_store(store: GitStore, *, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
    """Return all damage: missing or damaged objects, documents, histories and artifact content.

    Args:
        store: Whose content to read and hash again.
        progress: Called with the number of runs checked and of all runs.
    """
    problems = list(_check_journals(store.layout))
    root = _read_root(store, problems)
    if root is None:
        return problems
    objects = store.objects
    problems += _check_format(objects, root)
    problems += _check_experiments(objects, root)
    problems += _check_recipes(objects, root)
    problems += _check_documents(objects, (DOCUMENTS,), root)
    problems += _check_environments(objects, root)
    folders = list(_run_folders(objects, root, problems))
    checked: dict[str, str | None] = {}
    for number, (path, entry) in enumerate(folders, 1):
        problems += _check_run(store, path, entry, checked)
        if progress:
            progress(number, len(folders))
    problems += _check_loose_blobs(store.layout, checked)
    return problems


def _read_root(store: GitStore, problems: list[Problem]) -> str | None:
    try:
        tip = store.head()
        return store.objects.read_commit(tip).tree if tip else None
    except StoreError as error:
        problems.append(Problem("refs/gittrack/runs", error.message))
        return None


def _check_format(objects: Objects, root: str) -> Iterator[Problem]:
    entry = objects.find(root, (FORMAT,))
    if entry is None:
        yield Problem(FORMAT, "is missing")
        return
    try:
        document = decode(_read(objects, entry.oid))
        version = document["version"] if isinstance(document, dict) else None
    except (ValueError, KeyError, StoreError) as error:
        yield Problem(FORMAT, str(error))
        return
    if version != FORMAT_VERSION:
        yield Problem(FORMAT, f"has version {version!r}, this program knows {FORMAT_VERSION}")


def _check_environments(objects: Objects, root: str) -> Iterator[Problem]:
    try:
        folder = objects.find(root, (ENVIRONMENTS,))
        entries = objects.read_tree(folder.oid) if folder else {}
    except StoreError as error:
        yield Problem(ENVIRONMENTS, error.message)
        return
    for name, entry in entries.items():
        try:
            if digest_environment(_read(objects, entry.oid).decode()) != name.removesuffix(".txt"):
                yield Problem(f"{ENVIRONMENTS}/{name}", "is not what its name says")
        except (ValueError, StoreError) as error:
            yield Problem(f"{ENVIRONMENTS}/{name}", str(error))


def _check_experiments(objects: Objects, root: str) -> Iterator[Problem]:
    try:
        folder = objects.find(root, (EXPERIMENTS,))
        entries = objects.read_tree(folder.oid) if folder else {}
    except StoreError as error:
        yield Problem(EXPERIMENTS, error.message)
        return
    for name, entry in entries.items():
        try:
            decode_experiment(_read(objects, entry.oid))
        except (ValueError, StoreError) as error:
            yield Problem(f"{EXPERIMENTS}/{name}", str(error))


def _check_recipes(objects: Objects, root: str) -> Iterator[Problem]:
    try:
        paths = list(list_recipe_paths(objects, root))
    except StoreError as error:
        yield Problem(CONTENT, error.message)
        return
    for path, oid in paths:
        try:
            decode_recipe(content_digest(path), _read(objects, oid))
        except (ValueError, StoreError) as error:
            yield Problem("/".join(path), str(error))


def _check_documents(objects: Objects, path: tuple[str, ...], root: str) -> Iterator[Problem]:
    where = "/".join(path)
    try:
        entry = objects.find(root, path)
        if entry is not None and entry.is_tree:
            for name in objects.read_tree(entry.oid):
                yield from _check_documents(objects, (*path, name), root)
        elif entry is not None:
            document = decode_stamped(_read(objects, entry.oid))
            if path != document_path(document.kind, document.document_id):
                yield Problem(
                    where, f"holds {document.kind} {document.document_id!r}, which belongs elsewhere"
                )
    except (ValueError, StoreError) as error:
        yield Problem(where, str(error))


def _run_folders(
    objects: Objects, root: str, problems: list[Problem]
) -> Iterator[tuple[tuple[str, ...], TreeEntry]]:
    waiting: list[tuple[tuple[str, ...], str]] = []
    try:
        top = objects.find(root, (RUNS,))
    except StoreError as error:
        problems.append(Problem(RUNS, error.message))
        return
    if top:
        waiting.append(((RUNS,), top.oid))
    depth = len(run_folder("0"))
    while waiting:
        path, oid = waiting.pop()
        try:
            entries = objects.read_tree(oid)
        except StoreError as error:
            problems.append(Problem("/".join(path), error.message))
            continue
        for name, entry in entries.items():
            if len(path) + 1 == depth:
                yield (*path, name), entry
            else:
                waiting.append(((*path, name), entry.oid))


def _check_run(
    store: GitStore, path: tuple[str, ...], entry: TreeEntry, checked: dict[str, str | None]
) -> Iterator[Problem]:
    where = "/".join(path)
    objects = store.objects
    try:
        files = objects.read_tree(entry.oid)
        if RUN_DOCUMENT not in files:
            yield Problem(where, f"has no {RUN_DOCUMENT}")
            return
        run = decode_run(_read(objects, files[RUN_DOCUMENT].oid))
        artifacts: Mapping[str, Artifact] = run.artifacts
        if ARTIFACTS_DOCUMENT in files:
            manifest = decode(_read(objects, files[ARTIFACTS_DOCUMENT].oid))
            artifacts = decode_manifest(manifest)  # type: ignore[arg-type]
        inline = objects.read_tree(files[FILES_FOLDER].oid) if FILES_FOLDER in files else {}
    except (ValueError, StoreError) as error:
        yield Problem(where, str(error))
        return
    if path != run_folder(run.run_id):
        yield Problem(where, f"holds the run {run.run_id!r}, which belongs elsewhere")
    yield from _check_history(objects, where, run, files)
    yield from _check_side_files(objects, where, files)
    yield from _check_code(objects, where, run)
    for artifact in artifacts.values():
        message = _check_artifact(store, artifact, inline, checked)
        if message:
            yield Problem(f"{where}: {artifact.path}", message)


def _check_code(objects: Objects, where: str, run: Run) -> Iterator[Problem]:
    """Compare the code of a run with what it says of it; code that is not in this clone is no damage."""
    code = run.code
    if code is None or code.snapshot is None or not objects.has(code.snapshot):
        return
    try:
        tree = objects.read_commit(code.snapshot).tree
    except StoreError as error:
        yield Problem(f"{where}: code", error.message)
        return
    if code.tree is not None and tree != code.tree:
        yield Problem(f"{where}: code", f"its snapshot {code.snapshot[:12]} holds another tree than it says")


def _check_side_files(objects: Objects, where: str, files: Mapping[str, TreeEntry]) -> Iterator[Problem]:
    for name, entry in files.items():
        if name in OWN_NAMES:
            continue
        try:
            if entry.is_tree:
                yield from _check_side_files(objects, f"{where}/{name}", objects.read_tree(entry.oid))
            else:
                _read(objects, entry.oid)
        except StoreError as error:
            yield Problem(f"{where}/{name}", error.message)


def _check_history(
    objects: Objects, where: str, run: Run, files: Mapping[str, TreeEntry]
) -> Iterator[Problem]:
    histories: dict[str, Series] = {}
    try:
        documents = [files[METRICS_DOCUMENT].oid] if METRICS_DOCUMENT in files else []
        if METRICS_FOLDER in files:
            documents += [entry.oid for entry in objects.read_tree(files[METRICS_FOLDER].oid).values()]
        for oid in documents:
            histories = union(histories, decode_series(_read(objects, oid)))
    except (ValueError, StoreError) as error:
        yield Problem(f"{where}: metrics", str(error))
        return
    for key in run.metrics.keys() | histories.keys():
        stated = run.metrics.get(key)
        found = summarize(histories[key]) if key in histories else None
        if not _fits(stated, found):
            yield Problem(f"{where}: {key}", "its summary does not fit its history")


def _fits(stated: MetricSummary | None, found: MetricSummary | None) -> bool:
    """Whether a summary is that of a history; a point logged twice, far apart, may count twice in it."""
    if stated is None or found is None:
        return stated is found
    return stated.count >= found.count and repr(replace(stated, count=0)) == repr(replace(found, count=0))


def _check_artifact(
    store: GitStore, artifact: Artifact, inline: Mapping[str, TreeEntry], checked: dict[str, str | None]
) -> str | None:
    """Return what is wrong with an artifact's content; content that is not in this clone is no damage."""
    if artifact.digest in checked:
        return checked[artifact.digest]
    message = None
    try:
        if artifact.uri is not None:
            pass  # what it refers to is kept by others
        elif artifact.digest in inline:
            if digest_bytes(_read(store.objects, inline[artifact.digest].oid)) != artifact.digest:
                message = "its content is damaged"
        elif artifact.inline:
            message = "its content is missing"
        elif blobs.has_blob(store.layout, artifact.digest):
            blobs.verify_blob(store.layout, artifact.digest)
        elif remains := blobs.find_remains(store.layout, artifact.digest):
            message = f"its content is damaged; what is left of it is {str(remains)!r}"
    except StoreError as error:
        message = error.message
    checked[artifact.digest] = message
    return message


def _check_loose_blobs(layout: Layout, checked: Mapping[str, str | None]) -> Iterator[Problem]:
    for digest in blobs.list_blobs(layout):
        if digest in checked:
            continue
        try:
            blobs.verify_blob(layout, digest)
        except StoreError as error:
            yield Problem(f"objects/{digest[:2]}/{digest[2:]}", error.message)


def _check_journals(layout: Layout) -> Iterator[Problem]:
    for journal in list_journals(layout):
        try:
            content = read_journal(journal.path)
        except StoreError as error:
            yield Problem(str(journal.path), error.message)
            continue
        if content.bad_lines:
            yield Problem(str(journal.path), f"{content.bad_lines} lines are damaged; all others are kept")


def _read(objects: Objects, oid: str) -> bytes:
    """Return a blob whose content still has the id it goes by.

    Raises:
        CorruptDataError: It is missing, or something else.
    """
    data = objects.read(oid)
    if make_object("blob", data, objects.hash_name).oid != oid:
        message = f"object {oid} is damaged"
        raise CorruptDataError(message)
    return data
