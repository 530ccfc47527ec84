"""One check per kind of argument, which the kernels share: see `jaxnn_kernels._arguments`."""

from jaxnn_kernels._arguments import (
    Kind as Kind,
    checked as checked,
    count as count,
    either as either,
    flag as flag,
    function as function,
    having as having,
    key as key,
    one_of as one_of,
    path as path,
    real as real,
    refuse as refuse,
    seed as seed,
    whole_numbers as whole_numbers,
    word as word,
)
