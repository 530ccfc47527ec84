"""The pictures of docs/start-here.md and docs/index.md: their blocks are run, and what each draws is kept.

python experiments/start_here.py --out docs/pictures
"""

import re
from pathlib import Path

from experiments.shared import script
from experiments.shared.figures import plt


DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("index", "start-here")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def draw(page: str, out: Path) -> int:
    """Runs the blocks of a page, writes what they draw, and says how many pictures that makes."""
    names: dict = {}
    drawn = 0
    for block in BLOCK.findall((DOCS / f"{page}.md").read_text()):
        exec(compile(block, page, "exec"), names)
        for number in plt.get_fignums():
            drawn += 1
            plt.figure(number).savefig(out / f"{page}-{drawn}.png", dpi=90, bbox_inches="tight")
        plt.close("all")
    return drawn


def main() -> None:
    """Runs the pages and writes their pictures."""
    parser = script.parser(__doc__, "docs/pictures", quick="the first page alone")
    arguments = script.start(parser)
    for page in PAGES[: 1 if arguments.quick else None]:
        print(f"{page}: {draw(page, arguments.out)} pictures in {arguments.out}")


if __name__ == "__main__":
    main()
