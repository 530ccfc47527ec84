"""Units of the parameters that the library's own modules have."""

_UNITS = {
    "V": "voltage amplitude offset on off base values set_voltage reset_voltage barrier_height",
    "S": "on_conductance off_conductance conductance_value passive_conductance",
    "V s": "critical_flux max_flux",
    "Hz": "frequency",
    "rad": "phase",
    "s": "duration off_time width period interval",
    "m": "max_gap box length_mean length_std",
    "m^2": "filament_area",
    "1/m^2": "density",
    "1": "boost duty n_wires seed path_length count",
}
_BY_NAME = {name: unit for unit, names in _UNITS.items() for name in names.split()}


def unit_of(path: str) -> str:
    """The unit of a parameter by the name at the end of its path, "" for one that is not known."""
    named = [part for part in path.split(".") if not part.isdigit()]
    return _BY_NAME.get(named[-1], "")
