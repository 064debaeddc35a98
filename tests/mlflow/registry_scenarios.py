"""What people do with models and datasets, played under MLflow and under gittrack."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mlflow.recording import Notes

SCENARIOS: list[Callable[[Any, Notes], None]] = []

SOURCE = "s3://bucket/model"


def scenario(function: Callable[[Any, Notes], None]) -> Callable[[Any, Notes], None]:
    """Have a function played."""
    SCENARIOS.append(function)
    return function


def show_model(model: Any) -> list[Any]:
    """Return what is said of a registered model."""
    latest = [[one.version, one.current_stage] for one in model.latest_versions or ()]
    aliases = {alias: int(version) for alias, version in model.aliases.items()}
    return [model.name, model.description, dict(model.tags), aliases, sorted(latest)]


def show_version(version: Any) -> list[Any]:
    """Return what is said of a version."""
    return [
        version.name, int(version.version), version.description, version.current_stage, version.source,
        version.run_id, version.status, dict(version.tags), sorted(version.aliases or ()), version.run_link,
    ]  # fmt: skip


def show_all(found: Any) -> list[Any]:
    """Return names, or names and versions, of what was found."""
    return [[one.name, int(one.version)] if hasattr(one, "version") else one.name for one in found]


@scenario
def registered_models(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    note("created", show_model(client.create_registered_model("iris", {"team": 1}, "knows flowers")))
    note.outcome("again", lambda: client.create_registered_model("iris"))
    client.create_registered_model("wine")
    client.set_registered_model_tag("iris", "kind", "tree")
    client.delete_registered_model_tag("iris", "team")
    note.outcome("a tag it does not have", lambda: client.delete_registered_model_tag("iris", "none"))
    note("updated", show_model(client.update_registered_model("wine", "knows wines")))
    client.rename_registered_model("wine", "beer")
    note("renamed", show_model(client.get_registered_model("beer")))
    note.outcome("renamed to one there is", lambda: client.rename_registered_model("beer", "iris"))
    note("listed", show_all(client.search_registered_models()))
    client.delete_registered_model("beer")
    note.outcome("deleted again", lambda: client.delete_registered_model("beer"))
    note.outcome("got", lambda: client.get_registered_model("iris"), show_model)
    note.outcome("got what is not there", lambda: client.get_registered_model("beer"))
    for name in ("", " ", "a/b", "a:b", None):
        note.outcome(f"named {name!r}", lambda name=name: client.create_registered_model(name))


@scenario
def model_versions(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    client.create_registered_model("iris")
    run = client.create_run("0", run_name="run")
    client.set_terminated(run.info.run_id)
    for number in range(3):
        version = client.create_model_version(
            "iris", f"{SOURCE}/{number}", run.info.run_id, {"n": number}, description=f"number {number}"
        )
        note("created", show_version(version))
    client.delete_model_version("iris", "3")
    note("created after a deletion", show_version(client.create_model_version("iris", SOURCE)))
    note.outcome("got a deleted one", lambda: client.get_model_version("iris", 3))
    note.outcome("got no number", lambda: client.get_model_version("iris", "x"))
    note("updated", show_version(client.update_model_version("iris", 2, "changed")))
    client.set_model_version_tag("iris", "2", "checked", True)
    client.delete_model_version_tag("iris", 2, "n")
    note.outcome("a tag it does not have", lambda: client.delete_model_version_tag("iris", 2, "none"))
    note("tagged", show_version(client.get_model_version("iris", 2)))
    note("where", client.get_model_version_download_uri("iris", 1))
    note.outcome("of no model", lambda: client.create_model_version("rose", SOURCE))
    note.outcome("copied", lambda: client.copy_model_version("models:/iris/2", "copy").version)
    note("copy", show_all(client.search_model_versions("name = 'copy'")))
    note.outcome("copied from nothing", lambda: client.copy_model_version("models:/iris/9", "copy"))
    client.rename_registered_model("iris", "flowers")
    note("renamed", show_version(client.get_model_version("flowers", 2)))
    client.delete_registered_model("flowers")
    client.create_registered_model("flowers")
    note("begun anew", show_version(client.create_model_version("flowers", SOURCE)))


@scenario
def aliases_and_stages(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    client.create_registered_model("iris")
    for number in range(4):
        client.create_model_version("iris", f"{SOURCE}/{number}")
    client.set_registered_model_alias("iris", "champion", 1)
    client.set_registered_model_alias("iris", "champion", "2")
    client.set_registered_model_alias("iris", "old", 1)
    note("by alias", show_version(client.get_model_version_by_alias("iris", "champion")))
    note("the latest", show_version(client.get_model_version_by_alias("iris", "latest")))
    note("aliases", show_model(client.get_registered_model("iris")))
    for alias in ("latest", "LATEST", "v1", "a b", "", "x" * 256, "größe"):
        note.outcome(
            f"alias {alias[:9]!r}", lambda alias=alias: client.set_registered_model_alias("iris", alias, 1)
        )
    note.outcome("alias of nothing", lambda: client.set_registered_model_alias("iris", "a", 9))
    note.outcome("no alias to remove", lambda: client.delete_registered_model_alias("iris", "none"))
    client.delete_registered_model_alias("iris", "old")
    client.delete_model_version("iris", 2)
    note("after deletions", show_model(client.get_registered_model("iris")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.transition_model_version_stage("iris", 1, "production")
        client.transition_model_version_stage("iris", 3, "Production", archive_existing_versions=True)
        client.transition_model_version_stage("iris", 4, "Staging")
        note("stages", show_model(client.get_registered_model("iris")))
        note("latest", show_all(client.get_latest_versions("iris")))
        note("latest at one", show_all(client.get_latest_versions("iris", ["staging"])))
        note.outcome("no stage", lambda: client.transition_model_version_stage("iris", 1, "shelf"))
        note.outcome(
            "nothing to archive for",
            lambda: client.transition_model_version_stage(
                "iris", 1, "Archived", archive_existing_versions=True
            ),
        )


@scenario
def searches_in_the_registry(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    for name in ("iris", "Iris2", "wine", "x y"):
        client.create_registered_model(name, {"team": name[:1], **({"big": "1"} if name == "wine" else {})})
        for number in range(3):
            client.create_model_version(name, f"{SOURCE}/{name}/{number}", tags={"n": str(number)})
    client.delete_model_version("wine", 2)
    for text in (
        "name = 'iris'", "name != 'iris'", "name LIKE 'i%'", "name ILIKE 'i%'", "name IN ('wine', 'iris')",
        "tags.team = 'w'", "tags.big != '2'", "tags.`team` LIKE '%'", "name = 'iris' AND tags.team = 'i'", "",
        "tags.none = '1'", "name LIKE '%_y'",
    ):  # fmt: skip
        note.outcome(f"models {text}", lambda text=text: client.search_registered_models(text), show_all)
    for text in (
        "name = 'iris'", "name = 'iris' AND version_number > 1", "tags.n = '0'", "version_number = 2",
        "source_path LIKE '%wine/2'", "run_id = 'x'", "name IN ('wine')", "tags.n != '1'",
        "version_number != 1",
    ):  # fmt: skip
        note.outcome(
            f"versions {text}",
            lambda text=text: client.search_model_versions(text, order_by=["name", "version_number"]),
            show_all,
        )
    for order in (["name DESC"], ["name"], ["name ASC"]):
        note(f"models by {order}", show_all(client.search_registered_models(order_by=order)))
    for order in (["version_number DESC", "name"], ["name DESC"], ["creation_timestamp"]):
        note(f"versions by {order}", show_all(client.search_model_versions(order_by=order)))
    for text in (
        "color = 'red'",
        "name = ",
        "params.a = '1'",
        "name LIKE 3",
        "version_number = 1",
    ):
        note.outcome(f"models {text}", lambda text=text: client.search_registered_models(text))
    for order in (["color"], ["name", "name"], ["name UP"]):
        note.outcome(
            f"models by {order}", lambda order=order: client.search_registered_models(order_by=order)
        )
    page = client.search_registered_models(max_results=3)
    note("first page", [show_all(page), page.token is not None])
    rest = client.search_registered_models(max_results=3, page_token=page.token)
    note("second page", [show_all(rest), not rest.token])
    note.outcome("too many", lambda: client.search_registered_models(max_results=1001))
    note.outcome("too many versions", lambda: client.search_model_versions(max_results=200_001))


@scenario
def datasets_of_runs(ml: Any, note: Notes) -> None:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(
        {
            "x": [1.5, 2.5, None],
            "n": np.array([1, 2, 3], dtype="int32"),
            "big": [1, 2, 3],
            "who": ["a", "b", "c"],
            "yes": [True, False, True],
            "when": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]),
            "some": ["a", None, "c"],
        }
    )
    made = [
        ml.data.from_pandas(frame, source="s3://bucket/a.csv", name="frame", targets="n"),
        ml.data.from_pandas(pd.DataFrame({"a": range(20_000)}), source="https://example.org/b.csv"),
        ml.data.from_numpy(
            np.arange(12, dtype="float32").reshape(3, 2, 2), source="/tmp/c.npy", name="array"
        ),
        ml.data.from_numpy(
            {"a": np.eye(2), "b": np.array(["x", "yy"])}, source="s3://b/d", targets=np.array([1, 0])
        ),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        texts = [dataset.to_dict() for dataset in made]
    for about in texts:
        for key in ("schema", "profile"):
            note(key, json.loads(about[key]))
        note("name, digest and source type", [about["name"], about["digest"], about["source_type"]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ml.start_run(run_name="run") as run:
            ml.log_input(made[0], context="training", tags={"k": "v"})
            ml.log_input(made[0], context="test")
            ml.log_inputs(made[1:3], ["a", None], [None, {"t": "1"}])
            ml.log_input(
                ml.data.from_pandas(frame, source="s3://bucket/other.csv", name="frame", digest="abc")
            )
            note.outcome("lists that do not fit", lambda: ml.log_inputs([made[0]], [], []))
    inputs = ml.MlflowClient().get_run(run.info.run_id).inputs.dataset_inputs
    shown = [
        [
            one.dataset.name,
            one.dataset.digest,
            one.dataset.source_type,
            {tag.key: tag.value for tag in one.tags},
        ]
        for one in inputs
    ]
    note("inputs", sorted(shown, key=json.dumps))
    note.outcome("no such column", lambda: ml.data.from_pandas(frame, targets="none"))


@scenario
def logged_models(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    with ml.start_run(run_name="run") as run:
        made = ml.initialize_logged_model("net", params={"n": 1}, tags={"a": "b"}, model_type="dict")
    other = client.create_logged_model("0", "other", params={"n": "2"})

    def show(model: Any) -> list[Any]:
        status = getattr(model.status, "value", model.status)
        of_run = model.source_run_id == run.info.run_id
        return [model.name, str(status), of_run, model.model_type, dict(model.params), model.tags.get("a")]

    note("begun", show(made))
    note("finished", show(client.finalize_logged_model(made.model_id, "READY")))
    client.set_logged_model_tags(made.model_id, {"a": "c", "d": 1})
    client.delete_logged_model_tag(made.model_id, "d")
    note.outcome("a tag it does not have", lambda: client.delete_logged_model_tag(made.model_id, "d"))
    client.log_model_params(other.model_id, {"m": "3"})
    note("got", [show(client.get_logged_model(one.model_id)) for one in (made, other)])
    for text in (
        "name = 'net'",
        "params.n = '1'",
        "tags.a = 'c'",
        "model_type = 'dict'",
        "",
    ):
        note.outcome(
            f"found {text}",
            lambda text=text: client.search_logged_models(["0"], filter_string=text or None),
            lambda found: sorted(one.name for one in found),
        )
    note.outcome("found by nonsense", lambda: client.search_logged_models(["0"], "color = 'red'"))
    client.delete_logged_model(other.model_id)
    note.outcome("got what is deleted", lambda: client.get_logged_model(other.model_id))
    for name in ("a/b", "a:b", "a.b", "a%b"):
        note.outcome(f"named {name}", lambda name=name: client.create_logged_model("0", name))


@scenario
def inferred_signatures(ml: Any, note: Notes) -> None:
    import numpy as np
    import pandas as pd

    examples: dict[str, Any] = {
        "frame": pd.DataFrame({"a": [1, 2], "b": [0.5, None], "c": ["x", "y"], "d": [[1, 2], [3]]}),
        "series": pd.Series([1.0, 2.0], name="y"),
        "narrow": pd.DataFrame({"a": np.array([1], "int8"), "b": np.array([1], "float32")}),
        "array": np.zeros((4, 3, 2), dtype="float32"),
        "text array": np.array(["a", "bbb"]),
        "dict of arrays": {"a": np.zeros((2, 2)), "b": np.zeros(2, dtype="int64")},
        "list of text": ["a", "b"],
        "list of dicts": [{"a": 1, "b": {"c": [1.5]}}, {"a": 2, "d": None}],
        "dict": {"a": "x", "b": [1, 2], "c": {"d": True, "e": None}},
        "text": "hello",
        "number": 3,
        "bytes": b"x",
        "time": pd.DataFrame({"t": [dt.datetime(2026, 1, 1)]}),  # noqa: DTZ001  (as tables have them)
        "nothing": [],
        "empty": pd.DataFrame({"a": []}),
        "mixed": [1, "a"],
        "an object": object(),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, example in examples.items():
            note.outcome(
                name,
                lambda example=example: ml.models.infer_signature(example),
                lambda signature: json.loads(signature.to_dict()["inputs"]),
            )
        params = {"t": 0.5, "n": 3, "text": "a", "list": [1, 2], "yes": True, "arr": np.array([1.5])}
        made = ml.models.infer_signature([1.0], params=params)
        note("params", [sorted(one.items()) for one in json.loads(made.to_dict()["params"])])
        note.outcome("deep params", lambda: ml.models.infer_signature([1.0], params={"a": [[1]]}))


@scenario
def enforced_signatures(ml: Any, note: Notes) -> None:
    import numpy as np
    import pandas as pd

    home, function = ("gittrack.models.enforce", "enforce_schema")
    if ml.__name__ == "mlflow":
        home, function = ("mlflow.models.utils", "_enforce_schema")
    enforce_schema = getattr(importlib.import_module(home), function)
    frame = pd.DataFrame({"i": np.array([1, 2], "int32"), "l": [1, 2], "f": np.array([1, 2], "float32")})
    frame = frame.assign(d=[0.5, 1.5], s=["a", "b"], o=[True, False])
    given: dict[str, Any] = {
        "itself": frame,
        "another order": frame[list("sdflio")],
        "one more": frame.assign(z=1),
        "one less": frame[["i", "l"]],
        "int32 as long": frame.assign(l=np.array([1, 2], "int32")),
        "long as int32": frame.assign(i=[1, 2]),
        "int32 as double": frame.assign(d=np.array([1, 2], "int32")),
        "long as double": frame.assign(d=[5, 6]),
        "flags as double": frame.assign(d=[0, 1]),
        "double as float": frame.assign(f=[0.5, 1.5]),
        "float as double": frame.assign(d=np.array([1, 2], "float32")),
        "float as int": frame.assign(l=[1.5, 2.5]),
        "missing integers": frame.assign(l=[1.0, None]),
        "number as text": frame.assign(s=[1, 2]),
        "text as number": frame.assign(d=["1", "2"]),
        "int as bool": frame.assign(o=[1, 0]),
        "bool as int": frame.assign(l=[True, False]),
        "a dict": {"i": [1], "l": [1], "f": [1.0], "d": [0.5], "s": ["a"], "o": [True]},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = ml.models.infer_signature(frame).inputs
        for name, data in given.items():
            note.outcome(
                name,
                lambda data=data: enforce_schema(data, schema),
                lambda found: [
                    list(found.columns),
                    [str(one.kind) + str(one.itemsize) for one in found.dtypes if hasattr(one, "itemsize")],
                ],
            )
        array = ml.models.infer_signature(np.zeros((2, 3), "float32")).inputs
        for name, data in {
            "itself": np.ones((5, 3), "float32"), "another width": np.ones((5, 2), "float32"),
            "another type": np.ones((5, 3)), "a table": pd.DataFrame(np.ones((5, 3), "float32")),
            "a list": [1.0],
        }.items():  # fmt: skip
            note.outcome(
                f"array: {name}",
                lambda data=data: enforce_schema(data, array),
                lambda found: list(found.shape),
            )
        text = ml.models.infer_signature(["a"]).inputs
        for name, data in {
            "a list": ["a", "b"],
            "a text": "a",
            "a table": pd.DataFrame({"x": ["a"]}),
        }.items():
            note.outcome(
                f"text: {name}", lambda data=data: enforce_schema(data, text), lambda found: found.shape[0]
            )
