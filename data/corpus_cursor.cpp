#include "dragoman/data/corpus_cursor.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/random.h"

namespace dragoman {

CorpusCursor::CorpusCursor(ParallelReader reader, std::int64_t pairs, double weight,
                           std::uint64_t seed)
    : reader_(std::move(reader)),
      pairs_(pairs),
      full_passes_(static_cast<std::int64_t>(weight)),
      fraction_(std::llround((weight - std::floor(weight)) * static_cast<double>(pairs))),
      seed_(seed) {
  const bool is_wanted = weight > 0.0;
  if (is_wanted && pairs_per_epoch() == 0) fraction_ = 1;  // a small corpus must not vanish
}

std::int64_t CorpusCursor::pairs_per_epoch() const {
  return full_passes_ * pairs_ + fraction_;
}

std::int64_t CorpusCursor::pairs_in_pass() const {
  return pass_ < full_passes_ ? pairs_ : fraction_;
}

/// Selection sampling (Knuth, TAOCP 3.4.2, algorithm S): exactly `fraction_` lines, each equally
/// likely.
bool CorpusCursor::is_selected() const {
  const std::int64_t line = reader_.position().line;
  const auto wanted = static_cast<std::uint64_t>(pairs_in_pass() - selected_);
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(pairs_ - line, 1));
  if (wanted >= left) return true;
  Random random({seed_, static_cast<std::uint64_t>(epoch_), static_cast<std::uint64_t>(line)});
  return random.below(left) < wanted;
}

void CorpusCursor::start_pass() {
  ++pass_;
  if (pass_ > full_passes_ || (pass_ == full_passes_ && fraction_ == 0)) {
    pass_ = 0;
    ++epoch_;
  }
  selected_ = 0;
  reader_.seek({});
}

void CorpusCursor::next(std::string& source, std::string& target) {
  for (;;) {
    const bool is_taken = is_selected();
    const std::int64_t repaired = reader_.repaired();
    if (!reader_.next(source, target)) {
      throw DataError(
          fmt::format("{}: ends after {} lines, but had {} when training began. The file "
                      "has changed: restore it.",
                      reader_.files().front()->name(), reader_.position().line, pairs_));
    }
    if (!is_taken) continue;
    ++selected_;
    links_ = reader_.links();
    repaired_ += reader_.repaired() - repaired;
    if (selected_ == pairs_in_pass()) start_pass();
    return;
  }
}

void CorpusCursor::skip_epoch() {
  if (pairs_per_epoch() > 0) ++epoch_;
}

CorpusCursor::Position CorpusCursor::position() const {
  return {epoch_, pass_, selected_, reader_.position()};
}

void CorpusCursor::seek(const Position& position) {
  epoch_ = position.epoch;
  pass_ = position.pass;
  selected_ = position.selected;
  reader_.seek(position.place);
}

}  // namespace dragoman
