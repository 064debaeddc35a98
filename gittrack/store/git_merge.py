"""Two trees of the hidden branch into one, descending only where both sides differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gittrack.core.content import decode_recipe, encode_recipe, merge_recipes
from gittrack.core.documents import (
    decode_experiment,
    decode_manifest,
    decode_run,
    encode_experiment,
    encode_manifest_document,
    encode_run,
)
from gittrack.core.jsonform import decode, encode_document
from gittrack.core.merge import merge_experiments, merge_runs, merge_side_files
from gittrack.core.paths import (
    ARTIFACTS_DOCUMENT,
    CONTENT,
    DOCUMENTS,
    EXPERIMENTS,
    FILES_FOLDER,
    FORMAT,
    METRICS_DOCUMENT,
    METRICS_FOLDER,
    OWN_NAMES,
    RUN_DOCUMENT,
    RUNS,
    TOMBSTONES,
    content_digest,
    run_folder,
)
from gittrack.core.series import Series, decode_series, encode_series, split_histories, summarize, union
from gittrack.core.stamped import decode_stamped, encode_stamped, merge_documents
from gittrack.errors import CorruptDataError
from gittrack.store.git_draft import (
    SMALL_HISTORY_BYTES,
    SMALL_MANIFEST_BYTES,
    inline_digests,
    segment_name,
)
from gittrack.store.git_pack import GitObject, make_object
from gittrack.store.git_tree import FILE_MODE, TREE_MODE, TreeEditor, TreeEntry, decode_tree, encode_tree

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.store.git_objects import Objects

RUN_DEPTH = len(run_folder("0"))

Files = dict[str, TreeEntry]


class TreeMerge:
    """One merge; what it makes anew is collected in `new`."""

    def __init__(self, objects: Objects) -> None:
        """Read from ``objects``."""
        self._objects = objects
        self.new: dict[str, GitObject] = {}

    def merge(self, ours: str, theirs: str) -> str:
        """Return the tree that both trees lead to: the same whichever comes first.

        Raises:
            CorruptDataError: Something that both sides changed cannot be read.
        """
        merged = self._merge_entries((), TreeEntry(TREE_MODE, ours), TreeEntry(TREE_MODE, theirs))
        return self._bury(ours, theirs, merged.oid)

    def _merge_entries(
        self, path: tuple[str, ...], ours: TreeEntry | None, theirs: TreeEntry | None
    ) -> TreeEntry:
        if ours is None or theirs is None or ours == theirs:
            return ours or theirs or TreeEntry(TREE_MODE, self._put("tree", b""))
        try:
            if len(path) == RUN_DEPTH and path[0] == RUNS:
                return self._merge_run_folders(self._read_tree(ours.oid), self._read_tree(theirs.oid))
            if ours.is_tree and theirs.is_tree:
                return self._merge_folders(path, self._read_tree(ours.oid), self._read_tree(theirs.oid))
            return self._merge_files(path, ours, theirs)
        except ValueError as error:
            message = f"{'/'.join(path)} is damaged: {error}"
            raise CorruptDataError(
                message, hint="run `gittrack fsck` here and where it was fetched from"
            ) from error

    def _merge_folders(self, path: tuple[str, ...], ours: Files, theirs: Files) -> TreeEntry:
        return self._put_tree(
            {
                name: self._merge_entries((*path, name), ours.get(name), theirs.get(name))
                for name in ours.keys() | theirs.keys()
            }
        )

    def _merge_files(self, path: tuple[str, ...], ours: TreeEntry, theirs: TreeEntry) -> TreeEntry:
        ours_data, theirs_data = self._read(ours.oid), self._read(theirs.oid)
        if path[0] == EXPERIMENTS:
            merged = merge_experiments(decode_experiment(ours_data), decode_experiment(theirs_data))
            return self._put_file(encode_experiment(merged))
        if path[0] == DOCUMENTS:
            document = merge_documents(decode_stamped(ours_data), decode_stamped(theirs_data))
            return self._put_file(encode_stamped(document))
        if path[0] == CONTENT:
            digest = content_digest(path)
            recipe = merge_recipes(decode_recipe(digest, ours_data), decode_recipe(digest, theirs_data))
            return self._put_file(encode_recipe(recipe))
        if path == (FORMAT,):
            return self._put_file(_merge_formats(ours_data, theirs_data))
        # Nothing else is ever written twice; should it be, both sides must still agree.
        return ours if ours_data > theirs_data else theirs

    def _merge_run_folders(self, ours: Files, theirs: Files) -> TreeEntry:
        if RUN_DOCUMENT not in ours or RUN_DOCUMENT not in theirs:
            return self._put_tree({**ours, **theirs})
        our_run, their_run = self._read_run(ours), self._read_run(theirs)
        run = merge_runs(our_run, their_run)
        files = self._merge_beside(ours, theirs, (our_run, their_run))
        our_history, their_history = _history(ours), _history(theirs)
        if our_history == their_history and our_run.metrics == their_run.metrics:
            files |= our_history
            run = replace(run, metrics=our_run.metrics)
        else:
            histories = union(self._read_history(our_history), self._read_history(their_history))
            files |= self._write_history(histories)
            run = replace(run, metrics={key: summarize(series) for key, series in histories.items()})
        if FILES_FOLDER in files:
            files[FILES_FOLDER] = self._keep_only(files[FILES_FOLDER], inline_digests(run))
        if len(manifest := encode_manifest_document(run.artifacts)) > SMALL_MANIFEST_BYTES:
            files[ARTIFACTS_DOCUMENT] = self._put_file(manifest)
            run = replace(run, artifacts={})
        files[RUN_DOCUMENT] = self._put_file(encode_run(run))
        return self._put_tree(files)

    def _keep_only(self, folder: TreeEntry, names: set[str]) -> TreeEntry:
        """Return a folder without the content of artifacts that the run lost to another side."""
        entries = self._read_tree(folder.oid)
        if entries.keys() <= names:
            return folder
        return self._put_tree({name: entry for name, entry in entries.items() if name in names})

    def _merge_beside(self, ours: Files, theirs: Files, runs: tuple[Run, Run]) -> Files:
        """Merge what lies beside a run's document: content of artifacts, folders, side files."""
        folders = {
            name: self._merge_entries((RUNS, name), ours.get(name), theirs.get(name))
            for name in ours.keys() | theirs.keys()
            if name == FILES_FOLDER
            or (name not in OWN_NAMES and any(side[name].is_tree for side in (ours, theirs) if name in side))
        }
        ours, theirs = (
            {name: entry for name, entry in side.items() if name not in OWN_NAMES | folders.keys()}
            for side in (ours, theirs)
        )
        return folders | merge_side_files(ours, theirs, runs, lambda entry: self._read(entry.oid))

    def _read_run(self, files: Files) -> Run:
        run = decode_run(self._read(files[RUN_DOCUMENT].oid))
        if ARTIFACTS_DOCUMENT not in files:
            return run
        manifest: Any = decode(self._read(files[ARTIFACTS_DOCUMENT].oid))
        return replace(run, artifacts=decode_manifest(manifest))

    def _read_history(self, files: Files) -> dict[str, Series]:
        histories: dict[str, Series] = {}
        for entry in files.values():
            documents = self._read_tree(entry.oid).values() if entry.is_tree else (entry,)
            for document in documents:
                histories = union(histories, decode_series(self._read(document.oid)))
        return histories

    def _write_history(self, histories: dict[str, Series]) -> Files:
        small = encode_series(histories)
        if len(small) <= SMALL_HISTORY_BYTES:
            return {METRICS_DOCUMENT: self._put_file(small)}
        segments = {}
        for part in split_histories(histories):
            data = encode_series(part)
            segments[segment_name(data)] = self._put_file(data)
        return {METRICS_FOLDER: self._put_tree(segments)}

    def _bury(self, ours: str, theirs: str, merged: str) -> str:
        """Remove the runs for which only one side had a tombstone."""
        sides = [
            {name for folder in self._tombstones(root).values() for name in self._read_tree(folder.oid)}
            for root in (ours, theirs)
        ]
        fresh = sides[0] ^ sides[1]
        if not fresh:
            return merged
        editor = TreeEditor(self._read_tree, merged, self._objects.hash_name)
        for run_id in fresh:
            editor.remove(run_folder(run_id))
        tree, trees = editor.write()
        self.new.update((one.oid, one) for one in trees)
        return tree

    def _tombstones(self, root: str) -> Files:
        entry = self._read_tree(root).get(TOMBSTONES)
        return self._read_tree(entry.oid) if entry else {}

    def _read(self, oid: str) -> bytes:
        return self.new[oid].data if oid in self.new else self._objects.read(oid)

    def _read_tree(self, oid: str) -> Files:
        if oid in self.new:
            return decode_tree(self.new[oid].data, self._objects.oid_bytes)
        return self._objects.read_tree(oid)

    def _put_file(self, data: bytes) -> TreeEntry:
        return TreeEntry(FILE_MODE, self._put("blob", data))

    def _put_tree(self, files: Files) -> TreeEntry:
        return TreeEntry(TREE_MODE, self._put("tree", encode_tree(files)))

    def _put(self, kind: Any, data: bytes) -> str:  # noqa: ANN401  (a literal)
        one = make_object(kind, data, self._objects.hash_name)
        self.new[one.oid] = one
        return one.oid


def _history(files: Files) -> Files:
    return {name: files[name] for name in (METRICS_DOCUMENT, METRICS_FOLDER) if name in files}


def _merge_formats(ours: bytes, theirs: bytes) -> bytes:
    """Return the format of the side with the later epoch; squashing begins a new one."""
    documents: list[Any] = [decode(ours), decode(theirs)]
    return encode_document(max(documents, key=lambda one: (one["epoch"], one["version"])))
