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

// kWhole: all lanes of the tile are of the batch. kInPlace: the batch is one tile, and its own work room.
// kNarrow: a pair of slots is one number.
template <typename V, bool kWhole, bool kInPlace, bool kNarrow>
void eliminate(
    const Elimination<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  using T = typename V::Number;
  const int64_t batch = a.batch, lanes = kWhole ? V::width : batch - lane;
  const auto get = [&](const T* x) { return kWhole ? V::load(x) : V::load(x, lanes); };
  const auto set = [&](V v, T* x) { kWhole ? v.store(x) : v.store(x, lanes); };
  T* const branch = a.branch + block.slot * batch + lane;
  T* const scale = a.scale + block.wire * batch + lane;
  T* const mesh = a.mesh + block.mesh * batch + lane;
  const int32_t* const starts = a.schedule.starts + block.starts;
  T* const x = kInPlace ? branch : work;
  const auto load = [&](int32_t junction) { return get(a.conductance + junction * batch + lane); };
  const auto put = [&](int32_t slot, V v) { v.store(x + slot * V::width); };

  // S and h of one star, once its branches have all that they gain.
  const auto finish = [&](int32_t wire, int degree) {
    const int64_t slot = starts[wire];
    T* const star = x + slot * V::width;
    const auto add = [star](int j, V sum) { return sum + V::load(star + j * V::width); };
    const V r = sum_of(V::zero(), degree, add).inverse_root();
    set(r, scale + wire * batch);
    for (int j = 0; j < degree; ++j) {
      const V h = V::load(star + j * V::width) * r;
      h.store(star + j * V::width);
      if (!kInPlace) set(h, branch + (slot + j) * batch);
    }
  };

  // What pads a list of pairs points at the last slot.
  const int64_t none = block.slots - 1;
  put(none, V::zero());
  if (!kInPlace) set(V::zero(), branch + none * batch);
  const int32_t* p = a.schedule.data + block.rounds_at;
  for (int rounds = *p++; rounds > 0; --rounds) {
    p = groups_of<V, kNarrow>(x, p, load, put);
    for (int groups = *p++; groups > 0; --groups) {
      const int degree = p[0], count = p[1];
      p += 2;
      for (int k = 0; k < count; ++k) finish(*p++, degree);
    }
  }
  groups_of<V, kNarrow>(x, p, load, [&](int32_t pair, V v) { set(v.without_leaks(a.most), mesh + pair * batch); });
}

// kShared: one network for the whole batch of potentials and currents.
template <typename V, bool kWhole, bool kShared>
void substitute(
    const Substitution<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  using T = typename V::Number;
  const int64_t batch = a.batch, lanes = kWhole ? V::width : batch - lane;
  const int64_t step = kShared ? 1 : batch, first = kShared ? 0 : lane;
  const auto get = [&](const T* x) { return kWhole ? V::load(x) : V::load(x, lanes); };
  const auto set = [&](V v, T* x) { kWhole ? v.store(x) : v.store(x, lanes); };
  const auto factor = [&](const T* x) { return kShared ? V::splat(*x) : get(x); };
  const auto given = [&](const T* x, int64_t row, int64_t of) {
    return of == batch ? get(x + row * batch + lane) : V::splat(x[row]);
  };
  const int wires = block.wires, terminals = block.terminals;
  const T* const branch = a.branch + block.slot * step + first;
  const T* const scale = a.scale + block.wire * step + first;
  const int32_t* const starts = a.schedule.starts + block.starts;
  const int32_t* const far = a.schedule.far + block.slot;
  const int32_t* const node = a.schedule.wire_node + block.wire;
  const int32_t* const end = a.schedule.terminal_node + block.terminal;
  const int32_t* const row = a.schedule.terminal_row + block.terminal;
  const auto at = [work](int place) { return work + place * V::width; };
  // What flows into the terminals of the block lies behind all places.
  T* const into = at(wires + terminals);

  if (a.current) {
    for (int i = 0; i < wires; ++i) given(a.current, node[i], a.current_batch).store(at(i));
    for (int t = 0; t < terminals; ++t) given(a.current, end[t], a.current_batch).store(at(wires + t));
    for (int i = 0; i < wires; ++i) {
      const int64_t slot = starts[i];
      const int degree = starts[i + 1] - starts[i];
      const V y = V::load(at(i)) * factor(scale + i * step);
      y.store(at(i));
      for (int j = 0; j < degree; ++j) {
        T* const b = at(far[slot + j]);
        fma(factor(branch + (slot + j) * step), y, V::load(b)).store(b);
      }
    }
    for (int t = 0; t < terminals; ++t) (V::zero() - V::load(at(wires + t))).store(into + t * V::width);
  } else {
    for (int t = 0; t < terminals; ++t) V::zero().store(into + t * V::width);
  }

  for (int t = 0; t < terminals; ++t) {
    const V u = given(a.potential, row[t], a.potential_batch);
    u.store(at(wires + t));
    set(u, a.phi + end[t] * batch + lane);
  }
  const int32_t* const ends = a.schedule.ends + 2 * block.mesh;
  for (int m = 0; m < block.meshes; ++m) {
    T *const from = into + ends[2 * m] * V::width, *const to = into + ends[2 * m + 1] * V::width;
    const V voltage = V::load(at(wires + ends[2 * m])) - V::load(at(wires + ends[2 * m + 1]));
    const V current = factor(a.mesh + (block.mesh + m) * step + first) * voltage;
    (V::load(from) + current).store(from);
    (V::load(to) - current).store(to);
  }
  for (int t = 0; t < terminals; ++t) set(V::load(into + t * V::width), a.into + row[t] * batch + lane);

  for (int i = wires - 1; i >= 0; --i) {
    const int64_t slot = starts[i];
    const auto add = [&](int j, V sum) {
      return fma(factor(branch + (slot + j) * step), V::load(at(far[slot + j])), sum);
    };
    const V own = a.current ? V::load(at(i)) : V::zero();
    const V phi = sum_of(own, starts[i + 1] - starts[i], add) * factor(scale + i * step);
    phi.store(at(i));
    set(phi, a.phi + node[i] * batch + lane);
  }
}

template <typename V>
void eliminate_lanes(
    const Elimination<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  const bool whole = a.batch - lane >= V::width, in_place = a.batch == V::width;
  const auto run = [&](auto narrow) {
    constexpr bool kNarrow = decltype(narrow)::value;
    if (in_place) return eliminate<V, true, true, kNarrow>(a, block, lane, work);
    if (whole) return eliminate<V, true, false, kNarrow>(a, block, lane, work);
    return eliminate<V, false, false, kNarrow>(a, block, lane, work);
  };
  block.slots <= kNarrowSlots ? run(std::true_type()) : run(std::false_type());
}

template <typename V>
void substitute_lanes(
    const Substitution<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  const bool whole = a.batch - lane >= V::width, shared = a.factor_batch != a.batch;
  if (whole && !shared) return substitute<V, true, false>(a, block, lane, work);
  if (whole) return substitute<V, true, true>(a, block, lane, work);
  if (!shared) return substitute<V, false, false>(a, block, lane, work);
  return substitute<V, false, true>(a, block, lane, work);
}

template <typename V>
constexpr Routines<typename V::Number> routines() {
  return {V::width, eliminate_lanes<V>, substitute_lanes<V>};
}

extern const Both both = {
    routines<One<float>>(), routines<Tile<float>>(), routines<One<double>>(), routines<Tile<double>>()};

}  // namespace jaxnn::JAXNN_ISA
