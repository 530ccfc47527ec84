"""Finished work on disk is whole, is made once, and is not begun when the time is up."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.shared.pieces import Pieces, TimeUp, written_whole


def never():
    raise AssertionError("made again")


def test_pieces_are_made_once(tmp_path):
    pieces = Pieces(tmp_path / "some")
    first = pieces.keep("part/one", lambda: {"x": jnp.arange(3.0), "y": [1, 2]})
    numbers = pieces.keep_json("two", lambda: {"x": (1, 2), "text": None})
    again = Pieces(tmp_path / "some", minutes=0)
    assert again.has("part/one")
    assert again.has("two")
    assert not again.has("three")
    found = again.keep("part/one", never)
    assert found.keys() == first.keys() == {"x", "y"}
    for name in found:
        np.testing.assert_array_equal(found[name], first[name])
    assert again.keep_json("two", never) == numbers == {"x": [1, 2], "text": None}
    there = again.find("part/one")
    assert there is not None
    np.testing.assert_array_equal(there["y"], [1, 2])
    assert again.find("three") is None
    # The time that the first call took.
    assert again.took == pieces.took
    assert again.seconds == math.fsum(pieces.took.values()) > 0


def test_what_does_not_fit_is_made_anew(tmp_path):
    pieces = Pieces(tmp_path)
    for size, wanted in ((2, 2), (1, 2), (3, 3), (2, 3)):
        enough = lambda kept, size=size: len(kept["x"]) >= size
        assert len(pieces.keep("one", lambda size=size: {"x": np.zeros(size)}, fits=enough)["x"]) == wanted
        assert len(pieces.keep_json("two", lambda size=size: {"x": [0] * size}, fits=enough)["x"]) == wanted


def test_nothing_is_begun_when_the_time_is_up(tmp_path):
    pieces = Pieces(tmp_path, minutes=0)
    for keep in (pieces.keep, pieces.keep_json):
        with pytest.raises(TimeUp):
            keep("one", never)
    assert not pieces.took
    assert pieces.keep("one", lambda: {"x": 1}, late=True)["x"] == 1


def test_new_pieces_say_how_long_they_took(tmp_path, capsys):
    for _ in range(2):
        Pieces(tmp_path, aloud=True).keep("one", lambda: {"x": 1})
    assert capsys.readouterr().out == "one: 0 s\n"


def test_what_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "one.txt"
    with written_whole(path) as file:
        file.write(b"whole")

    def fail():
        with written_whole(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="JSON"):
        Pieces(tmp_path).keep_json("two", lambda: math.nan)
    assert list(tmp_path.iterdir()) == [path]
