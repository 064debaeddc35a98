"""Which file system a folder is on, where that decides what may be relied on."""

from __future__ import annotations

import os
import re
from pathlib import Path

NETWORK = frozenset(
    """
    9p acfs afs beegfs ceph cifs coda fhgfs glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs panfs pvfs2
    smb2 smb3 smbfs sshfs virtiofs wekafs
    """.split()
)
"""File systems that several hosts may have mounted at once."""
MOUNTS = Path("/proc/self/mountinfo")

_OCTAL = re.compile(r"\\([0-7]{3})")


def is_on_network(folder: Path) -> bool:
    """Return whether other hosts may use the same files; True where nothing tells, as on other systems."""
    try:
        kind = file_system_of(os.path.realpath(folder), MOUNTS.read_text("utf-8", "surrogateescape"))
    except OSError:
        return True
    return kind.removeprefix("fuse.") in NETWORK or kind.startswith("fuse")


def file_system_of(folder: str, mounts: str) -> str:
    """Return the kind of file system that holds an absolute path, by what ``mountinfo`` of proc(5) says."""
    best, kind = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:  # noqa: PLR2004  (the mount point is the fifth)
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # of two at the same place, the later one hides the other
            best, kind = point, after.split(" ")[0]
    return kind
