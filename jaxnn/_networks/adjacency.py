"""What an adjacency matrix says of junctions."""

import os
from typing import Any

import numpy as np
from jaxtyping import Int64

from .._core import Numbers, arguments, check_room


def adjacency_entries(
    matrix: Numbers,
) -> tuple[int, Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
    """The number of wires and, for each pair a < b that is joined, a, b and how many junctions.

    **Raises:** `ValueError` as `jaxnn.Network.from_adjacency` says.
    """
    import scipy.sparse

    if isinstance(matrix, str | os.PathLike):
        raise ValueError(
            f"An adjacency matrix must be an array, got the name of a file, {str(matrix)!r}: load it "
            "first, as with numpy.load or numpy.loadtxt."
        )
    if not scipy.sparse.issparse(matrix):
        arguments.real(ndim=2, known=True, finite=False)("matrix", matrix)
    links: Any = scipy.sparse.coo_array(matrix if scipy.sparse.issparse(matrix) else np.asarray(matrix))
    if links.ndim != 2 or links.shape[0] != links.shape[1]:
        raise ValueError(
            f"An adjacency matrix must be square, got shape {links.shape}. For pairs of node "
            "numbers use `Network(n_nodes, edges)`."
        )
    links.sum_duplicates()
    if not np.all(np.isfinite(links.data)):
        raise ValueError("An adjacency matrix must be finite; write 0 where there is no junction.")
    n, present = links.shape[0], links.data != 0
    # As int64, because the products of node numbers outgrow the int32 that SciPy uses.
    rows, columns = (x[present].astype(np.int64) for x in links.coords)
    count = _counts(links.data[present])
    # As a float, which does not overflow; each is there twice, and kept as pairs in int64 and in int32.
    total = int(count.sum(dtype=float) / 2)
    check_room(f"The {total:,} junctions that the matrix counts", 24 * total, "count fewer in parallel")
    loops = rows[rows == columns]
    if loops.size:
        raise ValueError(
            f"The diagonal of an adjacency matrix must be zero, but entry ({loops[0]}, "
            f"{loops[0]}) is not ({loops.size} such entries in all); set it to 0."
        )
    _check_symmetric(n, rows, columns, count)
    upper = rows < columns
    order = np.lexsort((columns[upper], rows[upper]))
    return n, rows[upper][order], columns[upper][order], count[upper][order]


def _counts(values: np.ndarray) -> Int64[np.ndarray, " entries"]:
    """How many junctions each of the entries that are not 0 stands for."""
    if values.dtype == bool:
        return np.ones(values.shape, np.int64)
    if np.issubdtype(values.dtype, np.integer):
        if values.size and values.min() < 0:
            raise ValueError(
                f"An adjacency matrix of integers counts junctions, got {values.min()}: use `matrix != 0` "
                "for one junction wherever there is a number."
            )
        return values.astype(np.int64)
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(
            f"An adjacency matrix must be of booleans, integers or real numbers, got {values.dtype}."
        )
    if values.size and values.max() > 1 and np.array_equal(values, np.round(values)):
        raise ValueError(
            f"An adjacency matrix of {values.dtype} with whole numbers up to {values.max():g} may count "
            "junctions or weigh them: use `matrix.astype(int)` for that many junctions in parallel, or "
            "`matrix != 0` for one wherever there is a number."
        )
    return np.ones(values.shape, np.int64)


def _check_symmetric(n: int, rows: np.ndarray, columns: np.ndarray, count: np.ndarray) -> None:
    keys, mirrored = rows * n + columns, columns * n + rows
    single = np.setxor1d(keys, mirrored)
    if single.size:
        a, b = divmod(int(single[0]), n)
        raise ValueError(
            f"An adjacency matrix must be symmetric, but only one of the entries ({a}, {b}) "
            f"and ({b}, {a}) is nonzero; use `matrix + matrix.T` if it holds one triangle."
        )
    order, other = np.argsort(keys), np.argsort(mirrored)
    odd = order[count[order] != count[other]]
    if odd.size:
        a, b = rows[odd[0]], columns[odd[0]]
        raise ValueError(
            f"An adjacency matrix that counts junctions must be symmetric, but the entries ({a}, {b}) and "
            f"({b}, {a}) differ; use `matrix + matrix.T` if each junction is counted on one side alone."
        )
