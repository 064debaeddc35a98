"""MLflow's `mlflow.data`: what a run read, with the digest, schema and source of it."""

from gittrack.data.datasets import (
    Dataset,
    from_file,
    from_folder,
    from_huggingface,
    from_numpy,
    from_pandas,
    from_polars,
    from_url,
)
from gittrack.data.sources import DatasetSource, get_source

__all__ = [
    "Dataset",
    "DatasetSource",
    "from_file",
    "from_folder",
    "from_huggingface",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "from_url",
    "get_source",
]
