// What the routines take, and the table of them that each instruction set fills.

#pragma once

#include <cstdint>

#include "schedule.h"

namespace jaxnn {

// Arrays are (rows, batch), the batch innermost; `_batch` is 1 for one that all of the batch share.

template <typename T>
struct Elimination {
  Schedule schedule;
  int64_t batch;
  T most;  // what conducts as much or less between two terminals is nothing but leaks
  T leak;  // what open junctions conduct
  const T* conductance;
  T *branch, *scale, *mesh;
};

template <typename T>
struct Substitution {
  Schedule schedule;
  int64_t batch, factor_batch, potential_batch, current_batch, source_batch;
  const T *branch, *scale, *mesh, *potential;
  const T *current, *source;  // into nodes, and from the first to the second end of junctions: none if null
  T *phi, *into, *voltage;
};

// Both at once: factors stay in the room that a tile works in.
template <typename T>
struct Solve {
  Elimination<T> elimination;
  Substitution<T> substitution;
};

// Two solutions of one elimination, the stages of a time step with capacitors along the junctions: each carries
// `slope` times what its voltage is above that of potentials, which in the first stage are those `before`, p0, and in
// the second p0 + growth (p1 - p0), p1 being those of the first stage.
template <typename T>
struct Stages {
  Elimination<T> elimination;
  Substitution<T> first, last;
  int64_t slope_batch, before_batch;
  const T *slope, *before;
  T growth;
};

// What closed junctions join to a terminal, 1 in `found`: nodes, or if `live` junctions with both ends so, and all of a
// block without an open one.
template <typename T>
struct Joined {
  Schedule schedule;
  int64_t batch;
  T most;  // what an open junction conducts at most
  bool live;
  const T* conductance;
  T* found;
};

// A step of Newton's method, of a search whose arrays are changed in place: see `_nodal/newton.py`. What flows is
// the substitution's `source`, `control` has a row of each kind for each block.
template <typename T>
struct Newton {
  Elimination<T> elimination;
  Substitution<T> substitution;
  int64_t junctions, most_solves, most_halvings;  // junctions: before what is linear
  T near;
  T *potential, *voltage, *before_potential, *before_voltage, *into, *control;
};

enum Control { kSize, kPhase, kHalvings, kSolves, kLeast, kReach, kControls };

// One block, for the lanes of the batch from `lane` on: as many as `width` says, or what is left of them.
// `work` has room for `work_size` numbers for each of these.
template <typename T>
struct Routines {
  int64_t width;
  void (*eliminate)(const Elimination<T>&, const Block&, int64_t lane, T* work);
  void (*substitute)(const Substitution<T>&, const Block&, int64_t lane, T* work);
  void (*solve)(const Solve<T>&, const Block&, int64_t lane, T* work);
  void (*stages)(const Stages<T>&, const Block&, int64_t lane, T* work);
  void (*newton)(const Newton<T>&, const Block&, int64_t lane, T* work);
  void (*joined)(const Joined<T>&, const Block&, int64_t lane, T* work);
};

// For one number at a time, for a register of them and for a tile.
template <typename T>
struct Widths {
  Routines<T> one, half, tile;
};

struct Both {
  Widths<float> f32;
  Widths<double> f64;
};

#define JAXNN_DECLARE(isa) \
  namespace isa {          \
  extern const Both both;  \
  }
JAXNN_DECLARE(plain)
#if defined(__x86_64__)
JAXNN_DECLARE(avx2)
JAXNN_DECLARE(avx512)
#endif
#undef JAXNN_DECLARE

}  // namespace jaxnn
