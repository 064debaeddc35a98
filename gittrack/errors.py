"""Every error gittrack raises on purpose, drawn as a tree.

::

    GittrackError                 1
     ├ UserError                  2   you asked for something that makes no sense
     │  ├ InvalidNameError            a key, name or path that cannot be stored
     │  ├ InvalidValueError           a value that cannot be stored
     │  ├ ParamOverwriteError         a param that already has another value
     │  ├ RunStateError               the run or experiment is not in a state that allows this
     │  ├ QuerySyntaxError            a filter or selector that cannot be read
     │  └ CommandNotRunnableError 126 a program that the system refuses to run
     ├ NotFoundError              4   nothing by that name
     │  ├ RepositoryNotFoundError
     │  ├ ExperimentNotFoundError
     │  ├ RunNotFoundError
     │  ├ AmbiguousRunError
     │  ├ TagNotFoundError
     │  ├ ModelNotFoundError
     │  ├ ArtifactNotFoundError
     │  └ CommandNotFoundError  127   as a shell says it
     ├ ConflictError              5   someone else moved it first: read again and retry
     └ StoreError                 6   disk, repository or remote failed
        ├ CorruptDataError        8   what was read is not what was written
        ├ LockedError                 somebody holds the lock for too long
        └ RemoteError                 a remote cannot be reached, or failed
           └ RemoteRefusedError       a remote does not accept our ref

The class says what a handler does, ``hint`` what the user does, ``exit_code`` what the shell sees.
"""

from __future__ import annotations

from typing import ClassVar


class GittrackError(Exception):
    """Base of every error gittrack raises on purpose."""

    exit_code: ClassVar[int] = 1
    error_code: ClassVar[str] = "INTERNAL_ERROR"
    """MLflow's name for this kind of error."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep ``message`` (what is wrong) and ``hint`` (what to do about it)."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message, with the hint on a line of its own."""
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class UserError(GittrackError):
    """You asked for something that makes no sense."""

    exit_code = 2
    error_code = "INVALID_PARAMETER_VALUE"


class InvalidNameError(UserError):
    """A key, name or path cannot be stored."""


class InvalidValueError(UserError):
    """A value cannot be stored."""


class ParamOverwriteError(UserError):
    """A param already has another value."""


class RunStateError(UserError):
    """The run or experiment is not in a state that allows this."""


class QuerySyntaxError(UserError):
    """A filter or selector cannot be read."""

    def __init__(self, message: str, *, hint: str | None = None, position: int | None = None) -> None:
        """Keep where in the text it is: ``position`` counts characters from 0."""
        super().__init__(message, hint=hint)
        self.position = position


class CommandNotRunnableError(UserError):
    """A program is there, and the system refuses to run it."""

    exit_code = 126
    """What a shell says of it."""


class NotFoundError(GittrackError):
    """Nothing is known by that name."""

    exit_code = 4
    error_code = "RESOURCE_DOES_NOT_EXIST"


class RepositoryNotFoundError(NotFoundError):
    """No Git repository contains this folder."""


class ExperimentNotFoundError(NotFoundError):
    """No experiment has this name or id."""


class RunNotFoundError(NotFoundError):
    """No run has this id, prefix or name."""


class AmbiguousRunError(NotFoundError):
    """More than one run fits."""


class TagNotFoundError(NotFoundError):
    """The run or experiment has no such tag."""


class ModelNotFoundError(NotFoundError):
    """No registered model, version, alias or logged model has this name, number or id."""


class ArtifactNotFoundError(NotFoundError):
    """The run has no artifact at this path."""


class CommandNotFoundError(NotFoundError):
    """There is no program by that name."""

    exit_code = 127
    """What a shell says of it."""


class ConflictError(GittrackError):
    """Someone else moved it first: read again and retry."""

    exit_code = 5
    error_code = "RESOURCE_ALREADY_EXISTS"


class StoreError(GittrackError):
    """Disk, repository or remote failed."""

    exit_code = 6
    error_code = "IO_ERROR"


class CorruptDataError(StoreError):
    """What was read is not what was written."""

    exit_code = 8
    error_code = "DATA_LOSS"


class RemoteError(StoreError):
    """A remote cannot be reached, or failed."""


class RemoteRefusedError(RemoteError):
    """A remote does not accept our ref."""


class LockedError(StoreError):
    """Somebody holds the lock for too long."""

    error_code = "RESOURCE_EXHAUSTED"
