"""Compare the runs of this repository, cell by cell; run 02_sweep.py first."""

# %% Every run, newest first
from collections import defaultdict
from statistics import mean, pstdev

import gittrack

client = gittrack.Client()
runs = [run for run in client.list_runs() if "val/acc" in run.data.metrics]
print(f"{len(runs)} runs have val/acc")

# %% The best five
for run in sorted(runs, key=lambda run: run.data.metrics["val/acc"], reverse=True)[:5]:
    print(f"{run.data.metrics['val/acc']:.3f}  {run.info.run_name:<24}  {run.data.params}")

# %% Mean and spread by kind of model
groups = defaultdict(list)
for run in runs:
    groups[run.data.params["model"]].append(run.data.metrics["val/acc"])
for model, values in sorted(groups.items(), key=lambda item: -mean(item[1])):
    print(f"{model:<12} {mean(values):.3f} ± {pstdev(values):.3f}  ({len(values)} runs)")
