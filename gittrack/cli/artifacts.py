"""``gittrack artifacts``: the files of a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.artifact_links import refer, rm, use
from gittrack.cli.command import Group, pass_client
from gittrack.cli.complain import BadUsageError, complain, tell
from gittrack.cli.options import complete_artifacts, complete_runs, form_options, run_argument

if TYPE_CHECKING:
    from gittrack.core.model import Artifact, Run
    from gittrack.tracking.client import Client

STATUS_INTEGRITY = 8

_run_id = click.option(
    "-r", "--run-id", "run", required=True, metavar="RUN", shell_complete=complete_runs, help="The run."
)
_artifact_path = click.option(
    "-a", "--artifact-path", "path", metavar="PATH", help="File or folder in the run."
)


@click.group(
    cls=Group,
    examples="""
        gittrack artifacts ls @
        gittrack artifacts get @ plots -o out
        gittrack artifacts get @ '**/*.png' -o out
        gittrack artifacts cat @ metrics.json | jq .
        gittrack artifacts put @ model.pt --to models
    """,
)
def artifacts() -> None:
    """List, get, put and verify the files of a run."""


for _command in (refer, rm, use):
    artifacts.add_command(_command)


@artifacts.command("ls", examples="gittrack artifacts ls @ plots")
@run_argument
@click.argument("path", required=False, shell_complete=complete_artifacts)
@click.option("-R", "--recursive", is_flag=True, help="List the files of all folders.")
@form_options
@pass_client
def ls(client: Client, run: str, path: str | None, recursive: bool, form: str | None) -> None:  # noqa: FBT001
    """List the files and folders of a run, or of a folder in it."""
    from gittrack.cli.listing import Column, Listing, print_listing
    from gittrack.cli.times import show_size
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    rows = _list_entries(client, found, path, is_recursive=recursive)
    heads = [Column("path", must_show=True), Column("size", is_number=True, show=show_size), Column("blake3")]
    records = [
        {"path": name, "is_dir": size is None, "size": size, "blake3": digest} for name, size, digest in rows
    ]
    shown = [[name, size, digest and digest[:16]] for name, size, digest in rows]
    exported = (("path", "size", "blake3"), rows)
    print_listing(Listing(heads, shown, records, exported, f"run {found.name} has no artifacts"), form)


@artifacts.command("get", examples="gittrack artifacts get @ plots -o out")
@run_argument
@click.argument("path", required=False, shell_complete=complete_artifacts)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False),
    default=".",
    metavar="DIR",
    help="Folder to write to.  [default: .]",
)
@pass_client
def get(client: Client, run: str, path: str | None, output: str) -> None:
    """Write a file, a folder, what a glob means or all of a run, and print where each one is.

    What is not here comes from where it was pushed to.
    """
    from gittrack.tracking.select import find_run

    _download(client, find_run(client, run), path, output)


@artifacts.command("cat", examples="gittrack artifacts cat @ notes.txt")
@run_argument
@click.argument("path", shell_complete=complete_artifacts)
@pass_client
def cat(client: Client, run: str, path: str) -> None:
    """Print the content of a file of a run."""
    from gittrack.tracking.select import find_run

    content = client.read_artifact(find_run(client, run).run_id, path)
    if sys.stdout.isatty() and b"\0" in content:
        raise BadUsageError(
            f"{path!r} is binary", hint="send it into a file: … > FILE, or use `gittrack artifacts get`"
        )
    click.echo(content, nl=False)


@artifacts.command("put", examples="gittrack artifacts put @ model.pt plots --to results")
@run_argument
@click.argument("paths", nargs=-1, required=True, metavar="PATH[=DEST]...", type=click.Path())
@click.option("--to", "folder", metavar="FOLDER", help="Folder in the run.")
@click.option(
    "--link", is_flag=True, help="Take large files themselves instead of copies: they become read-only."
)
@pass_client
def put(client: Client, run: str, paths: tuple[str, ...], folder: str | None, link: bool) -> None:  # noqa: FBT001
    """Store files and folders in a run.

    With --link no byte is copied where the file system can do without: a file then is the stored one, under
    two names. Whoever changes it nevertheless damages what is stored.
    """
    from gittrack.tracking.select import find_run

    _upload(client, find_run(client, run), paths, folder, link=link)


@artifacts.command("verify", examples="gittrack artifacts verify best:val/acc")
@run_argument
@pass_client
def verify(client: Client, run: str) -> int:
    """Hash the files of a run again; exit with 8 if one is damaged, with 4 if one is not here."""
    from gittrack.cli.listing import count
    from gittrack.cli.progress import track
    from gittrack.errors import ArtifactNotFoundError, CorruptDataError
    from gittrack.tracking.downloads import verify_artifact
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    statuses = [0]
    for artifact in track("verifying", _sorted(found)):
        try:
            verify_artifact(client.store, found, artifact)
        except (ArtifactNotFoundError, CorruptDataError) as error:
            complain(error.message, error.hint)
            statuses.append(error.exit_code)
    tell(f"{count(len(found.artifacts), 'artifact')} verified, {len(statuses) - 1} bad")
    return max(statuses)


# MLflow's spellings


@artifacts.command("list", examples="gittrack artifacts list --run-id @ --artifact-path plots")
@_run_id
@_artifact_path
@pass_client
def list_(client: Client, run: str, path: str | None) -> None:
    """Print the files and folders of a run as MLflow's JSON."""
    from gittrack.cli.listing import print_json
    from gittrack.tracking.select import find_run

    found = client.list_artifacts(find_run(client, run).run_id, path)
    print_json([{"path": one.path, "is_dir": one.is_dir, "file_size": one.file_size} for one in found])


@artifacts.command(
    "download", examples="gittrack artifacts download --run-id @ --artifact-path plots --dst-path out"
)
@click.option("-r", "--run-id", "run", metavar="RUN", shell_complete=complete_runs, help="The run.")
@_artifact_path
@click.option(
    "-u", "--artifact-uri", metavar="URI", help="runs:/RUN/PATH, instead of --run-id and --artifact-path."
)
@click.option("-d", "--dst-path", metavar="DIR", help="Folder to write to.  [default: a new temporary one]")
@pass_client
def download(
    client: Client, run: str | None, path: str | None, artifact_uri: str | None, dst_path: str | None
) -> None:
    """Write a file or folder of a run, and print where it is."""
    from gittrack.core.artifact_uri import RunPath, parse_uri
    from gittrack.tracking.select import find_run

    if (run is None) == (artifact_uri is None):
        raise BadUsageError("give one run", hint="with --run-id, or with --artifact-uri runs:/RUN/PATH")
    if artifact_uri is not None:
        target = parse_uri(artifact_uri)
        if not isinstance(target, RunPath):
            raise BadUsageError(f"cannot read {artifact_uri!r}", hint="write runs:/RUN/PATH")
        run, path = target.run, target.path
    click.echo(client.download_artifacts(find_run(client, run or "").run_id, path or "", dst_path))


@artifacts.command(
    "log-artifact", examples="gittrack artifacts log-artifact --run-id @ --local-file model.pt"
)
@click.option("-l", "--local-file", required=True, type=click.Path(), metavar="PATH", help="File to store.")
@_run_id
@click.option("-a", "--artifact-path", "folder", metavar="FOLDER", help="Folder in the run.")
@pass_client
def log_artifact(client: Client, local_file: str, run: str, folder: str | None) -> None:
    """Store a file in a run."""
    from gittrack.tracking.select import find_run

    client.log_artifact(find_run(client, run).run_id, local_file, folder)


@artifacts.command("log-artifacts", examples="gittrack artifacts log-artifacts --run-id @ --local-dir plots")
@click.option(
    "-l", "--local-dir", required=True, type=click.Path(), metavar="DIR", help="Folder whose files to store."
)
@_run_id
@click.option("-a", "--artifact-path", "folder", metavar="FOLDER", help="Folder in the run.")
@pass_client
def log_artifacts(client: Client, local_dir: str, run: str, folder: str | None) -> None:
    """Store the files of a folder in a run."""
    from gittrack.tracking.select import find_run

    client.log_artifacts(find_run(client, run).run_id, local_dir, folder)


def _list_entries(client: Client, run: Run, path: str | None, *, is_recursive: bool) -> list[tuple[Any, ...]]:
    from gittrack.core.artifact_uri import digest_of
    from gittrack.errors import ArtifactNotFoundError
    from gittrack.store.digests import digest_bytes
    from gittrack.tracking.artifacts import find_artifact

    if path and path.strip("/") in run.artifacts:
        one = find_artifact(run, path)
        return [(one.path, one.size, one.digest)]
    prefix = f"{path.strip('/')}/" if path and path.strip("/") else ""
    inside = [one for one in _sorted(run) if one.path.startswith(prefix)]
    if prefix and not inside:
        known = sorted({one.path.partition("/")[0] for one in _sorted(run)})[:5]
        hint = f"it has {', '.join(map(repr, known))}" if known else "it has none at all"
        raise ArtifactNotFoundError(f"run {run.name!r} has no artifact {path!r}", hint=hint)
    if is_recursive:
        return [(one.path, one.size, one.digest) for one in inside]
    found = client.list_artifacts(run.run_id, path)
    return [
        (f"{one.path}/", None, digest_of(run.artifacts, one.path, digest_bytes))
        if one.is_dir
        else (one.path, one.file_size, run.artifacts[one.path].digest)
        for one in found
    ]


def _download(client: Client, run: Run, path: str | None, output: str) -> None:
    from gittrack.cli.progress import show_progress
    from gittrack.tracking import downloads
    from gittrack.tracking.artifacts import find_artifact
    from gittrack.tracking.contents import count_up, fetch_contents, mender

    chosen = list(downloads.select_artifacts(run, path or ""))
    if not chosen and path:
        find_artifact(run, path)
    if not chosen:
        tell(f"run {run.name} has no artifacts")
    with show_progress("fetching", "bytes") as progress:
        fetch_contents(client, chosen, may_prompt=True, progress=progress)
    with show_progress("getting", "bytes") as progress:
        mend, more = mender(client, run), count_up(progress, sum(one.size for one in chosen))
        for path_here in downloads.write_artifacts(
            client.store, run, chosen, Path(output), mend, progress=more
        ):
            click.echo(path_here)


def _upload(client: Client, run: Run, paths: tuple[str, ...], folder: str | None, *, link: bool) -> None:
    from dataclasses import replace

    from gittrack.cli.progress import show_progress
    from gittrack.tracking.artifacts import join_path
    from gittrack.tracking.contents import count_up
    from gittrack.tracking.record import measure_uploads, parse_upload, store_upload

    uploads = [parse_upload(text) for text in paths]
    if folder is not None:
        uploads = [replace(one, path=join_path(folder, one.path)) for one in uploads]
    with show_progress("storing", "bytes") as progress:
        more = count_up(progress, measure_uploads(uploads))
        for upload in uploads:
            store_upload(client, run.run_id, upload, link=link, progress=more)
            tell(f"stored {Path(upload.source)} as {upload.path}")


def _sorted(run: Run) -> list[Artifact]:
    return [run.artifacts[path] for path in sorted(run.artifacts)]
