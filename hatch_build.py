"""Builds the compiled nodal solve into the wheel, where there is a C++ compiler."""

import runpy
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


_BUILD = Path(__file__).parent / "kernels" / "native" / "build.py"


class CustomBuildHook(BuildHookInterface):
    """Without a compiler the wheel is plain Python, and says so: XLA then does what the library would."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        native = runpy.run_path(str(_BUILD))
        try:
            native["build"](Path(self.root) / "build" / "native")
        except (OSError, subprocess.CalledProcessError) as error:
            native["LIBRARY"].unlink(missing_ok=True)
            said = getattr(error, "stderr", "") or error
            self.app.display_warning(
                f"The compiled nodal solve was not built, the slower one will run: {said}"
            )
            return
        # The library knows XLA, the oldest one supported, and not Python: one wheel serves every version.
        tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"
