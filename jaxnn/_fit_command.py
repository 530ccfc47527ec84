"""The command `jaxnn fit`: from a file of measurements to a report and pictures."""

import argparse
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import data, fit, twin
from ._core import written_whole
from ._plots import save_figure
from ._sweep import REGISTRY, registered
from ._tuning import Box, only


if TYPE_CHECKING:
    from matplotlib.figure import Figure
else:
    Figure = Any  # annotations that are evaluated must not import Matplotlib

Kind = tuple[type, ...]
_NUMBER: Kind = (int, float)
_SETTINGS: dict[str, dict[str, Kind] | None] = {
    "recording": {"source": (str,), "grounds": (list,)},
    "split": {"fit": _NUMBER, "judge": _NUMBER},
    "model": {"hidden": (int,), "seed": (int,)},
    "table": {"rate": _NUMBER, "dt": _NUMBER, "noise": _NUMBER, "held_out": _NUMBER, "starts": (int,)},
    # Whatever a law takes, and ranges of what is fitted of it.
    "law": None,
    "fit": None,
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declares what the command takes."""
    command.add_argument("data", help="a recording of many pads, or a table of current and voltage")
    command.add_argument("specification", nargs="?", help="a TOML file, see docs/measured-devices.md")
    command.add_argument("--out", required=True, help="folder for report.json and the pictures")


def run(parsed: argparse.Namespace) -> None:
    """Reads, fits, prints a table and writes the report."""
    path = None if parsed.specification is None else Path(parsed.specification)
    settings = read_settings(path)
    out = Path(parsed.out)
    report, figures, text = (_law if "law" in settings else _recording)(Path(parsed.data), settings, path)
    print(text)
    out.mkdir(parents=True, exist_ok=True)
    with written_whole(out / "report.json") as file:
        file.write((json.dumps({"file": Path(parsed.data).name, **report}, indent=1) + "\n").encode())
    print(f"\nreport              {out / 'report.json'}")
    for name, draw in figures.items():
        save_figure(draw(), out / f"{name}.png")
        print(f"picture             {out / name}.png")


def read_settings(path: Path | None) -> dict[str, dict[str, Any]]:
    """The sections of a specification; a `ValueError` says what is unknown or of another kind."""
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: this is no TOML: {error}") from error
    for section, values in content.items():
        if section not in _SETTINGS or not isinstance(values, dict):
            raise ValueError(f"{path}: {section!r} is no section: there are {', '.join(_SETTINGS)}.")
        known = _SETTINGS[section]
        if known is None:
            continue
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"{path}: [{section}] has no setting {name!r}: it has {', '.join(known)}.")
            if not isinstance(value, known[name]) or isinstance(value, bool):
                kinds = " or ".join(kind.__name__ for kind in known[name])
                raise ValueError(f"{path}: {name} of [{section}] must be {kinds}, got {value!r}.")
    return content


Found = tuple[dict[str, Any], dict[str, Callable[[], Figure]], str]


def _recording(path: Path, settings: dict[str, dict[str, Any]], _specification: Path | None) -> Found:
    """The twin of a device, judged on a part that it has not seen."""
    recording = _read_recording(path)
    named = settings.get("recording", {})
    split, model = settings.get("split", {}), settings.get("model", {})
    roles = None
    if named:
        grounds = tuple(map(str, named["grounds"])) if "grounds" in named else None
        early = recording.part(0, round(split.get("fit", 0.5) * len(recording)))
        roles = early.roles(named.get("source"), grounds)
    found = twin.compare(recording, roles, **split, **model)
    pictures: dict[str, Callable[[], Figure]] = {
        "predictions": lambda: twin.draw_predictions(found),
        "scores": lambda: twin.draw_scores(found),
    }
    return found.to_dict(), pictures, found.report()


def _read_recording(path: Path) -> data.Recording:
    """A recording; of a table of one device, which needs a law, a `ValueError` says so."""
    try:
        return data.read_recording(path)
    except ValueError:
        try:
            data.read_iv(path, rate=1.0)
        except ValueError:
            pass
        else:
            raise ValueError(
                f"{path} has the current and voltage of one device, to which a law is fitted: name it and "
                f"what to fit of it in a file, as in `jaxnn fit {path.name} law.toml --out results`, with "
                "the sections [law] and [fit] (docs/measured-devices.md)."
            ) from None
        raise


def _law(path: Path, settings: dict[str, dict[str, Any]], specification: Path | None) -> Found:
    """The numbers of a junction law from a table of current and voltage."""
    table, law = settings.get("table", {}), dict(settings["law"])
    kind = law.pop("kind", "TunnelJunction")
    known = REGISTRY["junction"]
    if kind not in known:
        raise ValueError(f"{specification}: kind of [law] must be one of {', '.join(known)}, got {kind!r}.")
    try:
        junction = registered("junction", kind, law)
    except TypeError as error:
        raise ValueError(f"{specification}: [law] {error}.") from error
    ranges, boxes = settings.get("fit", {}), {}
    for name, limits in ranges.items():
        if not isinstance(limits, list) or len(limits) != 2 or not hasattr(junction, name):
            raise ValueError(
                f"{specification}: {name} of [fit] must be a number of {kind} with the range to search, as "
                f"in set_voltage = [0.005, 0.03]; got {limits!r}."
            )
        try:
            boxes[name] = Box(*limits)
        except ValueError as error:
            raise ValueError(
                f"{specification}: {name} of [fit] must be from the least to the largest value: {error}"
            ) from error
    if not ranges:
        raise ValueError(f"{specification}: [fit] must name what is fitted: set_voltage = [0.005, 0.03].")
    curve = data.read_iv(path, table.get("rate"))
    response = fit.Response(None, curve.time, curve.voltage, dt=table.get("dt"))
    found = fit.fit_parameters(
        response,
        junction,
        curve.current,
        sigma=table.get("noise"),
        constraints=only(junction, **boxes),
        starts=table.get("starts", 8),
        held_out=table.get("held_out", 0.2),
    )
    known_current = np.isfinite(curve.current)

    def draw() -> Figure:
        axes = found.plot(curve.time, xlabel="time [s]", ylabel="current [A]")
        return axes.flat[0].figure

    report = json.loads(found.to_json()) | {"law": kind, "samples": int(known_current.sum())}
    return report, {"fit": draw}, found.report()
