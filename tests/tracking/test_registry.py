"""The registry: names, versions, aliases, stages and tags, by MlflowClient's methods."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import (
    ConflictError,
    InvalidNameError,
    InvalidValueError,
    ModelNotFoundError,
    QuerySyntaxError,
    UserError,
)
from gittrack.store.memory import MemoryStore
from gittrack.tracking import sync
from gittrack.tracking.client import Client
from gittrack.tracking.settling import settle
from tests.repositories import RUNS_REF, check_repository, git, make_repository

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "s3://bucket/model"


@pytest.fixture
def client() -> Client:
    clock = itertools.count(1_750_000_000_000)
    return Client(store=MemoryStore(), clock_ms=lambda: next(clock))


@pytest.fixture
def iris(client: Client) -> Client:
    client.create_registered_model("iris", {"team": "flowers"}, "knows three flowers")
    for number in range(3):
        client.create_model_version("iris", f"{SOURCE}/{number}", tags={"n": number})
    return client


def test_a_registered_model_is_what_was_said_of_it(iris: Client) -> None:
    model = iris.get_registered_model("iris")
    assert (model.name, model.description, model.tags) == ("iris", "knows three flowers", {"team": "flowers"})
    assert [version.version for version in model.latest_versions] == [3]
    assert model.last_updated_timestamp > model.creation_timestamp
    iris.set_registered_model_tag("iris", "team", 7)
    iris.set_registered_model_tag("iris", "b", "c")
    iris.delete_registered_model_tag("iris", "b")
    iris.delete_registered_model_tag("iris", "never there")
    assert iris.update_registered_model("iris", "another").description == "another"
    assert iris.get_registered_model("iris").tags == {"team": "7"}


def test_versions_are_numbered_and_a_number_is_never_given_again(iris: Client) -> None:
    iris.delete_model_version("iris", 3)
    assert iris.create_model_version("iris", SOURCE).version == 4
    with pytest.raises(ModelNotFoundError, match="no version 3"):
        iris.get_model_version("iris", 3)
    assert [one.version for one in iris.search_model_versions("name = 'iris'")] == [4, 2, 1]


def test_a_version_is_what_was_said_of_it(iris: Client) -> None:
    run = iris.create_run()
    iris.set_terminated(run.run_id)
    version = iris.create_model_version("iris", f"runs:/{run.run_id}/model", description="by a run")
    assert (version.version, version.run_id, version.status) == (4, run.run_id, "READY")
    assert version.current_stage == "None"
    assert version.user_id
    assert iris.get_model_version("iris", "4") == version
    assert iris.update_model_version("iris", 4).description is None
    iris.set_model_version_tag("iris", 4, "k", "v")
    iris.set_model_version_tag("iris", key="s", value=1, stage="None")
    assert iris.get_model_version("iris", 4).tags == {"k": "v", "s": "1"}
    iris.delete_model_version_tag("iris", "4", "k")
    assert iris.get_model_version("iris", 4).tags == {"s": "1"}
    assert iris.get_model_version_download_uri("iris", 4) == f"runs:/{run.run_id}/model"
    assert iris.get_model_version_stages("iris", 4) == ["None", "Staging", "Production", "Archived"]


def test_an_alias_means_one_version_until_it_is_moved_or_its_version_goes(iris: Client) -> None:
    iris.set_registered_model_alias("iris", "champion", 1)
    iris.set_registered_model_alias("iris", "old", "1")
    assert iris.get_model_version("iris", 1).aliases == ["champion", "old"]
    iris.set_registered_model_alias("iris", "champion", 2)
    assert iris.get_model_version_by_alias("iris", "champion").version == 2
    assert iris.get_registered_model("iris").aliases == {"champion": 2, "old": 1}
    iris.delete_model_version("iris", 2)
    assert iris.get_registered_model("iris").aliases == {"old": 1}
    with pytest.raises(ModelNotFoundError, match="champion"):
        iris.get_model_version_by_alias("iris", "champion")
    iris.delete_registered_model_alias("iris", "old")
    iris.delete_registered_model_alias("iris", "old")
    assert iris.get_registered_model("iris").aliases == {}
    assert iris.get_model_version_by_alias("iris", "Latest").version == 3


@pytest.mark.parametrize("alias", ["", "a b", "latest", "LATEST", "v1", "V22", "x" * 256, "a/b", None])
def test_what_cannot_be_an_alias_is_refused(iris: Client, alias: str) -> None:
    with pytest.raises(InvalidNameError):
        iris.set_registered_model_alias("iris", alias, 1)


def test_stages_are_moved_between_as_in_mlflow(iris: Client) -> None:
    iris.transition_model_version_stage("iris", 1, "production")
    iris.transition_model_version_stage("iris", 2, "Production", archive_existing_versions=True)
    stages = {one.version: one.current_stage for one in iris.search_model_versions()}
    assert stages == {1: "Archived", 2: "Production", 3: "None"}
    assert [one.version for one in iris.get_latest_versions("iris", ["Production", "none"])] == [2, 3]
    with pytest.raises(InvalidValueError):
        iris.transition_model_version_stage("iris", 1, "Shelved")
    with pytest.raises(InvalidValueError):
        iris.transition_model_version_stage("iris", 1, "Archived", archive_existing_versions=True)


def test_a_renamed_model_keeps_its_versions_and_frees_its_name(iris: Client) -> None:
    iris.set_registered_model_alias("iris", "champion", 2)
    assert iris.rename_registered_model("iris", "flowers").name == "flowers"
    assert iris.get_model_version_by_alias("flowers", "champion").name == "flowers"
    iris.create_registered_model("iris")
    assert iris.create_model_version("iris", SOURCE).version == 1
    assert [one.name for one in iris.search_registered_models()] == ["flowers", "iris"]
    with pytest.raises(ConflictError):
        iris.rename_registered_model("iris", "flowers")


def test_renaming_a_model_updates_its_versions(iris: Client) -> None:
    before = iris.get_model_version("iris", 1)
    renamed = iris.rename_registered_model("iris", "flowers")
    after = iris.get_model_version("flowers", 1)
    assert after.last_updated_timestamp == renamed.last_updated_timestamp >= before.last_updated_timestamp
    assert after.creation_timestamp == before.creation_timestamp
    later = iris.update_model_version("flowers", 2, "later")
    assert later.last_updated_timestamp >= after.last_updated_timestamp


def test_a_deleted_model_is_gone_with_its_versions_and_begins_anew(iris: Client) -> None:
    iris.delete_registered_model("iris")
    assert iris.search_registered_models() == []
    assert iris.search_model_versions() == []
    with pytest.raises(ModelNotFoundError):
        iris.get_registered_model("iris")
    iris.create_registered_model("iris")
    assert iris.create_model_version("iris", SOURCE).version == 1
    assert iris.get_registered_model("iris").tags == {}


def test_a_copy_of_a_version_goes_to_another_model(iris: Client) -> None:
    iris.set_registered_model_alias("iris", "champion", 2)
    copied = iris.copy_model_version("models:/iris@champion", "production")
    assert (copied.name, copied.version, copied.source, copied.tags) == (
        "production",
        1,
        f"{SOURCE}/1",
        {"n": "1"},
    )
    assert iris.copy_model_version("models:/iris/3", "production").version == 2


def test_searches_filter_order_and_turn_pages(iris: Client) -> None:
    iris.create_registered_model("wine", {"team": "drinks"})
    iris.create_model_version("wine", SOURCE, tags={"n": "1"})

    def names(text: str, **options: list[str]) -> list[str]:
        return [one.name for one in iris.search_registered_models(text, **options)]  # type: ignore[arg-type]

    assert names("") == ["iris", "wine"]
    assert names("name LIKE 'w%'") == ["wine"]
    assert names("name ILIKE 'W%' AND tags.team = 'drinks'") == ["wine"]
    assert names("tags.team != 'drinks' OR name IN ('wine')") == ["iris", "wine"]
    assert names("NOT name = 'iris'", order_by=["name DESC"]) == ["wine"]
    assert names("", order_by=["last_updated_timestamp DESC"]) == ["wine", "iris"]
    page = iris.search_registered_models(max_results=1)
    assert (page[0].name, page.token is None) == ("iris", False)
    rest = iris.search_registered_models(max_results=1, page_token=page.token)
    assert (rest[0].name, rest.token) == ("wine", None)
    with pytest.raises(InvalidValueError):
        iris.search_registered_models("name = 'x'", page_token=page.token)
    versions = iris.search_model_versions(
        "version_number >= 2 AND name = 'iris'", order_by=["version_number"]
    )
    assert [one.version for one in versions] == [2, 3]
    assert [one.name for one in iris.search_model_versions("tags.n = '1'")] == ["wine", "iris"]
    assert [one.version for one in iris.search_model_versions("source_path LIKE '%/2'")] == [3]


@pytest.mark.parametrize(
    "text", ["color = 'red'", "name", "name ~ 'a'", "metrics.acc > 1", "name = 'a", "(", "children of x"]
)
def test_a_filter_that_cannot_be_read_says_where(iris: Client, text: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        iris.search_registered_models(text)
    assert caught.value.position is not None


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", "a\nb", "..", "x" * 501, None])
def test_what_cannot_be_the_name_of_a_model_is_refused(client: Client, name: str) -> None:
    with pytest.raises(InvalidNameError):
        client.create_registered_model(name)


def test_names_versions_and_models_that_are_not_there_are_said_so(iris: Client) -> None:
    with pytest.raises(ConflictError):
        iris.create_registered_model("iris")
    for uri in ("models:/iris/9", "models:/iris@nobody", "models:/rose/1", "models:/iris/Staging"):
        with pytest.raises(ModelNotFoundError):
            iris.copy_model_version(uri, "copy")
    with pytest.raises(UserError):
        iris.copy_model_version("models:/iris", "copy")
    with pytest.raises(ModelNotFoundError):
        iris.create_model_version("rose", SOURCE)
    with pytest.raises(InvalidValueError):
        iris.get_model_version("iris", "first")
    with pytest.raises(ModelNotFoundError):
        iris.create_model_version("iris", f"models:/m-{'0' * 32}")


def test_prompts_are_only_found_by_whoever_asks_for_them(iris: Client) -> None:
    iris.create_registered_model("greeting", {"mlflow.prompt.is_prompt": "true"})
    iris.create_model_version("greeting", SOURCE)
    assert [one.name for one in iris.search_registered_models()] == ["iris"]
    assert {one.name for one in iris.search_model_versions()} == {"iris"}
    asked = iris.search_registered_models("tags.`mlflow.prompt.is_prompt` = 'true'")
    assert [one.name for one in asked] == ["greeting"]


# Two clones


@pytest.fixture
def clones(tmp_path: Path) -> list[Client]:
    remote = make_repository(tmp_path / "remote.git", "bare")
    clients = []
    for number, name in enumerate(("first", "second")):
        repository = make_repository(tmp_path / name)
        git(repository, "remote", "add", "origin", str(remote))
        clock = itertools.count(1_750_000_000_000 + number, 10)
        clients.append(Client(repository, clock_ms=lambda clock=clock: next(clock)))  # type: ignore[misc]
    return clients


def sources(client: Client) -> dict[int, str | None]:
    return {one.version: one.source for one in client.search_model_versions("name = 'iris'")}


def test_two_clones_that_register_one_number_end_with_both_versions_and_say_so(clones: list[Client]) -> None:
    first, second = clones
    first.create_registered_model("iris")
    first.create_model_version("iris", "s3://shared")
    sync.push(first)
    sync.pull(second)
    second.create_model_version("iris", "s3://second/2")
    second.create_model_version("iris", "s3://second/3")
    second.set_registered_model_alias("iris", "mine", 2)
    first.create_model_version("iris", "s3://first/2")
    first.set_registered_model_alias("iris", "ours", 2)
    sync.push(first)
    notes = sync.push(second).notes
    assert len(notes) == 1
    sync.pull(first)
    assert sources(first) == sources(second)
    assert set(sources(first).values()) == {
        "s3://shared",
        "s3://first/2",
        "s3://second/2",
        "s3://second/3",
    }
    for client in clones:
        assert client.get_model_version_by_alias("iris", "mine").source == "s3://second/2"
        assert client.get_model_version_by_alias("iris", "ours").source == "s3://first/2"
        (moved,) = [one for one in client.search_model_versions() if one.registered_as]
        assert (moved.registered_as, moved.version) == (2, 4)
        assert settle(client) == []
    log = git(second.folder(), "log", "--format=%s", RUNS_REF)
    assert "is now 4: another clone had registered 2 before" in log
    for client in clones:
        check_repository(client.folder())
        client.close()


def test_two_clones_that_create_one_model_end_with_one_and_two_that_share_a_name_with_two(
    clones: list[Client],
) -> None:
    first, second = clones
    for client in clones:
        client.create_registered_model("iris")
        client.create_model_version("iris", f"s3://{client.folder().name}")
    first.create_registered_model("wine")
    second.create_registered_model("beer")
    second.rename_registered_model("beer", "wine")
    sync.push(first)
    assert any("wine" in note for note in sync.push(second).notes)
    sync.pull(first)
    for client in clones:
        assert sources(client) == {1: "s3://first", 2: "s3://second"}
        names = [one.name for one in client.search_registered_models()]
        assert names[:2] == ["iris", "wine"]
        assert names[2].startswith("wine-")
        client.close()


def test_promotion_is_a_commit_that_says_who_and_what(clones: list[Client]) -> None:
    client = clones[0]
    client.create_registered_model("iris")
    client.create_model_version("iris", SOURCE)
    client.create_model_version("iris", SOURCE)
    client.set_registered_model_alias("iris", "champion", 1)
    client.set_registered_model_alias("iris", "champion", 2)
    user = client.get_model_version("iris", 1).user_id
    lines = git(client.folder(), "log", "--format=%s", RUNS_REF).splitlines()
    assert lines[0] == f"model iris: champion is version 2 (was 1), by {user}"
    assert lines[-2:] == [f"model iris: version 1 registered, by {user}", f"model iris: created, by {user}"]
    for one in clones:
        with closing(one):
            pass
