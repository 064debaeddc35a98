"""From a run back to its code: what changed, its files in a worktree, and the same once more."""

# %% Two runs: the second with a change that is never committed
import subprocess
import sys
from pathlib import Path

import gittrack

script = Path("fit.py")
script.write_text("""
import gittrack

RATE = 0.5
with gittrack.start_run(run_name=f"rate {RATE}"):
    gittrack.log_param("rate", RATE)
    weight = 0.0
    for step in range(20):
        weight += RATE * (3 - weight)
        gittrack.log_metric("loss", (3 - weight) ** 2, step=step)
""")
subprocess.run(["git", "add", script], check=True)
subprocess.run(["git", "commit", "-q", "-m", "Fit a weight"], check=True)
subprocess.run([sys.executable, script], check=True)
script.write_text(script.read_text().replace("RATE = 0.5", "RATE = 0.1"))
subprocess.run([sys.executable, script], check=True)
subprocess.run(["git", "checkout", "-q", script], check=True)

# %% What differs, and which is better
client = gittrack.Client()
slow, fast = client.list_runs()[:2]
diff = client.diff_runs([fast.run_id, slow.run_id])
for metric in diff.metrics:
    print(f"{metric.key}: {metric.values[0]:.2g} → {metric.values[1]:.2g}, {metric.verdict(1).value}")
for file in diff.code:
    print(f"{file.path}: +{file.added} -{file.removed}")

# %% The change that was never committed, in a worktree of its own


def find_rate(file: Path) -> str:
    """Return the line that sets the rate."""
    return next(line for line in file.read_text().splitlines() if line.startswith("RATE"))


folder = client.checkout_run(slow.run_id)
print(f"in {folder.name}: {find_rate(folder / script)}; here: {find_rate(script)}")

# %% Over the files here, and back again
client.restore_in_place(slow.run_id)
print(f"restored: {find_rate(script)}")
client.undo_in_place()
print(f"undone: {find_rate(script)}")

# %% The same once more: is it the same?
again = client.rerun(slow.run_id)
print(
    f"{again.run.name} again: {'the same' if not any(m.differs for m in again.diff.metrics) else 'different'}"
)
print(f"runs of this code: {[run.name for run in client.list_runs_of_code('HEAD')]}")
