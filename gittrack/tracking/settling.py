"""Numbers and names that a merge changed, written down so that they stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.registry import MODELS, claimed_version, name_models, number_versions
from gittrack.core.stamped import DocumentChange
from gittrack.tracking import registry

if TYPE_CHECKING:
    from gittrack.core.model import ParamValue
    from gittrack.tracking.client import Client


def settle(client: Client) -> list[str]:
    """Write down what numbers and names are after a merge, so that they stay; return what changed, as lines.

    Raises:
        StoreError: The disk is full, or failed.
    """
    lines = []
    with client.store.exclusive(registry.STEP):
        for name, model in name_models(client.store.list_documents(MODELS)).items():
            time = client.time_ms()
            if (before := model.fields["name"]) != name:
                line = f"model {before}: another clone has one by this name, so this one is now {name}"
                registry.change(
                    client, [DocumentChange(MODELS, model.document_id, time, {"name": name})], line
                )
                lines.append(line)
            for number, one in number_versions(registry.list_versions(client, model)).items():
                claimed = claimed_version(one)
                if claimed != number:
                    user = one.fields.get("user_id", "somebody")
                    line = f"model {name}: version {claimed} registered by {user} is now {number}"
                    first = one.fields.get("registered_as", claimed)
                    values: dict[str, ParamValue] = {"version": number, "registered_as": first}
                    edit = DocumentChange(one.kind, one.document_id, time, values)
                    registry.change(client, [edit], f"{line}: another clone had registered {claimed} before")
                    lines.append(line)
    return lines
