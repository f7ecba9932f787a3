// The generator behind the order of the data: the same numbers with every compiler and library, and
// a state that is derived from what is being shuffled instead of being carried along.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

namespace dragoman {

/// SplitMix64 (Steele, Lea and Flood 2014): a counter through a mixing function.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// A generator for one use, named by numbers such as {seed, epoch, chunk}.
  Random(std::initializer_list<std::uint64_t> names) {
    for (const auto name : names)
      state_ = mix(state_ + kIncrement) ^ name;
    state_ = mix(state_ + kIncrement);
  }

  [[nodiscard]] std::uint64_t next() { return mix(state_ += kIncrement); }

  /// Each of 0 .. `limit` - 1 equally likely; `limit` > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) {
    const std::uint64_t rejected = (0 - limit) % limit;  // 2^64 mod limit values would be too many
    for (;;) {
      const std::uint64_t value = next();
      if (value >= rejected) return value % limit;
    }
  }

  /// Uniform in [0, 1).
  [[nodiscard]] double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  /// Fisher-Yates; std::shuffle differs between libraries.
  template <typename T>
  void shuffle(std::span<T> values) {
    for (std::size_t left = values.size(); left > 1; --left) {
      std::swap(values[left - 1], values[below(left)]);
    }
  }

 private:
  static constexpr std::uint64_t kIncrement = 0x9e3779b97f4a7c15U;
  [[nodiscard]] static std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
  }

  std::uint64_t state_ = 0;
};

}  // namespace dragoman
