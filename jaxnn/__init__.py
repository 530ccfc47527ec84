"""Batched, differentiable simulation of neuromorphic nanowire networks in JAX.

A network, a junction law and a drive go into `simulate`; a `Solution` comes out.
"""

import jaxnn_kernels as kernels  # noqa: F401

from . import (
    analysis as analysis,
    data as data,
    encoders as encoders,
    fit as fit,
    parameters as parameters,
    plot as plot,
    reductions as reductions,
    reservoirs as reservoirs,
    twin as twin,
)
from ._circuit import (
    Capacitance as Capacitance,
    Electrode as Electrode,
    spice_netlist as spice_netlist,
)
from ._core import (
    ImplausibleWarning as ImplausibleWarning,
    NumericalWarning as NumericalWarning,
    holds as holds,
    keep_compiled as keep_compiled,
    keep_programs as keep_programs,
)
from ._drives import (
    TIMING as TIMING,
    AbstractClockDrive as AbstractClockDrive,
    AbstractDrive as AbstractDrive,
    AbstractFeedback as AbstractFeedback,
    Amplified as Amplified,
    Clock as Clock,
    Constant as Constant,
    Feedback as Feedback,
    OnThenOff as OnThenOff,
    PulseTrain as PulseTrain,
    Ramp as Ramp,
    Samples as Samples,
    Sine as Sine,
    Square as Square,
    Succession as Succession,
    Sum as Sum,
    Timing as Timing,
    Triangle as Triangle,
)
from ._growing import (
    AbstractNodeStorage as AbstractNodeStorage,
    GrowthHistory as GrowthHistory,
    GrowWhenRequired as GrowWhenRequired,
    NickelateNodes as NickelateNodes,
    NickelateStorage as NickelateStorage,
    NodeCost as NodeCost,
    node_cost as node_cost,
)
from ._junctions import (
    G0 as G0,
    AbstractCurrentJunction as AbstractCurrentJunction,
    AbstractJunction as AbstractJunction,
    AbstractRateJunction as AbstractRateJunction,
    AbstractSmoothableJunction as AbstractSmoothableJunction,
    AbstractSpiceJunction as AbstractSpiceJunction,
    AbstractSurrogate as AbstractSurrogate,
    AbstractWindow as AbstractWindow,
    BinaryJunction as BinaryJunction,
    BiolekWindow as BiolekWindow,
    DecayingDriftJunction as DecayingDriftJunction,
    DynamicMemristorJunction as DynamicMemristorJunction,
    JoglekarWindow as JoglekarWindow,
    LaggedSimmonsJunction as LaggedSimmonsJunction,
    LinearDriftJunction as LinearDriftJunction,
    MetastableSwitchJunction as MetastableSwitchJunction,
    MixedJunction as MixedJunction,
    OrnsteinUhlenbeckJunction as OrnsteinUhlenbeckJunction,
    ProdromakisWindow as ProdromakisWindow,
    RateBalanceJunction as RateBalanceJunction,
    Resistor as Resistor,
    SimmonsJunction as SimmonsJunction,
    SmoothJunction as SmoothJunction,
    StraightThrough as StraightThrough,
    TunnelJunction as TunnelJunction,
    VolatileFilamentJunction as VolatileFilamentJunction,
    VteamJunction as VteamJunction,
    WithLangevinNoise as WithLangevinNoise,
    WithReadNoise as WithReadNoise,
    YakopcicJunction as YakopcicJunction,
    draw_junctions as draw_junctions,
    threshold_voltage as threshold_voltage,
)
from ._networks import (
    Ensemble as Ensemble,
    Network as Network,
    farthest_pair as farthest_pair,
    nanowire_network as nanowire_network,
    network_from_wires as network_from_wires,
    pair_at as pair_at,
    random_terminals as random_terminals,
    read_network as read_network,
)
from ._nickelate import (
    CapacitiveSheet as CapacitiveSheet,
    DeviceSolution as DeviceSolution,
    DeviceTrace as DeviceTrace,
    NickelateDevice as NickelateDevice,
    NickelateSpread as NickelateSpread,
    Programme as Programme,
    ProtonTransport as ProtonTransport,
    read_resistance as read_resistance,
    simulate_devices as simulate_devices,
    simulate_transport as simulate_transport,
    small_signal_admittance as small_signal_admittance,
)
from ._observers import (
    LyapunovSpectrum as LyapunovSpectrum,
    PairVariables as PairVariables,
    SeparationGrowth as SeparationGrowth,
    lyapunov_exponents as lyapunov_exponents,
    two_trajectory_exponents as two_trajectory_exponents,
)
from ._plots import (
    plot_conductance as plot_conductance,
    plot_hysteresis as plot_hysteresis,
    plot_network as plot_network,
    plot_optimisation as plot_optimisation,
)
from ._simulation import (
    AbstractAdjoint as AbstractAdjoint,
    AbstractObserver as AbstractObserver,
    AbstractSolver as AbstractSolver,
    AutoSolver as AutoSolver,
    Checkpointed as Checkpointed,
    CircuitStep as CircuitStep,
    Dense as Dense,
    Diagnosis as Diagnosis,
    Observation as Observation,
    Result as Result,
    Run as Run,
    Solution as Solution,
    StarMesh as StarMesh,
    StateEquation as StateEquation,
    Step as Step,
    Stepper as Stepper,
    StoreAll as StoreAll,
    StoreStates as StoreStates,
    Truncated as Truncated,
    shoot as shoot,
    simulate as simulate,
)
from ._sweep import (
    AbstractSampling as AbstractSampling,
    Grid as Grid,
    Reduction as Reduction,
    Sample as Sample,
    Table as Table,
    open_sweep as open_sweep,
    register_drive as register_drive,
    register_junction as register_junction,
    register_network as register_network,
    register_reduction as register_reduction,
    sweep as sweep,
)
from ._tuning import (
    AbstractConstraint as AbstractConstraint,
    Bounded as Bounded,
    Box as Box,
    Fixed as Fixed,
    Optimisation as Optimisation,
    OptimisationResult as OptimisationResult,
    Positive as Positive,
    Scaled as Scaled,
    from_free as from_free,
    measured as measured,
    only as only,
    optimise as optimise,
    spread as spread,
    to_free as to_free,
)
from ._version import __version__ as __version__


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
