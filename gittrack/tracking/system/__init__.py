"""System metrics: what the machine does while a run is live, by MLflow's names."""
