// ZeRO stage 1 (Rajbhandari et al. 2020): each rank keeps the optimiser's state of a part of the
// parameters, updates that part, and gets the others from the other ranks. All parameters, laid end
// to end, are cut into as many equal parts as there are ranks.
//
// Cuts are at multiples of kUnit elements of a parameter: vectorised kernels then see the same
// vectors and the same remainders as without cuts, and compute the same bits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dragoman/training/ranks/communicator.h"

namespace dragoman {

class ParameterShards {
 public:
  static constexpr std::int64_t kUnit = 64;
  static constexpr std::int64_t kRoundBytes = 8 << 20;

  /// Of a parameter, flattened.
  struct Part {
    std::int64_t begin = 0;
    std::int64_t count = 0;
  };

  /// `sizes`: elements of each parameter. `round_bytes`: what is collected at a time.
  ParameterShards(std::span<const std::int64_t> sizes, Communicator& communicator,
                  std::int64_t round_bytes = kRoundBytes);

  [[nodiscard]] bool is_first() const { return communicator_.is_first(); }
  /// What is this rank's; perhaps nothing.
  [[nodiscard]] Part part(std::size_t parameter) const;
  /// `tensor`, contiguous and shaped as the parameter or flat: the part of it, which shares memory.
  [[nodiscard]] at::Tensor part_of(const at::Tensor& tensor, std::size_t parameter) const;
  /// A call of all ranks. mine[i] [part(i).count] are float32, all of one device; together they
  /// fill whole[i], contiguous, of any device, shaped as parameter i or flat. What is undefined is
  /// filled on other ranks only. Throws SystemError as Communicator::sum.
  void collect(std::span<const at::Tensor> mine, std::span<const at::Tensor> whole) const;

 private:
  struct Round;
  /// Of a parameter, and where it is in a stretch of the parameters laid end to end.
  struct Piece {
    std::size_t parameter = 0;
    Part part;
    std::int64_t place = 0;
  };
  /// Of the units [begin, end).
  [[nodiscard]] std::vector<Piece> pieces(std::int64_t begin, std::int64_t end) const;
  [[nodiscard]] Round start(std::int64_t first, std::span<const at::Tensor> mine) const;
  void spread(const Round& round, std::span<const at::Tensor> whole) const;

  Communicator& communicator_;
  std::vector<std::int64_t> sizes_;
  std::vector<std::int64_t> starts_;  ///< of each parameter, in units; the last is the end of all
  std::int64_t per_rank_ = 0;         ///< units; the last ranks may have fewer
  std::int64_t per_round_ = 0;        ///< units of each rank
};

}  // namespace dragoman
