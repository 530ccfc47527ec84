// Star-mesh elimination and substitution of one block of a network, for a tile of the batch.
//
// With S_i = sum_j g_ij and h_ij = g_ij / sqrt(S_i), eliminating wire i adds h_ij h_ik to the branch of its
// neighbours j and k, and later phi_i = (y_i + sum_j h_ij phi_j) / sqrt(S_i): see `_nodal/star_mesh.py`.
// Compiled once for each instruction set.

#include "nodal.h"

#include <type_traits>

#include "lanes.h"

namespace jaxnn::JAXNN_ISA {

// own + sum of x[left] x[right]. Two sums take turns, so that a product need not wait for the one before.
template <typename V, int kPairs, bool kNarrow>
JAXNN_INLINE V products_of(const typename V::Number* x, const int32_t*& p, V own, int pairs) {
  const int n = kPairs < 0 ? pairs : kPairs;
  const int32_t* const q = p;
  const auto left = [x, q](int k) {
    return V::load(x + (kNarrow ? int64_t(uint32_t(q[k]) & 0xffff) : int64_t(q[2 * k])) * V::width);
  };
  const auto right = [x, q](int k) {
    return V::load(x + (kNarrow ? int64_t(uint32_t(q[k]) >> 16) : int64_t(q[2 * k + 1])) * V::width);
  };
  p += kNarrow ? n : 2 * n;
  if (n == 0) return own;
  V even = fma(left(0), right(0), own);
  if (n == 1) return even;
  V odd = left(1) * right(1);
  if (kPairs == 3) return fma(left(2), right(2), even) + odd;
  for (int k = 2; k < n; k += 2) {
    even = fma(left(k), right(k), even);
    odd = fma(left(k + 1), right(k + 1), odd);
  }
  return even + odd;
}

// Branches of one group: what they begin with, and their products so far.
template <typename V, int kPairs, bool kNarrow, typename Load, typename Put>
JAXNN_INLINE const int32_t* group_of(
    const typename V::Number* x, const int32_t* p, int pairs, int count, bool own, Load load, Put put) {
  for (int k = 0; k < count; ++k) {
    const int32_t target = *p++;
    const V first = own ? load(*p++) : V::zero();
    put(target, products_of<V, kPairs, kNarrow>(x, p, first, pairs));
  }
  return p;
}

template <typename V, bool kNarrow, typename Load, typename Put>
JAXNN_INLINE const int32_t* groups_of(const typename V::Number* x, const int32_t* p, Load load, Put put) {
  for (int groups = *p++; groups > 0; --groups) {
    const int pairs = p[0], count = p[1];
    const bool own = p[2] != 0;
    p += 3;
    switch (pairs) {
#define JAXNN_PAIRS(n)                                               \
  case n:                                                            \
    p = group_of<V, n, kNarrow>(x, p, pairs, count, own, load, put); \
    break;
      JAXNN_PAIRS(0)
      JAXNN_PAIRS(1)
      JAXNN_PAIRS(2)
      JAXNN_PAIRS(3)
      JAXNN_PAIRS(4)
#undef JAXNN_PAIRS
      default:
        p = group_of<V, -1, kNarrow>(x, p, pairs, count, own, load, put);
    }
  }
  return p;
}

// sum of f(0), f(1), ...: four sums take turns where there are many.
template <typename V, typename Function>
JAXNN_INLINE V sum_of(V sum, int n, Function f) {
  int k = 0;
  if (n >= 8) {
    V a = f(0, V::zero()), b = f(1, V::zero()), c = f(2, V::zero());
    sum = f(3, sum);
    for (k = 4; k + 3 < n; k += 4) {
      a = f(k, a);
      b = f(k + 1, b);
      c = f(k + 2, c);
      sum = f(k + 3, sum);
    }
    sum = (a + b) + (c + sum);
  }
  for (; k < n; ++k) sum = f(k, sum);
  return sum;
}

// y_i = b_i / sqrt(S_i) in the place of b_i, and what it adds to the b of the neighbours.
template <typename V, typename Branch>
JAXNN_INLINE void forward(
    typename V::Number* b, int64_t wire, V scale, int degree, const int32_t* far, Branch branch) {
  const V y = V::load(b + wire * V::width) * scale;
  y.store(b + wire * V::width);
  for (int j = 0; j < degree; ++j) {
    typename V::Number* const there = b + far[j] * V::width;
    fma(branch(j), y, V::load(there)).store(there);
  }
}

// Where a tile reads and writes arrays of the batch. kWhole: all its lanes are of the batch.
template <typename V, bool kWhole>
struct OfBatch {
  using T = typename V::Number;
  int64_t batch, lane;
  V get(const T* x) const { return kWhole ? V::load(x) : V::load(x, batch - lane); }
  void set(V v, T* x) const { kWhole ? v.store(x) : v.store(x, batch - lane); }
  // A row of an array of so many columns: one for all of the batch, or one for each.
  V row(const T* x, int64_t row, int64_t columns) const {
    return columns == batch ? get(x + row * batch + lane) : V::splat(x[row]);
  }
};

// kOwn: factors are written as tiles side by side, with h where the branches are summed up, at `a.branch`;
// elsewhere to arrays of the batch, and sums to `work`. kNarrow: a pair of slots is one number. kFed: `fed` has
// what flows into each place, and the way forward of a substitution is done at once: its sums wait for each other,
// the products of the next stars do not.
template <typename V, bool kWhole, bool kOwn, bool kNarrow, bool kFed = false>
__attribute__((noinline)) void eliminate(
    const Elimination<typename V::Number>& a,
    const Block& block,
    int64_t lane,
    typename V::Number* work,
    typename V::Number* fed = nullptr) {
  using T = typename V::Number;
  const OfBatch<V, kWhole> of{a.batch, lane};
  const int64_t batch = kOwn ? V::width : a.batch;
  const auto keep = [&](V v, T* x) { kOwn ? v.store(x) : of.set(v, x); };
  T* const branch = a.branch + (kOwn ? 0 : block.slot * batch + lane);
  T* const scale = a.scale + (kOwn ? 0 : block.wire * batch + lane);
  T* const mesh = a.mesh + (kOwn ? 0 : block.mesh * batch + lane);
  const int32_t* const starts = a.schedule.starts + block.starts;
  const int32_t* const far = a.schedule.far + block.slot;
  T* const x = kOwn ? branch : work;
  const auto load = [&](int32_t junction) {
    return of.get(a.conductance + junction * a.batch + lane).with_leak(a.leak);
  };
  const auto put = [&](int32_t slot, V v) { v.store(x + slot * V::width); };

  // S and h of one star, once its branches have all that they gain.
  const auto finish = [&](int32_t wire, int degree) {
    const int64_t slot = starts[wire];
    T* const star = x + slot * V::width;
    const auto add = [star](int j, V sum) { return sum + V::load(star + j * V::width); };
    const V r = sum_of(V::zero(), degree, add).inverse_root();
    keep(r, scale + wire * batch);
    for (int j = 0; j < degree; ++j) {
      const V h = V::load(star + j * V::width) * r;
      h.store(star + j * V::width);
      if (!kOwn) keep(h, branch + (slot + j) * batch);
    }
    if (kFed) forward(fed, wire, r, degree, far + slot, [star](int j) { return V::load(star + j * V::width); });
  };

  // What pads a list of pairs points at the last slot.
  const int64_t none = block.slots - 1;
  put(none, V::zero());
  if (!kOwn) keep(V::zero(), branch + none * batch);
  const int32_t* p = a.schedule.data + block.rounds_at;
  for (int rounds = *p++; rounds > 0; --rounds) {
    p = groups_of<V, kNarrow>(x, p, load, put);
    for (int groups = *p++; groups > 0; --groups) {
      const int degree = p[0], count = p[1];
      p += 2;
      for (int k = 0; k < count; ++k) finish(*p++, degree);
    }
  }
  groups_of<V, kNarrow>(x, p, load, [&](int32_t pair, V v) { keep(v.without_leaks(a.most), mesh + pair * batch); });
}

// Where the factors of a substitution lie: in arrays of the batch, in ones that all of the batch share, or as
// tiles side by side, of this block alone.
enum class Kept { kBatch, kShared, kOwn };

// A value of each place of a block, from rows of nodes: 0 where there are none.
template <typename V, bool kWhole>
JAXNN_INLINE void to_places(
    const OfBatch<V, kWhole>& of,
    const Schedule& schedule,
    const Block& block,
    const typename V::Number* x,
    int64_t columns,
    typename V::Number* places) {
  const auto of_nodes = [&](const int32_t* node, int count, typename V::Number* to) {
    for (int k = 0; k < count; ++k) (x ? of.row(x, node[k], columns) : V::zero()).store(to + k * V::width);
  };
  of_nodes(schedule.wire_node + block.wire, block.wires, places);
  of_nodes(schedule.terminal_node + block.terminal, block.terminals, places + block.wires * V::width);
}

// What flows into each place of a block, from outside and out of junctions.
template <typename V, bool kWhole>
__attribute__((noinline)) void inject(
    const Substitution<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* b) {
  const OfBatch<V, kWhole> of{a.batch, lane};
  to_places(of, a.schedule, block, a.current, a.current_batch, b);
  if (!a.source) return;
  const int32_t* j = a.schedule.joined + 3 * int64_t(block.junction);
  for (int k = 0; k < block.junctions; ++k, j += 3) {
    const V source = of.row(a.source, j[0], a.source_batch);
    typename V::Number *const from = b + j[1] * V::width, *const to = b + j[2] * V::width;
    (V::load(from) - source).store(from);
    (V::load(to) + source).store(to);
  }
}

// The same with capacitors, whose currents are `slope` times the differences of these potentials of the places.
template <typename V, bool kWhole>
__attribute__((noinline)) void charge(
    const Substitution<typename V::Number>& a,
    const Block& block,
    int64_t lane,
    const typename V::Number* slope,
    int64_t slope_batch,
    const typename V::Number* held,
    typename V::Number* b) {
  const OfBatch<V, kWhole> of{a.batch, lane};
  if (a.current) to_places(of, a.schedule, block, a.current, a.current_batch, b);
  const int32_t* p = a.schedule.around + block.around;
  for (int k = block.wires + block.terminals; k > 0; --k) {
    const int64_t place = p[0] * V::width;
    const int count = p[1];
    const V own = V::load(held + place);
    const auto flow = [&](int j, V sum) {
      const int32_t* const q = p + 2 + 2 * j;
      return fma(of.row(slope, q[0], slope_batch), own - V::load(held + q[1] * V::width), sum);
    };
    sum_of(a.current ? V::load(b + place) : V::zero(), count, flow).store(b + place);
    p += 2 + 2 * count;
  }
}

// What has been done of a substitution: nothing flows in, what does lies in the room for potentials, or has been
// on the way forward too.
enum class Fed { kNot, kPlaced, kForward };

template <typename V, bool kWhole, Kept kKept>
__attribute__((noinline)) void substitute(
    const Substitution<typename V::Number>& a,
    const Block& block,
    int64_t lane,
    typename V::Number* work,
    Fed done) {
  using T = typename V::Number;
  constexpr bool kOwn = kKept == Kept::kOwn, kShared = kKept == Kept::kShared;
  const OfBatch<V, kWhole> of{a.batch, lane};
  const int64_t batch = a.batch, step = kOwn ? V::width : kShared ? 1 : batch;
  const auto factor = [&](const T* x) { return kShared ? V::splat(*x) : kOwn ? V::load(x) : of.get(x); };
  const auto from = [&](const T* x, int64_t row) { return x + (kOwn ? 0 : row * step + (kShared ? 0 : lane)); };
  const int wires = block.wires, terminals = block.terminals;
  const T *const branch = from(a.branch, block.slot), *const scale = from(a.scale, block.wire);
  const T* const mesh = from(a.mesh, block.mesh);
  const int32_t* const starts = a.schedule.starts + block.starts;
  const int32_t* const far = a.schedule.far + block.slot;
  const int32_t* const node = a.schedule.wire_node + block.wire;
  const int32_t* const end = a.schedule.terminal_node + block.terminal;
  const int32_t* const row = a.schedule.terminal_row + block.terminal;
  const int32_t* const joined = a.schedule.joined + 3 * int64_t(block.junction);
  const auto at = [work](int place) { return work + place * V::width; };
  const auto add = [](T* x, V v) { (V::load(x) + v).store(x); };
  // What flows into the terminals of the block lies behind all places.
  T* const into = at(wires + terminals);
  const bool fed = done != Fed::kNot;

  if (done == Fed::kPlaced) {
    for (int i = 0; i < wires; ++i) {
      const int64_t slot = starts[i];
      const auto h = [&](int j) { return factor(branch + (slot + j) * step); };
      forward(work, i, factor(scale + i * step), starts[i + 1] - starts[i], far + slot, h);
    }
  }
  for (int t = 0; t < terminals; ++t)
    (fed ? V::zero() - V::load(at(wires + t)) : V::zero()).store(into + t * V::width);
  for (int t = 0; t < terminals; ++t) {
    const V u = a.potential ? of.row(a.potential, row[t], a.potential_batch) : V::zero();
    u.store(at(wires + t));
    if (a.phi) of.set(u, a.phi + end[t] * batch + lane);
  }
  const int32_t* const ends = a.schedule.ends + 2 * block.mesh;
  for (int m = 0; m < block.meshes; ++m) {
    const V voltage = V::load(at(wires + ends[2 * m])) - V::load(at(wires + ends[2 * m + 1]));
    const V current = factor(mesh + m * step) * voltage;
    add(into + ends[2 * m] * V::width, current);
    add(into + ends[2 * m + 1] * V::width, V::zero() - current);
  }
  if (a.into)
    for (int t = 0; t < terminals; ++t) of.set(V::load(into + t * V::width), a.into + row[t] * batch + lane);

  for (int i = wires - 1; i >= 0; --i) {
    const int64_t slot = starts[i];
    const auto term = [&](int j, V sum) {
      return fma(factor(branch + (slot + j) * step), V::load(at(far[slot + j])), sum);
    };
    const V own = fed ? V::load(at(i)) : V::zero();
    const V phi = sum_of(own, starts[i + 1] - starts[i], term) * factor(scale + i * step);
    phi.store(at(i));
    if (a.phi) of.set(phi, a.phi + node[i] * batch + lane);
  }
  if (!a.voltage) return;
  for (const int32_t* j = joined; j < joined + 3 * block.junctions; j += 3)
    of.set(V::load(at(j[1])) - V::load(at(j[2])), a.voltage + j[0] * batch + lane);
}

// Runs f with the numbers of a schedule as they are: known when compiled, a processor need not look at them.
template <typename Function>
JAXNN_INLINE void as_known(bool whole, bool narrow, Function f) {
  if (whole) return narrow ? f(std::true_type(), std::true_type()) : f(std::true_type(), std::false_type());
  return narrow ? f(std::false_type(), std::true_type()) : f(std::false_type(), std::false_type());
}

template <typename V>
void eliminate_lanes(
    const Elimination<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  const bool whole = a.batch - lane >= V::width, narrow = block.slots <= kNarrowSlots;
  if (a.batch == V::width) {
    // The arrays of the batch are one tile.
    Elimination<typename V::Number> own = a;
    own.branch += block.slot * V::width;
    own.scale += block.wire * V::width;
    own.mesh += block.mesh * V::width;
    return narrow ? eliminate<V, true, true, true>(own, block, lane, work)
                  : eliminate<V, true, true, false>(own, block, lane, work);
  }
  as_known(whole, narrow, [&](auto whole, auto narrow) {
    eliminate<V, decltype(whole)::value, false, decltype(narrow)::value>(a, block, lane, work);
  });
}

template <typename V>
void substitute_lanes(
    const Substitution<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  as_known(a.batch - lane >= V::width, a.factor_batch != a.batch, [&](auto whole, auto shared) {
    constexpr bool kWhole = decltype(whole)::value;
    constexpr Kept kKept = decltype(shared)::value ? Kept::kShared : Kept::kBatch;
    const bool fed = a.current || a.source;
    if (fed) inject<V, kWhole>(a, block, lane, work);
    substitute<V, kWhole, kKept>(a, block, lane, work, fed ? Fed::kPlaced : Fed::kNot);
  });
}

// An elimination and its substitution with factors as tiles in `work`, and the room behind them.
template <typename V>
struct InRoom {
  using T = typename V::Number;
  Elimination<T> elimination;
  T* behind;
  InRoom(const Elimination<T>& a, const Block& block, T* work) : elimination(a) {
    elimination.branch = work;
    elimination.scale = elimination.branch + int64_t(block.slots) * V::width;
    elimination.mesh = elimination.scale + int64_t(block.wires) * V::width;
    behind = elimination.mesh + int64_t(block.meshes) * V::width;
  }
  Substitution<T> with_factors(Substitution<T> a) const {
    a.branch = elimination.branch;
    a.scale = elimination.scale;
    a.mesh = elimination.mesh;
    return a;
  }
};

template <typename V>
void solve_lanes(
    const Solve<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  const InRoom<V> room(a.elimination, block, work);
  const auto second = room.with_factors(a.substitution);
  typename V::Number* const places = room.behind;
  as_known(second.batch - lane >= V::width, block.slots <= kNarrowSlots, [&](auto whole, auto narrow) {
    constexpr bool kWhole = decltype(whole)::value;
    constexpr bool kNarrow = decltype(narrow)::value;
    const bool fed = second.current || second.source;
    if (fed) {
      inject<V, kWhole>(second, block, lane, places);
      eliminate<V, kWhole, true, kNarrow, true>(room.elimination, block, lane, nullptr, places);
    } else {
      eliminate<V, kWhole, true, kNarrow>(room.elimination, block, lane, nullptr);
    }
    substitute<V, kWhole, Kept::kOwn>(second, block, lane, places, fed ? Fed::kForward : Fed::kNot);
  });
}

template <typename V>
void stages_lanes(
    const Stages<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  const InRoom<V> room(a.elimination, block, work);
  const int64_t places = (block.wires + block.terminals) * int64_t(V::width);
  typename V::Number* const held = room.behind;
  typename V::Number* const potential = held + places;
  as_known(a.first.batch - lane >= V::width, block.slots <= kNarrowSlots, [&](auto whole, auto narrow) {
    constexpr bool kWhole = decltype(whole)::value;
    const OfBatch<V, kWhole> of{a.first.batch, lane};
    to_places(of, a.first.schedule, block, a.before, a.before_batch, held);
    charge<V, kWhole>(a.first, block, lane, a.slope, a.slope_batch, held, potential);
    eliminate<V, kWhole, true, decltype(narrow)::value, true>(room.elimination, block, lane, nullptr, potential);
    substitute<V, kWhole, Kept::kOwn>(room.with_factors(a.first), block, lane, potential, Fed::kForward);
    const V growth = V::splat(a.growth);
    for (int64_t k = 0; k < places; k += V::width) {
      const V before = V::load(held + k);
      fma(growth, V::load(potential + k) - before, before).store(held + k);
    }
    charge<V, kWhole>(a.last, block, lane, a.slope, a.slope_batch, held, potential);
    substitute<V, kWhole, Kept::kOwn>(room.with_factors(a.last), block, lane, potential, Fed::kPlaced);
  });
}

}  // namespace jaxnn::JAXNN_ISA

#include "joined.h"
#include "newton.h"

namespace jaxnn::JAXNN_ISA {

template <typename V>
constexpr Routines<typename V::Number> routines() {
  return {V::width, eliminate_lanes<V>, substitute_lanes<V>, solve_lanes<V>,
          stages_lanes<V>, newton_lanes<V>, joined_lanes<V>};
}

template <typename T>
constexpr Widths<T> widths() {
  return {routines<One<T>>(), routines<Tile<T, 1>>(), routines<Tile<T, 2>>()};
}

extern const Both both = {widths<float>(), widths<double>()};

}  // namespace jaxnn::JAXNN_ISA
