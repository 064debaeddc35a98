"""Open a repository by dulwich, or by the git program where dulwich cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dulwich.errors import NotGitRepository
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from gittrack.errors import RepositoryNotFoundError
from gittrack.store.disk import disk_error
from gittrack.store.git_binary import BinaryDatabase
from gittrack.store.git_dulwich import DulwichDatabase

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.git_database import GitDatabase


def open_repository(start: Path) -> GitDatabase:
    """Open the repository that contains ``start``: a work tree, a linked one, a bare or a Git directory.

    Raises:
        RepositoryNotFoundError: There is none.
        StoreError: It uses something that cannot be read.
    """
    if not start.exists():
        message = f"there is nothing at {str(start)!r}"
        raise RepositoryNotFoundError(message, hint="pass --repo PATH, or check GITTRACK_REPO")
    try:
        database = DulwichDatabase(Repo.discover(start))
    except NotGitRepository:
        message = f"no Git repository at {str(start.absolute())!r}"
        raise RepositoryNotFoundError(message, hint="run `git init`, or pass --repo PATH") from None
    except (UnsupportedExtension, UnsupportedVersion):
        return BinaryDatabase(start)
    except OSError as error:
        raise disk_error("open the repository", error) from error
    # dulwich's reftable writer takes no lock, and it cannot read version 2.
    if database.read_config("extensions", "refstorage") == "reftable":
        database.close()
        return BinaryDatabase(start)
    return database
