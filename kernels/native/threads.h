// Work shared out among XLA's own threads, and what each of them needs.

#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>

#include "xla/ffi/api/ffi.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace jaxnn {
namespace {

namespace ffi = xla::ffi;

// Products of the leak in open junctions fall below all normal numbers, where a processor can take a hundred
// times as long. XLA's own loops take such numbers as zero too.
class WithoutDenormals {
 public:
#if defined(__SSE2__)
  WithoutDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~WithoutDenormals() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#elif defined(__aarch64__)
  WithoutDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | (uint64_t{1} << 24)));
  }
  ~WithoutDenormals() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
  uint64_t before_;
#else
  WithoutDenormals() {}
#endif
};

inline ffi::Error refused(const char* what) { return ffi::Error::InvalidArgument(what); }

// Numbers for one thread to work with, kept from call to call.
template <typename T>
T* work_room(int64_t size) {
  struct Room {
    T* numbers = nullptr;
    int64_t size = 0;
    ~Room() { std::free(numbers); }
  };
  static thread_local Room room;
  if (room.size < size) {
    std::free(room.numbers);
    const size_t bytes = (size * sizeof(T) + 63) / 64 * 64;
    room.numbers = static_cast<T*>(std::aligned_alloc(64, bytes));
    room.size = room.numbers ? size : 0;
  }
  return room.numbers;
}

// Runs task(0), task(1), ... on the threads that are free. The calling one works too and waits only for what
// others have begun, so that it does not matter whether any other thread ever comes.
template <typename Task>
void share_out(ffi::ThreadPool& pool, int64_t tasks, int64_t threads, Task task) {
  struct State {
    std::atomic<int64_t> next{0};
    int64_t tasks, done = 0;
    std::mutex mutex;
    std::condition_variable finished;
    Task task;
    State(int64_t n, Task t) : tasks(n), task(t) {}
  };
  auto state = std::make_shared<State>(tasks, task);
  const auto work = [state] {
    int64_t mine = 0;
    for (int64_t k; (k = state->next.fetch_add(1)) < state->tasks; ++mine) state->task(k);
    if (!mine) return;
    std::lock_guard<std::mutex> lock(state->mutex);
    if ((state->done += mine) == state->tasks) state->finished.notify_one();
  };
  for (int64_t k = 1; k < std::min(threads, tasks); ++k) pool.Schedule(std::function<void()>(work));
  work();
  std::unique_lock<std::mutex> lock(state->mutex);
  state->finished.wait(lock, [&] { return state->done == state->tasks; });
}

// The same, or one after the other by the calling thread alone where no other is wanted.
template <typename Task>
void run_all(ffi::ThreadPool& pool, int64_t tasks, int64_t threads, Task task) {
  if (threads > 1 && tasks > 1) return share_out(pool, tasks, threads, task);
  for (int64_t k = 0; k < tasks; ++k) task(k);
}

}  // namespace
}  // namespace jaxnn
