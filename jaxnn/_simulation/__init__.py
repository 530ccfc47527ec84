"""Runs of a network: the problem, its time steps, and what comes out."""

from .adjoint import (
    AbstractAdjoint as AbstractAdjoint,
    Checkpointed as Checkpointed,
    StoreAll as StoreAll,
    StoreStates as StoreStates,
    Truncated as Truncated,
    scan_windows as scan_windows,
)
from .arguments import (
    RunArguments as RunArguments,
    TimedArguments as TimedArguments,
    check_arguments as check_arguments,
)
from .circuit_flow import CircuitStep as CircuitStep
from .diagnosis import diagnosis_of as diagnosis_of
from .problem import Problem as Problem, check_start as check_start, make_problem as make_problem
from .record import AbstractObserver as AbstractObserver, Record as Record, check_record as check_record
from .result import LARGEST_CHANGE as LARGEST_CHANGE, Diagnosis as Diagnosis, Result as Result
from .shooting import shoot as shoot
from .simulate import simulate as simulate
from .solution import Solution as Solution
from .solver import (
    AbstractSolver as AbstractSolver,
    AutoSolver as AutoSolver,
    Dense as Dense,
    StarMesh as StarMesh,
)
from .state_equation import Observation as Observation, StateEquation as StateEquation
from .step import (
    ON_REQUEST as ON_REQUEST,
    Carry as Carry,
    Run as Run,
    Step as Step,
    first_carry as first_carry,
    run_of as run_of,
    steps_of as steps_of,
)
from .stepper import Stepper as Stepper
