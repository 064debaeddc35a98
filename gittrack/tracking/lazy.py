"""Methods of the client whose modules are loaded when they are first used: most programs never do."""

from __future__ import annotations

from importlib import import_module
from typing import Any

METHODS = {
    "search": "search_runs search_all_runs search_table",
    "run_files": (
        "log_artifact log_artifacts log_content log_text log_dict log_figure log_image log_table load_table "
        "log_stream list_artifacts read_artifact download_artifacts"
    ),
    "definitions": "get_metric_direction",
    "histories": "get_metric_history get_metric_history_bulk",
    "diff": "diff_runs find_previous_run",
    "in_place": "restore_in_place apply_changes undo_in_place",
    "rerun": "rerun",
    "run_code": "checkout_run branch_run list_runs_of_code",
    "verify": "sign_run verify_run",
    "code_files": "find_code_tree find_code_folder find_code_file find_environment",
    "committed": "list_committed read_committed",
    "past": "open_past",
    "named_views": "list_views save_view remove_view",
    "lineage": "use_artifact",
    "references": "log_reference remove_artifacts",
    "inputs": "log_inputs log_outputs search_datasets",
    "catalog": "list_registered_models list_model_versions",
    "registry": (
        "create_registered_model get_registered_model rename_registered_model update_registered_model "
        "delete_registered_model search_registered_models set_registered_model_tag "
        "delete_registered_model_tag"
    ),
    "model_versions": (
        "create_model_version copy_model_version get_model_version get_model_version_download_uri "
        "update_model_version delete_model_version search_model_versions set_model_version_tag "
        "delete_model_version_tag"
    ),
    "promotion": (
        "get_latest_versions get_model_version_stages transition_model_version_stage "
        "set_registered_model_alias delete_registered_model_alias get_model_version_by_alias"
    ),
    "logged_model_search": "search_logged_models",
    "logged_models": (
        "create_logged_model get_logged_model finalize_logged_model delete_logged_model "
        "set_logged_model_tags delete_logged_model_tag log_model_params log_model_metrics log_model_artifact "
        "log_model_artifacts list_logged_model_artifacts"
    ),
}
"""Module in `gittrack.tracking` → its functions that are methods; the first parameter is the client."""


class LazyMethod:
    """A function of another module as a method."""

    def __init__(self, module: str, name: str) -> None:
        """Stand for the function ``name`` of a module in `gittrack.tracking`."""
        self._module = module
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401  (a function)
        """Return the function, bound to a client if there is one."""
        function = getattr(import_module(f"gittrack.tracking.{self._module}"), self._name)
        return function if instance is None else function.__get__(instance, owner)


def lazy_methods() -> dict[str, LazyMethod]:
    """Return all of them by name."""
    return {name: LazyMethod(module, name) for module, names in METHODS.items() for name in names.split()}
