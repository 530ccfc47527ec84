// An array turned round for XLA, which would do it a number at a time.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "threads.h"
#include "xla/ffi/api/ffi.h"

namespace jaxnn {
namespace {

// A matrix of so many rows turned round. Lines are read whole and sixteen rows written side by side: one number at a
// time from a column of a batch would touch a line of the cache for each.
#if defined(__clang__) || __GNUC__ >= 12
#define JAXNN_OF(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define JAXNN_OF(a, b, ...) __builtin_shuffle(a, b, Places{__VA_ARGS__})
#endif
template <typename T>
void turn_columns(const T* x, T* y, int64_t rows, int64_t columns, int64_t from, int64_t to) {
  typedef T Four __attribute__((vector_size(4 * sizeof(T))));
  typedef T Anywhere __attribute__((vector_size(4 * sizeof(T)), aligned(alignof(T)), may_alias));
  typedef std::conditional_t<sizeof(T) == 4, int32_t, int64_t> Place;
  [[maybe_unused]] typedef Place Places __attribute__((vector_size(4 * sizeof(T))));
  const int64_t whole_rows = rows / 4 * 4, whole = from + (to - from) / 4 * 4;
  for (int64_t r = 0; r < whole_rows; r += 4) {
    for (int64_t c = from; c < whole; c += 4) {
      Four in[4], half[4];
      for (int k = 0; k < 4; ++k) in[k] = *reinterpret_cast<const Anywhere*>(x + (r + k) * columns + c);
      for (int k = 0; k < 2; ++k) {
        half[k] = JAXNN_OF(in[2 * k], in[2 * k + 1], 0, 4, 1, 5);
        half[k + 2] = JAXNN_OF(in[2 * k], in[2 * k + 1], 2, 6, 3, 7);
      }
      for (int k = 0; k < 2; ++k) {
        const Four low = JAXNN_OF(half[2 * k], half[2 * k + 1], 0, 1, 4, 5);
        const Four high = JAXNN_OF(half[2 * k], half[2 * k + 1], 2, 3, 6, 7);
        *reinterpret_cast<Anywhere*>(y + (c + 2 * k) * rows + r) = low;
        *reinterpret_cast<Anywhere*>(y + (c + 2 * k + 1) * rows + r) = high;
      }
    }
  }
  for (int64_t c = from; c < to; ++c)
    for (int64_t r = c < whole ? whole_rows : 0; r < rows; ++r) y[c * rows + r] = x[r * columns + c];
}

// Numbers that pay for one more thread, some ten microseconds too.
constexpr int64_t kSharedTurn = 60000;

template <ffi::DataType kType>
ffi::Error turn(ffi::ThreadPool pool, int64_t rows, ffi::Buffer<kType> x, ffi::ResultBuffer<kType> y) {
  const int64_t size = x.element_count();
  if (rows <= 0 || size % rows || int64_t(y->element_count()) != size)
    return refused("An array to be turned round has another shape than its rows say.");
  const int64_t columns = size / rows, strips = (columns + 15) / 16;
  const auto *from = x.typed_data();
  auto* to = y->typed_data();
  const auto task = [=](int64_t k) {
    turn_columns(from, to, rows, columns, 16 * k, std::min(columns, 16 * k + 16));
  };
  run_all(pool, strips, std::clamp<int64_t>(size / kSharedTurn, 1, pool.num_threads()), task);
  return ffi::Error::Success();
}

template <ffi::DataType kType>
auto bind_turn() {
  return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().template Attr<int64_t>("rows").template Arg<ffi::Buffer<kType>>()
      .template Ret<ffi::Buffer<kType>>();
}

}  // namespace

#pragma GCC visibility push(default)

XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_turn_f32, turn<ffi::F32>, bind_turn<ffi::F32>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_turn_f64, turn<ffi::F64>, bind_turn<ffi::F64>());

#pragma GCC visibility pop

}  // namespace jaxnn
