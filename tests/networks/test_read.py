"""Networks in files of other programs, and what is said of broken ones."""

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportCallIssue=false

import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse

import jaxnn


EDGES = [[0, 1], [1, 2], [0, 1], [2, 3]]
COUNTS = np.array([[0, 2, 0, 0], [2, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
WIRES = [[0.0, 0, 10, 0], [5, -5, 5, 5], [9, -1, 9, 8]]


def table(tmp_path, text, name="table.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


TABLES = {
    "named": "source,target\n0,1\n1,2\n0,1\n2,3\n",
    "counted": "Source;Target;Count\n0;1;2\n1;2;1\n2;3;1\n",
    "bare": "0 1\n1 2\n0 1\n2 3\n",
    "tabs and comments": "# by hand\nfrom\tto\tlength\n\n0\t1\t3.5\n1\t2\t1  # thin\n0\t1\t2\n2\t3\t1\n",
    "unknown names over numbers": "p,q\n0,1\n1,2\n0,1\n2,3\n",
    "words": '"left","mid"\n"mid","top"\n"left","mid"\n"top","right"\n',
    "a mark in front": "\ufeffsource,target\n0,1\n1,2\n0,1\n2,3\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_junctions(name, tmp_path):
    """Rows that are there twice are two junctions in parallel."""
    network = jaxnn.read_network(table(tmp_path, TABLES[name]))
    assert sorted(network.edges.tolist()) == sorted(EDGES)
    if name != "counted":
        assert network.edges.tolist() == EDGES


@pytest.mark.parametrize("header", ["", "x1,y1,x2,y2\n", "XA,YA,XB,YB\n", "x_start,y_start,x_end,y_end\n"])
def test_tables_of_wires(header, tmp_path):
    text = header + "".join(",".join(map(str, row)) + "\n" for row in WIRES)
    network = jaxnn.read_network(table(tmp_path, text), unit="um")
    assert network.edges.tolist() == [[0, 1], [0, 2]]
    np.testing.assert_allclose(network.wire_ends, np.reshape(WIRES, (3, 2, 2)) * 1e-6)


def test_columns_in_any_order(tmp_path):
    network = jaxnn.read_network(table(tmp_path, "y0,x0,name,y1,x1\n0,0,a,0,10\n-5,5,b,5,5\n"), unit="nm")
    assert network.edges.tolist() == [[0, 1]]
    np.testing.assert_allclose(network.wire_ends[0], [[0, 0], [1e-8, 0]])


@pytest.mark.parametrize(
    "header",
    ["x0 [um],y0 [um],x1 [um],y1 [um]", "X1 (µm),Y1 (µm),X2 (µm),Y2 (µm)", "xa[um],ya[um],xb[um],yb[um]"],
)
@pytest.mark.parametrize("unit", ["m", "um", 1e-6])
def test_units_in_the_head_of_a_table(header, unit, tmp_path):
    text = f"{header}\n" + "".join(",".join(map(str, row)) + "\n" for row in WIRES)
    network = jaxnn.read_network(table(tmp_path, text), unit=unit)
    np.testing.assert_allclose(network.wire_ends, np.reshape(WIRES, (3, 2, 2)) * 1e-6)


def test_the_head_that_numpy_writes(tmp_path):
    path = tmp_path / "wires.csv"
    np.savetxt(path, WIRES, delimiter=",", header="wires of Monday\nx0 [um],y0 [um],x1 [um],y1 [um]")
    network = jaxnn.read_network(path)
    np.testing.assert_allclose(network.wire_ends, np.reshape(WIRES, (3, 2, 2)) * 1e-6)


def test_numbers_that_begin_at_one(tmp_path):
    path = table(tmp_path, "source,target\n1,2\n2,3\n")
    assert jaxnn.read_network(path, first=1).edges.tolist() == [[0, 1], [1, 2]]
    assert jaxnn.read_network(path).n_nodes == 4


def test_arrays_of_numpy(tmp_path):
    np.save(tmp_path / "counts.npy", COUNTS)
    expected = [[0, 1], [0, 1], [1, 2], [2, 3]]
    assert jaxnn.read_network(tmp_path / "counts.npy").edges.tolist() == expected
    np.save(tmp_path / "edges.npy", EDGES)
    assert jaxnn.read_network(str(tmp_path / "edges.npy")).edges.tolist() == EDGES
    np.save(tmp_path / "wires.npy", WIRES)
    assert jaxnn.read_network(tmp_path / "wires.npy", unit=1e-6).edges.tolist() == [[0, 1], [0, 2]]
    scipy.sparse.save_npz(tmp_path / "sparse.npz", scipy.sparse.coo_array(COUNTS))
    assert jaxnn.read_network(tmp_path / "sparse.npz").edges.tolist() == expected
    np.savez(tmp_path / "several.npz", first=COUNTS, second=COUNTS[:3, :3], label="x")
    assert jaxnn.read_network(tmp_path / "several.npz", name="second").n_nodes == 3
    network = jaxnn.nanowire_network(30, box=15e-6)
    network.save(tmp_path / "ours.npz")
    assert jaxnn.read_network(tmp_path / "ours.npz").topology == network.topology


def test_matlab(tmp_path):
    """Whose numbers are all of floating point, and whose nodes begin at 1."""
    ends = {key: np.array(WIRES)[:, k] for k, key in enumerate(("xa", "ya", "xb", "yb"))}
    crossing = np.array([[0.0, 1, 1], [1, 0, 0], [1, 0, 0]])
    scipy.io.savemat(tmp_path / "full.mat", {"adj_matrix": crossing, "number_of_wires": 3.0} | ends)
    network = jaxnn.read_network(tmp_path / "full.mat", unit="um")
    assert network.edges.tolist() == [[0, 1], [0, 2]]
    np.testing.assert_allclose(network.wire_ends, np.reshape(WIRES, (3, 2, 2)) * 1e-6)
    scipy.io.savemat(tmp_path / "ends.mat", ends)
    assert jaxnn.read_network(tmp_path / "ends.mat", unit="um").topology == network.topology
    scipy.io.savemat(tmp_path / "sparse.mat", {"A": scipy.sparse.csc_array(COUNTS.astype(float))})
    assert jaxnn.read_network(tmp_path / "sparse.mat", counts=True).n_junctions == 4
    assert jaxnn.read_network(tmp_path / "sparse.mat", counts=False).n_junctions == 3
    scipy.io.savemat(tmp_path / "list.mat", {"edge_list": np.add(EDGES, 1.0), "weights": np.ones((4, 3))})
    assert jaxnn.read_network(tmp_path / "list.mat", first=1).edges.tolist() == EDGES


def test_graphml(tmp_path):
    graph = nx.MultiGraph(EDGES)
    for node in graph:
        graph.nodes[node].update(x=2.0 * node, y=1.0)
    nx.write_graphml(graph, tmp_path / "graph.graphml")
    network = jaxnn.read_network(tmp_path / "graph.graphml", unit="um")
    assert sorted(map(sorted, network.edges.tolist())) == sorted(EDGES)
    np.testing.assert_allclose(network.positions[3], [6e-6, 1e-6])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no rows"),
        ("source,target\n0,1\n1\n", "Line 3 of .* has 1 cells where line 1 has 2"),
        ("source,target\n0,1\n\n# none\n2,2\n", "Line 5 of .* joins 2 to itself.*leave it out"),
        ("source,target\n0,1\n1,\n", "Line 3 of .* lacks a wire"),
        ("source,target\n0,1\n-1,2\n", "Line 3 of .* has wire -1, but wires count from 0"),
        ("source,target,count\n0,1,2\n1,2,1.5\n", "Line 3 of .* has '1.5' as its number of junctions"),
        ("x0,y0,x1,y1\n0,0,1,1\n0,0,one,1\n", "Line 3 of .* has 'one' where the end of a wire"),
        ("x0,y0,x1,y1\n0,0,1,nan\n", "Line 2 of .* has 'nan'"),
        ("0,0,1,1\n3,4,3,4\n", "Line 2 of .* has both ends of a wire at .3.0, 4.0.: leave it out"),
        ("x0 [um],y0 [um],x1 [nm],y1 [um]\n0,0,1,1\n", "in the units .*: give all of them in one"),
        ("x0 [px],y0 [px],x1 [px],y1 [px]\n0,0,1,1\n", "has ends of wires in 'px': give them in m, mm"),
        ("length,angle,x,y\n7,30,1,2\n", r"has the columns \['length', 'angle', 'x', 'y'\], of which none"),
        ("0,1,2\n1,2,3\n", "has 3 columns without names: name those"),
        ("one,two,three\n1,2,3\n", r"has the columns \['one', 'two', 'three'\], of which none are known"),
    ],
)
def test_broken_tables_are_named_by_their_line(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        jaxnn.read_network(table(tmp_path, text))


def test_a_unit_that_contradicts_the_head(tmp_path):
    path = table(tmp_path, "x0 [um],y0 [um],x1 [um],y1 [um]\n0,0,1,1\n")
    with pytest.raises(ValueError, match="in um, and unit='nm' was given: which is it"):
        jaxnn.read_network(path, unit="nm")


def test_broken_files(tmp_path):
    read = jaxnn.read_network
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.csv"):
        read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match=r"must end in one of \.csv"):
        read(table(tmp_path, "0 1", "edges.dat"))
    for suffix, message in ((".npy", "no array"), (".npz", "no arrays"), (".mat", "no file of MATLAB")):
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(b"PK\x03\x04 not what it says")
        with pytest.raises(ValueError, match=rf"broken\{suffix} .*{message}"):
            read(path)
    (tmp_path / "latin.csv").write_bytes("source,target\nä,ö\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.csv is no text .*UTF-8"):
        read(tmp_path / "latin.csv")
    with pytest.raises(ValueError, match=r"Line 2 of .*bad\.graphml is no GraphML"):
        read(table(tmp_path, "<graphml>\n<node", "bad.graphml"))
    np.savez(tmp_path / "two.npz", first=COUNTS, second=COUNTS)
    with pytest.raises(ValueError, match=r"has \['first', 'second'\]: say by name=\.\.\."):
        read(tmp_path / "two.npz")
    with pytest.raises(ValueError, match="has no 'third'"):
        read(tmp_path / "two.npz", name="third")
    np.save(tmp_path / "skew.npy", np.triu(COUNTS))
    with pytest.raises(ValueError, match=r"skew\.npy holds no network .*symmetric.*matrix \+ matrix.T"):
        read(tmp_path / "skew.npy")
    np.save(tmp_path / "float.npy", COUNTS.astype(float))
    with pytest.raises(
        ValueError, match=r"float\.npy holds no network .*may count junctions or weigh them"
    ):
        read(tmp_path / "float.npy")
    np.save(tmp_path / "odd.npy", np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"odd\.npy has 'array' of shape \(4, 3\)"):
        read(tmp_path / "odd.npy")
    np.save(tmp_path / "objects.npy", np.array([None]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"objects\.npy is no array"):
        read(tmp_path / "objects.npy")
    loops = nx.Graph([(0, 0), (0, 1)])
    nx.write_graphml(loops, tmp_path / "loop.graphml")
    with pytest.raises(ValueError, match=r"loop\.graphml holds no network: .*self-loops"):
        read(tmp_path / "loop.graphml")
