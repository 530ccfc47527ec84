"""The words of the public names: whole sentences, an example that runs, and a line for each field."""

import ast
import contextlib
import functools as ft
import inspect
import io
import itertools
import json
import pydoc
import re
import sys
import textwrap
import tokenize
import types
from collections.abc import Collection
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest

import jaxnn


NAMES = json.loads(Path(__file__).with_name("public_names.json").read_text())
ENTRIES = {
    f"{module}.{name}": found
    for module, names in NAMES.items()
    for name in names
    if not inspect.ismodule(found := getattr(ft.reduce(getattr, module.split(".")[1:], jaxnn), name))
    and callable(found)
}
CLASSES = {name: found for name, found in ENTRIES.items() if inspect.isclass(found)}

# What a function and a method begin with, and a class may.
VERBS = set(
    """Adds Applies Brings Builds Computes Counts Cuts Declares Decides Draws Drops Finds Fits Follows Gives
    Groups Holds Keeps Lets Makes Maps Minimises Multiplies Numbers Opens Plans Puts Raises Reads Rebuilds
    Repeats Returns Runs Sends Sets Shows Simulates Solves Splits Subtracts Sums Switches Takes Turns Warns
    Wraps Writes Yields""".split()
)
OF_CLASSES = {"A", "All", "An", "Every", "One", "Several", "The"} | VERBS
OF_PROPERTIES = {"A", "The", "Whether"}
# Their first lines describe the results of sweeps, where they stand as labels.
LABELS = {f"jaxnn.reductions.{name}" for name in NAMES["jaxnn.reductions"]}

PREAMBLE = """
import jax
import jax.numpy as jnp
import jax.random as jr
import jaxnn
import numpy as np

network = jaxnn.nanowire_network(14, box=10e-6, seed=0)
law = jaxnn.TunnelJunction()
drive = jaxnn.Sine(0.3, 2.0)
terminals = jaxnn.farthest_pair(network)
setup = {"terminals": terminals, "dt": 3e-3, "steps": 50}
record = ("state", "junction_conductance", "junction_voltage", "power")
solution = jaxnn.simulate(network, law, drive, record=record, **setup)
line = lambda x: x * jnp.linspace(0.0, 1.0, 12)
measured = np.linspace(0.0, 1.0, 12) + 0.05 * np.cos(40 * np.arange(12))
fitted = jaxnn.fit.fit_parameters(line, 0.5, measured, sigma=0.05, held_out=0)
"""
# Behind a number: a literal list has brackets too.
UNIT = re.compile(r"(?<=[\w\])]) \[[^\]]+\]$")
BLOCK = re.compile(r"^```python\n((?:.*\n)*?)```$", re.MULTILINE)
# Their files do not come with the library, or they would change the cache of this session: compiled only.
NOT_RUN = {
    "jaxnn.data.EcgRecord",
    "jaxnn.data.heartbeat_csv",
    "jaxnn.data.heartbeats",
    "jaxnn.data.mnist",
    "jaxnn.data.read_ecg",
    "jaxnn.keep_compiled",
}
NEEDS_PACKAGE = {
    "jaxnn.analysis.compare_with_powerlaw": "powerlaw",
    "jaxnn.data.wires_from_image": "skimage",
    "jaxnn.open_sweep": "zarr",
    "jaxnn.reservoirs.fit_logistic": "sklearn",
    "jaxnn.reservoirs.reservoirpy_node": "reservoirpy",
    "jaxnn.sweep": "zarr",
}
# Programs that take some seconds each to compile.
TAKES_LONG = {
    "jaxnn.Checkpointed",
    "jaxnn.Ensemble",
    "jaxnn.LyapunovSpectrum",
    "jaxnn.NickelateNodes",
    "jaxnn.NickelateStorage",
    "jaxnn.Run",
    "jaxnn.SeparationGrowth",
    "jaxnn.StoreAll",
    "jaxnn.Truncated",
    "jaxnn.analysis.ReadOutRun",
    "jaxnn.analysis.record_read_out",
    "jaxnn.kernels.CloudFlow",
    "jaxnn.kernels.GrowEvent",
    "jaxnn.kernels.grow_step",
    "jaxnn.kernels.proton_cloud_step",
    "jaxnn.lyapunov_exponents",
    "jaxnn.open_sweep",
    "jaxnn.read_resistance",
    "jaxnn.reductions.largest_exponent",
    "jaxnn.shoot",
    "jaxnn.simulate_transport",
    "jaxnn.sweep",
    "jaxnn.two_trajectory_exponents",
}


@ft.cache
def _definitions(found: Any) -> list[Any]:
    """The syntax trees of a name: of a class its own and those of its bases here, the nearest first."""
    own = found.__mro__ if inspect.isclass(found) else [inspect.unwrap(found)]
    here = [x for x in own if x.__module__.split(".")[0] in ("jaxnn", "jaxnn_kernels")]
    return [ast.parse(textwrap.dedent(inspect.getsource(x))).body[0] for x in here]


def _methods(found: Any) -> dict[str, Any]:
    """The public methods and properties of a class, each where its docstring is."""
    methods = {}
    for definition in reversed(_definitions(found)):
        for x in definition.body:
            if isinstance(x, ast.FunctionDef) and not x.name.startswith("_"):
                if ast.get_docstring(x) or x.name not in methods:
                    methods[x.name] = x
    return methods


def _fields(found: Any) -> dict[str, str]:
    """The public fields of a class and what is said beneath them or, of kernels' numbers, beside them."""
    fields = {}
    for definition in reversed(_definitions(found)):
        statements: list[Any] = [*definition.body, ast.Pass()]
        for x, after in itertools.pairwise(statements):
            if isinstance(x, ast.AnnAssign) and not (name := ast.unparse(x.target)).startswith("_"):
                said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                fields[name] = " ".join(str(ast.literal_eval(after.value)).split()) if said else ""
    return fields


def _check_first_line(text: str | None, first_words: Collection[str]) -> None:
    first_line = (text or "").split("\n")[0]
    assert first_line.endswith("."), f"the first line is no whole sentence: {first_line!r}"
    assert first_line.split()[0] in first_words, (
        f"begins with none of {sorted(first_words)}: {first_line!r}"
    )


@pytest.mark.parametrize("name", ENTRIES)
def test_first_lines_are_sentences(name):
    found = ENTRIES[name]
    text = ast.get_docstring(_definitions(found)[0])
    if name in LABELS:
        assert text, "a label"
        return
    _check_first_line(text, OF_CLASSES if inspect.isclass(found) else VERBS)
    for method in _methods(found).values() if inspect.isclass(found) else ():
        of_property = any(isinstance(x, ast.Name) and x.id == "property" for x in method.decorator_list)
        _check_first_line(ast.get_docstring(method), OF_PROPERTIES if of_property else VERBS)


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_is_described(name):
    """With its unit, if it has one; `help` of a module shows it."""
    found = CLASSES[name]
    texts = _fields(found)
    units = {f.name: f.metadata.get("unit") for f in getattr(found, "__dataclass_fields__", {}).values()}
    beside = inspect.getsource(found) if issubclass(found, tuple) else ""
    for field, text in texts.items():
        comment = re.search(rf"^    {field}: .*#(.*)$", beside, re.MULTILINE)
        text = text or (comment[1] if comment else "")
        assert text, f"{field} has no docstring beneath it"
        unit = units.get(field)
        assert unit is None or f"[{unit}]" in text, f"{field}: its unit is [{unit}], its docstring {text!r}"
    if issubclass(found, eqx.Module) and texts:
        help_text = pydoc.render_doc(found, renderer=pydoc.plaintext)  # pyright: ignore[reportAttributeAccessIssue]
        for field, text in texts.items():
            assert f"- `{field}`: {text}" in help_text, f"{field} is not in help({name})"


def _examples(found: Any) -> list[str]:
    """The examples in the docstrings of a name, those of its methods behind."""
    definition, *_ = _definitions(found)
    parts = [definition, *(x for x in definition.body if isinstance(x, ast.FunctionDef))]
    texts = [ast.get_docstring(x) or "" for x in (parts if inspect.isclass(found) else parts[:1])]
    return [block[1] for text in texts for block in BLOCK.finditer(text)]


@pytest.fixture(scope="module")
def as_suite():
    """Float64 as everywhere here, but numbers are promoted as a reader's are."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def common(as_suite):
    """What examples may use."""
    names: dict[str, Any] = {}
    exec(PREAMBLE, names)
    return names


def _run(code: str, names: dict[str, Any]) -> None:
    """Runs an example; what a comment behind an expression shows must come out, to its digits."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = {x.start[0]: x.string[1:].strip() for x in tokens if x.type == tokenize.COMMENT}
    for statement in ast.parse(code).body:
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), "example", "exec"), names)
            continue
        value = eval(compile(ast.Expression(statement.value), "example", "eval"), names)
        shown = UNIT.sub("", comments.get(statement.end_lineno or 0, ""))
        if shown and shown[0] in '-0123456789(["TFN':
            _check_shown(value, ast.literal_eval(shown), ast.unparse(statement))


def _check_shown(value: Any, expected: Any, what: str) -> None:
    if np.asarray(expected).dtype.kind in "iufc" and not isinstance(expected, tuple):
        np.testing.assert_allclose(value, expected, rtol=6e-3, atol=1e-12, err_msg=what)
    else:
        assert np.array_equal(value, expected), f"{what} is {value!r}"


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in TAKES_LONG)) for name in ENTRIES],
)
def test_examples(name, common, tmp_path, monkeypatch):
    """Every public function and class has one, which runs in a namespace of its own."""
    examples = _examples(ENTRIES[name])
    assert examples, f"the docstring of {name} needs an example, a ```python block"
    assert all(len(code.splitlines()) <= 14 for code in examples), "an example is short"
    if name in NEEDS_PACKAGE:
        pytest.importorskip(NEEDS_PACKAGE[name])
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    with contextlib.redirect_stdout(io.StringIO()):
        for code in examples:
            module.__dict__.update(common, __name__="example")
            if name in NOT_RUN:
                compile(code, name, "exec")
            else:
                _run(code, module.__dict__)
    plt.close("all")
    jaxnn.keep_programs(10_000)
