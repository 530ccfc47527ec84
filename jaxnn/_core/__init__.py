"""What every room stands on, without any physics: arrays, units, progress, programs, files."""

from jaxnn_kernels import arguments as arguments

from .arrays import (
    as_array as as_array,
    as_inexact as as_inexact,
    check_at_least as check_at_least,
    check_finite as check_finite,
    check_network as check_network,
    check_time_step as check_time_step,
    concrete as concrete,
)
from .cells import reads_as_number as reads_as_number
from .compilation import QUIET as QUIET, cache_folder as cache_folder, keep_compiled as keep_compiled
from .container import cores as cores, free_memory as free_memory
from .domain import checks_of as checks_of, holds as holds, unmet as unmet
from .implausible import (
    ImplausibleWarning as ImplausibleWarning,
    check_conductance as check_conductance,
    check_deviation as check_deviation,
    check_on_above_off as check_on_above_off,
    check_pad_size as check_pad_size,
    check_wires_in_box as check_wires_in_box,
    warn_implausible as warn_implausible,
)
from .module import Module as Module, show as show
from .numbers import (
    Number as Number,
    array_module as array_module,
    cast_inexact as cast_inexact,
    common_dtype as common_dtype,
    follow as follow,
    following as following,
    together as together,
)
from .numerical_warning import NumericalWarning as NumericalWarning, warn_user as warn_user
from .programs import compiled as compiled, keep_programs as keep_programs
from .progress import announced as announced, bar as bar, notice as notice, ticking as ticking
from .room import (
    check_repeats as check_repeats,
    check_room as check_room,
    check_shape as check_shape,
    free_room as free_room,
    in_words as in_words,
)
from .small_pictures import (
    PALETTE as PALETTE,
    beside_text as beside_text,
    curves as curves,
    is_known as is_known,
    lines as lines,
)
from .storage import (
    as_loaded as as_loaded,
    load_arrays as load_arrays,
    loading as loading,
    read_arrays as read_arrays,
    save_arrays as save_arrays,
    warn_rounded as warn_rounded,
    written_whole as written_whole,
)
from .types import (
    Count as Count,
    Declared as Declared,
    FilePath as FilePath,
    Key as Key,
    Numbers as Numbers,
    Plan as Plan,
    Seed as Seed,
    Terminals as Terminals,
)
from .units import unit as unit, unit_of as unit_of
from .unrecorded import NotRecorded as NotRecorded
from .user_code import user_code as user_code
