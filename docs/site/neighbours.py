"""Pages of the site that are not in docs/: those beside the code, and the gallery of all pictures.

The pages of docs/ read on a code host as they are, and link to files beside them; on the site those links
lead to the pages made here. The navigation is completed here, too.
"""

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from reference import pages as reference_pages  # its neighbour: MkDocs imports hooks from their folder


ROOT = Path(__file__).resolve().parents[2]
# File of the repository -> page of the site.
NEIGHBOURS = {
    "experiments/README.md": "reproductions.md",
    "kernels/README.md": "nodal-solve.md",
    "CHANGELOG.md": "changelog.md",
}
PICTURES = "all-pictures.md"
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#|mailto:)([^()\s#]+)(#[^()\s]*)?\)")
FURTHER = "Further pages"


def rewritten(text: str, page: str, source: str) -> str:
    """The links of a file of the repository, `source`, as the site's `page` needs them."""

    def place(found: re.Match[str]) -> str:
        kind, label, path, anchor = found[1], found[2], found[3], found[4] or ""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if target.startswith("docs/tutorials/") and not kind:
            there = target.removeprefix("docs/").replace(".py", ".md")
        elif target.startswith("docs/"):
            there = target.removeprefix("docs/")
        elif target in NEIGHBOURS:
            there = NEIGHBOURS[target]
        else:
            return label  # a file of the repository, which the site does not hold
        back = posixpath.relpath(there, posixpath.dirname(page) or ".")
        return f"{kind}[{label}]({back}{anchor})"

    return LINK.sub(place, text)


def scripts() -> dict[str, Path]:
    """Every command of experiments/, by the name of the folder that it writes to."""
    paths = (ROOT / "experiments").rglob("*.py")
    return {path.stem: path for path in paths if path.stem[0] != "_" and "shared" not in path.parts}


def sources() -> dict[str, str]:
    """Picture of docs/pictures -> the name of its command, as experiments/gallery.py has them."""
    tree = ast.parse((ROOT / "experiments" / "gallery.py").read_text())
    tables = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Dict)
    }
    copied = {Path(name).name: Path(name).parts[0] for name in tables["PICTURES"]}
    return copied | tables["WRITTEN"]


def gallery() -> str:
    """The page of all pictures: each command, its first line, and what it draws."""
    by_command: dict[str, list[str]] = {}
    known, commands = sources(), scripts()
    for picture in sorted(path.name for path in (ROOT / "docs" / "pictures").iterdir()):
        by_command.setdefault(known.get(picture, ""), []).append(picture)
    parts = [
        "# All pictures\n\nEvery picture of these pages with the command that makes it, in a checkout. "
        "`--quick` is a small run of at most half a minute. The nanowire paper's figures are explained in "
        "[the gallery](gallery.md), their numbers listed in [Reproductions](reproductions.md).\n"
    ]
    for name, pictures in sorted(by_command.items()):
        if not name:
            raise ValueError(f"experiments/gallery.py must say what makes {', '.join(pictures)}")
        script = commands[name]
        about = ast.get_docstring(ast.parse(script.read_text())) or ""
        first = about.split("\n\n")[0].replace("\n", " ")
        options = f"--out results/{name}" if name != "start_here" else ""
        command = f"python {script.relative_to(ROOT)} {options}".strip()
        shown = "\n\n".join(f"![{picture}](pictures/{picture}){{ loading=lazy }}" for picture in pictures)
        title = name.replace("_", " ").capitalize()
        parts.append(f"## {title}\n\n{first}\n\n```bash\n{command}\n```\n\n{shown}\n")
    return "\n".join(parts)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages from beside docs/."""
    for source, page in NEIGHBOURS.items():
        text = rewritten((ROOT / source).read_text(), page, source)
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, PICTURES, content=gallery()))
    return files


def on_page_markdown(text: str, *, page: Page, **_unused: Any) -> str:
    """Links that leave docs/."""
    source = page.file.src_uri
    return text if source in {*NEIGHBOURS.values(), PICTURES} else rewritten(text, source, f"docs/{source}")


def listed(entries: Any) -> list[str]:
    """The pages that a navigation names."""
    if isinstance(entries, str):
        return [entries]
    if isinstance(entries, dict):
        return [page for value in entries.values() for page in listed(value)]
    return [page for entry in entries for page in listed(entry)]


def unlisted(navigation: Any) -> list[str]:
    """Pages of docs/ that a navigation does not name."""
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").glob("*.md")}
    there |= {f"how-to/{path.name}" for path in (ROOT / "docs" / "how-to").glob("*.md")}
    return sorted(there - set(listed(navigation)))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Completes the navigation: the reference, and pages that nobody has put into a section yet."""
    api = [{title: path} for path, (title, _, _) in reference_pages().items()]
    config.nav = [
        {name: api if pages == "api" else pages}
        for section in config.nav or []
        for name, pages in section.items()
    ]
    more = unlisted(config.nav)
    if more:
        config.nav.append({FURTHER: more})
    return config


def on_nav(nav: Navigation, **_unused: Any) -> Navigation:
    """A page in the navigation twice would have two places."""
    pages = [page.file.src_uri for page in nav.pages]
    twice = sorted({page for page in pages if pages.count(page) > 1})
    if twice:
        raise ValueError(f"in the navigation of mkdocs.yml more than once: {', '.join(twice)}")
    return nav
