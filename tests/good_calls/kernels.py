"""Good calls of `jaxnn.kernels`."""

import jax.numpy as jnp
import numpy as np

import jaxnn
from good_calls.examples import EDGES, LAW_NUMBERS, Call, without


def of_kernels() -> dict[str, Call]:
    kernels, flux = jaxnn.kernels, jnp.array([0.0, 0.002])
    pick = lambda *names: {name: jnp.asarray(LAW_NUMBERS[name]) for name in names}
    step = pick("set_voltage", "reset_voltage", "max_flux", "boost")
    gap = {"barrier_height": jnp.asarray(0.81), "filament_area": jnp.asarray(1.7e-19)}
    conductances = pick("on_conductance", "off_conductance")
    binary = conductances | pick("critical_flux")
    tunnel = binary | gap | {"max_gap": jnp.asarray(5e-9), "prefactor_power": 1}
    plan = kernels.nodal_plan(4, EDGES, np.array([0, 3]))
    two = (jnp.asarray(0.5), jnp.asarray(0.0))
    graph = kernels.incidence(4, EDGES)
    nodes = {"n_nodes": 4, "edges": EDGES, "terminals": np.array([0, 3])}
    potentials = {"conductance": jnp.ones(4), "terminal_potential": jnp.array([1.0, 0.0])}
    moving = {"flux": flux, "voltage": flux, "dt": 0.01} | step
    return {
        "kernels.threshold_flux_step": (
            kernels.threshold_flux_step,
            moving | {"one_sided_reset": False},
        ),
        "kernels.threshold_flux_rate": (kernels.threshold_flux_rate, without(moving, "dt")),
        "kernels.compensated_flux_step": (
            kernels.compensated_flux_step,
            moving | {"remainder": 0 * flux},
        ),
        "kernels.binary_conductance": (kernels.binary_conductance, {"flux": flux} | binary),
        "kernels.bounded": (kernels.bounded, {"x": flux, "low": -0.1, "high": 0.1}),
        "kernels.tunnel_conductance": (kernels.tunnel_conductance, {"flux": flux} | tunnel),
        "kernels.simmons_conductance": (
            kernels.simmons_conductance,
            {"flux": flux, "voltage": flux, "width": jnp.asarray(0.1)} | tunnel,
        ),
        "kernels.gap_conductance": (kernels.gap_conductance, {"gap": flux} | conductances | gap),
        "kernels.smooth_binary_conductance": (
            kernels.smooth_binary_conductance,
            {"flux": flux, "width": jnp.asarray(1e-3)} | binary,
        ),
        "kernels.smooth_tunnel_conductance": (
            kernels.smooth_tunnel_conductance,
            {"flux": flux, "width": jnp.asarray(1e-3)} | tunnel,
        ),
        "kernels.straight_through": (kernels.straight_through, {"exact": flux, "smooth": flux}),
        "kernels.nodal_plan": (kernels.nodal_plan, nodes | {"device": None, "mapped": False}),
        "kernels.dense_plan": (kernels.dense_plan, nodes),
        "kernels.compiled_plan": (kernels.compiled_plan, nodes | {"device": None}),
        "kernels.plans_of_here": (kernels.plans_of_here, {"tree": plan}),
        "kernels.sparse_plan": (kernels.sparse_plan, nodes | {"device": None, "mapped": False}),
        "kernels.star_mesh_plan": (kernels.star_mesh_plan, nodes | {"device": None, "mapped": False}),
        "kernels.incidence": (kernels.incidence, without(nodes, "terminals")),
        "kernels.difference": (kernels.difference, {"graph": graph, "potential": jnp.ones(4)}),
        "kernels.divergence": (kernels.divergence, {"graph": graph, "flow": jnp.ones(4)}),
        "kernels.total": (kernels.total, {"values": jnp.ones(4)}),
        "kernels.largest": (kernels.largest, {"values": jnp.ones(4)}),
        "kernels.implicit": (
            kernels.implicit,
            {"rule": lambda p, x, t: t / (2 * x), "given": jnp.ones(4), "solution": jnp.ones(4)},
        ),
        "kernels.saved": (kernels.saved, {"x": jnp.ones(4), "name": "x"}),
        "kernels.solve_nodes": (
            kernels.solve_nodes,
            {"plan": plan, "current": jnp.zeros(4), "source": jnp.zeros(4)} | potentials,
        ),
        "kernels.charge_nodes": (
            kernels.charge_nodes,
            {
                "plan": plan,
                "conductance": jnp.ones(4),
                "slope": jnp.ones(4),
                "before": jnp.zeros(4),
                "terminal_potential": jnp.array([[1.0, 0.0], [1.0, 0.0]]),
                "current": jnp.zeros((2, 4)),
            },
        ),
        "kernels.newton_search": (kernels.newton_search, {"plan": plan, "potential": jnp.zeros(4)}),
        "kernels.newton_step": (
            kernels.newton_step,
            {
                "plan": plan,
                "search": kernels.newton_search(plan, jnp.zeros(4)),
                "flow": jnp.zeros(4),
                "slope": jnp.ones(4),
                "current": jnp.zeros(4),
                "n_junctions": 4,
            },
        ),
        "kernels.eliminate_nodes": (kernels.eliminate_nodes, {"plan": plan, "conductance": jnp.ones(4)}),
        "kernels.open_conductance": (
            kernels.open_conductance,
            {"n_junctions": 4, "dtype": jnp.float32},
        ),
        "kernels.joined_wires": (kernels.joined_wires, {"plan": plan, "conductance": jnp.ones(4)}),
        "kernels.split_time_step": (kernels.split_time_step, {"dt": 1e-3, "dtype": jnp.float32}),
        "kernels.two_part_sum": (kernels.two_part_sum, {"a": two, "b": two}),
        "kernels.two_part_difference": (kernels.two_part_difference, {"a": two, "b": two}),
        "kernels.two_part_product": (kernels.two_part_product, {"a": two, "b": two}),
        "kernels.fractional_cycles": (kernels.fractional_cycles, {"frequency": two, "time": two}),
        "kernels.whole_periods": (kernels.whole_periods, {"time": two, "period": two}),
        "kernels.square_distance": (
            kernels.square_distance,
            {"weight": jnp.eye(2), "square": jnp.ones(2), "sample": jnp.ones(2)},
        ),
    }


CHEAP = (of_kernels,)
ALL = CHEAP
