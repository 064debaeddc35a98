"""MLflow's model registry on a repository's registered models: a translation of the client's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.entities import model_registry as theirs
from mlflow.store.entities import PagedList
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
)
from mlflow.store.model_registry.abstract_store import AbstractStore

from gittrack.mlflow_plugin.border import at_the_border
from gittrack.mlflow_plugin.clients import open_client, server_artifact_root
from gittrack.mlflow_plugin.uris import artifact_root, model_location

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gittrack.core.registry import ModelVersion, RegisteredModel


@at_the_border
class GittrackRegistryStore(AbstractStore):
    """Registered models, their versions, aliases and stages; prompts are built on them by MLflow itself."""

    def __init__(self, store_uri: str, tracking_uri: str | None = None) -> None:
        """Open the repository that a ``gittrack:`` URI names."""
        super().__init__(store_uri, tracking_uri)
        self._client = open_client(store_uri)

    # Registered models

    def create_registered_model(
        self,
        name: str,
        tags: Sequence[theirs.RegisteredModelTag] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> theirs.RegisteredModel:
        """Create a registered model."""
        values = {tag.key: tag.value for tag in tags or ()}
        return to_model(self._client.create_registered_model(name, values, description, deployment_job_id))

    def update_registered_model(
        self, name: str, description: str | None, deployment_job_id: str | None = None
    ) -> theirs.RegisteredModel:
        """Change the description of a registered model."""
        return to_model(self._client.update_registered_model(name, description, deployment_job_id))

    def rename_registered_model(self, name: str, new_name: str) -> theirs.RegisteredModel:
        """Give a registered model another name."""
        return to_model(self._client.rename_registered_model(name, new_name))

    def delete_registered_model(self, name: str) -> None:
        """Delete a registered model with its versions."""
        self._client.delete_registered_model(name)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[theirs.RegisteredModel]:
        """Return a page of the registered models that a filter means."""
        size = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT if max_results is None else max_results
        page = self._client.search_registered_models(filter_string, size, order_by, page_token or None)
        return PagedList([to_model(one) for one in page], page.token)

    def get_registered_model(self, name: str) -> theirs.RegisteredModel:
        """Return a registered model."""
        return to_model(self._client.get_registered_model(name))

    def get_latest_versions(
        self, name: str, stages: Sequence[str] | None = None
    ) -> list[theirs.ModelVersion]:
        """Return the newest version at each stage, or at some stages."""
        return [to_version(one) for one in self._client.get_latest_versions(name, stages)]

    def set_registered_model_tag(self, name: str, tag: theirs.RegisteredModelTag) -> None:
        """Set a tag of a registered model."""
        self._client.set_registered_model_tag(name, tag.key, tag.value)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model."""
        self._client.delete_registered_model_tag(name, key)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Make an alias name a version."""
        self._client.set_registered_model_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""
        self._client.delete_registered_model_alias(name, alias)

    # Versions

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Sequence[theirs.ModelVersionTag] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> theirs.ModelVersion:
        """Add a version to a registered model."""
        del local_model_path
        values = {tag.key: tag.value for tag in tags or ()}
        return to_version(
            self._client.create_model_version(
                name,
                source,
                run_id or None,  # over REST what is missing is empty
                values,
                run_link or None,
                description,
                model_id=model_id or None,
            )
        )

    def update_model_version(self, name: str, version: str, description: str | None) -> theirs.ModelVersion:
        """Change the description of a version."""
        return to_version(self._client.update_model_version(name, version, description))

    def transition_model_version_stage(
        self,
        name: str,
        version: str,
        stage: str,
        archive_existing_versions: bool,  # noqa: FBT001  (MLflow's)
    ) -> theirs.ModelVersion:
        """Move a version to a stage."""
        found = self._client.transition_model_version_stage(
            name, version, stage, archive_existing_versions=archive_existing_versions
        )
        return to_version(found)

    def delete_model_version(self, name: str, version: str) -> None:
        """Delete a version and the aliases of it."""
        self._client.delete_model_version(name, version)

    def get_model_version(self, name: str, version: str) -> theirs.ModelVersion:
        """Return a version."""
        return to_version(self._client.get_model_version(name, version))

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        """Return where the files of a version are."""
        found = self._client.get_model_version(name, version)
        if found.model_id is None:
            return self._client.get_model_version_download_uri(name, version)
        model = self._client.get_logged_model(found.model_id)
        root = server_artifact_root() or artifact_root(self._client.tracking_uri)
        return model_location(root, self._client.get_experiment(model.experiment_id), model.model_id)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[theirs.ModelVersion]:
        """Return a page of the versions that a filter means."""
        size = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT if max_results is None else max_results
        page = self._client.search_model_versions(filter_string, size, order_by, page_token or None)
        return PagedList([to_version(one) for one in page], page.token)

    def set_model_version_tag(self, name: str, version: str, tag: theirs.ModelVersionTag) -> None:
        """Set a tag of a version."""
        self._client.set_model_version_tag(name, version, tag.key, tag.value)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Remove a tag of a version."""
        self._client.delete_model_version_tag(name, version, key)

    def get_model_version_by_alias(self, name: str, alias: str) -> theirs.ModelVersion:
        """Return the version that an alias names."""
        return to_version(self._client.get_model_version_by_alias(name, alias))

    def _await_model_version_creation(
        self,
        mv: theirs.ModelVersion,
        await_creation_for: int | None,
    ) -> None:
        """Do nothing: a version is ready at once."""

    # Nobody can subscribe, so there is nobody to tell: each change of the registry asks for these.

    def list_webhooks(self, *_arguments: Any, **_options: Any) -> PagedList[Any]:  # noqa: ANN401
        """Return no webhooks."""
        return PagedList([], None)

    list_webhooks_by_event: Callable[..., PagedList[Any]] = list_webhooks


def to_model(model: RegisteredModel) -> theirs.RegisteredModel:
    """Return a registered model as MLflow's."""
    return theirs.RegisteredModel(
        name=model.name,
        creation_timestamp=model.creation_timestamp,
        last_updated_timestamp=model.last_updated_timestamp,
        description=model.description,
        latest_versions=[to_version(one) for one in model.latest_versions],
        tags=[theirs.RegisteredModelTag(key, value) for key, value in model.tags.items()],
        aliases=[theirs.RegisteredModelAlias(alias, version) for alias, version in model.aliases.items()],
    )


def to_version(version: ModelVersion) -> theirs.ModelVersion:
    """Return a version as MLflow's."""
    return theirs.ModelVersion(
        name=version.name,
        version=version.version,
        creation_timestamp=version.creation_timestamp,
        last_updated_timestamp=version.last_updated_timestamp,
        description=version.description,
        user_id=version.user_id,
        current_stage=version.current_stage,
        source=version.source,
        run_id=version.run_id,
        status=version.status,
        status_message=version.status_message,
        tags=[theirs.ModelVersionTag(key, value) for key, value in version.tags.items()],
        run_link=version.run_link,
        aliases=list(version.aliases),
        model_id=version.model_id,
    )
