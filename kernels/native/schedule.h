// The schedule of an elimination as it lies in memory: whole numbers, written by `_compiled/schedule.py`.
//
// A network falls into blocks, which no junction joins. Wires and slots (branches in the order of
// elimination, those of one wire side by side) are numbered through the network, those of a block side by
// side; within a block all indices count from its first. A place in a block is a wire, by its number, or one
// of its terminals, behind the wires.
//
//   head     kHead numbers, as below
//   blocks   kBlock numbers each
//   nodes    of each wire; then of each terminal of each block, and its row among all terminals
//   starts   first slot of each wire, and where those of the last one end, of each block
//   far      the place at the other end of each slot
//   ends     two terminals of its block for each branch of the mesh, behind its wires
//   joined   each junction of each block, and the places at its two ends
//   around   of each block: each of its places, how many junctions it has, and for each (junction, place at its
//            other end); places with as many side by side
//   rounds   of each block: numbers of rounds, and for each round
//              groups of branches: their number; for each (products, branches, whether they begin with a
//                junction), and for each branch (slot, [junction,] pairs of slots)
//              groups of stars: their number; for each (branches of a star, stars), and for each star its wire
//            and after the last round the groups of the branches of the mesh
//
// The last slot of a block is 0 S, for padding. A pair of slots is one number, the second in its upper half,
// where the block has no more than kNarrowSlots, and two numbers elsewhere. Of more than four pairs there is
// an even number.

#pragma once

#include <cstdint>

namespace jaxnn {

constexpr int32_t kVersion = 3;
constexpr int32_t kNarrowSlots = 1 << 16;

struct Head {
  int32_t version, nodes, junctions, terminals, wires, slots, mesh, blocks;
  int32_t blocks_at, wire_node_at, terminal_node_at, terminal_row_at, starts_at, far_at, ends_at, joined_at, around_at;
  int32_t size;
};

struct Block {
  int32_t wire, wires, slot, slots, terminal, terminals, mesh, meshes, starts, rounds_at, products;
  int32_t junction, junctions, around;
};

// The parts of a schedule, once its head has been looked at.
struct Schedule {
  const int32_t* data;
  const Head* head;
  const Block* blocks;
  const int32_t *wire_node, *terminal_node, *terminal_row, *starts, *far, *ends, *joined, *around;

  explicit Schedule(const int32_t* x)
      : data(x),
        head(reinterpret_cast<const Head*>(x)),
        blocks(reinterpret_cast<const Block*>(x + head->blocks_at)),
        wire_node(x + head->wire_node_at),
        terminal_node(x + head->terminal_node_at),
        terminal_row(x + head->terminal_row_at),
        starts(x + head->starts_at),
        far(x + head->far_at),
        ends(x + head->ends_at),
        joined(x + head->joined_at),
        around(x + head->around_at) {}
};

}  // namespace jaxnn
