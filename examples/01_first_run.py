"""Fit a line by gradient descent, and record how it went.

Run it inside any Git repository that has a commit or not; then try ``gittrack log`` and ``gittrack show @``.
"""

import random

import gittrack

noise = random.Random(0)  # noqa: S311 -- noise for made-up data, no secret
points = [(x / 50, 3 * x / 50 + 1 + noise.gauss(0, 0.1)) for x in range(50)]

gittrack.set_experiment("a line")
with gittrack.start_run(run_name="gradient descent") as run:
    lr = 0.3
    gittrack.log_params({"lr": lr, "epochs": 400, "start": {"slope": 0, "offset": 0}})
    slope = offset = 0.0
    for epoch in range(400):
        errors = [(slope * x + offset - y, x) for x, y in points]
        slope -= lr * sum(error * x for error, x in errors) / len(points)
        offset -= lr * sum(error for error, _ in errors) / len(points)
        gittrack.log_metric("loss", sum(error**2 for error, _ in errors) / len(points), step=epoch)
    gittrack.log_metrics({"slope": slope, "offset": offset})

print(f"y = {slope:.2f} x + {offset:.2f}; see it with: gittrack show {run.info.run_id[:8]}")
