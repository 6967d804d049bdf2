"""The rules of the tree that neither ruff nor import-linter can state."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from webhook.children import ROOT

SOURCES = sorted([*(ROOT / "webhook").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAX_MODULE, MAX_FUNCTION, MAX_ELIFS = 300, 50, 3

#: Names that say nothing about what is inside.
MEANINGLESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "core", "shared"}

# Where waiting, pacing or stamping made-up messages is the job itself, the clock is real.
PACING = (
    "webhook/adapters/embedded/",
    "webhook/cli/emulate.py",
    "webhook/cli/sign.py",
    "webhook/emulator/",
    "webhook/supervisor.py",
)
#: Who may ask what time it is, or draw lots; `perf_counter` only measures.
CLOCKS = ("webhook/adapters/clock.py", *PACING)
STOPWATCHES = ("webhook/web/receiver.py", "webhook/web/request_log.py")
#: Who may read the environment.
ENVIRONMENT = ("webhook/config.py",)
#: Where any error at all must not go further: loops that work for everybody, and the search for the offender.
BROAD = {
    "webhook/dispatching/dispatcher.py": 1,
    "webhook/worker.py": 1,
    "webhook/chores.py": 1,
    "webhook/groupcommit.py": 1,
    "webhook/pipeline.py": 1,
}

#: What decides: pure, and so without input and output of any kind.
PURE = ("handlers/", "webhook/domain/", "webhook/errors.py", "webhook/pipeline.py", "webhook/ports.py")

TIME_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
TIME_MODULES = {"time", "random", "secrets"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(node: ast.AST) -> str:
    """`a.b` of an attribute of a name; "" for anything else."""
    return (
        f"{node.value.id}.{node.attr}" if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
    )


def places(path: Path, nodes: Iterator[ast.AST]) -> list[str]:
    return [f"{named(path)}:{getattr(node, 'lineno', 0)}" for node in nodes]


each_source = pytest.mark.parametrize("path", SOURCES, ids=named)


@each_source
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_MODULE


@each_source
def test_functions_are_short(path: Path) -> None:
    functions = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    long = (node for node in functions if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION)
    assert places(path, long) == []


@each_source
def test_chains_of_elif_are_short(path: Path) -> None:
    assert places(path, (node for node in ast.walk(tree_of(path)) if elifs(node) > MAX_ELIFS)) == []


def elifs(node: ast.AST) -> int:
    """How many `elif` follow this `if`."""
    count = 0
    while isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        node = node.orelse[0]
        count += 1
    return count


@each_source
def test_names_say_what_is_inside(path: Path) -> None:
    assert MEANINGLESS.isdisjoint({path.stem, *path.relative_to(ROOT).parts})


@each_source
def test_every_module_says_what_it_is(path: Path) -> None:
    tree = tree_of(path)
    if not tree.body:
        return  # a package that only holds others
    told = ast.get_docstring(tree)
    assert told
    assert told.splitlines()[0].endswith((".", "?"))


@each_source
def test_time_and_chance_come_from_the_clock(path: Path) -> None:
    if named(path).startswith(CLOCKS):
        return
    tree = tree_of(path)
    modules = TIME_MODULES - ({"time"} if named(path) in STOPWATCHES else set())
    assert places(path, (node for node in ast.walk(tree) if dotted(node) in TIME_CALLS)) == []
    assert places(path, (node for node in ast.walk(tree) if imported(node) & modules)) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if named(path).startswith(PURE)], ids=named)
def test_what_decides_needs_msgspec_and_the_standard_library_only(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"handlers", "msgspec", "webhook"}
    assert places(path, (node for node in ast.walk(tree_of(path)) if imported(node) - allowed)) == []
    outside = {"logging", "os", "pathlib", "socket", "subprocess", "threading"}
    assert places(path, (node for node in ast.walk(tree_of(path)) if imported(node) & outside)) == []


def imported(node: ast.AST) -> set[str]:
    """The top-level modules that a statement imports."""
    match node:
        case ast.Import(names=names):
            return {alias.name.partition(".")[0] for alias in names}
        case ast.ImportFrom(module=str(module), level=0):
            return {module.partition(".")[0]}
    return set()


@each_source
def test_a_stopwatch_is_no_clock(path: Path) -> None:
    if named(path) not in STOPWATCHES:
        return
    names = {
        alias.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
    }
    assert names <= {"perf_counter", "monotonic"}


@each_source
def test_only_the_settings_read_the_environment(path: Path) -> None:
    if named(path) in ENVIRONMENT:
        return
    reads = (node for node in ast.walk(tree_of(path)) if dotted(node) in {"os.environ", "os.getenv", "os.putenv"})
    assert places(path, reads) == []


def test_broad_excepts_stand_in_the_worker_and_before_the_quarantine_only() -> None:
    found = {named(path): sum(map(is_broad, ast.walk(tree_of(path)))) for path in SOURCES}
    assert {name: count for name, count in found.items() if count} == BROAD


def is_broad(node: ast.AST) -> bool:
    """True for `except:`, `except Exception` and `except BaseException`, alone or among others."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(
        one is None or (isinstance(one, ast.Name) and one.id in {"Exception", "BaseException"}) for one in caught
    )


def test_no_function_rebinds_a_global() -> None:
    assert {
        named(path) for path in SOURCES if any(isinstance(node, ast.Global) for node in ast.walk(tree_of(path)))
    } == set()


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_tests_use_real_things_or_fakes_written_by_hand(path: Path) -> None:
    tree = tree_of(path)
    assert (
        places(path, (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import) and mocks(node)))
        == []
    )


def mocks(node: ast.Import | ast.ImportFrom) -> bool:
    """True if this statement brings in `unittest.mock` or one of its kin."""
    names = {alias.name for alias in node.names}
    module = getattr(node, "module", "") or ""
    return module.startswith(("unittest.mock", "mock", "pytest_mock")) or bool(names & {"mock", "unittest.mock"})
