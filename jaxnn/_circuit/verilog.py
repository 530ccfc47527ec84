"""Junction laws as modules of Verilog-A, for circuit simulators of others."""

import dataclasses as dc
from typing import Any

import numpy as np

from .._core import Declared, Module, arguments, unit_of
from .._junctions import AbstractJunction, AbstractSpiceJunction, spice_expressions, state_of_volt


def verilog_a(junction: Declared[AbstractJunction], *, name: Declared[str] = "junction") -> str:
    """Writes a junction law down as a module of Verilog-A, with the terminals p and n.

    Its current runs from p to n. The state is the potential of an inner node x, as in
    `jaxnn.spice_netlist`, which `idt` integrates from the `start` of the law, a parameter of the module.
    Other parameters stand in the expressions as numbers, and are listed by name above them. The expressions
    are those of the netlist. OpenVAF compiles the module.

    **Arguments:**

    - `junction`: a `jaxnn.AbstractSpiceJunction` whose parameters are one number each.
    - `name`: of the module.

    **Raises:** `ValueError` for a law that has no such form, for a parameter with a number per junction,
    and for a name that is none in Verilog-A.

    ```python
    text = jaxnn.verilog_a(jaxnn.RateBalanceJunction(), name="film")
    text.splitlines()[3]  # "module film(p, n);"
    ```
    """
    arguments.one_of(AbstractJunction)("junction", junction)
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()) or name in _KEYWORDS:
        arguments.refuse("name", "the name of a module, such as 'junction'", name)
    if not isinstance(junction, AbstractSpiceJunction):
        raise ValueError(
            f"{type(junction).__name__} has no form in Verilog-A: it must be a "
            "jaxnn.AbstractSpiceJunction, smooth and of one state, such as jaxnn.RateBalanceJunction; "
            "of several laws give each."
        )
    listed = _parameters(junction, junction)
    start = float(np.asarray(junction.init_state(1))[0]) / state_of_volt(junction)
    current, rate = spice_expressions(junction, "v", "s")
    head = [f"// {type(junction).__name__}, by jaxnn", *(f"// {line}" for line in listed)]
    return "\n".join(
        [
            '`include "constants.vams"',
            '`include "disciplines.vams"',
            "",
            f"module {name}(p, n);",
            "    inout p, n;",
            "    electrical p, n, x;",
            *(f"    {line}" for line in head),
            f"    parameter real start = {start!r};",
            "    real v, s;",
            "    analog begin",
            "        v = V(p, n);",
            "        s = V(x);",
            f"        I(p, n) <+ {current};",
            f"        V(x) <+ idt({rate}, start);",
            "    end",
            "endmodule",
            "",
        ]
    )


# Of the words that Verilog-A keeps for itself, those that a module might be called.
_KEYWORDS = {
    *"abs analog begin branch electrical end exp ground idt inout integer module parameter".split(),
    *"pow real sinh start I V n p s v x".split(),
}


def _parameters(module: Module, law: AbstractSpiceJunction) -> list[str]:
    """The parameters of a law, and of what is within it, one a line."""
    lines = []
    for field in dc.fields(module):  # pyright: ignore[reportArgumentType]
        value: Any = getattr(module, field.name)
        if isinstance(value, Module):
            lines += [f"{field.name} = {type(value).__name__}", *_parameters(value, law)]
        elif np.ndim(value):
            raise ValueError(
                f"{field.name} of {type(law).__name__} has shape {np.shape(value)}, and a module is of one "
                "junction: take one, as jax.tree.map(lambda x: x[0] if x.ndim else x, junction)."
            )
        else:
            unit = unit_of(module, field.name)
            shown = value if isinstance(value, bool | str | None) else float(value)
            lines.append(f"{field.name} = {shown}{f' [{unit}]' if unit else ''}")
    return lines
