"""From data to a model in use: datasets, signature, registry, and a prediction behind the signature."""

# %% Train three models on data whose digest and schema the runs remember
import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import gittrack

flowers = load_iris(as_frame=True)
train, test = train_test_split(flowers.frame, random_state=0)
features, target = list(flowers.data.columns), "target"

gittrack.set_experiment("flowers")
for strength in (0.01, 0.1, 1.0):
    with gittrack.start_run(run_name=f"C={strength}"):
        gittrack.log_input(gittrack.data.from_pandas(train, targets=target, name="iris"), context="training")
        tested = gittrack.data.from_pandas(test, targets=target, name="iris-test")
        gittrack.log_input(tested, context="test")
        gittrack.log_param("C", strength)
        model = LogisticRegression(C=strength, max_iter=1000).fit(train[features], train[target])
        info = gittrack.log_model(
            model, "classifier", input_example=train[features].head(2), registered_model_name="iris"
        )
        accuracy = float(np.mean(model.predict(test[features]) == test[target]))
        gittrack.log_metric("test/acc", accuracy, model_id=info.model_id, dataset=tested)

# %% The best one is the champion; the commit says who said so
client = gittrack.Client()
(best,) = client.search_logged_models(
    order_by=[{"field_name": "metrics.test/acc", "ascending": False}], max_results=1
)
(version,) = [one for one in client.search_model_versions("name = 'iris'") if one.model_id == best.model_id]
client.set_registered_model_alias("iris", "champion", version.version)
print(f"iris@champion is version {version.version}, from {best.name} of run {str(version.run_id)[:12]}")

# %% Use it: what does not fit the signature is refused before the model sees it
predictor = gittrack.models.load_predictor("models:/iris@champion")
print("predicted:", predictor.predict(test[features].head(3)).tolist())
try:
    predictor.predict(pd.DataFrame({"petal length (cm)": [1.4]}))
except gittrack.InvalidValueError as error:
    print("refused:", error.message)
