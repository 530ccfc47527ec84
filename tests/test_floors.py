"""The rules of the house, held by reading what every file imports; nothing is run for it."""

import ast
import graphlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest


ROOT = Path(__file__).resolve().parents[1]
# Each imports only those after it.
LAYERS = ("experiments", "jaxnn", "jaxnn_kernels")
# The rooms of jaxnn, bottom up: a room imports from lower floors, and on its own floor in no circle.
FLOORS = (
    {"_core", "_version", "data", "encoders"},
    {"_networks", "_junctions", "_drives", "_nickelate", "_tuning"},
    {"_circuit", "_viewer"},
    {"_simulation", "_growing", "parameters"},
    {"_plots", "_observers", "reservoirs", "reductions"},
    {"analysis", "estimators", "fit", "tasks", "twin", "_sweep"},
    {"_fit_command", "plot"},
    {"_command_line", "__main__"},
)
FLOOR = {f"jaxnn.{room}": floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# `jaxnn/__init__.py` is the table of contents, above all rooms.
FLOOR["jaxnn"] = len(FLOORS)
# A nickelate run needs none of them.
NANOWIRES = {
    "jaxnn._networks",
    "jaxnn._junctions",
    "jaxnn._drives",
    "jaxnn._circuit",
    "jaxnn._simulation",
    "jaxnn._observers",
}
# Scripts that measure the insides of the library, and so reach into them.
INSIDE = {
    "experiments/benchmarks/gpu_profile.py": "tries plans with other constants than those of StarMesh",
    "experiments/benchmarks/sweep_throughput.py": "times the chunks of a sweep without its setting up",
}


class Import(NamedTuple):
    """One name that a file takes from a module; `import module` takes no name."""

    path: Path
    line: int
    module: str
    name: str
    for_types: bool

    def __str__(self):
        return f"{self.path.as_posix()}:{self.line} imports {self.name or 'all'} of {self.module}"


def module_of(path: Path) -> str:
    """The dotted name of a file, given from the root of the repository."""
    parts = path.with_suffix("").parts
    return ".".join(parts[parts[0] == "kernels" : len(parts) - (parts[-1] == "__init__")])


def room_of(module: str) -> str:
    """The room of a module: its package and one name more."""
    return ".".join(module.split(".")[:2])


def package_of(module: str) -> str:
    """The first name of a module."""
    return module.partition(".")[0]


def imports(path: Path, text: str) -> list[Import]:
    """All that a file imports, in functions and for type checkers too."""
    tree = ast.parse(text)
    branches = [
        x for x in ast.walk(tree) if isinstance(x, ast.If) and "TYPE_CHECKING" in ast.unparse(x.test)
    ]
    for_types = {id(x) for branch in branches for statement in branch.body for x in ast.walk(statement)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            taken = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            taken = [(module, alias.name) for alias in node.names]
        else:
            continue
        found += [Import(path, node.lineno, *names, id(node) in for_types) for names in taken]
    return found


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    """The module that names are taken from, its dots resolved."""
    if not node.level:
        return node.module or ""
    home = module_of(path).split(".")
    # In an `__init__.py` one dot is the package itself.
    up = node.level - (path.name == "__init__.py")
    return ".".join([*home[: len(home) - up], *([node.module] if node.module else [])])


FOLDERS = ("jaxnn", "kernels/jaxnn_kernels", "experiments", "tests")
FILES = [path.relative_to(ROOT) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
MODULES = {module_of(path): path for path in FILES}
IMPORTS = {path: imports(path, (ROOT / path).read_text()) for path in FILES}
TESTS = {path.stem for path in FILES if path.stem.startswith("test_")}
COMMANDS = {
    module
    for module, path in MODULES.items()
    if path.parts[0] == "experiments" and "shared" not in path.parts and not path.stem.startswith("_")
}
# What a room hands on may be named as one of its files is: `simulate` of _simulation is the function.
HANDED_ON = {
    module: {found.name for found in IMPORTS[path]}
    for module, path in MODULES.items()
    if path.name == "__init__.py" and module == room_of(module) and module != package_of(module)
}


def target(found: Import) -> str:
    """The module that an import reaches, which the name itself may be."""
    whole = f"{found.module}.{found.name}"
    handed_on = found.name in HANDED_ON.get(found.module, ()) and module_of(found.path) != found.module
    return whole if whole in MODULES and not handed_on else found.module


# Rules: each is true of an import that breaks it, and says in its first line what is wanted.


def against_the_layers(found: Import) -> bool:
    """Imports go experiments -> jaxnn -> jaxnn_kernels."""
    layers = [package_of(module_of(found.path)), package_of(found.module)]
    return set(layers) <= set(LAYERS) and LAYERS.index(layers[0]) > LAYERS.index(layers[1])


def past_the_door(found: Import) -> bool:
    """What another room has is imported from the room, never from a file in it."""
    here, there = module_of(found.path), target(found)
    same = package_of(here) == package_of(there) and package_of(here) in ("jaxnn", "jaxnn_kernels")
    return same and room_of(here) != room_of(there) != there


def upstairs(found: Import) -> bool:
    """A room of jaxnn imports from its own floor and from lower ones, see FLOORS."""
    here, there = room_of(module_of(found.path)), room_of(target(found))
    return here in FLOOR and there in FLOOR and FLOOR[here] < FLOOR[there]


def private(found: Import) -> bool:
    """A layer imports public names only of the layers below it."""
    layers = {package_of(module_of(found.path)), package_of(found.module)}
    names = [*found.module.split("."), found.name]
    hidden = any(name.startswith("_") and not name.startswith("__") for name in names)
    return len(layers) == 2 and layers <= set(LAYERS) and hidden and found.path.as_posix() not in INSIDE


def a_command(found: Import) -> bool:
    """No file of experiments imports a command: what two commands need is in a file with an underscore."""
    return found.path.parts[0] == "experiments" and target(found) in COMMANDS


def a_test(found: Import) -> bool:
    """No test imports a test: what two tests need is in a file such as tests/helpers.py."""
    return found.path.parts[0] == "tests" and bool(TESTS & {*found.module.split("."), found.name})


RULES = (against_the_layers, past_the_door, upstairs, private, a_command, a_test)


def arrows(found: Iterable[Import]) -> dict[str, set[str]]:
    """The rooms of jaxnn that each room of it imports."""
    drawn = {}
    for one in found:
        here, there = room_of(module_of(one.path)), room_of(target(one))
        if here in FLOOR and there in FLOOR and here != there:
            drawn.setdefault(here, set()).add(there)
    return drawn


def circle(drawn: dict[str, set[str]]) -> list[str]:
    """Rooms that import one another in a circle, each the one before it; empty if none do."""
    try:
        graphlib.TopologicalSorter(drawn).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def reached(start: Iterable[str]) -> dict[str, Import | None]:
    """The modules that importing some modules runs, each with the import that first asks for it.

    An import within a function counts too; one for type checkers alone does not, nor does
    the table of contents of jaxnn, which imports every room.
    """
    by: dict[str, Import | None] = dict.fromkeys(start)
    waiting = list(by)
    while waiting:
        for found in IMPORTS[MODULES[waiting.pop()]]:
            for module in {room_of(target(found)), target(found)} - {"jaxnn"} - by.keys():
                if module in MODULES and not found.for_types:
                    by[module] = found
                    waiting.append(module)
    return by


def misnamed(path: Path) -> bool:
    """Files have no underscore in a private room, and have one in a public room."""
    in_a_room = path.parts[0] in ("jaxnn", "kernels") and room_of(module_of(path)) != module_of(path)
    return in_a_room and path.name.startswith("_") != (not path.parent.name.startswith("_"))


def runs(text: str) -> bool:
    """Whether a file does something as a script."""
    tests = [ast.unparse(x.test) for x in ast.parse(text).body if isinstance(x, ast.If)]
    return "__name__ == '__main__'" in tests


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_import_is(rule):
    faults = [str(found) for one in IMPORTS.values() for found in one if rule(found)]
    assert not faults, "\n".join([rule.__doc__, *faults])


def test_every_room_has_a_floor():
    rooms = {room_of(module) for module in MODULES if package_of(module) == "jaxnn"}
    assert rooms == FLOOR.keys(), "a room is new or gone: put FLOORS in tests/test_floors.py right"


def test_rooms_import_in_no_circle():
    every = [found for one in IMPORTS.values() for found in one]
    rooms = circle(arrows(every))
    steps = set(zip(rooms[1:], rooms, strict=False))
    faults = [str(x) for x in every if (room_of(module_of(x.path)), room_of(target(x))) in steps]
    assert not rooms, "\n".join([" <- ".join(rooms), *faults])


def test_files_are_named_for_their_room():
    faults = [path.as_posix() for path in FILES if misnamed(path)]
    assert not faults, "\n".join([misnamed.__doc__ or "", *faults])


def test_a_file_without_an_underscore_is_a_command():
    paths = [MODULES[command] for command in sorted(COMMANDS)]
    faults = [f"{path.as_posix()}:1" for path in paths if not runs((ROOT / path).read_text())]
    assert not faults, "\n".join(["A command ends in `if __name__ == '__main__'`:", *faults])


def test_a_nickelate_run_imports_nothing_of_nanowires():
    by = reached(module for module in MODULES if room_of(module) == "jaxnn._nickelate")
    entered = [found for module, found in by.items() if found and room_of(module) in NANOWIRES]
    # Where they are entered is enough; the files within them follow.
    faults = [str(found) for found in entered if room_of(module_of(found.path)) not in NANOWIRES]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", INSIDE)
def test_exceptions_are_needed(path):
    """A script that no longer reaches into the library leaves the list."""
    assert any("._" in f".{found.module}.{found.name}" for found in IMPORTS[Path(path)])


BROKEN = [
    (against_the_layers, "kernels/jaxnn_kernels/_nodal/costs.py", "from jaxnn import Network"),
    (against_the_layers, "jaxnn/_drives/clock.py", "def f():\n    import experiments.shared.script"),
    (past_the_door, "jaxnn/_simulation/step.py", "from .._networks.paths import lightest_path"),
    (past_the_door, "jaxnn/_observers/events.py", "from .._simulation.simulate import simulate"),
    (past_the_door, "jaxnn/_observers/events.py", "from .._simulation import kirchhoff"),
    (past_the_door, "jaxnn/_command_line.py", "import jaxnn._sweep.axes"),
    (past_the_door, "kernels/jaxnn_kernels/_growing.py", "from ._xla.buffer import rows"),
    (upstairs, "jaxnn/_core/arrays.py", "from .._networks import Network"),
    (upstairs, "jaxnn/_networks/__init__.py", "from .._simulation import simulate"),
    (upstairs, "jaxnn/_networks/paths.py", "if TYPE_CHECKING:\n    from .. import analysis"),
    (upstairs, "jaxnn/analysis/_paths.py", "import jaxnn"),
    (private, "experiments/demo.py", "from jaxnn import _core"),
    (private, "experiments/demo.py", "import jaxnn_kernels._nodal.costs"),
    (private, "jaxnn/_drives/clock.py", "from jaxnn_kernels._exact_time import step_time"),
    (a_command, "experiments/gradients/surrogates.py", "from experiments.nickelate import modes"),
    (a_command, "experiments/nickelate/_runs.py", "from experiments.nickelate.modes import main"),
    (a_test, "tests/kernels/test_tail.py", "from test_docs import anchors"),
    (a_test, "tests/helpers.py", "from tests.drives import test_clock"),
]
KEPT = [
    (against_the_layers, "experiments/demo.py", "import jaxnn"),
    (past_the_door, "jaxnn/_simulation/step.py", "from .problem import Problem"),
    (past_the_door, "jaxnn/_observers/events.py", "from .._simulation import simulate"),
    (past_the_door, "kernels/jaxnn_kernels/_growing.py", "from ._number import Number"),
    (upstairs, "jaxnn/_sweep/registry.py", "from .. import parameters"),
    (private, "experiments/demo.py", "from jaxnn import __version__, simulate"),
    (private, "jaxnn/_drives/clock.py", "from .._core import unit"),
    (a_command, "experiments/nickelate/modes.py", "from experiments.shared import figures"),
    (a_test, "tests/kernels/test_tail.py", "from circuits import graph"),
]


@pytest.mark.parametrize(
    ("broken", "rule", "path", "text"),
    [*((True, *case) for case in BROKEN), *((False, *case) for case in KEPT)],
)
def test_the_rules_see_what_they_forbid(broken, rule, path, text):
    """Made-up files, of which some break a rule."""
    assert any(rule(found) for found in imports(Path(path), text)) is broken


def test_the_other_rules_see_what_they_forbid():
    text = "from .._simulation import simulate"
    assert arrows(imports(Path("jaxnn/_drives/clock.py"), text)) == {"jaxnn._drives": {"jaxnn._simulation"}}
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b", "c"}, "b": {"c"}})
    assert misnamed(Path("jaxnn/_drives/_clock.py"))
    assert misnamed(Path("jaxnn/analysis/gini.py"))
    assert not misnamed(Path("jaxnn/_drives/__init__.py"))
    assert not runs("def main(): ...")
    assert runs("if __name__ == '__main__':\n    main()")
    assert "jaxnn._networks" in reached(["jaxnn._simulation.simulate"])
