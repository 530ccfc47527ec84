"""Files of other programs that hold a network: tables, arrays of NumPy and MATLAB, GraphML."""

import warnings
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._core import Count, Declared, FilePath, arguments
from .network import Network
from .tables import read_table
from .wires import UNITS, as_metres, network_from_wires


_TABLES = (".csv", ".tsv", ".txt")
_SUFFIXES = (*_TABLES, ".npy", ".npz", ".mat", ".graphml")
_ENDS = ("xa", "ya", "xb", "yb")


@arguments.checked(
    path=arguments.path,
    counts=arguments.flag,
    first=arguments.count(0),
    touching=arguments.real(ndim=0, known=True, low=0),
)
def read_network(
    path: FilePath,
    *,
    name: Declared[str | None] = None,
    counts: bool | None = None,
    first: Count = 0,
    unit: Declared[str | float | int] = "m",
    touching: float | int | None = None,
) -> Network:
    """Reads a network from a file of another program: a table, a matrix, a graph, or ends of wires.

    - `.csv`, `.tsv`, `.txt`: a table of junctions, with the columns source and target (and count, if a row
      is several), or of wires, with x0, y0, x1 and y1. Without names, two columns are junctions and four
      are wires. A row that is there twice is two junctions in parallel.
    - `.npy`, `.npz`, `.mat`: a square matrix is an adjacency, as in `Network.from_adjacency`, two columns
      are junctions, four are wires. A sparse matrix of `scipy.sparse.save_npz` or of MATLAB is read too,
      and so is what `Network.save` wrote. With xa, ya, xb and yb beside a matrix, wires have ends.
    - `.graphml`: as in `Network.from_graph`; x and y of nodes are their positions.

    **Arguments:**

    - `path`: of the file, whose ending says what it is.
    - `name`: of the array in a `.npz` or `.mat`, if there are several.
    - `counts`: whether the numbers of a matrix count junctions in parallel; by default those of a whole
      type do. MATLAB knows no whole numbers by itself: say True or False of its matrices with numbers
      above 1.
    - `first`: the number of the first wire in a list of junctions: 1 for those of MATLAB.
    - `unit`: of lengths, as in `jaxnn.network_from_wires`; a table may say it in its head, as x0 [um].
    - `touching`: how near wires touch whose ends are given, as there, in the same unit.

    **Raises:** `FileNotFoundError` if there is no such file; `ValueError` that names the file, and the line
    of a table, for all else.

    ```python
    from pathlib import Path

    _ = Path("junctions.csv").write_text("source,target\\nA,B\\nB,C\\nA,B\\n")
    read = jaxnn.read_network("junctions.csv")
    read.edges.tolist()  # [[0, 1], [1, 2], [0, 1]]
    ```
    """
    file = Path(path)
    as_metres(unit)
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file} to read a network from.")
    lengths = {"unit": unit, "touching": touching}
    if file.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"{file} must end in one of {', '.join(_SUFFIXES)}: its ending says what it is.")
    try:
        return _read(file, name, counts, int(first), lengths)
    except ValueError as error:
        # Of numbers that no network can be made of, whoever found them.
        if str(file) in str(error):
            raise
        raise ValueError(f"{file} holds no network: {error}") from error


def _read(
    file: Path, name: str | None, counts: bool | None, first: int, lengths: Mapping[str, Any]
) -> Network:
    suffix, unit = file.suffix.lower(), lengths["unit"]
    if suffix in _TABLES:
        table = read_table(file, first)
        if table.wires is not None:
            return network_from_wires(table.wires, **{**lengths, "unit": _unit(file, unit, table.unit)})
        assert table.edges is not None
        return _network_of(file, "table", table.edges, counts, 0, lengths)
    if suffix == ".graphml":
        return _from_graphml(file, as_metres(unit))
    if suffix == ".npz" and _is_ours(file):
        return Network.load(file)
    arrays = {".npy": _npy, ".npz": _npz, ".mat": _mat}[suffix](file)
    chosen = _chosen(file, arrays, name)
    if chosen is None:
        ends = np.stack([np.asarray(arrays[key], float).ravel() for key in _ENDS], axis=1)
        return network_from_wires(ends, **lengths)
    network = _network_of(file, chosen, arrays[chosen], counts, first, lengths)
    return _with_ends(file, network, arrays, as_metres(unit))


def _unit(file: Path, given: str | float | int, in_head: str | None) -> str | float | int:
    """The unit of lengths in a table, whose head may have it."""
    if in_head is None:
        return given
    if in_head not in UNITS:
        raise ValueError(f"{file} has ends of wires in {in_head!r}: give them in {', '.join(UNITS)}.")
    if given != "m" and as_metres(given) != UNITS[in_head]:
        raise ValueError(
            f"{file} has ends of wires in {in_head}, and unit={given!r} was given: which is it?"
        )
    return in_head


def _network_of(
    file: Path, name: str, array: Any, counts: bool | None, first: int, lengths: Mapping[str, Any]
) -> Network:
    """The network of a matrix, of junctions or of ends of wires."""
    shape = array.shape
    try:
        if len(shape) == 2 and shape[0] == shape[1] and name != "table":
            return Network.from_adjacency(_counted(array, counts))
        if len(shape) == 2 and shape[1] == 2:
            edges = _whole(np.asarray(array)) - first
            return Network(int(edges.max(initial=0)) + 1, edges)
        if shape[-2:] == (2, 2) or (len(shape) == 2 and shape[1] == 4):
            return network_from_wires(np.asarray(array), **lengths)
    except ValueError as error:
        raise ValueError(f"{file} holds no network in {name!r}: {error}") from error
    raise ValueError(
        f"{file} has {name!r} of shape {shape}: a square matrix is an adjacency, two columns are "
        "junctions, and four are wires, x0, y0, x1, y1."
    )


def _counted(matrix: Any, counts: bool | None) -> Any:
    """A matrix whose numbers count junctions, or whose numbers are not used."""
    import scipy.sparse

    if counts is None:
        return matrix
    if not counts:
        return matrix != 0
    values = matrix.data if scipy.sparse.issparse(matrix) else np.asarray(matrix)
    if not np.array_equal(values, np.round(values)):
        raise ValueError(
            "numbers of junctions must be whole: counts=False takes one wherever there is one."
        )
    return matrix.astype(np.int64)


def _whole(array: np.ndarray) -> np.ndarray:
    """Numbers of wires, which MATLAB keeps as floating-point ones."""
    if array.dtype.kind == "f" and np.array_equal(array, np.round(array)):
        return array.astype(np.int64)
    return array


def _chosen(file: Path, arrays: Mapping[str, Any], name: str | None) -> str | None:
    """The name of the array that is meant; None for ends of wires in four arrays."""
    if name is not None:
        if name not in arrays:
            raise ValueError(f"{file} has no {name!r}; it has {sorted(arrays)}.")
        return name
    two = {key: x for key, x in arrays.items() if getattr(x, "ndim", 0) == 2 and min(x.shape) > 1}
    square = [key for key, x in two.items() if x.shape[0] == x.shape[1]]
    listed = [key for key in arrays if key in ("edges", "edge_list", "wire_ends")]
    for found in (square, listed, list(two)):
        if len(found) == 1:
            return found[0]
    if all(key in arrays for key in _ENDS):
        return None
    raise ValueError(f"{file} has {sorted(arrays)}: say by name=... which of them is the network.")


def _with_ends(file: Path, network: Network, arrays: Mapping[str, Any], metres: float) -> Network:
    """The network with the ends of its wires, if they are beside it."""
    if network.wire_ends is not None or not all(key in arrays for key in _ENDS):
        return network
    columns = [np.asarray(arrays[key], float).ravel() for key in _ENDS]
    if any(len(x) != network.n_nodes for x in columns):
        raise ValueError(
            f"{file} has {network.n_nodes} wires and {[len(x) for x in columns]} numbers in xa, ya, xb "
            "and yb: one of each wire is needed."
        )
    ends = np.stack(columns, axis=1).reshape(-1, 2, 2) * metres
    return Network(network.n_nodes, network.edges, ends.mean(axis=1), wire_ends=ends)


def _is_ours(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return "jaxnn_kind.npy" in archive.namelist()
    # The parser says whatever it stumbles upon, and another one will say it again.
    except Exception:
        return False


def _npy(file: Path) -> dict[str, Any]:
    try:
        # NumPy would leave open what it cannot read.
        with open(file, "rb") as opened:
            return {"array": np.load(opened, allow_pickle=False)}
    # The parser says whatever it stumbles upon.
    except Exception as error:
        raise ValueError(f"{file} is no array that numpy.save wrote ({error}).") from error


def _npz(file: Path) -> dict[str, Any]:
    import scipy.sparse

    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as archive:
            if {"format", "shape", "data"} <= set(archive.files):
                return {"matrix": _sound(scipy.sparse.load_npz(file))}
            return {key: archive[key] for key in archive.files}
    except Exception as error:
        raise ValueError(f"{file} holds no arrays that numpy.savez wrote ({error}).") from error


def _mat(file: Path) -> dict[str, Any]:
    import scipy.io
    import scipy.sparse

    try:
        with warnings.catch_warnings():
            # Sparse arrays serve as well as sparse matrices; older versions of SciPy cannot be told which.
            warnings.filterwarnings("ignore", ".*spmatrix", DeprecationWarning)
            found = {key: _sound(x) for key, x in scipy.io.loadmat(file).items()}
    except NotImplementedError as error:
        raise ValueError(f"{file} is a file of MATLAB 7.3: save it by save(..., '-v7').") from error
    except Exception as error:
        raise ValueError(f"{file} is no file of MATLAB that can be read ({error}).") from error
    numbers = lambda x: scipy.sparse.issparse(x) or getattr(x, "dtype", np.dtype(object)).kind in "biuf"
    return {key: x for key, x in found.items() if not key.startswith("__") and numbers(x)}


def _sound(array: Any) -> Any:
    """An array as it is; of a sparse matrix, SciPy would follow indices wherever they lead.

    **Raises:** `ValueError` for indices that are outside the matrix.
    """
    import scipy.sparse

    if not scipy.sparse.issparse(array):
        return array
    matrix: Any = array
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)
    if matrix.format == "coo":
        sizes = zip(matrix.coords, matrix.shape, strict=True)
        if any(x.size and (x.min() < 0 or x.max() >= size) for x, size in sizes):
            raise ValueError("an index of the sparse matrix is outside of it")
    return matrix


def _from_graphml(file: Path, metres: float) -> Network:
    import networkx as nx

    try:
        graph = nx.read_graphml(file)
    except ElementTree.ParseError as error:
        line = error.position[0]
        raise ValueError(f"Line {line} of {file} is no GraphML ({error}): save the graph again.") from error
    except Exception as error:
        raise ValueError(f"{file} is no graph in GraphML ({error}).") from error
    data = dict(graph.nodes(data=True))
    try:
        if data and all({"x", "y"} <= set(own) for own in data.values()):
            places = {
                node: (float(own["x"]) * metres, float(own["y"]) * metres) for node, own in data.items()
            }
            nx.set_node_attributes(graph, places, "pos")
        return Network.from_graph(graph)
    except ValueError as error:
        raise ValueError(f"{file} holds no network: {error}") from error
