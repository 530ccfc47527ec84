// Which wires closed junctions join to a terminal, of one block and for a tile of the batch. Included by `nodal.cc`,
// once for each instruction set.

#pragma once

#include <type_traits>

#include "nodal.h"

namespace jaxnn::JAXNN_ISA {

// Whether any number of a batch's lanes is other than zero.
template <typename V>
bool any_of(const V& x, int64_t lanes) {
  typename V::Number each[V::width];
  x.store(each);
  bool any = false;
  for (int64_t l = 0; l < V::width && l < lanes; ++l) any |= each[l] != 0;
  return any;
}

template <typename V>
void joined_lanes(
    const Joined<typename V::Number>& a, const Block& block, int64_t lane, typename V::Number* reach) {
  const int32_t* const first = a.schedule.joined + 3 * int64_t(block.junction);
  const int32_t* const behind = first + 3 * int64_t(block.junctions);
  const int64_t lanes = a.batch - lane;
  const auto find = [&](auto whole) {
    const OfBatch<V, decltype(whole)::value> of{a.batch, lane};
    const auto row = [&](int64_t r) { return a.found + r * a.batch + lane; };
    // 1 where there is at most a leak: what is no number is closed, and carries its NaN on.
    const auto open = [&](const int32_t* j) { return of.get(a.conductance + j[0] * a.batch + lane).at_most(a.most); };
    const auto at = [reach](int32_t place) { return reach + int64_t(place) * V::width; };
    if (a.live) {
      V any = V::zero();
      for (const int32_t* j = first; j < behind; j += 3) any = larger(open(j), any);
      if (!any_of(any, lanes)) {
        for (const int32_t* j = first; j < behind; j += 3) of.set(V::splat(1), row(j[0]));
        return;
      }
    }
    for (int32_t k = 0; k < block.wires; ++k) V::zero().store(at(k));
    for (int32_t k = 0; k < block.terminals; ++k) V::splat(1).store(at(block.wires + k));
    V grown = V::zero();
    const auto spread = [&](const int32_t* j) {
      const V start = V::load(at(j[1])), end = V::load(at(j[2]));
      const V both = where(open(j), V::zero(), larger(start, end));
      const V new_start = larger(both, start), new_end = larger(both, end);
      grown = larger(new_start - start, larger(new_end - end, grown));
      new_start.store(at(j[1]));
      new_end.store(at(j[2]));
    };
    do {  // to and fro, or a chain that lies the wrong way round would take a turn for each wire
      grown = V::zero();
      for (const int32_t* j = first; j < behind; j += 3) spread(j);
      for (const int32_t* j = behind; j > first; j -= 3) spread(j - 3);
    } while (any_of(grown, V::width));
    if (a.live) {
      for (const int32_t* j = first; j < behind; j += 3)
        of.set(V::load(at(j[1])) * V::load(at(j[2])), row(j[0]));
      return;
    }
    const Schedule& s = a.schedule;
    for (int32_t k = 0; k < block.wires; ++k) of.set(V::load(at(k)), row(s.wire_node[block.wire + k]));
    for (int32_t k = 0; k < block.terminals; ++k)
      of.set(V::splat(1), row(s.terminal_node[block.terminal + k]));
  };
  lanes >= V::width ? find(std::true_type()) : find(std::false_type());
}

}  // namespace jaxnn::JAXNN_ISA
