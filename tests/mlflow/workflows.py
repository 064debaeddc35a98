"""What people do with MLflow itself, each in an experiment of its own; what it finds is compared.

The same functions run on MLflow's SQLite store, on gittrack's store in this process, and on a server that
keeps its data in gittrack's store. Each returns what it read back, without ids and times.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WORKFLOWS: list[Callable[[Any, Path], Any]] = []
REQUIREMENTS = ["scikit-learn"]
"""Said where MLflow would find them out, which takes it ten seconds each time; one workflow lets it do so."""


def workflow(function: Callable[[Any, Path], Any]) -> Callable[[Any, Path], Any]:
    """Have a function played."""
    WORKFLOWS.append(function)
    return function


def refusal(call: Callable[[], Any]) -> str:
    """Return the code with which a call is refused."""
    try:
        return f"taken: {call()}"
    except Exception as error:  # noqa: BLE001  (how it fails is what is asked)
        return str(getattr(error, "error_code", type(error).__name__))


def listed(client: Any, run_id: str, folder: str | None = None) -> list[str]:
    """Return the paths of all artifacts of a run."""
    found: list[str] = []
    for one in client.list_artifacts(run_id, folder):
        found += listed(client, run_id, one.path) if one.is_dir else [f"{one.path} {one.file_size}"]
    return found


def facts(ml: Any, run_id: str) -> dict[str, Any]:
    """Return what is stored of a run."""
    run = ml.get_run(run_id)
    return {
        "status": run.info.status,
        "ended": run.info.end_time is not None,
        "params": dict(run.data.params),
        "metrics": {key: str(value) for key, value in run.data.metrics.items()},
        "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    }


def train(folder: Path) -> tuple[Any, Any, Any]:
    """Return a model trained on real data, inputs and labels."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    inputs, labels = load_iris(return_X_y=True, as_frame=True)
    return LogisticRegression(max_iter=300).fit(inputs, labels), inputs, labels


# Tracking


@workflow
def fluent_logging(ml: Any, folder: Path) -> Any:
    with ml.start_run(run_name="one") as run:
        ml.log_param("lr", 0.1)
        ml.log_params({"depth": 3, "none": None})
        for step in range(20):
            ml.log_metric("loss", 1 / (step + 1), step=step)
        ml.log_metrics({"acc": 0.5, "f1": 0.25}, step=3)
        ml.set_tags({"team": "vision", "stage": "dev"})
        ml.delete_tag("stage")
    history = ml.MlflowClient().get_metric_history(run.info.run_id, "loss")
    return facts(ml, run.info.run_id), [(one.step, str(one.value)) for one in history]


@workflow
def nested_runs(ml: Any, folder: Path) -> Any:
    with ml.start_run(run_name="parent") as parent:
        for number in range(3):
            with ml.start_run(run_name=f"child-{number}", nested=True):
                ml.log_metric("score", number)
    clause = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    found = ml.search_runs(filter_string=clause, order_by=["metrics.score DESC"], output_format="list")
    return [run.info.run_name for run in found]


@workflow
def a_run_that_fails(ml: Any, folder: Path) -> Any:
    run = ml.start_run()
    with contextlib.suppress(KeyError), run:
        ml.log_metric("m", 1)
        raise KeyError("boom")
    return facts(ml, run.info.run_id)


@workflow
def a_run_that_is_resumed(ml: Any, folder: Path) -> Any:
    with ml.start_run() as run:
        ml.log_metric("m", 1, step=0)
    with ml.start_run(run_id=run.info.run_id):
        ml.log_metric("m", 2, step=1)
        ml.log_param("p", "late")
    return facts(ml, run.info.run_id)


@workflow
def params_that_change_are_refused(ml: Any, folder: Path) -> Any:
    with ml.start_run():
        ml.log_param("lr", 1)
        return refusal(lambda: ml.log_param("lr", "1")), refusal(lambda: ml.log_param("lr", 2))


@workflow
def asynchronous_logging(ml: Any, folder: Path) -> Any:
    with ml.start_run() as run:
        waiting = [ml.log_metric("loss", float(step), step=step, synchronous=False) for step in range(50)]
        waiting.append(ml.log_params({"a": 1}, synchronous=False))
        waiting.append(ml.set_tag("k", "v", synchronous=False))
        for one in waiting:
            one.wait()
        ml.flush_async_logging()
    return facts(ml, run.info.run_id), len(ml.MlflowClient().get_metric_history(run.info.run_id, "loss"))


@workflow
def many_threads_log_to_one_run(ml: Any, folder: Path) -> Any:
    client = ml.MlflowClient()
    run = client.create_run(experiment(ml))

    def log(number: int) -> None:
        for step in range(10):
            client.log_metric(run.info.run_id, f"m{number}", step, step=step)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(log, range(4)))
    client.set_terminated(run.info.run_id)
    return [len(client.get_metric_history(run.info.run_id, f"m{number}")) for number in range(4)]


@workflow
def batches(ml: Any, folder: Path) -> Any:
    from mlflow.entities import Metric, Param, RunTag

    client = ml.MlflowClient()
    run = client.create_run(experiment(ml))
    metrics = [Metric("m", number / 7, 1000 + number, number) for number in range(1500)]
    params = [Param(f"p{number}", str(number)) for number in range(150)]
    client.log_batch(run.info.run_id, metrics, params, [RunTag("t", "v")])
    client.set_terminated(run.info.run_id, "KILLED")
    stored = facts(ml, run.info.run_id)
    return len(stored["params"]), stored["metrics"], stored["status"], stored["tags"]


@workflow
def experiments_come_and_go(ml: Any, folder: Path) -> Any:
    client = ml.MlflowClient()
    one = client.create_experiment("come-and-go", tags={"team": "vision"})
    client.set_experiment_tag(one, "size", "big")
    again = refusal(lambda: client.create_experiment("come-and-go"))
    client.rename_experiment(one, "went")
    client.delete_experiment(one)
    deleted = client.get_experiment(one).lifecycle_stage
    client.restore_experiment(one)
    found = client.search_experiments(filter_string="tags.size = 'big' AND name LIKE 'we%'")
    return again, deleted, [(each.name, dict(each.tags)) for each in found]


@workflow
def runs_are_deleted_and_restored(ml: Any, folder: Path) -> Any:
    with ml.start_run(run_name="gone") as run:
        pass
    client = ml.MlflowClient()
    client.delete_run(run.info.run_id)
    refused = refusal(lambda: client.log_metric(run.info.run_id, "m", 1))
    seen = [len(client.search_runs([experiment(ml)], run_view_type=view)) for view in (1, 2, 3)]
    client.restore_run(run.info.run_id)
    return refused, seen, len(client.search_runs([experiment(ml)]))


@workflow
def searches_page_by_page(ml: Any, folder: Path) -> Any:
    client = ml.MlflowClient()
    for number in range(12):
        run = client.create_run(experiment(ml), run_name=f"r{number:02}", start_time=1000 + number)
        client.log_metric(run.info.run_id, "acc", number / 12)
        client.log_param(run.info.run_id, "kind", "even" if number % 2 == 0 else "odd")
        client.set_terminated(run.info.run_id)
    names, token = [], None
    while True:
        clause = "metrics.acc > 0.1 AND params.kind = 'even'"
        page = client.search_runs([experiment(ml)], clause, 1, 2, ["metrics.acc DESC"], token)
        names.append([one.info.run_name for one in page])
        token = page.token
        if not token:
            return names


@workflow
def searches_by_attributes_and_tags(ml: Any, folder: Path) -> Any:
    for name in ("alpha", "beta", "gamma"):
        with ml.start_run(run_name=name):
            ml.set_tag("letter", name[0])
    clauses = (
        "attributes.run_name LIKE '%eta'",
        "tags.letter != 'a'",
        "status = 'FINISHED'",
        "run_name ILIKE 'A%'",
    )
    found = [
        ml.search_runs(filter_string=one, order_by=["run_name"], output_format="list") for one in clauses
    ]
    return [[run.info.run_name for run in runs] for runs in found]


@workflow
def a_data_frame_of_runs(ml: Any, folder: Path) -> Any:
    with ml.start_run(run_name="framed"):
        ml.log_metric("acc", 0.5)
        ml.log_param("lr", 0.1)
    frame = ml.search_runs()
    columns = [one for one in frame.columns if not one.startswith("tags.mlflow.source")]
    return sorted(columns), frame["metrics.acc"].tolist(), frame["params.lr"].tolist()


@workflow
def dataset_inputs(ml: Any, folder: Path) -> Any:
    import numpy as np
    import pandas as pd

    with ml.start_run() as run:
        frame = ml.data.from_pandas(pd.DataFrame({"a": [1.5, 2.5]}), source="train.csv", name="train")
        ml.log_input(frame, context="training")
        ml.log_input(frame, context="training")
        ml.log_input(ml.data.from_numpy(np.arange(6), name="numbers"), context="eval")
    inputs = ml.get_run(run.info.run_id).inputs.dataset_inputs
    found = ml.search_runs(filter_string="datasets.name = 'train'", output_format="list")
    return (
        sorted((one.dataset.name, one.dataset.digest, one.tags[0].value) for one in inputs),
        [one.info.run_id == run.info.run_id for one in found],
    )


# Artifacts


@workflow
def artifacts_of_every_kind(ml: Any, folder: Path) -> Any:
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "in" / "deep" / "a.bin").write_bytes(bytes(1000))
    (folder / "in" / "b.txt").write_text("b", "utf-8")
    with ml.start_run() as run:
        ml.log_artifact(str(folder / "in" / "b.txt"), "one")
        ml.log_artifacts(str(folder / "in"), "many")
        ml.log_text("hello", "text/hello.txt")
        ml.log_dict({"a": [1, 2]}, "dict.json")
    client = ml.MlflowClient()
    place = ml.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="many", dst_path=str(folder)
    )
    files = sorted(one.relative_to(place).as_posix() for one in Path(place).rglob("*") if one.is_file())
    uri = f"runs:/{run.info.run_id}"
    loaded = ml.artifacts.load_text(f"{uri}/text/hello.txt"), ml.artifacts.load_dict(f"{uri}/dict.json")
    return sorted(listed(client, run.info.run_id)), files, loaded


@workflow
def figures_and_images(ml: Any, folder: Path) -> Any:
    import matplotlib as mpl

    mpl.use("agg")
    import numpy as np
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2])
    with ml.start_run() as run:
        ml.log_figure(figure, "plot.png")
        ml.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "zero.png")
    plt.close(figure)
    return sorted(one.partition(" ")[0] for one in listed(ml.MlflowClient(), run.info.run_id))


@workflow
def tables(ml: Any, folder: Path) -> Any:
    with ml.start_run():
        ml.log_table({"q": ["a", "b"], "n": [1, 2]}, "answers.json")
        ml.log_table({"q": ["c"], "n": [3]}, "answers.json")
        frame = ml.load_table("answers.json")
    return frame.to_dict("list")


@workflow
def a_large_artifact_comes_back(ml: Any, folder: Path) -> Any:
    import hashlib

    content = os.urandom(1 << 20) * 9
    (folder / "large.bin").write_bytes(content)
    with ml.start_run() as run:
        ml.log_artifact(str(folder / "large.bin"))
    got = Path(
        ml.artifacts.download_artifacts(f"runs:/{run.info.run_id}/large.bin", dst_path=str(folder / "got"))
    )
    return hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(content).digest()


# Models


@workflow
def a_model_is_logged_loaded_and_predicts(ml: Any, folder: Path) -> Any:
    model, inputs, _ = train(folder)
    with ml.start_run() as run:
        info = ml.sklearn.log_model(model, name="model", input_example=inputs.head(2))
    loaded = ml.pyfunc.load_model(info.model_uri)
    outputs = ml.get_run(run.info.run_id).outputs.model_outputs
    return loaded.predict(inputs).tolist()[:60:20], len(outputs), info.signature.to_dict()["inputs"][:70]


@workflow
def a_python_model(ml: Any, folder: Path) -> Any:
    class Double(ml.pyfunc.PythonModel):  # type: ignore[misc, name-defined, unused-ignore]
        def predict(self, context: Any, model_input: list[float], params: Any = None) -> Any:
            del context, params
            return [2 * one for one in model_input]

    with ml.start_run():
        info = ml.pyfunc.log_model(name="double", python_model=Double(), pip_requirements=REQUIREMENTS)
    return ml.pyfunc.load_model(info.model_uri).predict([1.0, 2.0])


@workflow
def logged_models_are_searched(ml: Any, folder: Path) -> Any:
    names = ("small", "large")
    for number, name in enumerate(names):
        with ml.start_run():
            model = ml.initialize_logged_model(name=name, model_type="net", params={"depth": str(number)})
            ml.log_metric("acc", 0.5 + number / 4, model_id=model.model_id)
            ml.finalize_logged_model(model.model_id, "READY")
            ml.set_logged_model_tags(model.model_id, {"size": name})
    order = [{"field_name": "metrics.acc", "ascending": False}]
    found = ml.search_logged_models(order_by=order, output_format="list")
    some = ml.search_logged_models(
        filter_string="params.depth = '1' AND metrics.acc > 0.6", output_format="list"
    )
    return (
        [
            (one.name, one.model_type, str(one.status), dict(one.tags)["size"], dict(one.params))
            for one in found
        ],
        [[(metric.key, metric.value) for metric in one.metrics] for one in found],
        [one.name for one in some],
    )


@workflow
def a_logged_model_is_deleted(ml: Any, folder: Path) -> Any:
    model = ml.initialize_logged_model(name="brief")
    ml.finalize_logged_model(model.model_id, "FAILED")
    before = ml.get_logged_model(model.model_id)
    ml.MlflowClient().delete_logged_model(model.model_id)
    return str(before.status), refusal(lambda: ml.get_logged_model(model.model_id))


@workflow
def the_registry(ml: Any, folder: Path) -> Any:
    client = ml.MlflowClient()
    model, _, _ = train(folder)
    for _ in range(2):
        with ml.start_run():
            ml.sklearn.log_model(
                model, name="model", registered_model_name="iris", pip_requirements=REQUIREMENTS
            )
    client.set_registered_model_alias("iris", "champion", 2)
    client.set_registered_model_tag("iris", "team", "vision")
    client.set_model_version_tag("iris", "1", "checked", "yes")
    client.update_registered_model("iris", "flowers")
    client.update_model_version("iris", 1, "the first")
    versions = client.search_model_versions("name = 'iris'")
    loaded = ml.sklearn.load_model("models:/iris@champion")
    first = client.get_model_version("iris", "1")
    registered = client.get_registered_model("iris")
    return (
        sorted(int(one.version) for one in versions),
        type(loaded).__name__,
        (first.description, dict(first.tags), first.status),
        (registered.description, dict(registered.tags), {k: int(v) for k, v in registered.aliases.items()}),
        int(client.get_model_version_by_alias("iris", "champion").version),
    )


@workflow
def stages_of_versions(ml: Any, folder: Path) -> Any:
    client = ml.MlflowClient()
    client.create_registered_model("staged")
    with ml.start_run() as run:
        ml.log_text("weights", "model/data.txt")
    for _ in range(2):
        client.create_model_version("staged", f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.transition_model_version_stage("staged", "1", "Production")
    client.transition_model_version_stage("staged", "2", "Production", archive_existing_versions=True)
    latest = client.get_latest_versions("staged")
    wrong = refusal(lambda: client.transition_model_version_stage("staged", "1", "Nowhere"))
    return sorted((int(one.version), one.current_stage) for one in latest), wrong


@workflow
def registered_models_are_renamed_searched_and_deleted(ml: Any, folder: Path) -> Any:
    client = ml.MlflowClient()
    for name in ("m-a", "m-b", "m-c"):
        client.create_registered_model(name, tags={"letter": name[-1]}, description=name)
    again = refusal(lambda: client.create_registered_model("m-a"))
    client.rename_registered_model("m-c", "m-z")
    client.delete_registered_model("m-b")
    found = client.search_registered_models("name LIKE 'm-%'", order_by=["name DESC"])
    tagged = client.search_registered_models("tags.letter = 'a'")
    gone = refusal(lambda: client.get_registered_model("m-b"))
    return again, [one.name for one in found], [one.name for one in tagged], gone


@workflow
def versions_are_deleted_and_aliases_with_them(ml: Any, folder: Path) -> Any:
    client = ml.MlflowClient()
    client.create_registered_model("shrinks")
    for _ in range(2):
        client.create_model_version("shrinks", "s3://bucket/model")
    client.set_registered_model_alias("shrinks", "best", 1)
    client.delete_model_version("shrinks", 1)
    aliases = dict(client.get_registered_model("shrinks").aliases)
    third = client.create_model_version("shrinks", "s3://bucket/model")
    return aliases, refusal(lambda: client.get_model_version("shrinks", 1)), int(third.version)


@workflow
def model_versions_are_copied(ml: Any, folder: Path) -> Any:
    model, _, _ = train(folder)
    with ml.start_run():
        ml.sklearn.log_model(
            model, name="model", registered_model_name="source-model", pip_requirements=REQUIREMENTS
        )
    copied = ml.MlflowClient().copy_model_version("models:/source-model/1", "copy-model")
    return copied.name, int(copied.version), type(ml.sklearn.load_model("models:/copy-model/1")).__name__


@workflow
def prompts(ml: Any, folder: Path) -> Any:
    first = ml.genai.register_prompt("greet", "Hello {{name}}", commit_message="first", tags={"lang": "en"})
    ml.genai.register_prompt("greet", "Hi {{name}}!", commit_message="shorter")
    ml.genai.set_prompt_alias("greet", alias="live", version=2)
    loaded = ml.genai.load_prompt("prompts:/greet@live")
    found = ml.genai.search_prompts(filter_string="name = 'greet'")
    client = ml.MlflowClient()
    hidden = [one.name for one in client.search_registered_models() if one.name == "greet"]
    return first.version, loaded.template, loaded.format(name="Ada"), [one.name for one in found], hidden


@workflow
def prompt_versions_and_tags(ml: Any, folder: Path) -> Any:
    for text in ("a {{x}}", "b {{x}}", "c {{x}}"):
        ml.genai.register_prompt("letters", text)
    client = ml.MlflowClient()
    client.set_prompt_version_tag("letters", "2", "good", "yes")
    ml.genai.set_prompt_tag("letters", "team", "nlp")
    second = ml.genai.load_prompt("letters", version=2)
    ml.genai.set_prompt_alias("letters", alias="x", version=1)
    ml.genai.delete_prompt_alias("letters", alias="x")
    missing = ml.genai.load_prompt("prompts:/letters@x", allow_missing=True)
    return second.template, second.tags.get("good"), missing


# Autologging


@workflow
def autolog_of_sklearn(ml: Any, folder: Path) -> Any:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    ml.sklearn.autolog()
    inputs, labels = load_iris(return_X_y=True)
    with ml.start_run() as run:
        LogisticRegression(max_iter=200, C=0.5).fit(inputs, labels)
    ml.sklearn.autolog(disable=True)
    stored = facts(ml, run.info.run_id)
    named = sorted(one.partition(" ")[0] for one in listed(ml.MlflowClient(), run.info.run_id))
    return stored["params"]["C"], sorted(stored["metrics"]), named, stored["status"]


@workflow
def grid_search(ml: Any, folder: Path) -> Any:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    ml.sklearn.autolog(max_tuning_runs=3, log_models=False)
    inputs, labels = load_iris(return_X_y=True)
    with ml.start_run() as run:
        GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0, 10.0]}, cv=3).fit(inputs, labels)
    ml.sklearn.autolog(disable=True)
    clause = f"tags.mlflow.parentRunId = '{run.info.run_id}'"
    children = ml.search_runs(filter_string=clause, output_format="list")
    best = facts(ml, run.info.run_id)["params"]["best_C"]
    return best, sorted(one.data.params["C"] for one in children)


@workflow
def system_metrics(ml: Any, folder: Path) -> Any:
    ml.set_system_metrics_sampling_interval(0.2)
    with ml.start_run(log_system_metrics=True) as run:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if any(key.startswith("system/") for key in ml.get_run(run.info.run_id).data.metrics):
                break
            time.sleep(0.1)
    found = ml.get_run(run.info.run_id).data.metrics
    return "system/cpu_utilization_percentage" in found, "system/system_memory_usage_megabytes" in found


# Evaluation


@workflow
def classic_evaluation(ml: Any, folder: Path) -> Any:
    _, inputs, labels = train(folder)
    data = inputs.assign(label=labels, guess=labels)
    with ml.start_run() as run:
        result = ml.models.evaluate(
            data=data, targets="label", predictions="guess", model_type="classifier", evaluators="default",
            evaluator_config={"log_explainer": False},
        )  # fmt: skip
    return result.metrics["accuracy_score"], facts(ml, run.info.run_id)["metrics"]["accuracy_score"]


@workflow
def evaluation_with_scorers_of_code(ml: Any, folder: Path) -> Any:
    from mlflow.genai.scorers import scorer

    @scorer
    def is_long(outputs: str) -> bool:
        return len(outputs) > 2

    data = [{"inputs": {"q": "a"}, "outputs": "yes"}, {"inputs": {"q": "b"}, "outputs": "no"}]
    result = ml.genai.evaluate(data=data, scorers=[is_long])
    ml.flush_trace_async_logging()
    traces = ml.search_traces(locations=[experiment(ml)], return_type="list")
    values = sorted(str(one.feedback.value) for trace in traces for one in trace.info.assessments)
    return {key: float(value) for key, value in result.metrics.items()}, len(traces), values


@workflow
def evaluation_datasets(ml: Any, folder: Path) -> Any:
    dataset = ml.genai.datasets.create_dataset(
        name="questions", experiment_id=[experiment(ml)], tags={"v": "1"}
    )
    dataset.merge_records([{"inputs": {"q": "a"}, "expectations": {"answer": "x"}}, {"inputs": {"q": "b"}}])
    dataset.merge_records([{"inputs": {"q": "a"}, "expectations": {"answer": "y"}}])
    again = ml.genai.datasets.get_dataset(dataset_id=dataset.dataset_id)
    rows = again.to_df()
    found = ml.genai.datasets.search_datasets(
        experiment_ids=[experiment(ml)], filter_string="name = 'questions'"
    )
    pairs = sorted(zip((one["q"] for one in rows["inputs"]), map(str, rows["expectations"]), strict=True))
    ml.genai.datasets.delete_dataset(dataset_id=dataset.dataset_id)
    gone = refusal(lambda: ml.genai.datasets.get_dataset(dataset_id=dataset.dataset_id))
    return pairs, [one.name for one in found], dict(again.tags).get("v"), gone


@workflow
def scorers_are_registered(ml: Any, folder: Path) -> Any:
    from mlflow.genai.scorers import Guidelines, get_scorer, list_scorers

    one = Guidelines(name="polite", guidelines="Be polite.", model="openai:/gpt-4o-mini")
    one.register(name="polite")
    one.register(name="polite")
    found = list_scorers(experiment_id=experiment(ml))
    return [each.name for each in found], get_scorer(name="polite", experiment_id=experiment(ml)).name


@workflow
def an_optimized_prompt(ml: Any, folder: Path) -> Any:
    from mlflow.genai.optimize import BasePromptOptimizer
    from mlflow.genai.optimize.types import PromptOptimizerOutput
    from mlflow.genai.scorers import scorer

    class Shout(BasePromptOptimizer):  # type: ignore[misc, unused-ignore]  # stands in for a language model
        def optimize(self, eval_fn: Any, train_data: Any, target_prompts: Any, *_: Any, **__: Any) -> Any:
            better = {name: text.upper() for name, text in target_prompts.items()}
            before, after = eval_fn(target_prompts, train_data), eval_fn(better, train_data)
            scores = [sum(float(one.score) for one in each) / len(each) for each in (before, after)]
            return PromptOptimizerOutput(
                optimized_prompts=better, initial_eval_score=scores[0], final_eval_score=scores[1]
            )

    @scorer
    def is_loud(outputs: str) -> bool:
        return outputs.isupper()

    prompt = ml.genai.register_prompt("say", "say {{word}}")

    def predict(word: str) -> str:
        return str(ml.genai.load_prompt(prompt.uri).template)

    data = [{"inputs": {"word": "x"}, "expectations": {"expected_response": "SAY"}}]
    result = ml.genai.optimize_prompts(
        predict_fn=predict, train_data=data, prompt_uris=[prompt.uri], optimizer=Shout(), scorers=[is_loud]
    )
    (best,) = result.optimized_prompts
    return best.template, best.version, result.initial_eval_score, result.final_eval_score


# Tracing


@workflow
def a_traced_function(ml: Any, folder: Path) -> Any:
    @ml.trace
    def inner(number: int) -> int:
        return number + 1

    @ml.trace(name="outer", attributes={"kind": "test"})
    def outer(number: int) -> int:
        return inner(number) * 2

    with ml.start_run() as run:
        outer(3)
    outer(4)
    ml.flush_trace_async_logging()
    traces = ml.search_traces(locations=[experiment(ml)], order_by=["timestamp_ms ASC"], return_type="list")
    by_run = ml.search_traces(locations=[experiment(ml)], run_id=run.info.run_id, return_type="list")
    return (
        [(one.info.state.value, one.data.request, one.data.response) for one in traces],
        [[(span.name, span.span_type, span.outputs) for span in one.data.spans] for one in traces],
        len(by_run),
    )


@workflow
def a_trace_of_an_error(ml: Any, folder: Path) -> Any:
    @ml.trace
    def fails() -> None:
        raise ValueError("no")

    with contextlib.suppress(ValueError):
        fails()
    ml.flush_trace_async_logging()
    (trace,) = ml.search_traces(
        locations=[experiment(ml)], filter_string="status = 'ERROR'", return_type="list"
    )
    return trace.info.state.value, trace.data.spans[0].status.status_code.value


@workflow
def traces_are_tagged_assessed_and_deleted(ml: Any, folder: Path) -> Any:
    with ml.start_span("work") as span:
        span.set_inputs({"a": 1})
    ml.flush_trace_async_logging()
    trace_id = span.trace_id
    ml.set_trace_tag(trace_id, "k", "v")
    ml.log_feedback(trace_id=trace_id, name="good", value=0.75, rationale="because")
    expected = ml.log_expectation(trace_id=trace_id, name="wanted", value={"b": 2})
    ml.update_assessment(trace_id, expected.assessment_id, type(expected)(name="wanted", value={"b": 3}))
    found = [
        len(ml.search_traces(locations=[experiment(ml)], filter_string=one, return_type="list"))
        for one in ("tags.k = 'v'", "feedback.good > 0.5", "feedback.good > 0.9", "span.name = 'work'")
    ]
    assessments = sorted((one.name, str(one.value)) for one in ml.get_trace(trace_id).info.assessments)
    ml.delete_assessment(trace_id, expected.assessment_id)
    left = [one.name for one in ml.get_trace(trace_id).info.assessments]
    deleted = ml.MlflowClient().delete_traces(experiment(ml), trace_ids=[trace_id])
    return found, assessments, left, deleted


@workflow
def traces_belong_to_a_model(ml: Any, folder: Path) -> Any:
    model = ml.set_active_model(name="agent")

    @ml.trace
    def act() -> str:
        return "done"

    act()
    ml.flush_trace_async_logging()
    ml.clear_active_model()
    found = ml.search_traces(locations=[experiment(ml)], model_id=model.model_id, return_type="list")
    return [one.data.response for one in found]


@workflow
def metrics_over_traces(ml: Any, folder: Path) -> Any:
    from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
    from mlflow.tracking._tracking_service.utils import _get_store

    second = 1_000_000_000
    for number in range(5):
        begin = (1_700_000_000 + 40 * number) * second
        session = {"mlflow.trace.session": f"s{number % 2}"} if number else {}
        root = ml.start_span_no_context(
            "answer" if number % 2 else "ask", span_type="LLM", start_time_ns=begin, metadata=session
        )
        root.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": number, "total_tokens": 10 * number})
        root.set_attribute("mlflow.llm.model", "tiny" if number < 3 else "large")
        root.set_attribute("mlflow.llm.cost", {"input_cost": number / 8, "total_cost": number / 4})
        child = ml.start_span_no_context("child", parent_span=root, start_time_ns=begin + second)
        child.end(end_time_ns=begin + (2 + number) * second)
        root.end(status="ERROR" if number == 4 else "OK", end_time_ns=begin + (5 + number) * second)
        ml.flush_trace_async_logging()
        ml.log_feedback(trace_id=root.trace_id, name="good", value=number % 2 == 0)
        ml.log_feedback(trace_id=root.trace_id, name="stars", value=number + 0.5)
        ml.log_feedback(trace_id=root.trace_id, name="verdict", value="yes" if number < 2 else "unsure")
        ml.set_trace_tag(root.trace_id, "team", "vision" if number < 2 else "sound")
    traces, spans, assessments = MetricViewType.TRACES, MetricViewType.SPANS, MetricViewType.ASSESSMENTS
    count = [MetricAggregation(AggregationType.COUNT)]
    spread = [
        MetricAggregation(one) for one in (AggregationType.AVG, AggregationType.MIN, AggregationType.MAX)
    ]
    spread += [MetricAggregation(AggregationType.PERCENTILE, percent) for percent in (50.0, 90.0, 99.0)]
    total = [MetricAggregation(AggregationType.SUM), *spread]

    def ask(*query: Any, **options: Any) -> Any:
        points = _get_store().query_trace_metrics([experiment(ml)], *query, **options)
        return [[one.metric_name, dict(one.dimensions), dict(one.values)] for one in points]

    minutes = {
        "time_interval_seconds": 60,
        "start_time_ms": 1_700_000_000_000,
        "end_time_ms": 1_700_000_130_000,
    }
    queries: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((traces, "trace_count", count), {}),
        ((traces, "trace_count", count, ["trace_status"]), {}),
        ((traces, "trace_count", count, ["trace_name", "trace_status"]), minutes),
        ((traces, "trace_count", count), {"filters": ["trace.status = 'OK'", "trace.tag.team = 'sound'"]}),
        ((traces, "trace_count", count), {"filters": ["trace.tag.team = 'nobody'"]}),
        ((traces, "trace_count", count, ["trace_name"]), {"max_results": 1}),
        ((traces, "session_count", count), {}),
        ((traces, "session_count", count), minutes),
        ((traces, "session_count", count), {"filters": ["trace.metadata.`mlflow.trace.session` = 's1'"]}),
        ((traces, "latency", spread), {}),
        ((traces, "latency", spread), {"filters": ["trace.tag.team = 'nobody'"]}),
        ((traces, "latency", spread, ["trace_name"]), minutes),
        *(((traces, name, total), {}) for name in ("input_tokens", "output_tokens", "total_tokens")),
        ((spans, "span_count", count, ["span_name", "span_type", "span_status"]), {}),
        ((spans, "span_count", count, ["span_model_name"]), {}),
        ((spans, "span_count", count), minutes),
        ((spans, "latency", spread, ["span_name"]), {"filters": ["span.name = 'child'"]}),
        ((spans, "latency", spread), {"filters": ["span.status = 'ERROR'", "trace.tag.team = 'sound'"]}),
        ((spans, "total_cost", total, ["span_model_name"]), {}),
        ((spans, "input_cost", total), minutes),
        ((spans, "span_count", count), {"filters": ["span.type = 'LLM'"]}),
        ((assessments, "assessment_count", count, ["assessment_name", "assessment_value"]), {}),
        ((assessments, "assessment_count", count), minutes),
        ((assessments, "assessment_value", spread, ["assessment_name"]), {}),
        ((assessments, "assessment_value", spread), {"filters": ["assessment.name = 'stars'"]}),
        ((assessments, "assessment_count", count), {"filters": ["assessment.type = 'expectation'"]}),
    ]
    refused: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((traces, "nothing", count), {}),
        ((traces, "trace_count", spread), {}),
        ((traces, "trace_count", count, ["span_name"]), {}),
        ((traces, "trace_count", count), {"filters": ["span.name = 'child'"]}),
        ((spans, "span_count", count), {"filters": ["assessment.name = 'good'"]}),
        ((traces, "trace_count", count), {"filters": ["trace.status != 'OK'"]}),
        ((traces, "trace_count", count), {"time_interval_seconds": 60}),
    ]
    found = [ask(*query, **options) for query, options in queries]
    return found, [refusal(partial(ask, *query, **options)) for query, options in refused]


@workflow
def traces_of_old_clients(ml: Any, folder: Path) -> Any:
    from mlflow.entities.trace_status import TraceStatus
    from mlflow.tracking._tracking_service.utils import _get_store

    store = _get_store()
    begun = store.deprecated_start_trace_v2(
        experiment(ml), 1_700_000_000_000, {"k": "v"}, {"mlflow.traceName": "old", "team": "vision"}
    )
    unknown = refusal(lambda: store.deprecated_end_trace_v2("no-such-trace", 1, TraceStatus.OK, {}, {}))
    ended = store.deprecated_end_trace_v2(
        begun.request_id, 1_700_000_002_500, TraceStatus.ERROR, {"later": "w"}, {"team": "sound"}
    )
    info = store.get_trace_info(begun.request_id)
    return (
        [begun.status.value, begun.request_id == ended.request_id, unknown],
        [ended.status.value, ended.execution_time_ms, ended.request_metadata.get("later")],
        [info.state.value, info.execution_duration, info.request_time, info.tags["team"]],
        [info.tags["mlflow.traceName"], info.trace_metadata["k"], info.trace_metadata["later"]],
    )


# Projects and tools


@workflow
def a_project_runs(ml: Any, folder: Path) -> Any:
    project = folder / "project"
    project.mkdir()
    (project / "MLproject").write_text(
        "name: tiny\nentry_points:\n  main:\n    parameters:\n      alpha: {type: float, default: 0.1}\n"
        f'    command: "{sys.executable} train.py {{alpha}}"\n',
        "utf-8",
    )
    (project / "train.py").write_text(
        textwrap.dedent("""
            import sys, mlflow
            with mlflow.start_run():
                mlflow.log_metric("alpha_doubled", 2 * float(sys.argv[1]))
        """),
        "utf-8",
    )
    submitted = ml.projects.run(
        str(project), parameters={"alpha": 0.5}, env_manager="local", experiment_name=f"x-{experiment(ml)}"
    )
    stored = facts(ml, submitted.run_id)
    return stored["status"], stored["params"], stored["metrics"]


@workflow
def the_command_line_lists_runs(ml: Any, folder: Path) -> Any:
    with ml.start_run(run_name="listed"):
        pass
    command = [sys.executable, "-m", "mlflow", "runs", "list", "--experiment-id", experiment(ml)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": ml.get_tracking_uri()}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, "listed" in done.stdout


@workflow
def another_process_sees_what_is_logged(ml: Any, folder: Path) -> Any:
    with ml.start_run() as run:
        ml.log_metric("m", 1.5)
        script = f"import mlflow; print(mlflow.get_run('{run.info.run_id}').data.metrics['m'])"
        environment = {**os.environ, "MLFLOW_TRACKING_URI": ml.get_tracking_uri()}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
        )
    return done.stdout.strip()


def experiment(ml: Any) -> str:
    """Return the id of the experiment of the workflow that plays now."""
    from mlflow.tracking.fluent import _get_experiment_id

    return str(_get_experiment_id())


def main(tracking_uri: str, folder: Path, chosen: list[str]) -> None:
    """Write what every workflow found, by its name, into ``found.json`` of the folder."""
    import mlflow

    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)  # MLflow's database keeps artifacts in the working folder
    mlflow.set_tracking_uri(tracking_uri)
    found = {}
    for one in WORKFLOWS:
        if chosen and one.__name__ not in chosen:
            continue
        place = folder / one.__name__
        place.mkdir(parents=True)
        mlflow.set_experiment(one.__name__)
        began = time.monotonic()
        try:
            found[one.__name__] = {"found": one(mlflow, place)}
        except Exception as error:  # noqa: BLE001  (the test says which one broke, and how)
            import traceback

            while mlflow.active_run() is not None:
                mlflow.end_run("FAILED")
            found[one.__name__] = {"broken": f"{error!r}\n{traceback.format_exc()[-3000:]}"}
        print(f"{time.monotonic() - began:6.1f} s  {one.__name__}", file=sys.stderr, flush=True)
    (folder / "found.json").write_text(json.dumps(found, default=str), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).absolute(), sys.argv[3:])
