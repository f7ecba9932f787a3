#include "dragoman/data/packed_pairs.h"

#include <algorithm>
#include <array>

namespace dragoman {

namespace {

/// LEB128: 7 bits a byte, lowest first; the high bit says that more follow. Frequent pieces have
/// low ids, so most take one or two bytes.
void pack(std::span<const std::int32_t> ids, std::vector<std::uint8_t>& bytes) {
  for (const auto id : ids) {
    auto rest = static_cast<std::uint32_t>(id);
    for (; rest >= 0x80; rest >>= 7)
      bytes.push_back(static_cast<std::uint8_t>(rest | 0x80));
    bytes.push_back(static_cast<std::uint8_t>(rest));
  }
}

const std::uint8_t* unpack_ids(const std::uint8_t* bytes, std::int32_t length,
                               std::vector<std::int32_t>& ids) {
  ids.reserve(static_cast<std::size_t>(length));
  for (std::int32_t token = 0; token < length; ++token) {
    std::uint32_t id = 0;
    int shift = 0;
    for (; *bytes >= 0x80; ++bytes, shift += 7)
      id |= (*bytes & 0x7FU) << shift;
    id |= static_cast<std::uint32_t>(*bytes++) << shift;
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return bytes;
}

}  // namespace

void PackedPairs::append(const Example& example) {
  const CopyIds copy_ids = example.copy_ids.empty()             ? CopyIds::none
                           : example.copy_ids == example.source ? CopyIds::source
                                                                : CopyIds::own;
  pairs_.push_back({bytes_.size(),
                    {static_cast<std::int32_t>(example.source.size()),
                     static_cast<std::int32_t>(example.target.size())},
                    copy_ids,
                    static_cast<std::int32_t>(example.links.size())});
  pack(example.source, bytes_);
  pack(example.target, bytes_);
  if (copy_ids == CopyIds::own) pack(example.copy_ids, bytes_);
  for (const WordLink& link : example.links)
    pack(std::array{link.source, link.target}, bytes_);
}

void PackedPairs::shrink() {
  bytes_.shrink_to_fit();
  pairs_.shrink_to_fit();
}

Example PackedPairs::unpack(std::size_t pair) const {
  const auto& [offset, length, copy_ids, links] = pairs_[pair];
  Example example;
  const std::uint8_t* at = unpack_ids(bytes_.data() + offset, length.source, example.source);
  at = unpack_ids(at, length.target, example.target);
  if (copy_ids == CopyIds::own) at = unpack_ids(at, length.source, example.copy_ids);
  if (copy_ids == CopyIds::source) example.copy_ids = example.source;
  std::vector<std::int32_t> places;
  unpack_ids(at, 2 * links, places);
  for (std::size_t place = 0; place < places.size(); place += 2)
    example.links.push_back({places[place], places[place + 1]});
  return example;
}

std::size_t PairBlocks::grow(std::size_t count) {
  const std::size_t first = blocks_.size();
  blocks_.resize(first + count);
  return first;
}

void PairBlocks::finish() {
  std::size_t pairs = 0;
  ends_.clear();
  for (const auto& block : blocks_)
    ends_.push_back(pairs += block.size());
}

std::vector<PairLength> PairBlocks::lengths() const {
  std::vector<PairLength> lengths;
  lengths.reserve(size());
  for (const auto& block : blocks_) {
    for (std::size_t pair = 0; pair < block.size(); ++pair)
      lengths.push_back(block.length(pair));
  }
  return lengths;
}

Example PairBlocks::unpack(std::size_t pair) const {
  const auto end = std::upper_bound(ends_.begin(), ends_.end(), pair);
  const auto& block = blocks_[static_cast<std::size_t>(end - ends_.begin())];
  return block.unpack(pair - (*end - block.size()));
}

}  // namespace dragoman
