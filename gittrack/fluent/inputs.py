"""MLflow's functions that say what the active run reads and makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.fluent.active import live_run
from gittrack.fluent.current import client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def log_input(
    dataset: Any = None,  # noqa: ANN401  (of `gittrack.data`, or MLflow's)
    context: str | None = None,
    tags: Mapping[str, object] | None = None,
    model: Any = None,  # noqa: ANN401  (a `LoggedModelInput`, or MLflow's)
) -> None:
    """Log a dataset that the active run reads, or a logged model that it uses.

    Args:
        dataset: Made by `gittrack.data.from_pandas` and others.
        context: What for: ``training``, ``validation`` …
        tags: Anything else to say of it.
        model: The logged model.

    Raises:
        InvalidValueError: It is no dataset, or a part of it is too long.
        StoreError: The disk is full, or failed.
    """
    from gittrack.tracking.inputs import make_input

    datasets = [] if dataset is None else [make_input(dataset, context, tags)]
    client().log_inputs(live_run().run_id, datasets, [] if model is None else [model])


def log_inputs(
    datasets: Sequence[Any] | None = None,
    contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, object] | None] | None = None,
    models: Sequence[Any] | None = None,
) -> None:
    """Log several datasets that the active run reads, each with its context and tags.

    Raises:
        InvalidValueError: The three lists are not of one length; or as for `log_input`.
        StoreError: The disk is full, or failed.
    """
    from gittrack.tracking.inputs import make_input

    listed, what_for, tags = list(datasets or ()), list(contexts or ()), list(tags_list or ())
    if not len(listed) == len(what_for) == len(tags):
        message = f"{len(listed)} datasets, {len(what_for)} contexts and {len(tags)} tags do not fit together"
        raise InvalidValueError(message, hint="give lists of one length, with None where there is nothing")
    made = [make_input(*one) for one in zip(listed, what_for, tags, strict=True) if one[0] is not None]
    client().log_inputs(live_run().run_id, made, models)


def log_outputs(models: Sequence[Any] | None = None) -> None:
    """Log the logged models the active run made, each a `LoggedModelOutput`.

    Raises:
        StoreError: The disk is full, or failed.
    """
    client().log_outputs(live_run().run_id, models or ())
