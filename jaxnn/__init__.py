"""Batched, differentiable simulation of neuromorphic nanowire networks in JAX.

A network, a junction law and a drive go into `simulate`; a `Solution` comes out.
"""

import jaxnn_kernels as kernels  # noqa: F401

from . import (
    analysis as analysis,
    data as data,
    encoders as encoders,
    parameters as parameters,
    reductions as reductions,
    reservoirs as reservoirs,
)
from ._optimise import optimise as optimise
from ._simulate import simulate as simulate


from ._generate import nanowire_network as nanowire_network  # isort: skip
from ._threshold import (  # isort: skip
    BinaryJunction as BinaryJunction,
    TunnelJunction as TunnelJunction,
)

from ._adjoint import (
    AbstractAdjoint as AbstractAdjoint,
    Checkpointed as Checkpointed,
    StoreAll as StoreAll,
    StoreStates as StoreStates,
    Truncated as Truncated,
)
from ._clock import TIMING as TIMING, Clock as Clock, Timing as Timing
from ._constraint import (
    AbstractConstraint as AbstractConstraint,
    Bounded as Bounded,
    Box as Box,
    Fixed as Fixed,
    Positive as Positive,
    Scaled as Scaled,
    from_free as from_free,
    only as only,
    spread as spread,
    to_free as to_free,
)
from ._drive import (
    AbstractClockDrive as AbstractClockDrive,
    AbstractDrive as AbstractDrive,
    Sum as Sum,
)
from ._ensemble import Ensemble as Ensemble
from ._grow_when_required import (
    AbstractNodeStorage as AbstractNodeStorage,
    GrowthHistory as GrowthHistory,
    GrowWhenRequired as GrowWhenRequired,
)
from ._implausible import ImplausibleWarning as ImplausibleWarning
from ._junction import (
    AbstractJunction as AbstractJunction,
    AbstractRateJunction as AbstractRateJunction,
)
from ._lyapunov import (
    LyapunovSpectrum as LyapunovSpectrum,
    lyapunov_exponents as lyapunov_exponents,
)
from ._measured import measured as measured
from ._network import Network as Network
from ._nickelate import NickelateDevice as NickelateDevice
from ._nickelate_admittance import small_signal_admittance as small_signal_admittance
from ._nickelate_nodes import (
    NickelateNodes as NickelateNodes,
    NickelateStorage as NickelateStorage,
    NodeCost as NodeCost,
    node_cost as node_cost,
)
from ._nickelate_run import (
    DeviceSolution as DeviceSolution,
    DeviceTrace as DeviceTrace,
    read_resistance as read_resistance,
    simulate_devices as simulate_devices,
)
from ._nickelate_sheet import CapacitiveSheet as CapacitiveSheet
from ._nickelate_spread import NickelateSpread as NickelateSpread
from ._numerical_warning import NumericalWarning as NumericalWarning
from ._optimisation import (
    Optimisation as Optimisation,
    OptimisationResult as OptimisationResult,
)
from ._plot import (
    plot_conductance as plot_conductance,
    plot_hysteresis as plot_hysteresis,
    plot_network as plot_network,
    plot_optimisation as plot_optimisation,
)
from ._programme import Programme as Programme
from ._programs import keep_programs as keep_programs
from ._proton_transport import (
    ProtonTransport as ProtonTransport,
    simulate_transport as simulate_transport,
)
from ._resistor import Resistor as Resistor
from ._shooting import shoot as shoot
from ._solution import (
    Result as Result,
    Solution as Solution,
)
from ._solver import (
    AbstractSolver as AbstractSolver,
    AutoSolver as AutoSolver,
    Dense as Dense,
    StarMesh as StarMesh,
)
from ._state_equation import Observation as Observation, StateEquation as StateEquation
from ._surrogate import (
    AbstractSurrogate as AbstractSurrogate,
    SmoothJunction as SmoothJunction,
    StraightThrough as StraightThrough,
)
from ._sweep import (
    AbstractSampling as AbstractSampling,
    Grid as Grid,
    Reduction as Reduction,
    Sample as Sample,
    Table as Table,
    open_sweep as open_sweep,
    register_reduction as register_reduction,
    sweep as sweep,
)
from ._terminals import (
    farthest_pair as farthest_pair,
    pair_at as pair_at,
    random_terminals as random_terminals,
)
from ._two_trajectories import (
    SeparationGrowth as SeparationGrowth,
    two_trajectory_exponents as two_trajectory_exponents,
)
from ._waveforms import (
    Constant as Constant,
    OnThenOff as OnThenOff,
    PulseTrain as PulseTrain,
    Ramp as Ramp,
    Samples as Samples,
    Sine as Sine,
    Square as Square,
    Triangle as Triangle,
)


__version__ = "0.1.0"
