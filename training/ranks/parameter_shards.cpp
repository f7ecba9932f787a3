#include "dragoman/training/ranks/parameter_shards.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace dragoman {

/// Units [first, last) of each rank's part, under way.
struct ParameterShards::Round {
  std::int64_t first = 0;
  std::int64_t last = 0;
  at::Device device = at::kCPU;  ///< where the parts are
  at::Tensor mine;               ///< [n]
  at::Tensor all;                ///< [ranks * n]
  std::unique_ptr<Communicator::Transfer> transfer;
};

ParameterShards::ParameterShards(std::span<const std::int64_t> sizes, Communicator& communicator,
                                 std::int64_t round_bytes)
    : communicator_(communicator), sizes_(sizes.begin(), sizes.end()), starts_{0} {
  for (const std::int64_t size : sizes_)
    starts_.push_back(starts_.back() + (size + kUnit - 1) / kUnit);
  const std::int64_t ranks = communicator.size();
  const std::int64_t unit_bytes = kUnit * static_cast<std::int64_t>(sizeof(float));
  per_rank_ = (starts_.back() + ranks - 1) / ranks;
  per_round_ = std::clamp<std::int64_t>(round_bytes / (unit_bytes * ranks), 1, per_rank_);
}

std::vector<ParameterShards::Piece> ParameterShards::pieces(std::int64_t begin,
                                                            std::int64_t end) const {
  std::vector<Piece> found;
  auto parameter =
      static_cast<std::size_t>(std::ranges::upper_bound(starts_, begin) - starts_.begin()) - 1;
  for (; parameter < sizes_.size() && starts_[parameter] < end; ++parameter) {
    const std::int64_t from = std::max(begin, starts_[parameter]);
    const std::int64_t first = (from - starts_[parameter]) * kUnit;
    const std::int64_t last = std::min((end - starts_[parameter]) * kUnit, sizes_[parameter]);
    if (last > first) found.push_back({parameter, {first, last - first}, (from - begin) * kUnit});
  }
  return found;
}

ParameterShards::Part ParameterShards::part(std::size_t parameter) const {
  const std::int64_t begin = communicator_.rank() * per_rank_;
  const std::int64_t first =
      std::clamp((begin - starts_[parameter]) * kUnit, std::int64_t{0}, sizes_[parameter]);
  const std::int64_t last = std::clamp((begin + per_rank_ - starts_[parameter]) * kUnit,
                                       std::int64_t{0}, sizes_[parameter]);
  return {first, last - first};
}

at::Tensor ParameterShards::part_of(const at::Tensor& tensor, std::size_t parameter) const {
  const Part mine = part(parameter);
  return tensor.view({-1}).narrow(0, mine.begin, mine.count);
}

ParameterShards::Round ParameterShards::start(std::int64_t first,
                                              std::span<const at::Tensor> mine) const {
  Round round{.first = first,
              .last = std::min(first + per_round_, per_rank_),
              .device = mine.front().device()};
  const std::int64_t begin = communicator_.rank() * per_rank_ + first;
  const std::int64_t count = (round.last - first) * kUnit;
  round.mine = at::zeros({count}, at::device(round.device).dtype(at::kFloat));
  for (const Piece& piece : pieces(begin, begin + round.last - first))
    round.mine.narrow(0, piece.place, piece.part.count)
        .copy_(mine[piece.parameter].narrow(0, piece.part.begin - part(piece.parameter).begin,
                                            piece.part.count));
  if (!communicator_.takes(round.device)) round.mine = round.mine.cpu();
  round.all = at::empty({communicator_.size() * count}, round.mine.options());
  round.transfer = communicator_.start_collection(round.mine, round.all);
  return round;
}

void ParameterShards::spread(const Round& round, std::span<const at::Tensor> whole) const {
  const at::Tensor all = round.all.to(round.device);
  for (std::int64_t rank = 0; rank < communicator_.size(); ++rank) {
    const at::Tensor row = all.narrow(0, rank * round.mine.numel(), round.mine.numel());
    const std::int64_t begin = rank * per_rank_ + round.first;
    for (const Piece& piece : pieces(begin, begin + round.last - round.first)) {
      if (!whole[piece.parameter].defined()) continue;
      whole[piece.parameter]
          .view({-1})
          .narrow(0, piece.part.begin, piece.part.count)
          .copy_(row.narrow(0, piece.place, piece.part.count));
    }
  }
}

void ParameterShards::collect(std::span<const at::Tensor> mine,
                              std::span<const at::Tensor> whole) const {
  const at::NoGradGuard no_grad;
  Round next = start(0, mine);
  for (std::int64_t first = 0; first < per_rank_; first += per_round_) {
    const Round round = std::move(next);
    // One is under way while the one before it is spread.
    if (first + per_round_ < per_rank_) next = start(first + per_round_, mine);
    round.transfer->wait();
    spread(round, whole);
  }
}

}  // namespace dragoman
