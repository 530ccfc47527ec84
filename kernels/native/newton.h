// A step of Newton's method for one block and a tile of the batch: what does not balance is judged, and solved for.
// Included by `nodal.cc`, once for each instruction set.

#pragma once

#include <cmath>
#include <limits>

#include "nodal.h"

namespace jaxnn::JAXNN_ISA {

// Where a search is: it looks for a point near the solution, takes two steps from there, and has ended.
enum Phase { kSearch, kFirst, kSecond, kDone };

// What becomes of the lanes of a tile, 1 where it does: their step is halved, they step on while they search, or take
// the first or the second step from near the solution.
template <typename T, int64_t kWidth>
struct Fates {
  T halved[kWidth] = {}, searches[kWidth] = {}, first[kWidth] = {}, second[kWidth] = {}, steps[kWidth] = {};
  bool any_halved = false, any_steps = false, any_levels = false, all_step = true;
};

// The control of one block: a number of each kind for each lane.
template <typename T>
struct Controls {
  T* const x;
  const int64_t batch, blocks;
  T& operator()(Control kind, int64_t lane) const { return x[kind * blocks * batch + lane]; }
};

template <typename V>
Fates<typename V::Number, V::width> judged(
    const Newton<typename V::Number>& a,
    const Controls<typename V::Number>& control,
    int64_t lanes,
    const typename V::Number* lost) {
  using T = typename V::Number;
  Fates<T, V::width> fates;
  for (int64_t l = 0; l < V::width; ++l) {
    const Phase phase = l < lanes ? Phase(int(control(kPhase, l))) : kDone;
    const T size = std::isfinite(lost[l]) ? lost[l] : std::numeric_limits<T>::infinity();
    const bool halved = phase == kSearch && l < lanes && size >= control(kSize, l) &&
                        control(kHalvings, l) < T(a.most_halvings);
    const bool steps = phase != kDone && !halved;
    fates.halved[l] = halved;
    fates.searches[l] = steps && phase == kSearch;
    fates.first[l] = phase == kFirst;
    fates.second[l] = phase == kSecond;
    fates.steps[l] = steps;
    fates.any_halved |= halved;
    fates.any_steps |= steps;
    fates.any_levels |= phase == kFirst;
    fates.all_step &= steps || l >= lanes;
    if (halved) control(kHalvings, l) += 1;
    if (!steps) continue;
    if (phase == kSearch) control(kSize, l) = size;
    control(kHalvings, l) = 0;
    control(kSolves, l) += 1;
  }
  return fates;
}

// Rows of a search that are half as far from those before.
template <typename V, bool kWhole>
JAXNN_INLINE void halve(
    const OfBatch<V, kWhole>& of, const V& halved, typename V::Number* here, const typename V::Number* before) {
  const V x = of.get(here), from = of.get(before);
  of.set(where(halved, fma(V::splat(0.5), x - from, from), x), here);
}

// Rows that move on, and those before them.
template <typename V, bool kWhole>
JAXNN_INLINE void move_on(
    const OfBatch<V, kWhole>& of,
    bool all,
    const V& steps,
    const V& old,
    const V& after,
    typename V::Number* here,
    typename V::Number* before) {
  of.set(all ? old : where(steps, old, of.get(before)), before);
  of.set(all ? after : where(steps, after, old), here);
}

template <typename V>
void newton_lanes(
    const Newton<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  using T = typename V::Number;
  const int64_t batch = a.elimination.batch, lanes = batch - lane < V::width ? batch - lane : V::width;
  const Schedule& s = a.elimination.schedule;
  const int64_t number = &block - s.blocks;
  const Controls<T> control{a.control + number * batch + lane, batch, s.head->blocks};
  bool goes_on = false;
  for (int64_t l = 0; l < lanes; ++l) goes_on |= control(kPhase, l) < T(kDone);
  if (!goes_on) return;

  const InRoom<V> room(a.elimination, block, work);
  const Substitution<T> second = room.with_factors(a.substitution);
  const int wires = block.wires, terminals = block.terminals;
  T *const places = room.behind, *const level = places + (wires + 2 * terminals) * V::width;
  const int32_t* const node = s.wire_node + block.wire;
  const int32_t* const end = s.terminal_node + block.terminal;
  const int32_t* const joined = s.joined + 3 * int64_t(block.junction);
  const int32_t* const behind = joined + 3 * int64_t(block.junctions);

  as_known(lanes == V::width, block.slots <= kNarrowSlots, [&](auto whole, auto narrow) {
    constexpr bool kWhole = decltype(whole)::value;
    const OfBatch<V, kWhole> of{batch, lane};
    const auto row = [batch, lane](T* x, int64_t r) { return x + r * batch + lane; };
    inject<V, kWhole>(second, block, lane, places);
    V lost = V::zero();
    for (int i = 0; i < wires; ++i) lost = larger(V::load(places + i * V::width), lost);
    T sizes[V::width], moves[V::width], reaches[V::width], begins[V::width];
    lost.store(sizes);
    auto fates = judged<V>(a, control, lanes, sizes);
    if (fates.any_halved) {
      const V halved = V::load(fates.halved);
      for (int i = 0; i < wires; ++i)
        halve(of, halved, row(a.potential, node[i]), row(a.before_potential, node[i]));
      for (const int32_t* j = joined; j < behind; j += 3)
        halve(of, halved, row(a.voltage, j[0]), row(a.before_voltage, j[0]));
    }
    if (!fates.any_steps) return;

    eliminate<V, kWhole, true, decltype(narrow)::value, true>(room.elimination, block, lane, nullptr, places);
    substitute<V, kWhole, Kept::kOwn>(second, block, lane, places, Fed::kForward);
    const V steps = V::load(fates.steps);
    for (int t = 0; t < terminals; ++t) of.get(row(a.potential, end[t])).store(level + (wires + t) * V::width);
    for (int i = 0; i < wires; ++i) {
      const V old = of.get(row(a.potential, node[i])), after = old + V::load(places + i * V::width);
      after.store(level + i * V::width);
      move_on(of, fates.all_step, steps, old, after, row(a.potential, node[i]), row(a.before_potential, node[i]));
    }
    const auto between = [](const T* x, const int32_t* j) {
      return V::load(x + j[1] * V::width) - V::load(x + j[2] * V::width);
    };
    V move = V::zero(), reach = V::zero(), begin = V::zero();
    for (const int32_t* j = joined; j < behind; j += 3) {
      const V old = of.get(row(a.voltage, j[0])), change = between(places, j), after = old + change;
      move = larger(change, move);
      reach = larger(after, reach);
      begin = larger(old, begin);
      move_on(of, fates.all_step, steps, old, after, row(a.voltage, j[0]), row(a.before_voltage, j[0]));
    }

    // The search has ended where no step would be judged.
    move.store(moves);
    reach.store(reaches);
    begin.store(begins);
    for (int64_t l = 0; l < lanes; ++l) {
      if (fates.steps[l] == 0) continue;
      T& least = control(kLeast, l);
      if (control(kSolves, l) == 1) least = a.near * begins[l];
      const T most = reaches[l] < least ? least : reaches[l];
      const bool far = moves[l] > a.near * most;  // not so where either is no number
      const bool ends = fates.searches[l] != 0 && !(far && control(kSolves, l) < T(a.most_solves));
      fates.first[l] = ends || fates.first[l] != 0;
      fates.any_levels |= ends;
      if (fates.searches[l] == 0 || ends) control(kPhase, l) += 1;
      control(kReach, l) = most;
    }
    if (fates.any_levels) {
      // Both steps begin at the voltages of the potentials.
      const V levels = V::load(fates.first);
      for (const int32_t* j = joined; j < behind; j += 3) {
        if (j[0] >= a.junctions) continue;
        T* const here = row(a.voltage, j[0]);
        of.set(where(levels, between(level, j), of.get(here)), here);
      }
    }
    const V ended = V::load(fates.second);
    for (int t = 0; t < terminals; ++t) {
      T* const into = row(a.into, s.terminal_row[block.terminal + t]);
      of.set(where(ended, V::load(places + (wires + terminals + t) * V::width), of.get(into)), into);
    }
  });
}

}  // namespace jaxnn::JAXNN_ISA
