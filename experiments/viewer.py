"""A network of about 1,000 wires as a page that plays it back, and the page photographed: docs/viewer.md.

python experiments/viewer.py --out results/viewer
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import shutil
import subprocess
from pathlib import Path

import jaxnn


RECORD = ("junction_conductance", "junction_voltage", "state", "node_potential")
# What a reader would do: go to the moment at which a path forms, pick two wires, hover over a junction.
ACTIONS = """<script>
now = Math.round(0.62 * (T - 1));
pick({kind: "wire", n: RUN.terminals[0]});
pick({kind: "wire", n: A.edges[0]});
let best = 0;
for (let j = 1; j < J; j++) if (strength(variable, j) > strength(variable, best)) best = j;
hover({kind: "junction", n: best}, sx(A.places[2 * best]), sy(A.places[2 * best + 1]));
const begun = performance.now(), count = 60;
for (let k = 0; k < count; k++) { now += 0.01; draw(); }
document.title = ((performance.now() - begun) / count).toFixed(2);
</script></body>"""


def run(wires: int) -> jaxnn.Solution:
    """A network of so many wires, in which a path forms."""
    network = jaxnn.nanowire_network(wires, box=100e-6 * (wires / 1000) ** 0.5, seed=3)
    terminals, law = jaxnn.farthest_pair(network), jaxnn.TunnelJunction()
    volts = 1.6 * float(jaxnn.threshold_voltage(network, terminals, law))
    setup = {"terminals": terminals, "dt": 2e-3, "steps": 1500, "every": 5, "record": RECORD}
    return jaxnn.simulate(network, law, jaxnn.Constant(volts), **setup)


def photograph(text: str, out: Path) -> None:
    """A picture of the page after some actions, where there is a Chromium."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("picture     none: there is no Chromium here")
        return
    acted = out / "acted.html"
    acted.write_text(text.replace("</body>", ACTIONS), "utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1300,720"]
    options += ["--virtual-time-budget=4000", f"--user-data-dir={out / 'profile'}"]
    shot = f"--screenshot={out / 'viewer.png'}"
    subprocess.run([browser, *options, shot, acted.resolve().as_uri()], check=True, capture_output=True)
    dom = [browser, *options, "--dump-dom", acted.resolve().as_uri()]
    found = subprocess.run(dom, check=True, capture_output=True, text=True).stdout
    print(f"frame       {found.partition('<title>')[2].partition('</title>')[0]} ms")
    print(f"picture     {out / 'viewer.png'}")
    acted.unlink()
    shutil.rmtree(out / "profile", ignore_errors=True)


def main() -> None:
    """Writes the page and its picture."""
    arguments = script.start(script.parser(__doc__, "results/viewer", quick="100 wires"))
    solution = run(100 if arguments.quick else 1000)
    view = solution.view(arguments.out / "viewer.html")
    network = solution.network
    print(f"network     {network.n_nodes} wires, {network.n_junctions} junctions")
    print(f"page        {arguments.out / 'viewer.html'} ({len(view.text) / 1e6:.1f} MB)")
    photograph(view.text, arguments.out.resolve())


if __name__ == "__main__":
    main()
