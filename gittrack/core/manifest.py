"""What a signature of a run vouches for, as canonical JSON, and the file that holds the signature.

The name, tags and note of a run may change after it was signed; what it was given and what came out may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.core.documents import encode_manifest
from gittrack.core.fold import side_file_field
from gittrack.core.frozen import dataclass
from gittrack.core.inputs import encode_input
from gittrack.core.jsonform import decode, encode_compact, encode_document, encode_floats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.core.model import Run
    from gittrack.core.series import Series

MANIFEST_VERSION = 1
PREFIX = "signature-"
"""The names of side files that hold signatures begin so; what follows tells the keys apart."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of a run's manifest."""

    form: str
    """``ssh`` or ``openpgp``."""
    signer: str
    """Who signed, in their own words."""
    manifest: Mapping[str, Any]
    text: str
    """The armoured signature."""


def make_manifest(
    run: Run, histories: Mapping[str, Series], time: int, digest: Callable[[bytes], str]
) -> dict[str, object]:
    """Return the manifest of a run that has ended.

    Args:
        run: The run.
        histories: All its metrics, normalized.
        time: When it is signed, milliseconds since the epoch.
        digest: Returns the BLAKE3 digest of bytes.
    """
    code = run.code
    columns = {
        key: [series.steps, series.times, encode_floats(map(float, series.values))]
        for key, series in sorted(histories.items())
    }
    inputs = {key: encode_input(one) for key, one in run.datasets.items()}
    known: dict[str, object] = {
        "version": MANIFEST_VERSION,
        "time": time,
        "run_id": run.run_id,
        "experiment_id": run.experiment_id,
        "status": run.status.value,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "params": digest(encode_document(dict(run.params))),
        "metrics": digest(encode_compact(columns)),
        "artifacts": digest(encode_document(encode_artifacts(run))),
        "datasets": digest(encode_document(inputs)) if inputs else None,
        "commit": code.commit if code else None,
        "snapshot": code.snapshot if code else None,
        "tree": code.tree if code else None,
    }
    return {key: value for key, value in known.items() if value is not None}


def encode_artifacts(run: Run) -> dict[str, object]:
    """Return path → digest and size; where the content is kept is no part of it."""
    return {
        path: {key: value for key, value in one.items() if key != "where"}
        for path, one in encode_manifest(run.artifacts).items()
        if isinstance(one, dict)
    }


def signature_stamps(run: Run) -> tuple[str, ...]:
    """Return the stamps of a run's signatures, none if nobody signed it: other signatures, other stamps."""
    if not run.edits:
        return ()
    beginning = side_file_field(PREFIX)
    return tuple(run.edits[field] for field in sorted(run.edits) if field.startswith(beginning))


def list_differences(signed: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """Return what is not as it was signed; what only a newer version knows counts: nobody checked it."""
    return [key for key in sorted(signed) if key != "time" and signed[key] != present.get(key)]


def encode_signature(signature: Signature) -> bytes:
    """Return the side file of a signature."""
    return encode_document(
        {
            "form": signature.form,
            "signer": signature.signer,
            "manifest": dict(signature.manifest),
            "signature": signature.text,
        }
    )


def decode_signature(data: bytes) -> Signature:
    """Return the signature of a side file.

    Raises:
        ValueError: It is none.
    """
    document: Any = decode(data)
    try:
        fields = [document[key] for key in ("form", "signer", "signature")]
        manifest = document["manifest"]
    except (TypeError, KeyError) as error:
        message = f"not a signature: {error!r}"
        raise ValueError(message) from error
    if not all(isinstance(one, str) for one in fields) or not isinstance(manifest, dict):
        message = "not a signature: a field is of another kind"
        raise ValueError(message)
    return Signature(fields[0], fields[1], manifest, fields[2])
