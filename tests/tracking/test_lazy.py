"""Methods of the client that are loaded when they are first used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

from gittrack.store.memory import MemoryStore
from gittrack.tracking import client as module
from gittrack.tracking.client import Client
from gittrack.tracking.lazy import METHODS


def test_what_types_know_of_lazy_methods_is_what_there_is() -> None:
    tree = ast.parse(inspect.getsource(module))
    (body,) = [one.body for one in tree.body if isinstance(one, ast.ClassDef) and one.name == "Client"]
    (block,) = [one for one in body if isinstance(one, ast.If)]
    typed = {ast.unparse(line) for line in block.body}
    assert typed == {f"{name} = {home}.{name}" for home, names in METHODS.items() for name in names.split()}


def test_every_lazy_method_is_a_function_whose_first_parameter_is_the_client() -> None:
    client = Client(store=MemoryStore())
    for names in METHODS.values():
        for name in names.split():
            parameters = list(inspect.signature(getattr(Client, name)).parameters)
            assert parameters[0] == "client"
            assert list(inspect.signature(getattr(client, name)).parameters) == parameters[1:]


def test_a_client_loads_none_of_them() -> None:
    code = (
        "import sys, gittrack.tracking.client\n"
        f"print([name for name in {list(METHODS)!r} if 'gittrack.tracking.' + name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
