"""``gittrack sign`` and ``gittrack verify``: who vouches for a run, and whether it is what they signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell
from gittrack.cli.options import json_option, run_argument, runs_argument

if TYPE_CHECKING:
    from gittrack.tracking.client import Client
    from gittrack.tracking.verify import SignatureCheck, Verification

NOT_SIGNED = 1
"""Status of `verify` when all is well but nobody who is known signed it."""
DAMAGED = 8


@click.command(
    cls=Command,
    examples="""
        gittrack sign @                                sign the newest run as git signs commits
        gittrack sign @ --format ssh --key ~/.ssh/id_ed25519
    """,
)
@run_argument
@click.option("--key", metavar="KEY", help="Path of an ssh key, or id of a GnuPG key.  [default: git's]")
@click.option("--format", "form", type=click.Choice(["ssh", "openpgp"]), help="How.  [default: as git signs]")
@pass_client
def sign(client: Client, run: str, key: str | None, form: str | None) -> None:
    """Sign a run: its params, metrics, artifacts, datasets and code.

    The signature is kept beside the run: it survives push, merge and squash. Name, tags and note may change
    later. Signing again replaces your signature; others can add theirs.
    """
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    made = client.sign_run(found.run_id, key=key, form=form)
    tell(f"signed {found.name}: {_describe(made)}")


@click.command(
    cls=Command,
    examples="""
        gittrack verify @           hash the newest run again, and check who signed it
        gittrack verify a b --json
    """,
)
@runs_argument
@json_option
@pass_client
def verify(client: Client, runs: tuple[str, ...], is_json: bool) -> None:  # noqa: FBT001  (click's)
    """Verify runs: metrics, artifacts, code, and what was signed by whom.

    Signers are those that git knows: gpg.ssh.allowedSignersFile for ssh keys, your keyring for GnuPG. The
    status is 0 if a known signer vouches for every run, 8 if anything is not what was logged or signed,
    and 1 if nobody known signed it.
    """
    from gittrack.cli.listing import print_json
    from gittrack.tracking.select import find_run

    ids = dict.fromkeys(find_run(client, text).run_id for text in runs)
    found = [client.verify_run(run_id) for run_id in ids]
    if is_json:
        print_json([_record(one) for one in found])
    else:
        for one in found:
            _print(one)
    if any(one.is_damaged for one in found):
        click.get_current_context().exit(DAMAGED)
    if not all(one.is_signed for one in found):
        click.get_current_context().exit(NOT_SIGNED)


def _print(found: Verification) -> None:
    from gittrack.cli.listing import printable
    from gittrack.cli.sections import style

    click.echo(f"{printable(found.run.name)} ({found.run.run_id})")
    marks = {True: style("ok", fg="green"), False: style("BAD", fg="red", bold=True), None: "-"}
    for check in found.checks:
        click.echo(f"  {marks[check.is_ok]}\t{check.name}: {printable(check.detail)}")
    for one in found.signatures:
        is_ok = True if one.is_good else False if one.differences or one.trust.value == "bad" else None
        click.echo(f"  {marks[is_ok]}\tsignature: {_describe(one)}")
    if not found.signatures:
        click.echo("  -\tnot signed; `gittrack sign` does")


def _describe(one: SignatureCheck) -> str:
    from gittrack.cli.listing import printable
    from gittrack.cli.times import show_time

    trust = {"good": "by", "unknown signer": "fits, by an unknown signer:", "bad": "does not fit:"}
    text = f"{trust.get(one.trust.value, 'cannot be checked:')} {printable(one.signer)}"
    if one.time:
        text += f", {show_time(one.time)}"
    return f"{text}; changed since: {', '.join(one.differences)}" if one.differences else text


def _record(found: Verification) -> dict[str, Any]:
    return {
        "run_id": found.run.run_id,
        "name": found.run.name,
        "damaged": found.is_damaged,
        "signed": found.is_signed,
        "checks": [{"name": one.name, "ok": one.is_ok, "detail": one.detail} for one in found.checks],
        "signatures": [
            {
                "trust": one.trust.value,
                "signer": one.signer,
                "time": one.time,
                "differences": list(one.differences),
            }
            for one in found.signatures
        ],
    }
