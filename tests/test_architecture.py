"""What the linter of layers cannot say: what an import loads, what a package exports, how modules begin."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import gittrack
from gittrack.errors import UserError
from gittrack.tracking.media import EXTRAS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(gittrack.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
IMPORT_BUDGET_MS = 60

LIST_LOADED_MODULES = """
import json, sys, time
before = set(sys.modules)
started = time.perf_counter()
import gittrack
gittrack.start_run  # names are loaded when first used
ms = (time.perf_counter() - started) * 1000
print(json.dumps({"ms": ms, "modules": sorted(set(sys.modules) - before)}))
"""


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Return the top-level packages that a module imports when it is run."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).partition(".")[0])
    return found


@pytest.fixture(scope="module")
def loaded() -> dict[str, object]:
    command = [sys.executable, "-s", "-c", LIST_LOADED_MODULES]
    done = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_importing_gittrack_loads_no_third_party_package(loaded: dict[str, object]) -> None:
    modules = loaded["modules"]
    assert isinstance(modules, list)
    assert "gittrack" in modules
    packages = {str(module).partition(".")[0] for module in modules}
    assert packages - sys.stdlib_module_names == {"gittrack"}


def test_importing_gittrack_stays_within_its_budget(
    loaded: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    modules = loaded["modules"]
    assert isinstance(modules, list)
    ours = [module for module in modules if str(module).partition(".")[0] == "gittrack"]
    with capsys.disabled():
        print(
            f"\nimport gittrack: {loaded['ms']:.0f} ms of {IMPORT_BUDGET_MS}, {len(ours)} modules of its own"
        )
    # Times differ from machine to machine, so the count stands for them.
    assert len(ours) <= 40


def test_the_core_imports_nothing_but_the_standard_library_and_gittrack() -> None:
    allowed = sys.stdlib_module_names | {"gittrack"}
    strangers = {path.name: imports_of(path) - allowed for path in (PACKAGE / "core").rglob("*.py")}
    assert {name: found for name, found in strangers.items() if found} == {}


def test_every_third_party_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {"markdown-it-py": "markdown_it"}  # what is imported by another name than it is installed by
    found = (requirement.partition(">")[0] for requirement in project["dependencies"])
    declared = {names.get(name, name) for name in found}
    # Integrations and importers import what their users have, when they have it.
    optional = {"integrations", "importers", "mlflow_plugin", "remotes", "system"}
    allowed = sys.stdlib_module_names | declared | {"gittrack"}
    strangers = {
        name_of(path): imports_of(path) - allowed
        for path in MODULES
        if not optional & set(path.relative_to(PACKAGE).parts)
    }
    assert {name: found for name, found in strangers.items() if found} == {}


def test_all_names_what_the_package_exports() -> None:
    """A lazy name counts: it is in ``__all__`` and comes when asked for."""
    assert sorted(set(gittrack.__all__)) == sorted(gittrack.__all__)
    assert {name for name in gittrack.__all__ if not hasattr(gittrack, name)} == set()
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("gittrack")
        for alias in node.names
    }
    assert {name for name in imported if not name.startswith("_")} <= set(gittrack.__all__)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_begins_with_a_sentence_that_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring, "no docstring"
    first = docstring.splitlines()[0]
    assert first.endswith(".")
    assert len(first.split()) > 2


def test_the_wheel_carries_the_package_its_templates_and_its_licence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("gittrack-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {name_of(path).replace(".", "/") for path in MODULES if path.name != "__init__.py"}
    assert {f"{name}.py" for name in expected} <= names
    templates = ROOT / "site_templates"
    files = {path.relative_to(templates).as_posix() for path in templates.rglob("*") if path.is_file()}
    assert files
    assert {f"gittrack/_site_templates/{file}" for file in files} <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not {name.partition("/")[0] for name in names if "gittrack" not in name.partition("/")[0]}


def test_every_extra_that_a_hint_names_brings_the_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    brought = {
        extra: {requirement.partition(">")[0] for requirement in requirements}
        for extra, requirements in extras.items()
    }
    assert {package for package, extra in EXTRAS.items() if package not in brought[extra]} == set()


def test_every_module_can_be_imported() -> None:
    for path in MODULES:
        if path.name == "__main__.py" or "mlflow_plugin" in path.parts:
            continue
        try:
            importlib.import_module(name_of(path))
        except UserError as error:  # its framework is not there
            if "integrations" not in path.parts or "gittrack[" not in (error.hint or ""):
                raise
