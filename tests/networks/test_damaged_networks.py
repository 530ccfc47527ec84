"""Files of networks altered at random: what is read is a network, else a `ValueError` names the file."""

import io
import random
import re
import warnings

import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse

import jaxnn
from helpers import altered


MATRIX = np.array([[0, 2, 0, 0], [2, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
EDGES = np.array([[0, 1], [1, 2], [2, 3], [0, 3]])
ENDS = np.array([[0.0, 0, 10, 0], [5, -5, 5, 5], [9, -1, 9, 8]])


def written(write) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def table(names, rows, mark) -> bytes:
    return "\n".join(mark.join(map(str, row)) for row in [names, *rows.tolist()]).encode()


def graphml() -> bytes:
    graph = nx.cycle_graph(4)
    for k, data in graph.nodes(data=True):
        data |= {"x": float(k), "y": float(k % 2)}
    return "\n".join(nx.generate_graphml(graph)).encode()


def matlab(matrix) -> bytes:
    # Compressed, as MATLAB writes them: of damaged plain ones SciPy's own reader crashes the process.
    return written(lambda file: scipy.io.savemat(file, {"adj": matrix}, do_compression=True))


# What is in a file of each ending.
KINDS = {
    "junctions.csv": lambda: table(("source", "target"), EDGES, ","),
    "counted.csv": lambda: table(("source", "target", "count"), np.c_[EDGES, [1, 2, 1, 1]], ";"),
    "wires.csv": lambda: table(("x0", "y0", "x1", "y1"), ENDS, ","),
    "junctions.tsv": lambda: table(("from", "to"), EDGES, "\t"),
    "wires.txt": lambda: table(("x0", "y0", "x1", "y1"), ENDS, " "),
    "matrix.npy": lambda: written(lambda file: np.save(file, MATRIX)),
    "edges.npz": lambda: written(lambda file: np.savez(file, edges=EDGES, seed=3)),
    "sparse.npz": lambda: written(lambda file: scipy.sparse.save_npz(file, scipy.sparse.csr_array(MATRIX))),
    "matrix.mat": lambda: matlab((MATRIX > 0).astype(float)),
    "sparse.mat": lambda: matlab(scipy.sparse.csc_array((MATRIX > 0).astype(float))),
    "graph.graphml": graphml,
}


def refusal(path) -> str | None:
    """What is said of a file; None of one that holds a network."""
    try:
        with warnings.catch_warnings():
            # Of a list that has each pair twice, or lengths in other units: as for any network.
            warnings.simplefilter("ignore")
            network = jaxnn.read_network(path)
    except ValueError as error:
        return str(error)
    assert np.all(network.edges < network.n_nodes)
    return None


COUNTS = pytest.mark.parametrize("count", [120, pytest.param(1000, marks=pytest.mark.slow)])


@COUNTS
@pytest.mark.parametrize("name", KINDS)
def test_altered_at_random(tmp_path, name, count):
    """All that is refused names the file; all that is read is a network."""
    content, path, draws = KINDS[name](), tmp_path / name, random.Random(count)
    path.write_bytes(content)
    assert jaxnn.read_network(path).n_junctions in (2, 3, 4, 5)
    tally = {"read": 0, "refused": 0}
    for _ in range(count):
        path.write_bytes(altered(content, draws))
        refused = refusal(path)
        assert refused is None or str(path) in refused
        tally["read" if refused is None else "refused"] += 1
    print(name, tally)
    assert tally["refused"] > 0.2 * count


def cells(text: str) -> list[list[str]]:
    return [re.split("[,;\t ]", line) for line in text.splitlines()]


@pytest.mark.parametrize("name", [name for name in KINDS if name.endswith(("csv", "tsv", "txt"))])
@pytest.mark.parametrize("wrong", ["", "x y z", "nan", "1e999", "-3"])
def test_a_wrong_cell_is_named_by_its_line(tmp_path, name, wrong):
    """Any cell of any table: the message has the line, or the cell is as good as what was there."""
    text, path = KINDS[name]().decode(), tmp_path / name
    mark = next(mark for mark in ",;\t " if mark in text)
    for row in range(1, len(text.splitlines())):
        for column in range(len(cells(text)[0])):
            lines = [line.split(mark) for line in text.splitlines()]
            lines[row][column] = wrong
            path.write_text("\n".join(mark.join(line) for line in lines))
            said = refusal(path)
            # A name of a wire may be any word, and an end of a wire any number.
            fine = wrong == "-3" if "wires" in name else wrong not in ("", "-3")
            assert said is None or f"ine {row + 1} of {path}" in said
            assert fine or said is not None


@pytest.mark.parametrize("part", ["indices", "indptr"])
def test_indices_outside_a_sparse_matrix(tmp_path, part):
    """SciPy would follow them, out of its memory."""
    matrix, path = scipy.sparse.csc_array((MATRIX > 0).astype(float)), tmp_path / "matrix.npz"
    getattr(matrix, part)[1] = 10**9
    scipy.sparse.save_npz(path, matrix)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        jaxnn.read_network(path)


@pytest.mark.parametrize("name", KINDS)
def test_empty_files(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=re.escape(str(path))):
        jaxnn.read_network(path)
