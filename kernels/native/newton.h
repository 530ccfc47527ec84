// A step of Newton's method for one block and a tile of the batch: what does not balance is judged, and solved for.
// Included by `nodal.cc`, once for each instruction set.

#pragma once

#include <cmath>
#include <limits>

#include "nodal.h"

namespace jaxnn::JAXNN_ISA {

// Where a search is: it looks for a point near the solution, takes two steps from there, and has ended.
enum Phase { kSearch, kFirst, kSecond, kDone };

// What becomes of the lanes of a tile, 1 where it does: a step is halved, or taken, of them while it searches or as one
// of the two from near the solution.
template <typename V>
struct Fates {
  using T = typename V::Number;
  T halved[V::width] = {}, steps[V::width] = {}, searches[V::width] = {}, first[V::width] = {}, second[V::width] = {};
  bool any_halved = false, any_steps = false, all_step = true;
};

// The search in one block, for a tile of the batch.
template <typename V, bool kWhole>
struct Searched {
  using T = typename V::Number;
  const Newton<T>& a;
  const Block& block;
  const int64_t batch, lane, lanes;
  const OfBatch<V, kWhole> of{batch, lane};
  const int32_t* const node = a.elimination.schedule.wire_node + block.wire;
  const int32_t* const end = a.elimination.schedule.terminal_node + block.terminal;
  const int32_t* const joined = a.elimination.schedule.joined + 3 * int64_t(block.junction);
  const int32_t* const behind = joined + 3 * int64_t(block.junctions);

  Searched(const Newton<T>& a, const Block& block, int64_t lane)
      : a(a), block(block), batch(a.elimination.batch), lane(lane),
        lanes(batch - lane < V::width ? batch - lane : V::width) {}

  T* row(T* x, int64_t r) const { return x + r * batch + lane; }
  T& control(Control kind, int64_t l) const {
    const Schedule& s = a.elimination.schedule;
    return a.control[(kind * s.head->blocks + (&block - s.blocks)) * batch + lane + l];
  }
  bool goes_on() const {
    bool any = false;
    for (int64_t l = 0; l < lanes; ++l) any |= control(kPhase, l) < T(kDone);
    return any;
  }

  // By what does not balance at the wires.
  Fates<V> judged(const T* places) const {
    V most = V::zero();
    for (int i = 0; i < block.wires; ++i) most = larger(V::load(places + i * V::width), most);
    T lost[V::width];
    most.store(lost);
    Fates<V> fates;
    for (int64_t l = 0; l < lanes; ++l) {
      const Phase phase = Phase(int(control(kPhase, l)));
      const T size = std::isfinite(lost[l]) ? lost[l] : std::numeric_limits<T>::infinity();
      const bool searches = phase == kSearch;
      const bool halved = searches && size >= control(kSize, l) && control(kHalvings, l) < T(a.most_halvings);
      const bool steps = phase != kDone && !halved;
      fates.halved[l] = halved;
      fates.steps[l] = steps;
      fates.any_halved |= halved;
      fates.any_steps |= steps;
      fates.all_step &= steps;
      fates.searches[l] = steps && searches;
      fates.first[l] = phase == kFirst;
      fates.second[l] = phase == kSecond;
      if (halved) control(kHalvings, l) += 1;
      if (!steps) continue;
      if (searches) control(kSize, l) = size;
      control(kHalvings, l) = 0;
      control(kSolves, l) += 1;
    }
    return fates;
  }

  // Half as far from where the step began.
  void halve(const Fates<V>& fates) const {
    const V halved = V::load(fates.halved);
    const auto nearer = [&](T* here, const T* before) {
      const V x = of.get(here), from = of.get(before);
      of.set(where(halved, fma(V::splat(0.5), x - from, from), x), here);
    };
    for (int i = 0; i < block.wires; ++i) nearer(row(a.potential, node[i]), row(a.before_potential, node[i]));
    for (const int32_t* j = joined; j < behind; j += 3) nearer(row(a.voltage, j[0]), row(a.before_voltage, j[0]));
  }

  JAXNN_INLINE void move_on(bool all, const V& steps, const V& old, const V& after, T* here, T* before) const {
    of.set(all ? old : where(steps, old, of.get(before)), before);
    of.set(all ? after : where(steps, after, old), here);
  }

  // By the solution in `places`; `level` gets the potentials after it. Says where voltages are to follow these.
  bool step(Fates<V>& fates, const T* places, T* level) const {
    const bool all = fates.all_step;
    const V steps = V::load(fates.steps);
    for (int t = 0; t < block.terminals; ++t)
      of.get(row(a.potential, end[t])).store(level + (block.wires + t) * V::width);
    for (int i = 0; i < block.wires; ++i) {
      T *const here = row(a.potential, node[i]), *const before = row(a.before_potential, node[i]);
      const V old = of.get(here), after = old + V::load(places + i * V::width);
      after.store(level + i * V::width);
      move_on(all, steps, old, after, here, before);
    }
    V move = V::zero(), reach = V::zero(), begin = V::zero();
    for (const int32_t* j = joined; j < behind; j += 3) {
      T *const here = row(a.voltage, j[0]), *const before = row(a.before_voltage, j[0]);
      const V old = of.get(here), change = between(places, j), after = old + change;
      begin = larger(old, begin);
      move = larger(change, move);
      reach = larger(after, reach);
      move_on(all, steps, old, after, here, before);
    }
    return ended(fates, begin, move, reach);
  }

  static V between(const T* x, const int32_t* j) {
    return V::load(x + j[1] * V::width) - V::load(x + j[2] * V::width);
  }

  // A search has ended where no step would be judged any more: the first of the two from there is next.
  bool ended(Fates<V>& fates, const V& begin, const V& move, const V& reach) const {
    T begins[V::width], moves[V::width], reaches[V::width];
    begin.store(begins);
    move.store(moves);
    reach.store(reaches);
    bool any = false;
    for (int64_t l = 0; l < lanes; ++l) {
      if (fates.steps[l] == 0) continue;
      T& least = control(kLeast, l);
      if (control(kSolves, l) == 1) least = a.near * begins[l];
      const T most = reaches[l] < least ? least : reaches[l];
      const bool far = moves[l] > a.near * most;  // not so where either is no number
      const bool ends = fates.searches[l] != 0 && !(far && control(kSolves, l) < T(a.most_solves));
      if (ends || fates.searches[l] == 0) control(kPhase, l) += 1;
      control(kReach, l) = most;
      if (ends) fates.first[l] = 1;
      any |= fates.first[l] != 0;
    }
    return any;
  }

  // Before both of the two steps voltages are those of the potentials.
  void follow(const Fates<V>& fates, const T* level) const {
    const V follows = V::load(fates.first);
    for (const int32_t* j = joined; j < behind; j += 3) {
      if (j[0] >= a.junctions) continue;
      T* const here = row(a.voltage, j[0]);
      of.set(where(follows, between(level, j), of.get(here)), here);
    }
  }

  // Terminals' currents of the last step.
  void feed(const Fates<V>& fates, const T* currents) const {
    const V ends = V::load(fates.second);
    for (int t = 0; t < block.terminals; ++t) {
      T* const into = row(a.into, a.elimination.schedule.terminal_row[block.terminal + t]);
      of.set(where(ends, V::load(currents + t * V::width), of.get(into)), into);
    }
  }
};

template <typename V>
void newton_lanes(
    const Newton<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* work) {
  using T = typename V::Number;
  as_known(a.elimination.batch - lane >= V::width, block.slots <= kNarrowSlots, [&](auto whole, auto narrow) {
    constexpr bool kWhole = decltype(whole)::value;
    const Searched<V, kWhole> search(a, block, lane);
    if (!search.goes_on()) return;
    const InRoom<V> room(a.elimination, block, work);
    const Substitution<T> second = room.with_factors(a.substitution);
    T *const places = room.behind, *const currents = places + (block.wires + block.terminals) * V::width;
    T* const level = currents + block.terminals * V::width;
    inject<V, kWhole>(second, block, lane, places);
    Fates<V> fates = search.judged(places);
    if (fates.any_halved) search.halve(fates);
    if (!fates.any_steps) return;
    eliminate<V, kWhole, true, decltype(narrow)::value, true>(room.elimination, block, lane, nullptr, places);
    substitute<V, kWhole, Kept::kOwn>(second, block, lane, places, Fed::kForward);
    if (search.step(fates, places, level)) search.follow(fates, level);
    search.feed(fates, currents);
  });
}

}  // namespace jaxnn::JAXNN_ISA
