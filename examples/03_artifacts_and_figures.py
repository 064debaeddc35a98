"""Keep files, text, tables of values and figures with a run."""

import csv
import math
import tempfile
from pathlib import Path

import matplotlib as mpl

import gittrack

mpl.use("agg")
from matplotlib import pyplot as plt

waves = {frequency: [math.sin(frequency * x / 20) for x in range(100)] for frequency in (1, 2, 3)}

gittrack.set_experiment("waves")
with (
    gittrack.start_run(run_name="three waves", tags={"kind": "demo"}) as run,
    tempfile.TemporaryDirectory() as folder,
):
    table = Path(folder, "waves.csv")
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(waves.values())
    gittrack.log_artifact(table, artifact_path="data")

    gittrack.log_text("Three sine waves, a hundred points each.\n", "notes/about.txt")
    gittrack.log_dict({"frequencies": list(waves), "points": 100}, "config.json")

    figure, axes = plt.subplots()
    for frequency, wave in waves.items():
        axes.plot(wave, label=f"{frequency}")
    axes.legend(title="frequency")
    gittrack.log_figure(figure, "figures/waves.png")

print(f"see them with: gittrack artifacts ls {run.info.run_id[:12]}")
