"""How much the signatures say: few arguments of any type, none of a type or any other, and not too many."""

import ast
import functools as ft
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
PACKAGES = ("jaxnn", "kernels/jaxnn_kernels")
SHARE = 0.05
# Beyond these, what belongs together is one argument.
MOST = 10
LONG = {"simulate", "optimise", "sweep"}


@ft.cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Every node of the syntax trees of both packages, with the file that it is in."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    tree = lambda path: ast.parse(path.read_text())
    return [(str(path.relative_to(ROOT)), node) for path in files for node in ast.walk(tree(path))]


def arguments(function: ast.FunctionDef) -> list[ast.arg]:
    of = function.args
    rest = [x for x in (of.vararg, of.kwarg) if x is not None]
    return [*of.posonlyargs, *of.args, *of.kwonlyargs, *rest]


def is_union_with_any(node: ast.AST) -> bool:
    """Whether this is `X | Any`, which says X and checks nothing."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)):
        return False
    return any(isinstance(x, ast.Name) and x.id == "Any" for x in (node.left, node.right))


def test_few_arguments_are_of_any_type():
    functions = [node for _, node in nodes() if isinstance(node, ast.FunctionDef)]
    said = [ast.unparse(x.annotation) for f in functions for x in arguments(f) if x.annotation is not None]
    assert said.count("Any") <= SHARE * len(said)


def test_nothing_is_of_some_type_or_any():
    assert [f"{path}: {ast.unparse(node)}" for path, node in nodes() if is_union_with_any(node)] == []


def test_functions_take_few_arguments():
    functions = [(path, node) for path, node in nodes() if isinstance(node, ast.FunctionDef)]
    own = lambda function: [x for x in arguments(function) if x.arg not in ("self", "cls")]
    long = [f"{path}:{f.name}" for path, f in functions if len(own(f)) > MOST and f.name not in LONG]
    assert long == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("x: int | Any", True),
        ("def f() -> Any | None: ...", True),
        ("x: list[Array | Any | None]", True),
        ("x: dict[str, Any] | None", False),
    ],
)
def test_unions_with_any_are_found(code, found):
    assert any(map(is_union_with_any, ast.walk(ast.parse(code)))) == found
