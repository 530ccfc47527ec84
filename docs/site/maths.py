"""Formulae of the site as MathML, which browsers set themselves, in a font that comes with the site.

No script runs and nothing is fetched from elsewhere. The font is STIX Two Math, of the package ziamath.
"""

import html
import importlib.util
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


FONT = "STIXTwoMath-Regular.ttf"
LONG = 45  # characters of LaTeX that may be wider than a telephone

# What pymdownx.arithmatex makes of $...$ and $$...$$.
INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
DISPLAY = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.DOTALL)


def formula(text: str, display: str) -> str:
    """A formula in LaTeX, as it stands in HTML, as MathML."""
    # Bars are set like operators by default, with space around them; a modulus has none.
    return convert(html.unescape(text).strip(), display=display).replace(
        '<mo stretchy="false">&#x0007C;</mo>', '<mo stretchy="false" lspace="0" rspace="0">|</mo>'
    )


def inline(text: str) -> str:
    """A formula within a line; MathML does not break, so a long one scrolls where it is too wide."""
    made = formula(text, "inline")
    return f'<span class="long-formula">{made}</span>' if len(text) > LONG else made


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the font."""
    found = importlib.util.find_spec("ziamath")
    if found is None or found.origin is None:
        raise ImportError("the site needs the package ziamath, for its font: pip install --group docs")
    path = Path(found.origin).parent / "fonts" / FONT
    files.append(File.generated(config, f"fonts/{FONT}", abs_src_path=str(path)))
    return files


def on_page_content(text: str, **_unused: Any) -> str:
    """Called by MkDocs with the HTML of each page."""
    text = DISPLAY.sub(lambda found: f'<div class="formula">{formula(found[1], "block")}</div>', text)
    return INLINE.sub(lambda found: inline(found[1]), text)
