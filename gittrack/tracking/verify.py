"""Signing a run, and finding out whether it is what was signed: params, metrics, artifacts, code, signer."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.jsonform import encode_document
from gittrack.core.manifest import (
    PREFIX,
    Signature,
    decode_signature,
    encode_signature,
    list_differences,
    make_manifest,
    signature_stamps,
)
from gittrack.core.model import Code
from gittrack.core.series import summarize
from gittrack.errors import ArtifactNotFoundError, CorruptDataError, RunStateError, StoreError, UserError
from gittrack.store.digests import digest_bytes
from gittrack.store.git_objects import decode_commit
from gittrack.tracking.downloads import verify_artifact
from gittrack.tracking.live import now_ms
from gittrack.tracking.signatures import Signer, Trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import Run
    from gittrack.core.series import Series
    from gittrack.tracking.client import Client

NAMED = 3
"""Artifacts that a check names."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_ok: bool | None
    """None: it could not be looked at, since it is not in this clone."""
    detail: str


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """One signature of a run."""

    trust: Trust
    signer: str
    time: int
    """When it was made, as the signer says, milliseconds since the epoch."""
    differences: tuple[str, ...]
    """What is not as it was signed."""

    @property
    def is_good(self) -> bool:
        """Whether somebody who is known signed just this."""
        return self.trust is Trust.GOOD and not self.differences


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found out about a run."""

    run: Run
    checks: tuple[Check, ...]
    signatures: tuple[SignatureCheck, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether anything is not what was logged or signed."""
        is_wrong = any(one.differences or one.trust is Trust.BAD for one in self.signatures)
        return is_wrong or any(check.is_ok is False for check in self.checks)

    @property
    def is_signed(self) -> bool:
        """Whether a known signer vouches for all of it."""
        return not self.is_damaged and any(one.is_good for one in self.signatures)


def sign_run(
    client: Client, run_id: str, *, key: str | None = None, form: str | None = None
) -> SignatureCheck:
    """Sign what a run was given and what came out; the signature is kept beside the run and travels with it.

    Args:
        client: Where the run is.
        run_id: A run that has ended.
        key: Path of an ssh key or id of a GnuPG key; git's ``user.signingKey`` if None.
        form: ``ssh`` or ``openpgp``; git's ``gpg.format`` if None.

    Raises:
        RunNotFoundError: There is none with this id.
        RunStateError: It has not ended, or is deleted.
        UserError: There is no key to sign with.
        StoreError: The program that signs failed.
    """
    run = client.get_run(run_id)
    if not run.status.is_terminated:
        message = f"run {run.name!r} has not ended"
        raise RunStateError(message, hint="sign it when it has: what is logged later would not be signed")
    signer = _signer(client)
    chosen = signer.choose_form(form)
    manifest = make_manifest(run, client.get_series(run_id), now_ms(), digest_bytes)
    data = encode_document(manifest)
    text, name = signer.sign(data, chosen, key)
    signature = Signature(chosen, name, manifest, text)
    # By signer, so that a second one adds a signature and signing again replaces one.
    place = hashlib.sha256(f"{chosen} {name}".encode()).hexdigest()[:12]
    client.set_side_file(run_id, f"{PREFIX}{place}.json", encode_signature(signature))
    return _check_signature(signer, signature, manifest)


def verify_run(client: Client, run_id: str) -> Verification:
    """Hash params, metrics and artifacts of a run again, look for its code, and check who signed it.

    Raises:
        RunNotFoundError: There is none with this id.
        CorruptDataError: The run cannot be read.
    """
    run = client.get_run(run_id)
    histories = client.get_series(run_id)
    checks = [_check_metrics(run, histories), _check_artifacts(client, run), _check_code(client, run)]
    return Verification(run, tuple(checks), tuple(check_signatures(client, run, histories)))


def list_signatures(client: Client, run: Run) -> list[Signature]:
    """Return the signatures of a run as they are, without checking them."""
    found = []
    if signature_stamps(run):
        for name in client.list_side_files(run.run_id):
            if name.startswith(PREFIX):
                with contextlib.suppress(ValueError):
                    found.append(decode_signature(client.find_side_file(run.run_id, name) or b""))
    return found


def check_signatures(client: Client, run: Run, histories: Mapping[str, Series]) -> list[SignatureCheck]:
    """Return what is known of every signature of a run."""
    names = [name for name in client.list_side_files(run.run_id) if name.startswith(PREFIX)]
    if not names:
        return []
    signer = _signer(client)
    present = make_manifest(run, histories, 0, digest_bytes)
    found = []
    for name in names:
        try:
            signature = decode_signature(client.find_side_file(run.run_id, name) or b"")
        except ValueError:
            found.append(SignatureCheck(Trust.BAD, f"{name} is no signature", 0, ()))
            continue
        found.append(_check_signature(signer, signature, present))
    return found


def _check_signature(signer: Signer, signature: Signature, present: Mapping[str, object]) -> SignatureCheck:
    opinion = signer.check(encode_document(signature.manifest), signature.form, signature.text)
    time = signature.manifest.get("time")
    differences = list_differences(signature.manifest, present)
    return SignatureCheck(
        opinion.trust, opinion.signer, time if isinstance(time, int) else 0, tuple(differences)
    )


def _check_metrics(run: Run, histories: Mapping[str, Series]) -> Check:
    wrong = [
        key
        for key in sorted(run.metrics.keys() | histories.keys())
        if key not in run.metrics
        or key not in histories
        or repr(summarize(histories[key]).last) != repr(run.metrics[key].last)
    ]
    if wrong:
        return Check("metrics", is_ok=False, detail=f"summaries do not fit the history: {_name(wrong)}")
    points = sum(map(len, histories.values()))
    return Check("metrics", is_ok=True, detail=f"{len(histories)} series, {points:,} points")


def _check_artifacts(client: Client, run: Run) -> Check:
    damaged, absent = [], []
    for path, artifact in sorted(run.artifacts.items()):
        try:
            verify_artifact(client.store, run, artifact)
        except ArtifactNotFoundError:
            absent.append(path)
        except CorruptDataError:
            damaged.append(path)
    if damaged:
        return Check("artifacts", is_ok=False, detail=f"damaged: {_name(damaged)}")
    here = len(run.artifacts) - len(absent)
    if absent:
        return Check("artifacts", is_ok=None, detail=f"{here} hashed, not in this clone: {_name(absent)}")
    return Check("artifacts", is_ok=True, detail=f"{here} hashed")


def _check_code(client: Client, run: Run) -> Check:
    code = run.code or Code()
    commit = code.snapshot or code.commit
    if commit is None:
        return Check("code", is_ok=None, detail=code.reason or "the run does not know its code")
    database = client.store.database
    if database is None or not database.has(commit):
        return Check("code", is_ok=None, detail=f"{commit[:12]} is not in this clone")
    try:
        tree = decode_commit(database.read(commit)).tree
        is_there = database.has(tree)
    except (StoreError, ValueError) as error:
        return Check("code", is_ok=False, detail=str(error))
    if code.tree not in {None, tree}:
        return Check("code", is_ok=False, detail=f"{commit[:12]} has another tree than the run says")
    if not is_there:
        return Check("code", is_ok=False, detail=f"the tree of {commit[:12]} is missing")
    if code.snapshot is None and code.dirty:
        return Check("code", is_ok=None, detail=f"only {commit[:12]}, below its changes: {code.reason}")
    return Check("code", is_ok=True, detail=f"{commit[:12]}{', never committed' if code.dirty else ''}")


def _signer(client: Client) -> Signer:
    if client.store.database is None:
        raise UserError("runs of this store cannot be signed", hint="only those of a Git repository can")
    return Signer(client.store.database.common_dir)


def _name(paths: list[str]) -> str:
    shown = ", ".join(map(repr, paths[:NAMED]))
    return f"{shown} and {len(paths) - NAMED} more" if len(paths) > NAMED else shown
