// A few numbers side by side, one of each network of a batch: `One` is one number, `Tile` a few registers. Two
// hide what one would have to wait for, more are more than there are.
//
// Compiled once for each instruction set, in a namespace of its own. Every operation rounds as IEEE says and
// multiply-adds are written out, so that `One` and `Tile` give the same bits: a result does not depend on
// which batch a network is in. On machines without a fused multiply-add both round twice.

#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// A call that is not inlined passes tiles through memory.
#define JAXNN_INLINE inline __attribute__((always_inline))

namespace jaxnn::JAXNN_ISA {

#if defined(__AVX512F__)
constexpr int kRegisterBytes = 64;
#elif defined(__AVX2__)
constexpr int kRegisterBytes = 32;
#else
constexpr int kRegisterBytes = 16;
#endif

template <typename T>
struct Register {
  typedef T type __attribute__((vector_size(kRegisterBytes)));
  typedef T anywhere __attribute__((vector_size(kRegisterBytes), aligned(alignof(T)), may_alias));
};

// All bits but that of the sign.
template <typename Bits>
JAXNN_INLINE Bits most_of() {
  if constexpr (std::is_integral_v<Bits>) return std::numeric_limits<Bits>::max();
  else return std::numeric_limits<std::remove_reference_t<decltype(Bits{}[0])>>::max() - Bits{};
}

template <typename Bits, typename R>
JAXNN_INLINE R larger_of(R x, R most) {
  Bits a, b;
  std::memcpy(&a, &x, sizeof a);
  std::memcpy(&b, &most, sizeof b);
  a &= most_of<Bits>();
  b = a > b ? a : b;
  std::memcpy(&most, &b, sizeof b);
  return most;
}

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
JAXNN_INLINE float multiply_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
JAXNN_INLINE double multiply_add(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
JAXNN_INLINE float multiply_add(float a, float b, float c) { return a * b + c; }
JAXNN_INLINE double multiply_add(double a, double b, double c) { return a * b + c; }
#endif
JAXNN_INLINE float root(float x) { return __builtin_sqrtf(x); }
JAXNN_INLINE double root(double x) { return __builtin_sqrt(x); }

using F = Register<float>::type;
using D = Register<double>::type;
#if defined(__AVX512F__)
JAXNN_INLINE F multiply_add(F a, F b, F c) { return F(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c))); }
JAXNN_INLINE D multiply_add(D a, D b, D c) { return D(_mm512_fmadd_pd(__m512d(a), __m512d(b), __m512d(c))); }
JAXNN_INLINE F root(F x) { return F(_mm512_sqrt_ps(__m512(x))); }
JAXNN_INLINE D root(D x) { return D(_mm512_sqrt_pd(__m512d(x))); }
#elif defined(__AVX2__) && defined(__FMA__)
JAXNN_INLINE F multiply_add(F a, F b, F c) { return F(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c))); }
JAXNN_INLINE D multiply_add(D a, D b, D c) { return D(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c))); }
JAXNN_INLINE F root(F x) { return F(_mm256_sqrt_ps(__m256(x))); }
JAXNN_INLINE D root(D x) { return D(_mm256_sqrt_pd(__m256d(x))); }
#elif defined(__SSE2__)
JAXNN_INLINE F multiply_add(F a, F b, F c) { return a * b + c; }
JAXNN_INLINE D multiply_add(D a, D b, D c) { return a * b + c; }
JAXNN_INLINE F root(F x) { return F(_mm_sqrt_ps(__m128(x))); }
JAXNN_INLINE D root(D x) { return D(_mm_sqrt_pd(__m128d(x))); }
#elif defined(__aarch64__)
JAXNN_INLINE F multiply_add(F a, F b, F c) { return F(vfmaq_f32(float32x4_t(c), float32x4_t(a), float32x4_t(b))); }
JAXNN_INLINE D multiply_add(D a, D b, D c) { return D(vfmaq_f64(float64x2_t(c), float64x2_t(a), float64x2_t(b))); }
JAXNN_INLINE F root(F x) { return F(vsqrtq_f32(float32x4_t(x))); }
JAXNN_INLINE D root(D x) { return D(vsqrtq_f64(float64x2_t(x))); }
#else
template <typename R>
JAXNN_INLINE R root_of_each(R x) {
  for (unsigned k = 0; k < sizeof(R) / sizeof(x[0]); ++k) x[k] = root(x[k]);
  return x;
}
JAXNN_INLINE F multiply_add(F a, F b, F c) { return a * b + c; }
JAXNN_INLINE D multiply_add(D a, D b, D c) { return a * b + c; }
JAXNN_INLINE F root(F x) { return root_of_each(x); }
JAXNN_INLINE D root(D x) { return root_of_each(x); }
#endif

// The first n numbers of a register, none or all of them included; 0 in the others.
#if defined(__AVX512F__)
JAXNN_INLINE __mmask16 first_of(int64_t n, int64_t of) { return n <= 0 ? 0 : n >= of ? 0xffff : (1u << n) - 1; }
JAXNN_INLINE F load_some(const float* x, int64_t n, F) { return F(_mm512_maskz_loadu_ps(first_of(n, 16), x)); }
JAXNN_INLINE D load_some(const double* x, int64_t n, D) {
  return D(_mm512_maskz_loadu_pd(__mmask8(first_of(n, 8)), x));
}
JAXNN_INLINE void store_some(float* x, int64_t n, F v) { _mm512_mask_storeu_ps(x, first_of(n, 16), __m512(v)); }
JAXNN_INLINE void store_some(double* x, int64_t n, D v) {
  _mm512_mask_storeu_pd(x, __mmask8(first_of(n, 8)), __m512d(v));
}
#elif defined(__AVX2__)
JAXNN_INLINE __m256i first_of(int64_t n, const float*) {
  const int most = n > 8 ? 8 : n < 0 ? 0 : int(n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(most), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
JAXNN_INLINE __m256i first_of(int64_t n, const double*) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
JAXNN_INLINE F load_some(const float* x, int64_t n, F) { return F(_mm256_maskload_ps(x, first_of(n, x))); }
JAXNN_INLINE D load_some(const double* x, int64_t n, D) { return D(_mm256_maskload_pd(x, first_of(n, x))); }
JAXNN_INLINE void store_some(float* x, int64_t n, F v) { _mm256_maskstore_ps(x, first_of(n, x), __m256(v)); }
JAXNN_INLINE void store_some(double* x, int64_t n, D v) { _mm256_maskstore_pd(x, first_of(n, x), __m256d(v)); }
#else
template <typename T, typename R>
JAXNN_INLINE R load_some(const T* x, int64_t n, R v) {
  for (int64_t k = 0; k < int64_t(sizeof(R) / sizeof(T)) && k < n; ++k) v[k] = x[k];
  return v;
}
template <typename T, typename R>
JAXNN_INLINE void store_some(T* x, int64_t n, R v) {
  for (int64_t k = 0; k < int64_t(sizeof(R) / sizeof(T)) && k < n; ++k) x[k] = v[k];
}
#endif

// The larger size of two, and what is no number above all: as whole numbers, of which the first bit is the sign.
JAXNN_INLINE float larger(float x, float most) { return larger_of<int32_t>(x, most); }
JAXNN_INLINE double larger(double x, double most) { return larger_of<int64_t>(x, most); }
JAXNN_INLINE F larger(F x, F most) { return larger_of<Register<int32_t>::type>(x, most); }
JAXNN_INLINE D larger(D x, D most) { return larger_of<Register<int64_t>::type>(x, most); }

template <typename R>
JAXNN_INLINE R where(R is, R x, R otherwise) {
  return is != 0 ? x : otherwise;
}

// 1 / sqrt(S), and 0 where S = 0: a wire without junctions, or in a part without terminals.
template <typename R>
JAXNN_INLINE R inverse_root(R s) {
  return s <= 0 ? R{} : 1 / root(s);
}

// What is nothing but leaks is no branch.
template <typename T, typename R>
JAXNN_INLINE R without_leaks(R x, T most) {
  return (x < 0 ? -x : x) <= most ? R{} : x;
}

// 1 where a number is `most` or less.
template <typename T, typename R>
JAXNN_INLINE R at_most(R x, T most) {
  return x <= most ? 1 - R{} : R{};
}

// An open junction has its leak. What is negative or no number stays.
template <typename T, typename R>
JAXNN_INLINE R with_leak(R x, T leak) {
  return (x >= 0) & (x < leak) ? leak - R{} : x;
}

template <typename T>
struct One {
  using Number = T;
  static constexpr int64_t width = 1;
  T v;

  static One zero() { return {T(0)}; }
  static One splat(T x) { return {x}; }
  static One load(const T* x) { return {*x}; }
  static One load(const T* x, int64_t) { return {*x}; }
  void store(T* x) const { *x = v; }
  void store(T* x, int64_t) const { *x = v; }
  friend One fma(One a, One b, One c) { return {multiply_add(a.v, b.v, c.v)}; }
  friend One operator*(One a, One b) { return {a.v * b.v}; }
  friend One operator+(One a, One b) { return {a.v + b.v}; }
  friend One operator-(One a, One b) { return {a.v - b.v}; }
  friend One larger(One x, One most) { return {JAXNN_ISA::larger(x.v, most.v)}; }
  friend One where(One is, One x, One otherwise) { return {JAXNN_ISA::where(is.v, x.v, otherwise.v)}; }
  One inverse_root() const { return {JAXNN_ISA::inverse_root(v)}; }
  One without_leaks(T most) const { return {JAXNN_ISA::without_leaks(v, most)}; }
  One at_most(T most) const { return {JAXNN_ISA::at_most(v, most)}; }
  One with_leak(T leak) const { return {JAXNN_ISA::with_leak(v, leak)}; }
};

template <typename T, int kRegisters>
struct Tile {
  using Number = T;
  using R = typename Register<T>::type;
  using Anywhere = typename Register<T>::anywhere;
  static constexpr int count = kRegisters;
  static constexpr int64_t per = kRegisterBytes / sizeof(T);
  static constexpr int64_t width = count * per;
  R v[count];

  template <typename Function>
  JAXNN_INLINE static Tile each(Function f) {
    Tile out;
    for (int k = 0; k < count; ++k) out.v[k] = f(k);
    return out;
  }
  JAXNN_INLINE static Tile zero() {
    return each([](int) { return R{}; });
  }
  JAXNN_INLINE static Tile splat(T x) {
    return each([x](int) { return x - R{}; });
  }
  JAXNN_INLINE static Tile load(const T* x) {
    return each([x](int k) -> R { return reinterpret_cast<const Anywhere*>(x)[k]; });
  }
  // The first lanes alone, 0 in the others.
  JAXNN_INLINE static Tile load(const T* x, int64_t lanes) {
    return each([x, lanes](int k) -> R { return load_some(x + k * per, lanes - k * per, R{}); });
  }
  JAXNN_INLINE void store(T* x) const {
    for (int k = 0; k < count; ++k) reinterpret_cast<Anywhere*>(x)[k] = v[k];
  }
  JAXNN_INLINE void store(T* x, int64_t lanes) const {
    for (int k = 0; k < count; ++k) store_some(x + k * per, lanes - k * per, v[k]);
  }
  JAXNN_INLINE friend Tile fma(const Tile& a, const Tile& b, const Tile& c) {
    return each([&](int k) { return multiply_add(a.v[k], b.v[k], c.v[k]); });
  }
  JAXNN_INLINE friend Tile operator*(const Tile& a, const Tile& b) {
    return each([&](int k) { return a.v[k] * b.v[k]; });
  }
  JAXNN_INLINE friend Tile operator+(const Tile& a, const Tile& b) {
    return each([&](int k) { return a.v[k] + b.v[k]; });
  }
  JAXNN_INLINE friend Tile operator-(const Tile& a, const Tile& b) {
    return each([&](int k) { return a.v[k] - b.v[k]; });
  }
  JAXNN_INLINE friend Tile larger(const Tile& x, const Tile& most) {
    return each([&](int k) { return JAXNN_ISA::larger(x.v[k], most.v[k]); });
  }
  JAXNN_INLINE friend Tile where(const Tile& is, const Tile& x, const Tile& otherwise) {
    return each([&](int k) { return JAXNN_ISA::where(is.v[k], x.v[k], otherwise.v[k]); });
  }
  JAXNN_INLINE Tile inverse_root() const {
    return each([&](int k) { return JAXNN_ISA::inverse_root(v[k]); });
  }
  JAXNN_INLINE Tile without_leaks(T most) const {
    return each([&](int k) { return JAXNN_ISA::without_leaks(v[k], most); });
  }
  JAXNN_INLINE Tile at_most(T most) const {
    return each([&](int k) { return JAXNN_ISA::at_most(v[k], most); });
  }
  JAXNN_INLINE Tile with_leak(T leak) const {
    return each([&](int k) { return JAXNN_ISA::with_leak(v[k], leak); });
  }
};

}  // namespace jaxnn::JAXNN_ISA
