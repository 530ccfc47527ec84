"""Laws in Verilog-A: what is in the text, and what its expressions come to.

Their expressions are also ones of C, whose compiler does it; OpenVAF has a file of its own.
"""

import ctypes
import re
import shutil
import subprocess
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn


COMPILER = shutil.which("cc")
SLOW: dict[str, Any] = {"on_resistance": 3e5, "off_resistance": 3e6, "mobility": 1e-13, "start": 0.3}
LAWS: dict[str, Any] = {
    "rate balance": jaxnn.RateBalanceJunction(50.0, 200.0, 3.0),
    "drift": jaxnn.LinearDriftJunction(**SLOW),
    "drift in a window": jaxnn.LinearDriftJunction(**SLOW, window=jaxnn.BiolekWindow(2)),
    "decaying drift": jaxnn.DecayingDriftJunction(**SLOW, window=jaxnn.ProdromakisWindow(2)),
    "VTEAM": jaxnn.VteamJunction(start=0.4),
    "VTEAM, exponential": jaxnn.VteamJunction(window=jaxnn.JoglekarWindow(), exponential=True),
    "Yakopcic": jaxnn.YakopcicJunction(start=0.4),
    "filament": jaxnn.VolatileFilamentJunction(),
    "dynamic": jaxnn.DynamicMemristorJunction(),
    "resistor": jaxnn.Resistor(4e-7),
}


def expressions(text):
    """The two contributions of a module."""
    current = re.search(r"^ *I\(p, n\) <\+ (.*);$", text, re.MULTILINE)
    rate = re.search(r"^ *V\(x\) <\+ idt\((.*), start\);$", text, re.MULTILINE)
    assert current
    assert rate
    return current[1], rate[1]


def compiled(text, folder):
    """The current and the rate as functions of the voltage and the state."""
    current, rate = expressions(text)
    head = "#include <math.h>\n#define abs fabs\n"
    code = head + "".join(
        f"double {name}(double v, double s) {{ return {x}; }}\n"
        for name, x in (("current", current), ("rate", rate))
    )
    (folder / "law.c").write_text(code)
    made = ["cc", "-shared", "-fPIC", "-o", str(folder / "law.so"), str(folder / "law.c"), "-lm"]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    library = ctypes.CDLL(str(folder / "law.so"))
    functions = library.current, library.rate
    for function in functions:
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * 2
    return functions


@pytest.mark.skipif(COMPILER is None, reason="no compiler of C is installed")
@pytest.mark.parametrize("name", LAWS)
def test_what_the_expressions_come_to(name, tmp_path):
    law: Any = LAWS[name]
    current, rate = compiled(jaxnn.verilog_a(law), tmp_path)
    voltage, share = (x.ravel() for x in np.meshgrid(np.linspace(-0.9, 0.9, 13), [0.05, 0.4, 0.95]))
    critical = float(np.asarray(law.critical_state()))
    unit = critical if np.isfinite(critical) else 1.0
    v, x = jnp.asarray(voltage), jnp.asarray(share * unit)
    slope = law.rate(x, v) / unit
    ours = law.current(x, v) if isinstance(law, jaxnn.AbstractCurrentJunction) else law.conductance(x) * v
    theirs = [current(*pair) for pair in zip(voltage, share, strict=True)]
    np.testing.assert_allclose(theirs, ours, rtol=1e-12, atol=1e-18)
    theirs = [rate(*pair) for pair in zip(voltage, share, strict=True)]
    np.testing.assert_allclose(theirs, slope, rtol=1e-9, atol=1e-12)


@pytest.mark.skipif(COMPILER is None, reason="no compiler of C is installed")
@pytest.mark.parametrize("name", ["drift", "VTEAM", "dynamic"])
def test_rates_fall_to_0_beyond_a_bound_without_a_jump(name, tmp_path):
    """Of an implicit step across a jump there is no solution. Back from a bound a rate is as it was."""
    _, rate = compiled(jaxnn.verilog_a(LAWS[name]), tmp_path)
    up = 3.0 if rate(3.0, 0.5) > 0 else -3.0
    half = {1: 1 + 5e-7, 0: -5e-7}
    for bound, outward in ((1, up), (0, -up)):
        sign = 1 if bound else -1
        inside = rate(outward, bound - 1e-12 * sign)
        np.testing.assert_allclose(rate(outward, bound), inside, rtol=1e-6)
        np.testing.assert_allclose(rate(outward, half[bound]), inside / 2, rtol=1e-5)
        assert rate(outward, bound + 2e-6 * sign) == 0
        back = rate(-outward, bound + 2e-6 * sign)
        assert back * inside < 0
        np.testing.assert_allclose(back, rate(-outward, float(bound)), rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_the_module_is_whole(name):
    text = jaxnn.verilog_a(LAWS[name], name="device")
    for one, other in ("()", "[]"):
        assert text.count(one) == text.count(other)
    words = re.findall(r"[A-Za-z_]\w*", re.sub(r"//.*", "", text))
    assert (
        words.count("module") == words.count("endmodule") == words.count("begin") == words.count("end") == 1
    )
    known = {
        "include",
        "constants",
        "disciplines",
        "vams",
        "module",
        "device",
        "inout",
        "electrical",
        "start",
    }
    known |= {
        "parameter",
        "real",
        "analog",
        "begin",
        "end",
        "endmodule",
        "idt",
        "exp",
        "sinh",
        "abs",
        "pow",
    }
    assert {*words} - known <= {"p", "n", "x", "v", "s", "V", "I", "e"}
    assert len(re.findall("<\\+", text)) == 2


def test_parameters_are_listed():
    text = jaxnn.verilog_a(jaxnn.LinearDriftJunction(**SLOW, window=jaxnn.JoglekarWindow(3)), name="film")
    for line in ("on_resistance = 300000.0 [ohm]", "window = JoglekarWindow", "power = 3.0"):
        assert f"// {line}" in text
    assert "parameter real start = 0.3;" in text
    assert "parameter real start = 1.0;" in jaxnn.verilog_a(jaxnn.VteamJunction())  # of its thickness


@pytest.mark.parametrize(
    ("law", "name", "message"),
    [
        (jaxnn.TunnelJunction(), "film", "TunnelJunction has no form in Verilog-A"),
        (jaxnn.Resistor([1e-3, 2e-3]), "film", "of one junction"),
        (jaxnn.RateBalanceJunction(as_published=True), "film", "as_published"),
        (jaxnn.Resistor(1e-3), "two words", "name must be"),
        (jaxnn.Resistor(1e-3), "module", "name must be"),
    ],
)
def test_refusals(law, name, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.verilog_a(law, name=name)


def test_one_of_many():
    many = jaxnn.RateBalanceJunction(decay_rate=[0.5, 0.25])
    one = jax.tree.map(lambda x: x[1] if np.ndim(x) else x, many)
    assert "0.25*exp(" in jaxnn.verilog_a(one)
