"""How a sweep is cut into chunks: rectangles, so that each is a chunk of the Zarr store as well.

A chunk is what is run in one call, and what is lost when a run is cut off. Both kinds of axes have a limit
of their own, since both cost memory, but differently: numbers are rows of a batch, networks are parts of an
ensemble's union, and the two multiply. Later axes are filled first, so that a chunk lies in the store as it
lies in memory and a sweep of one row of many columns is still one call.
"""

import itertools
import math
from typing import Any, NamedTuple


class Layout(NamedTuple):
    """Sizes of all axes, lengths of a chunk along them, and which axes change the networks."""

    sizes: tuple[int, ...]
    lengths: tuple[int, ...]
    structural: tuple[bool, ...]

    @property
    def n_chunks(self) -> int:
        """The number of chunks."""
        return math.prod(self._places)

    @property
    def starts(self) -> list[tuple[int, ...]]:
        """Where each chunk starts; chunks of the same networks follow each other."""
        order = self._order
        places = itertools.product(*(range(0, self.sizes[k], self.lengths[k]) for k in order))
        back = [order.index(k) for k in range(len(order))]
        return [tuple(place[k] for k in back) for place in places]

    def number_at(self, place: tuple[int, ...]) -> int:
        """The number, in `starts`, of the chunk at a place of the grid of chunks."""
        number = 0
        for k in self._order:
            number = number * self._places[k] + place[k]
        return number

    def stops(self, start: tuple[int, ...]) -> tuple[int, ...]:
        """Where a chunk ends."""
        ends = zip(start, self.lengths, self.sizes, strict=True)
        return tuple(min(s + length, size) for s, length, size in ends)

    @property
    def _order(self) -> list[int]:
        # Another set of networks is another program to compile.
        # (A stable sort: among axes of a kind the last one still runs fastest.)
        return sorted(range(len(self.sizes)), key=lambda k: not self.structural[k])

    @property
    def _places(self) -> list[int]:
        return [math.ceil(size / length) for size, length in zip(self.sizes, self.lengths, strict=True)]

    @property
    def points(self) -> int:
        """Combinations of numbers in a chunk, each run on all of its networks."""
        return math.prod(n for n, is_net in zip(self.lengths, self.structural, strict=True) if not is_net)


def make_layout(sizes: tuple[int, ...], structural: tuple[bool, ...], points: int, networks: int) -> Layout:
    """Chunks of at most `points` combinations of numbers and `networks` networks, of even size."""
    lengths = [0] * len(sizes)
    for kind, room in ((False, points), (True, networks)):
        for k in reversed(range(len(sizes))):
            if structural[k] is kind:
                # As few chunks as fit, of a size that wastes least at the end: every chunk is run at the
                # full length, because another length would be another program. 10 places with room for 8
                # are 5 and 5, not 8 and 2 of 8.
                lengths[k] = math.ceil(sizes[k] / math.ceil(sizes[k] / max(1, min(room, sizes[k]))))
                room //= lengths[k]
    return Layout(sizes, tuple(lengths), structural)


def layout_from(found: Any) -> Layout:
    """The layout that a store has in its attributes.

    **Raises:** `ValueError` if that cannot be one.
    """
    try:
        layout = Layout(*(tuple(found[field]) for field in Layout._fields))
        sizes, lengths, structural = layout
        whole = all(type(n) is int and n > 0 for n in (*sizes, *lengths))
        if sizes and whole and len(sizes) == len(lengths) == len(structural):
            return layout
    except (KeyError, TypeError):
        pass
    raise ValueError("its layout is none")
