"""The pages of the API reference, from docstrings: one for each room of jaxnn and each public module."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


ROOT = Path(__file__).resolve().parents[2]
FOLDER = "api"
# Modules that `import jaxnn` does not bring: what they need is optional.
BY_THEMSELVES = ("estimators",)
# Inline code that is a public name and nothing else, outside of links.
NAMED = re.compile(r"(?<![\[`])`(jaxnn(?:\.\w+)+|jaxnn_kernels\.\w+)(\(\))?`(?![\]`])")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def handed_on(init: Path) -> Iterator[tuple[str, list[str]]]:
    """Where an `__init__.py` takes its public names from, with these, in its order."""
    for node in ast.parse(init.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [alias.asname for alias in node.names if alias.asname and alias.asname[0] != "_"]
            if names:
                yield node.module or "", names


def names_of(module: str) -> list[str]:
    """The public names of a module, without modules that it hands on."""
    found = importlib.import_module(module)
    public = {name for name in found.__all__ if not hasattr(getattr(found, name), "__spec__")}
    return sorted(public)


def pages() -> dict[str, tuple[str, str, list[str]]]:
    """Of each page its file: title, the module as a user writes it, and its names."""
    made: dict[str, tuple[str, str, list[str]]] = {}
    modules: list[str] = []
    for room, names in handed_on(ROOT / "jaxnn" / "__init__.py"):
        if not room:
            modules = names
        elif room != "_version":
            title = {"_core": "settings and warnings"}.get(room, room.strip("_"))
            made[f"{FOLDER}/{room.strip('_')}.md"] = (title.capitalize(), "jaxnn", sorted(names))
    for name in sorted([*modules, *BY_THEMSELVES]):
        whole = f"jaxnn.{name}"
        made[f"{FOLDER}/jaxnn.{name}.md"] = (whole, whole, names_of(whole))
    made[f"{FOLDER}/jaxnn_kernels.md"] = ("jaxnn_kernels", "jaxnn_kernels", names_of("jaxnn_kernels"))
    return made


def body(title: str, module: str, names: list[str]) -> str:
    """A page: what the module is, a table of contents, and each name with its docstring."""
    about = "" if module == "jaxnn" else (importlib.import_module(module).__doc__ or "")
    where = {
        "jaxnn": "Names of `jaxnn` itself.",
        "jaxnn_kernels": "Also `jaxnn.kernels`.",
    }.get(module, "")
    entries = "\n\n".join(f"::: {module}.{name}" for name in names)
    return f"# {title}\n\n{where}\n\n{about}\n\n{entries}\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    for path, page in pages().items():
        files.append(File.generated(config, path, content=body(*page)))
    return files


def on_post_build(config: MkDocsConfig, **_unused: Any) -> None:
    """Every public name must have come out with an anchor of its own."""
    for path, (_, module, names) in pages().items():
        text = (Path(config.site_dir) / path).with_suffix(".html").read_text()
        lost = [name for name in names if f'id="{module}.{name}"' not in text]
        if lost:
            raise ValueError(f"{path} has no entry for {', '.join(lost)}: have they a docstring?")


PUBLIC = {f"{module}.{name}" for _, module, names in pages().values() for name in names}


def _link(found: re.Match[str]) -> str:
    name, call = found[1], found[2] or ""
    # `jaxnn.kernels` is the same package under a user's name.
    target = name.replace("jaxnn.kernels.", "jaxnn_kernels.")
    return f"[`{name}{call}`][{target}]" if target in PUBLIC else found[0]


def on_page_markdown(text: str, **_unused: Any) -> str:
    """Names in the prose become links to the reference."""
    blocks = FENCE.findall(text)
    lines = FENCE.sub("\0", text).split("\n")
    linked = [line if line.startswith("#") else NAMED.sub(_link, line) for line in lines]
    parts = "\n".join(linked).split("\0")
    whole = [piece for pair in zip(parts, [*blocks, ""], strict=True) for piece in pair]
    return "".join(whole)
