"""Small files of JSON that know whether they are still what was written."""

import json
import zlib
from pathlib import Path
from typing import Any


_SUM = "crc32"


def checksum(data: bytes) -> str:
    """The checksum of some bytes, in hexadecimal digits."""
    return f"{zlib.crc32(data):08x}"


def sealed(content: dict[str, Any]) -> bytes:
    """A file of `content` and its checksum."""
    return json.dumps(content | {_SUM: _sum(content)}, indent=1).encode()


def unsealed(path: Path, optional: bool = False) -> dict[str, Any]:
    """The content of a file that `sealed` made.

    - `optional`: one without a checksum, of an earlier version, is taken as it is.

    **Raises:** `FileNotFoundError` if it is not there; `ValueError` for one that is damaged.
    """
    try:
        content = json.loads(path.read_bytes())
        found = content.pop(_SUM, None)
        if (found is None and optional) or found == _sum(content):
            return content
        problem = "its checksum is another"
    except FileNotFoundError:
        raise
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        problem = str(error)
    raise ValueError(f"{path} is damaged: {problem}.")


def _sum(content: dict[str, Any]) -> str:
    return checksum(json.dumps(content, sort_keys=True).encode())
