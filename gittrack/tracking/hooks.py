"""A pre-push hook that sends runs along with the code, beside whatever hook is there."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.store.disk import disk_errors, replace_file
from gittrack.tracking.sync import git_store

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

MARK = "# gittrack: sends runs along with the code; `gittrack hook uninstall` removes this"
BEFORE = "pre-push.before-gittrack"


def install_hook(client: Client) -> Path:
    """Send runs whenever the user pushes; return the hook. A hook that is there is kept and runs first.

    The user's push neither waits for ours nor fails with it.

    Raises:
        StoreError: The hook cannot be written.
    """
    folder = _hooks_folder(client)
    hook = folder / "pre-push"
    with disk_errors("install the hook"):
        folder.mkdir(parents=True, exist_ok=True)
        if hook.exists() and not _is_ours(hook):
            hook.replace(folder / BEFORE)
        replace_file(hook, _script().encode(), mode=0o755)
        hook.chmod(0o755)
    return hook


def uninstall_hook(client: Client) -> bool:
    """Remove our hook and put back the one that was there before; return whether there was ours.

    Raises:
        StoreError: The hook cannot be removed.
    """
    hook = _hooks_folder(client) / "pre-push"
    if not hook.exists() or not _is_ours(hook):
        return False
    with disk_errors("remove the hook"):
        before = hook.with_name(BEFORE)
        if before.exists():
            before.replace(hook)
        else:
            hook.unlink()
    return True


def _hooks_folder(client: Client) -> Path:
    """Return where git looks for hooks in this repository."""
    common_dir = git_store(client).layout.root.parent
    chosen = git_store(client).read_config("core", "hooksPath")
    return client.folder() / Path(chosen).expanduser() if chosen else common_dir / "hooks"


def _is_ours(hook: Path) -> bool:
    with disk_errors("read the hook"):
        return MARK.encode() in hook.read_bytes()


def _script() -> str:
    python = shlex.quote(sys.executable)
    return f"""\
#!/bin/sh
{MARK}
before="$(dirname "$0")/{BEFORE}"
if [ -x "$before" ]; then
    "$before" "$@" || exit $?
fi
# Detached: git holds its connection open while this hook runs.
(
    unset GIT_DIR GIT_INDEX_FILE GIT_PREFIX
    nohup {python} -m gittrack push "$1" </dev/null >/dev/null 2>&1 &
)
exit 0
"""
