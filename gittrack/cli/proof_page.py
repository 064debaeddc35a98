"""What stands behind a run: the files its code had beyond the commit, and who signed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gittrack.cli.sections import print_section
from gittrack.cli.times import show_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.manifest import Signature
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

SHOWN_FILES = 12


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known beside the run itself."""

    changed: Mapping[str, str]
    """File of the code that its commit has otherwise → how."""
    skipped: Mapping[str, str]
    """File that was left out → why."""
    signatures: Sequence[Signature]
    """Not checked: `gittrack verify` does."""


def read_proof(client: Client, run: Run) -> Proof:
    """Read what stands behind a run."""
    from gittrack.tracking.run_code import read_differences
    from gittrack.tracking.verify import list_signatures

    return Proof(*read_differences(client, run), list_signatures(client, run))


def describe_proof(proof: Proof) -> dict[str, Any]:
    """Return what stands behind a run for ``--json``."""
    return {
        "uncommitted": dict(proof.changed),
        "left_out": dict(proof.skipped),
        "signed_by": [one.signer for one in proof.signatures],
    }


def print_proof(proof: Proof) -> None:
    """Print what stands behind a run for people."""
    print_section("uncommitted code", proof.changed, shown=SHOWN_FILES)
    print_section("left out of the code", proof.skipped, shown=SHOWN_FILES)
    times = {one.signer: one.manifest.get("time") for one in proof.signatures}
    print_section(
        "signed, says",
        {
            who: f"{show_time(time)}; `gittrack verify` checks it" if isinstance(time, int) else "?"
            for who, time in times.items()
        },
    )
