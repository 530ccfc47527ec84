// What XLA calls: looks at shapes and the schedule's head, and shares the work out among XLA's own threads.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "nodal.h"
#include "threads.h"
#include "xla/ffi/api/ffi.h"

namespace jaxnn {
namespace {

struct Target {
  const char* name;
  const Both* both;
};

// The widest instruction set that the machine at hand has. JAXNN_SIMD names a narrower one.
Target chosen() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const char* named = std::getenv("JAXNN_SIMD");
  const std::string most = named ? named : "avx512";
  const bool narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool wide = narrow && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
  if (wide && most == "avx512") return {"avx512", &avx512::both};
  if (narrow && most != "plain") return {"avx2", &avx2::both};
#endif
  return {"plain", &plain::both};
}

const Target& target() {
  static const Target once = chosen();
  return once;
}

template <typename T>
const Widths<T>& routines() {
  if constexpr (sizeof(T) == 4) return target().both->f32;
  else return target().both->f64;
}

// Work that pays for one more thread, in products of a register: some ten microseconds, of a batch of so many tiles
// that one which comes late takes few of them. Of fewer tiles each is waited for, and more must be won.
constexpr int64_t kShared = 30000, kSharedByFew = 300000, kFew = 4;

// A batch falls into tiles, or halves of them, if tiles were fewer than threads. What is left over fills one more, or
// half of one, or goes one by one where that would be mostly empty.
template <typename T>
struct Pieces {
  const Widths<T>& of = routines<T>();
  const Routines<T>& most;
  int64_t full, halves, count;
  Pieces(int64_t batch, bool narrow) : most(narrow ? of.half : of.tile) {
    const int64_t rest = batch % most.width;
    const bool one_more = rest > of.half.width;
    full = batch / most.width + one_more;
    halves = !one_more && rest > 2;
    count = full + (one_more ? 0 : halves ? 1 : rest);
  }
  const Routines<T>& routines_of(int64_t k) const { return k < full ? most : k < full + halves ? of.half : of.one; }
  int64_t lane(int64_t k) const { return k < full ? k * most.width : full * most.width + (k - full); }
};

template <typename T, typename Arguments, typename Run, typename Room>
ffi::Error run_blocks(
    ffi::ThreadPool& pool,
    const Schedule& schedule,
    int64_t batch,
    const Arguments& arguments,
    int64_t work,
    Room room,
    Run Routines<T>::*run) {
  const int64_t blocks = schedule.head->blocks;
  const int64_t half = routines<T>().half.width, tile = routines<T>().tile.width;
  const int64_t registers = (batch + half - 1) / half, tiles = blocks * ((batch + tile - 1) / tile);
  const int64_t all = work * registers;
  const int64_t most_threads = tiles < kFew && all <= kSharedByFew ? 1 : pool.num_threads();
  const int64_t threads = std::clamp<int64_t>(all / kShared, 1, most_threads);
  const Pieces<T> pieces(batch, blocks * registers < 2 * threads);
  int64_t most = 0;
  for (int64_t b = 0; b < blocks; ++b) most = std::max(most, room(schedule.blocks[b]));
  const auto task = [arguments, schedule, pieces, blocks, most, run](int64_t k) {
    const WithoutDenormals guard;
    const int64_t piece = k / blocks;
    const Routines<T>& routines = pieces.routines_of(piece);
    T* const numbers = work_room<T>(most * routines.width);
    (routines.*run)(arguments, schedule.blocks[k % blocks], pieces.lane(piece), numbers);
  };
  const int64_t tasks = pieces.count * blocks;
  run_all(pool, tasks, threads, task);
  return ffi::Error::Success();
}

// Work of an elimination, in products of a register.
int64_t products_of(const Schedule& s) {
  int64_t work = 0;
  for (int32_t b = 0; b < s.head->blocks; ++b) work += s.blocks[b].products + 4 * s.blocks[b].slots;
  return work;
}

// Room for the factors of a block, so many numbers for each of its places, and what flows into its terminals.
auto room_with(int64_t numbers) {
  return [numbers](const Block& b) {
    return int64_t(b.slots) + b.wires + b.meshes + numbers * (b.wires + b.terminals) + b.terminals;
  };
}

template <typename Buffer>
int64_t rows_of(const Buffer& x) {
  return x.dimensions()[0];
}

// All axes behind the rows.
template <typename Buffer>
int64_t batch_of(const Buffer& x) {
  int64_t batch = 1;
  for (size_t k = 1; k < x.dimensions().size(); ++k) batch *= x.dimensions()[k];
  return batch;
}

// A schedule that was cut short or made for other code must not be walked.
ffi::Error checked(const ffi::Buffer<ffi::S32>& schedule) {
  const int64_t size = schedule.element_count();
  const auto* head = reinterpret_cast<const Head*>(schedule.typed_data());
  if (size < int64_t(sizeof(Head) / sizeof(int32_t)) || head->version != kVersion || head->size > size)
    return refused("The schedule of a nodal solve is not one that this library has made; plan it again, or "
                   "build the library of this version (python kernels/native/build.py).");
  return ffi::Error::Success();
}

template <ffi::DataType kType>
ffi::Error eliminate(
    ffi::ThreadPool pool,
    double most,
    double leak,
    ffi::Buffer<ffi::S32> schedule,
    ffi::Buffer<kType> conductance,
    ffi::ResultBuffer<kType> branch,
    ffi::ResultBuffer<kType> scale,
    ffi::ResultBuffer<kType> mesh) {
  using T = ffi::NativeType<kType>;
  if (ffi::Error error = checked(schedule); error.failure()) return error;
  const Schedule s(schedule.typed_data());
  const int64_t batch = batch_of(conductance);
  if (rows_of(conductance) != s.head->junctions || rows_of(*branch) < s.head->slots ||
      rows_of(*scale) < s.head->wires || rows_of(*mesh) < s.head->mesh)
    return refused("Conductances or factors of a nodal solve have other shapes than their schedule says.");
  const Elimination<T> arguments{
      s, batch, T(most), T(leak), conductance.typed_data(),
      branch->typed_data(), scale->typed_data(), mesh->typed_data()};
  // Rows that pad the factors to a class of sizes belong to nobody.
  const auto clear = [batch](auto& x, int64_t used) {
    std::fill(x->typed_data() + used * batch, x->typed_data() + rows_of(*x) * batch, T(0));
  };
  clear(branch, s.head->slots);
  clear(mesh, s.head->mesh);
  const auto room = [](const Block& block) { return int64_t(block.slots); };
  return run_blocks<T>(pool, s, batch, arguments, products_of(s), room, &Routines<T>::eliminate);
}

// What flows in besides, into nodes and along junctions: none where there are no rows.
template <ffi::DataType kType>
struct Fed {
  using T = ffi::NativeType<kType>;
  const T *current, *source;
  int64_t current_batch, source_batch;
  bool fits;
  using Array = ffi::Buffer<kType>;
  Fed(const Schedule& s, int64_t batch, const Array& current, const Array* source = nullptr)
      : current(rows_of(current) ? current.typed_data() : nullptr),
        source(source && rows_of(*source) ? source->typed_data() : nullptr),
        current_batch(batch_of(current)),
        source_batch(source ? batch_of(*source) : 1) {
    const auto is = [batch](int64_t rows, int64_t of, int64_t size) {
      return rows == 0 || (rows == of && (size == batch || size == 1));
    };
    fits = is(rows_of(current), s.head->nodes, current_batch) &&
           (!source || is(rows_of(*source), s.head->junctions, source_batch));
  }
};

template <ffi::DataType kType>
ffi::Error substitute(
    ffi::ThreadPool pool,
    ffi::Buffer<ffi::S32> schedule,
    ffi::Buffer<kType> current,
    ffi::Buffer<kType> source,
    ffi::Buffer<kType> branch,
    ffi::Buffer<kType> scale,
    ffi::Buffer<kType> mesh,
    ffi::Buffer<kType> potential,
    ffi::ResultBuffer<kType> phi,
    ffi::ResultBuffer<kType> into,
    ffi::ResultBuffer<kType> voltage) {
  using T = ffi::NativeType<kType>;
  if (ffi::Error error = checked(schedule); error.failure()) return error;
  const Schedule s(schedule.typed_data());
  const int64_t batch = batch_of(*phi);
  const auto fits = [batch](int64_t n) { return n == batch || n == 1; };
  const Fed<kType> fed(s, batch, current, &source);
  if (rows_of(branch) < s.head->slots || rows_of(scale) < s.head->wires || rows_of(mesh) < s.head->mesh ||
      rows_of(potential) != s.head->terminals || rows_of(*phi) != s.head->nodes ||
      rows_of(*into) != s.head->terminals || rows_of(*voltage) != s.head->junctions ||
      !fits(batch_of(potential)) || !fits(batch_of(scale)) || !fed.fits)
    return refused("Factors, potentials or currents of a nodal solve have other shapes than their schedule says.");
  const Substitution<T> arguments{
      s, batch, batch_of(scale), batch_of(potential), fed.current_batch, fed.source_batch,
      branch.typed_data(), scale.typed_data(), mesh.typed_data(), potential.typed_data(),
      fed.current, fed.source, phi->typed_data(), into->typed_data(), voltage->typed_data()};
  const auto room = [](const Block& block) { return int64_t(block.wires) + 2 * block.terminals; };
  return run_blocks<T>(pool, s, batch, arguments, 2 * s.head->slots, room, &Routines<T>::substitute);
}

// From conductances to potentials, currents and voltages.
template <ffi::DataType kType>
ffi::Error solve(
    ffi::ThreadPool pool,
    double most,
    double leak,
    ffi::Buffer<ffi::S32> schedule,
    ffi::Buffer<kType> current,
    ffi::Buffer<kType> source,
    ffi::Buffer<kType> conductance,
    ffi::Buffer<kType> potential,
    ffi::ResultBuffer<kType> phi,
    ffi::ResultBuffer<kType> into,
    ffi::ResultBuffer<kType> voltage) {
  using T = ffi::NativeType<kType>;
  if (ffi::Error error = checked(schedule); error.failure()) return error;
  const Schedule s(schedule.typed_data());
  const int64_t batch = batch_of(*phi);
  const auto fits = [batch](const auto& x, int64_t rows) {
    return rows_of(x) == rows && (batch_of(x) == batch || batch_of(x) == 1);
  };
  const Fed<kType> fed(s, batch, current, &source);
  const bool whole = batch_of(conductance) == batch && fits(conductance, s.head->junctions);
  if (!whole || !fits(potential, s.head->terminals) || !fits(*phi, s.head->nodes) ||
      !fits(*into, s.head->terminals) || !fits(*voltage, s.head->junctions) || !fed.fits)
    return refused(
        "Conductances, potentials or currents of a nodal solve have other shapes than their schedule says.");
  const Elimination<T> first{s, batch, T(most), T(leak), conductance.typed_data(), nullptr, nullptr, nullptr};
  const Substitution<T> second{
      s, batch, batch, batch_of(potential), fed.current_batch, fed.source_batch,
      nullptr, nullptr, nullptr, potential.typed_data(),
      fed.current, fed.source, phi->typed_data(), into->typed_data(), voltage->typed_data()};
  const int64_t work = products_of(s) + 2 * s.head->slots;
  return run_blocks<T>(pool, s, batch, Solve<T>{first, second}, work, room_with(1), &Routines<T>::solve);
}

// One step with capacitors: both of its stages.
template <ffi::DataType kType>
ffi::Error stages(
    ffi::ThreadPool pool,
    double most,
    double leak,
    double growth,
    ffi::Buffer<ffi::S32> schedule,
    ffi::Buffer<kType> first_current,
    ffi::Buffer<kType> last_current,
    ffi::Buffer<kType> slope,
    ffi::Buffer<kType> before,
    ffi::Buffer<kType> conductance,
    ffi::Buffer<kType> first_potential,
    ffi::Buffer<kType> last_potential,
    ffi::ResultBuffer<kType> first_phi,
    ffi::ResultBuffer<kType> first_into,
    ffi::ResultBuffer<kType> last_phi,
    ffi::ResultBuffer<kType> last_into,
    ffi::ResultBuffer<kType> last_voltage) {
  using T = ffi::NativeType<kType>;
  if (ffi::Error error = checked(schedule); error.failure()) return error;
  const Schedule s(schedule.typed_data());
  const int64_t batch = batch_of(*last_phi);
  const auto fits = [batch](const auto& x, int64_t rows) {
    return rows_of(x) == rows && (batch_of(x) == batch || batch_of(x) == 1);
  };
  const auto fit = [&](const auto& potential, auto& phi, auto& into) {
    return fits(potential, s.head->terminals) && fits(*phi, s.head->nodes) && fits(*into, s.head->terminals);
  };
  const Fed<kType> first_fed(s, batch, first_current), last_fed(s, batch, last_current);
  const bool whole = batch_of(conductance) == batch && fits(conductance, s.head->junctions);
  if (!whole || !fit(first_potential, first_phi, first_into) || !fit(last_potential, last_phi, last_into) ||
      !fits(*last_voltage, s.head->junctions) || !first_fed.fits || !last_fed.fits ||
      !fits(slope, s.head->junctions) || !fits(before, s.head->nodes))
    return refused(
        "Conductances, potentials or currents of a nodal solve have other shapes than their schedule says.");
  const auto stage = [&](const auto& fed, const auto& potential, auto& phi, auto& into, T* voltage) {
    return Substitution<T>{
        s, batch, batch, batch_of(potential), fed.current_batch, 1, nullptr, nullptr, nullptr,
        potential.typed_data(), fed.current, nullptr, phi->typed_data(), into->typed_data(), voltage};
  };
  const Stages<T> arguments{
      {s, batch, T(most), T(leak), conductance.typed_data(), nullptr, nullptr, nullptr},
      stage(first_fed, first_potential, first_phi, first_into, nullptr),
      stage(last_fed, last_potential, last_phi, last_into, last_voltage->typed_data()),
      batch_of(slope), batch_of(before), slope.typed_data(), before.typed_data(), T(growth)};
  const int64_t work = products_of(s) + 4 * s.head->slots;
  return run_blocks<T>(pool, s, batch, arguments, work, room_with(2), &Routines<T>::stages);
}

// A step of Newton's method, in place.
template <ffi::DataType kType>
ffi::Error newton(
    ffi::ThreadPool pool,
    double most,
    double leak,
    double near,
    int64_t junctions,
    int64_t most_solves,
    int64_t most_halvings,
    ffi::Buffer<ffi::S32> schedule,
    ffi::Buffer<kType> current,
    ffi::Buffer<kType> source,
    ffi::Buffer<kType> conductance,
    ffi::Buffer<kType> old_potential,
    ffi::Buffer<kType> old_voltage,
    ffi::Buffer<kType> old_before_potential,
    ffi::Buffer<kType> old_before_voltage,
    ffi::Buffer<kType> old_into,
    ffi::Buffer<kType> old_control,
    ffi::ResultBuffer<kType> potential,
    ffi::ResultBuffer<kType> voltage,
    ffi::ResultBuffer<kType> before_potential,
    ffi::ResultBuffer<kType> before_voltage,
    ffi::ResultBuffer<kType> into,
    ffi::ResultBuffer<kType> control) {
  using T = ffi::NativeType<kType>;
  if (ffi::Error error = checked(schedule); error.failure()) return error;
  const Schedule s(schedule.typed_data());
  const int64_t batch = batch_of(*potential);
  const Fed<kType> fed(s, batch, current, &source);
  // XLA has them at the same place, as it was asked to.
  const auto in_place = [batch](const auto& old, auto& now, int64_t rows) {
    if (rows_of(old) != rows || rows_of(*now) != rows || batch_of(old) != batch || batch_of(*now) != batch) return false;
    if (old.typed_data() != now->typed_data())
      std::copy(old.typed_data(), old.typed_data() + rows * batch, now->typed_data());
    return true;
  };
  const auto& head = *s.head;
  if (batch_of(conductance) != batch || rows_of(conductance) != head.junctions || !rows_of(source) || !fed.fits ||
      !in_place(old_potential, potential, head.nodes) || !in_place(old_voltage, voltage, head.junctions) ||
      !in_place(old_before_potential, before_potential, head.nodes) ||
      !in_place(old_before_voltage, before_voltage, head.junctions) || !in_place(old_into, into, head.terminals) ||
      !in_place(old_control, control, kControls * head.blocks))
    return refused("A search for potentials has other shapes than its schedule says.");
  const Newton<T> arguments{
      {s, batch, T(most), T(leak), conductance.typed_data(), nullptr, nullptr, nullptr},
      {s, batch, batch, 1, fed.current_batch, fed.source_batch, nullptr, nullptr, nullptr, nullptr,
       fed.current, fed.source, nullptr, nullptr, nullptr},
      junctions, most_solves, most_halvings, T(near),
      potential->typed_data(), voltage->typed_data(), before_potential->typed_data(),
      before_voltage->typed_data(), into->typed_data(), control->typed_data()};
  const int64_t work = products_of(s) + 3 * s.head->slots;
  return run_blocks<T>(pool, s, batch, arguments, work, room_with(2), &Routines<T>::newton);
}

// Nodes that closed junctions join to a terminal, or junctions with both ends so.
template <ffi::DataType kType>
ffi::Error joined(
    ffi::ThreadPool pool,
    double most,
    bool live,
    ffi::Buffer<ffi::S32> schedule,
    ffi::Buffer<kType> conductance,
    ffi::ResultBuffer<kType> found) {
  using T = ffi::NativeType<kType>;
  if (ffi::Error error = checked(schedule); error.failure()) return error;
  const Schedule s(schedule.typed_data());
  const int64_t batch = batch_of(conductance);
  if (rows_of(conductance) != s.head->junctions || batch_of(*found) != batch ||
      rows_of(*found) != (live ? s.head->junctions : s.head->nodes))
    return refused("Conductances, or what they join, have other shapes than their schedule says.");
  const Joined<T> arguments{s, batch, T(most), live, conductance.typed_data(), found->typed_data()};
  const auto room = [](const Block& block) { return int64_t(block.wires) + block.terminals; };
  return run_blocks<T>(pool, s, batch, arguments, s.head->junctions, room, &Routines<T>::joined);
}

// After a schedule so many arrays, and so many results.
template <ffi::DataType kType, int kArrays, int kResults, typename Binding>
auto of_arrays(Binding binding) {
  if constexpr (kArrays > 0)
    return of_arrays<kType, kArrays - 1, kResults>(std::move(binding).template Arg<ffi::Buffer<kType>>());
  else if constexpr (kResults > 1)
    return of_arrays<kType, 0, kResults - 1>(std::move(binding).template Ret<ffi::Buffer<kType>>());
  else
    return std::move(binding).template Ret<ffi::Buffer<kType>>();
}

auto bind() { return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>(); }
auto bind_with_leak() { return bind().Attr<double>("most").Attr<double>("leak"); }

template <ffi::DataType kType>
auto bind_elimination() {
  return of_arrays<kType, 1, 3>(bind_with_leak().template Arg<ffi::Buffer<ffi::S32>>());
}

template <ffi::DataType kType>
auto bind_substitution() {
  return of_arrays<kType, 6, 3>(bind().template Arg<ffi::Buffer<ffi::S32>>());
}

template <ffi::DataType kType>
auto bind_solve() {
  return of_arrays<kType, 4, 3>(bind_with_leak().template Arg<ffi::Buffer<ffi::S32>>());
}

template <ffi::DataType kType>
auto bind_stages() {
  auto leaking = bind_with_leak().template Attr<double>("growth");
  return of_arrays<kType, 7, 5>(std::move(leaking).template Arg<ffi::Buffer<ffi::S32>>());
}

template <ffi::DataType kType>
auto bind_newton() {
  auto numbers = bind_with_leak().template Attr<double>("near").template Attr<int64_t>("junctions")
                     .template Attr<int64_t>("most_solves").template Attr<int64_t>("most_halvings");
  return of_arrays<kType, 9, 6>(std::move(numbers).template Arg<ffi::Buffer<ffi::S32>>());
}

template <ffi::DataType kType>
auto bind_joined() {
  return of_arrays<kType, 1, 1>(
      bind().template Attr<double>("most").template Attr<bool>("live").template Arg<ffi::Buffer<ffi::S32>>());
}

}  // namespace

#pragma GCC visibility push(default)

extern "C" const char* jaxnn_simd() { return target().name; }

XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_eliminate_f32, eliminate<ffi::F32>, bind_elimination<ffi::F32>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_eliminate_f64, eliminate<ffi::F64>, bind_elimination<ffi::F64>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_substitute_f32, substitute<ffi::F32>, bind_substitution<ffi::F32>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_substitute_f64, substitute<ffi::F64>, bind_substitution<ffi::F64>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_solve_f32, solve<ffi::F32>, bind_solve<ffi::F32>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_solve_f64, solve<ffi::F64>, bind_solve<ffi::F64>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_stages_f32, stages<ffi::F32>, bind_stages<ffi::F32>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_stages_f64, stages<ffi::F64>, bind_stages<ffi::F64>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_newton_f32, newton<ffi::F32>, bind_newton<ffi::F32>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_newton_f64, newton<ffi::F64>, bind_newton<ffi::F64>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_joined_f32, joined<ffi::F32>, bind_joined<ffi::F32>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxnn_joined_f64, joined<ffi::F64>, bind_joined<ffi::F64>());

#pragma GCC visibility pop

}  // namespace jaxnn
