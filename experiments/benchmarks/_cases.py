"""The cases of the benchmark: our solve and time step, and what they are compared with."""

import functools as ft
import importlib
import itertools
import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

import jaxnn
from experiments.benchmarks import _programs as _bench_hlo
from experiments.benchmarks._statistics import Case


DENSITY = 0.1e12  # [1/m^2] of wires
VALUES = 4  # sets of conductances that a measurement runs through
MEMORY = 2**31  # [B] that the arrays of one case may take
DENSE_WORK = 4e8  # multiply-adds of a dense case above which it is left out
DT = 1e-3  # [s]


@ft.cache
def problem(wires: int, seed: int = 0) -> tuple[jaxnn.Network, tuple[int, int]]:
    """A network of about so many wires, and its farthest pair."""
    network = jaxnn.nanowire_network(wires, box=(wires / DENSITY) ** 0.5, seed=seed)
    return network, jaxnn.farthest_pair(network)


# How we solve: as users do, by XLA where that is the compiled library, and on the full matrix.
PLANS = {
    "ours": jaxnn.kernels.sparse_plan,
    "ours by XLA": jaxnn.kernels.star_mesh_plan,
    "dense plan": jaxnn.kernels.dense_plan,
}


class Planned(jaxnn.AbstractSolver):
    """A solver with one of these plans."""

    method: str = eqx.field(static=True)

    def plan(self, n_nodes: int, edges: np.ndarray, terminals: np.ndarray) -> Any:
        return PLANS[self.method](n_nodes, edges, terminals)


@ft.cache
def plan(wires: int, method: str = "ours") -> Any:
    """The elimination of that network."""
    network, terminals = problem(wires)
    return PLANS[method](network.n_nodes, network.edges, np.asarray(terminals))


def conductances(n_junctions: int, batch: int) -> np.ndarray:
    """(sets, batch, junctions) of conductances, log-uniform from 1e-8 to 1e-4 S."""
    random = np.random.default_rng(0)
    return 10 ** random.uniform(-8, -4, (VALUES, batch, n_junctions))


def compiled(function: Any, *arguments: Any) -> tuple[Any, dict[str, Any]]:
    """The compiled function, with the time that took."""
    start = time.perf_counter()
    lowered = jax.jit(function).lower(*arguments)
    middle = time.perf_counter()
    program = lowered.compile()
    end = time.perf_counter()
    memory = program.memory_analysis()
    temporary = {} if memory is None else {"temporary_bytes": memory.temp_size_in_bytes}
    return program, {"trace_s": middle - start, "compile_s": end - middle} | temporary


def repeated(solve: Any, values: Any, batch: int, *rest: Any) -> Any:
    """count -> `count` solves in one compiled loop, each with the next set of `values`.

    `solve(values, step, *rest)` is for one network; the last result is kept, so nothing is left out.
    """
    one = solve if batch == 1 else jax.vmap(solve, in_axes=(0, None) + (None,) * len(rest))
    values = values[:, 0] if batch == 1 else values
    # A plan of NumPy arrays would be copied at every call: megabytes for hundreds of networks.
    rest = jax.device_put(rest)

    def loop(count: Any, values: Any, *rest: Any) -> Any:
        def body(step: Any, _previous: Any) -> Any:
            g = jax.lax.dynamic_index_in_dim(values, step % VALUES, keepdims=False)
            return one(g, step, *rest)

        shapes = jax.eval_shape(one, values[0], jnp.int32(0), *rest)
        nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        return jax.lax.fori_loop(0, count, body, nothing)

    program, info = compiled(loop, jnp.int32(1), values, *rest)
    # The trips of the loop are not known to XLA: a single pass of it is counted.
    info |= _bench_hlo.step_cost(program)
    return lambda count: program(jnp.int32(count), values, *rest), info


def solve_case(wires: int, batch: int, dtype: str, method: str = "ours") -> Case:
    """Our solve: conductances to junction voltages and terminal currents."""
    network, _ = problem(wires)
    stack = jnp.asarray(conductances(network.n_junctions, batch), dtype)
    potential = jnp.asarray([1.0, 0.0], dtype)

    def solve(g: Any, _step: Any, plan: Any, potential: Any) -> Any:
        return jaxnn.kernels.solve_nodes(plan, g, potential)[1:]

    start = time.perf_counter()
    schedule = plan(wires, method)
    planned = time.perf_counter() - start
    run, info = repeated(solve, stack, batch, schedule, potential)
    return Case(f"{method} {dtype}", run, batch, info=info | {"plan_s": planned})


def latency_case(wires: int, dtype: str) -> Case:
    """A single call of the solve of one network, dispatch included."""
    network, _ = problem(wires)
    values = [jnp.asarray(g[0], dtype) for g in conductances(network.n_junctions, 1)]
    potential = jnp.asarray([1.0, 0.0], dtype)
    schedule = plan(wires)
    # The plan is a constant of the function, as in a user's: as an argument, its arrays would be counted.
    solve = jax.jit(lambda g, u: jaxnn.kernels.solve_nodes(schedule, g, u)[1:])
    start = time.perf_counter()
    jax.block_until_ready(solve(values[0], potential))
    info = {"first_call_s": time.perf_counter() - start}
    turn = itertools.cycle(values)

    def run(count: int) -> Any:
        out = None
        for _ in range(count):
            out = jax.block_until_ready(solve(next(turn), potential))
        return out

    return Case(f"ours {dtype}, single calls", run, 1, info=info)


class Laplacian:
    """Upper triangle of the matrix of the wires that are no terminals, for the other solvers."""

    def __init__(self, wires: int):
        network, terminals = problem(wires)
        place = np.full(network.n_nodes, -1)
        free = np.setdiff1d(np.arange(network.n_nodes), terminals)
        place[free] = np.arange(free.size)
        self.size, self.edges, self.free = free.size, network.edges, free
        ends = place[network.edges]
        self.inner = (ends >= 0).all(axis=1)
        a, b = ends[self.inner].T
        diagonal = np.arange(free.size)
        self.rows = np.concatenate([diagonal, np.minimum(a, b)]).astype(np.int32)
        self.columns = np.concatenate([diagonal, np.maximum(a, b)]).astype(np.int32)
        # A junction between a wire and the first terminal, at 1 V, drives current into the wire.
        at_source = (network.edges == terminals[0]).any(axis=1) & ~self.inner
        self.driven, self.into = at_source & (ends.max(axis=1) >= 0), ends.max(axis=1)

    def values(self, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entries of the upper triangle and the right-hand side."""
        total = np.zeros(self.free.max() + self.edges.max() + 2)
        np.add.at(total, self.edges[:, 0], g)
        np.add.at(total, self.edges[:, 1], g)
        source = np.zeros(self.size)
        np.add.at(source, self.into[self.driven], g[self.driven])
        return np.concatenate([total[self.free], -g[self.inner]]), source

    def matrix(self, entries: np.ndarray) -> Any:
        """The full symmetric matrix, compressed columns."""
        shape = (self.size, self.size)
        upper = scipy.sparse.coo_array((entries, (self.rows, self.columns)), shape=shape).tocsc()
        return (upper + upper.T - scipy.sparse.diags_array(upper.diagonal())).tocsc()


def cholmod_case(wires: int, batch: int) -> Case:
    """CHOLMOD's numeric refactorisation and solve, through sparsax; assembled beforehand."""
    sparsax = importlib.import_module("sparsax")
    laplacian = Laplacian(wires)
    network, _ = problem(wires)
    all_values = conductances(network.n_junctions, batch)
    made = [[laplacian.values(g) for g in values] for values in all_values]
    entries = jnp.asarray(np.array([[m[0] for m in row] for row in made]))
    source = jnp.asarray(made[0][0][1])
    rows, columns = jnp.asarray(laplacian.rows), jnp.asarray(laplacian.columns)

    def solve(entries: Any, step: Any, rows: Any, columns: Any, source: Any) -> Any:
        # It keeps the factors of values it has seen: no two steps of a run have the same.
        changed = entries * (1 + 1e-9 * step.astype(entries.dtype))
        return sparsax.solve(rows, columns, changed, source)

    run, info = repeated(solve, entries, batch, rows, columns, source)
    jax.block_until_ready(run(2))
    before = sparsax.factorization_count()
    jax.block_until_ready(run(8))
    info["factorisations_per_solve"] = (sparsax.factorization_count() - before) / (8 * batch)
    return Case("CHOLMOD (sparsax) float64", run, batch, info=info)


def cvxopt_case(wires: int) -> Case:
    """CHOLMOD's numeric refactorisation and solve, called one by one through cvxopt.

    The faster way at small sizes: sparsax also checks the pattern and the values at every call.
    """
    cvxopt = importlib.import_module("cvxopt")
    cholmod = importlib.import_module("cvxopt.cholmod")
    cholmod.options["supernodal"] = 1  # CHOLMOD's own choice
    laplacian = Laplacian(wires)
    network, _ = problem(wires)
    made = [laplacian.values(g[0]) for g in conductances(network.n_junctions, 1)]
    # Its lower triangle is our upper one.
    rows, columns = laplacian.columns.tolist(), laplacian.rows.tolist()
    shape = (laplacian.size, laplacian.size)
    matrices = [cvxopt.spmatrix(entries.tolist(), rows, columns, shape) for entries, _ in made]
    source = cvxopt.matrix(made[0][1])
    factors = cholmod.symbolic(matrices[0])

    def run(count: int) -> Any:
        phi = None
        for k in range(count):
            phi = +source
            cholmod.numeric(matrices[k % len(matrices)], factors)
            cholmod.solve(factors, phi)
        return None if phi is None else np.array(phi)

    return Case("CHOLMOD (cvxopt) float64", run, 1)


def scipy_cases(wires: int) -> list[Case]:
    """SciPy's sparse LU and dense Cholesky, factorisation and solve; assembled beforehand."""
    laplacian = Laplacian(wires)
    network, _ = problem(wires)
    made = [laplacian.values(g[0]) for g in conductances(network.n_junctions, 1)]
    matrices = [(laplacian.matrix(entries), source) for entries, source in made]

    def repeat(solve: Any, systems: Any) -> Any:
        def run(count: int) -> Any:
            out = None
            for k in range(count):
                out = solve(*systems[k % len(systems)])
            return out

        return run

    def splu(matrix: Any, b: np.ndarray) -> np.ndarray:
        options = {"SymmetricMode": True}
        factors = scipy.sparse.linalg.splu(
            matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
        )
        return factors.solve(b)

    def cholesky(matrix: np.ndarray, b: np.ndarray) -> np.ndarray:
        factors = scipy.linalg.cho_factor(matrix, check_finite=False)
        return scipy.linalg.cho_solve(factors, b, check_finite=False)

    cases = [Case("SciPy splu float64", repeat(splu, matrices), 1)]
    if wires <= 3000:
        dense = [(matrix.toarray(), source) for matrix, source in matrices]
        cases.append(Case("SciPy cho_solve float64", repeat(cholesky, dense), 1))
    return cases


def lapack_case(wires: int, batch: int, dtype: str) -> Case:
    """Dense Cholesky in JAX, the textbook way; assembled beforehand."""
    laplacian = Laplacian(wires)
    network, _ = problem(wires)
    sets = conductances(network.n_junctions, batch)
    made = [[laplacian.values(g) for g in row] for row in sets]
    stack = np.array([[laplacian.matrix(entries).toarray() for entries, _ in row] for row in made])
    source = jnp.asarray(made[0][0][1], dtype)

    def solve(matrix: Any, _step: Any, source: Any) -> Any:
        factors = jax.scipy.linalg.cho_factor(matrix)
        return jax.scipy.linalg.cho_solve(factors, source)

    run, info = repeated(solve, jnp.asarray(stack, dtype), batch, source)
    return Case(f"JAX cho_solve {dtype}", run, batch, info=info)


def dense_fits(wires: int, batch: int) -> bool:
    """Whether a dense case ends in reasonable time and memory."""
    larger = 1 if jax.default_backend() == "cpu" else 16  # a GPU has the arithmetic and the memory
    work, memory = wires**3 * batch / 3, 8 * wires**2 * batch * (VALUES + 3)
    return work < larger * DENSE_WORK and memory < larger * MEMORY


def amplitudes(wires: int, batch: int, dtype: str) -> Any:
    """Drive amplitudes [V] around the threshold: a number, or one for each network of the batch."""
    network, terminals = problem(wires)
    threshold = float(jaxnn.threshold_voltage(network, terminals, jaxnn.TunnelJunction()))
    if batch == 1:
        return jnp.asarray(1.5 * threshold, dtype)
    return jnp.asarray(np.linspace(0.5, 3, batch) * threshold, dtype)


def junction_law(law: str) -> jaxnn.AbstractJunction:
    """The threshold law, a smooth one in its place, or that in its derivatives only."""
    exact = jaxnn.TunnelJunction()
    smooth = jaxnn.SmoothJunction(exact, 10.0)
    return {"": exact, "smooth": smooth, "straight through": jaxnn.StraightThrough(smooth)}[law]


def simulation(wires: int, steps: int, method: str = "ours", adjoint: Any = None, law: str = "") -> Any:
    """amplitude -> mean current at the second terminal, by `jaxnn.simulate`."""
    network, terminals = problem(wires)
    solver = Planned(method)

    def run(amplitude: Any) -> Any:
        solution = jaxnn.simulate(
            network,
            junction_law(law),
            jaxnn.Sine(amplitude, 0.5),
            terminals=terminals,
            dt=DT,
            steps=steps,
            solver=solver,
            adjoint=adjoint,
        )
        return jnp.mean(solution.terminal_current[:, 1]), solution.final_state

    return run


def steps_for(wires: int, batch: int) -> int:
    """Steps of a simulation that takes some 50 ms on a CPU, or on a GPU enough to forget the call."""
    guess = 3e-6 * (wires / 100) ** 1.4 * batch + 1e-4 * (wires / 100)
    return int(np.clip(0.05 / guess, 8 if jax.default_backend() == "cpu" else 100, 500))


def step_case(
    wires: int, batch: int, dtype: str, method: str = "ours", steps: int | None = None, law: str = ""
) -> Case:
    """Our whole time step, in a simulation."""
    steps = steps or steps_for(wires, batch)
    run = simulation(wires, steps, method, law=law)
    amplitude = amplitudes(wires, batch, dtype)
    program, info = compiled(run if batch == 1 else jax.vmap(run), amplitude)
    info |= _bench_hlo.step_cost(program, steps) | {"steps": steps}
    name = f"{method} {dtype}" + (f", {law}" if law else "")
    return Case(name, lambda _: program(amplitude), batch, steps, resize=False, info=info)


def gradient_case(
    wires: int,
    batch: int,
    dtype: str,
    steps: int,
    checkpointed: bool = False,
    law: str = "",
    method: str = "ours",
) -> Case:
    """Value and gradient of the mean current in the amplitude."""
    run = simulation(wires, steps, method, adjoint=jaxnn.Checkpointed() if checkpointed else None, law=law)
    one = jax.value_and_grad(lambda amplitude: run(amplitude)[0])
    amplitude = amplitudes(wires, batch, dtype)
    program, info = compiled(one if batch == 1 else jax.vmap(one), amplitude)
    info |= _bench_hlo.step_cost(program, steps) | {"steps": steps}
    name = f"{method} {dtype}, value and gradient" + (", checkpointed" if checkpointed else "")
    name += f", {law}" if law else ""
    return Case(name, lambda _: program(amplitude), batch, steps, resize=False, info=info)


def first_call(wires: int, gradient: bool, method: str = "ours", steps: int = 100) -> dict[str, Any]:
    """Time [s] from a function that JAX has never seen to its first result, less that of a second call.

    `processor_s` is that of all threads, which does not hang on what else the machine does.
    """
    run = simulation(wires, steps, method)
    one = lambda amplitude: run(amplitude)[0]
    function = jax.jit(jax.value_and_grad(one) if gradient else one)
    amplitude = amplitudes(wires, 1, "float32")
    times = []
    for _ in range(2):
        start = time.perf_counter(), time.process_time()
        jax.block_until_ready(function(amplitude))
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    wall, processor = (first - second for first, second in zip(*times, strict=True))
    name = f"{method} float32" + (", value and gradient" if gradient else "")
    return {"name": name, "first_call_s": wall, "processor_s": processor, "steps": steps}


def ensemble_case(wires: int, networks: int, dtype: str, method: str = "ours") -> Case:
    """Our solve of networks that all differ, in one call."""
    start = time.perf_counter()
    made = [problem(wires, seed) for seed in range(networks)]
    ensemble = jaxnn.Ensemble([network for network, _ in made])
    terminals = ensemble.check_terminals([pair for _, pair in made]).reshape(-1)
    built = time.perf_counter()
    union = ensemble.network
    schedule = PLANS[method](union.n_nodes, union.edges, terminals)
    planned = time.perf_counter()
    stack = jnp.asarray(conductances(union.n_junctions, 1), dtype)
    potential = jnp.tile(jnp.asarray([1.0, 0.0], dtype), networks)

    def solve(g: Any, _step: Any, plan: Any, potential: Any) -> Any:
        return jaxnn.kernels.solve_nodes(plan, g, potential)[1:]

    run, info = repeated(solve, stack, 1, schedule, potential)
    info |= {"plan_s": planned - built, "networks_s": built - start}
    return Case(f"{method} {dtype}, all different", run, networks, info=info)


def stepper_case(wires: int) -> Case:
    """A time step as the field's codes are written: see `NumpyStepper`."""
    stepper = NumpyStepper(*problem(wires))
    return Case("NumPy/SciPy stepper float64", stepper.run, 1)


class NumpyStepper:
    """A plain time loop: full matrix filled in, bordered by the terminals' rows, solved as sparse."""

    def __init__(self, network: jaxnn.Network, terminals: tuple[int, int]):
        self.network, self.terminals = network, terminals
        self.state = np.zeros(network.n_junctions)
        self.step = 0
        self.amplitude = 1.5e-2 * network.path_length(*terminals)

    def run(self, count: int) -> np.ndarray:
        """So many steps, from where the last call stopped."""
        for _ in range(count):
            self.step += 1
            voltage = self.amplitude * np.sin(np.pi * self.step * DT)
            phi = self._potentials(self._conductance(), voltage)[: self.network.n_nodes]
            a, b = self.network.edges.T
            self._update(phi[a] - phi[b])
        return self.state

    def _conductance(self) -> np.ndarray:
        gap = np.maximum(0, 5 * (1 - np.abs(self.state) / 1e-2))
        tunnel = 2 * gap * np.exp(10.19 * 0.81**2 * gap) / (0.17 * 0.81**0.5 * 4.71307e-5)
        return 1 / (tunnel + 1 / 7.77e-5) + 7.77e-8

    def _potentials(self, g: np.ndarray, voltage: float) -> np.ndarray:
        n, t = self.network.n_nodes, len(self.terminals)
        a, b = self.network.edges.T
        matrix = np.zeros((n + t, n + t))
        matrix[a, b] = matrix[b, a] = -g
        matrix[np.arange(n), np.arange(n)] = -matrix[:n, :n].sum(axis=0)
        for k, node in enumerate(self.terminals):
            matrix[node, n + k] = matrix[n + k, node] = 1
        right = np.zeros(n + t)
        right[n] = voltage
        return np.asarray(scipy.sparse.linalg.spsolve(scipy.sparse.csc_array(matrix), right))

    def _update(self, voltage: np.ndarray) -> None:
        size, state = np.abs(voltage), self.state
        state = state + (size > 1e-2) * (size - 1e-2) * np.sign(voltage) * DT
        decay = (size < 5e-3) * 10 * (5e-3 - size) * np.sign(state) * DT
        state = np.where(np.abs(decay) >= np.abs(state), 0, state - decay)
        self.state = np.clip(state, -1.5e-2, 1.5e-2)
