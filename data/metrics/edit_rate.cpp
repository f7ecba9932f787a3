#include "dragoman/data/metrics/edit_rate.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

// The limits, the order of preference among equal operations and the quirks of the shift search
// follow sacreBLEU, which follows Tercom. They are part of the metric: another choice gives other
// scores.

namespace dragoman {
namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::int64_t kMaxShiftSize = 10;
constexpr std::int64_t kMaxShiftDistance = 50;
constexpr std::int64_t kBeamWidth = 25;
constexpr std::int64_t kMaxShiftCandidates = 1000;
constexpr std::int32_t kUnreached = 1 << 29;

enum class Operation : std::uint8_t { unreached, match, substitute, insert, erase };

/// Edit distance to one reference of hypotheses that are permutations of each other. Only a band of
/// cells near the diagonal is visited and stored. The matrix of one hypothesis, the base, is kept:
/// the distance of another starts at the first word that differs.
class EditDistance {
 public:
  EditDistance(std::span<const std::uint32_t> reference, std::size_t hypothesis_length)
      : reference_(reference), bands_(make_bands(reference.size(), hypothesis_length)) {
    for (const Band& band : bands_)
      width_ = std::max(width_, band.size());
    costs_.resize(bands_.size() * width_);
    operations_.resize(bands_.size() * width_);
    scratch_.resize(2 * width_);
  }

  std::int32_t set_base(const Words& hypothesis) {
    for (std::size_t row = common_prefix(hypothesis) + 1; row < bands_.size(); ++row)
      fill_row(hypothesis[row - 1], row, &costs_[(row - 1) * width_], &costs_[row * width_],
               &operations_[row * width_]);
    base_ = hypothesis;
    return last_cost(&costs_[(bands_.size() - 1) * width_]);
  }

  /// From a base set before.
  std::int32_t distance(const Words& hypothesis) {
    std::size_t row = common_prefix(hypothesis);
    const std::int32_t* before = &costs_[row * width_];
    for (++row; row < bands_.size(); ++row) {
      std::int32_t* now = &scratch_[(row % 2) * width_];
      fill_row(hypothesis[row - 1], row, before, now, nullptr);
      before = now;
    }
    return last_cost(before);
  }

  /// Operations that turn the base into the reference, last first.
  [[nodiscard]] std::vector<Operation> reversed_trace() const {
    std::vector<Operation> trace;
    std::size_t row = base_.size();
    std::size_t column = reference_.size();
    while (row > 0 || column > 0) {
      const Operation operation =
          row == 0 ? Operation::insert : operations_[row * width_ + column - bands_[row].first];
      trace.push_back(operation);
      if (operation != Operation::insert) --row;
      if (operation != Operation::erase) --column;
    }
    return trace;
  }

 private:
  /// The columns of a row that are visited.
  struct Band {
    std::size_t first = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const { return end - first; }
  };

  /// Row 0 has no cells of its own: its costs are the column numbers.
  static std::vector<Band> make_bands(std::size_t reference_length, std::size_t hypothesis_length) {
    std::vector<Band> bands(hypothesis_length + 1);
    const auto columns = static_cast<std::int64_t>(reference_length) + 1;
    const double ratio = static_cast<double>(reference_length) /
                         static_cast<double>(std::max<std::size_t>(1, hypothesis_length));
    // Rows of a much longer reference would not overlap otherwise.
    const std::int64_t beam = ratio / 2 > static_cast<double>(kBeamWidth)
                                  ? static_cast<std::int64_t>(std::ceil(ratio / 2 + kBeamWidth))
                                  : kBeamWidth;
    for (std::size_t row = 1; row < bands.size(); ++row) {
      const auto diagonal = static_cast<std::int64_t>(std::floor(static_cast<double>(row) * ratio));
      const bool last = row == hypothesis_length;
      bands[row].first = static_cast<std::size_t>(std::max<std::int64_t>(0, diagonal - beam));
      bands[row].end =
          static_cast<std::size_t>(last ? columns : std::min(columns, diagonal + beam));
    }
    return bands;
  }

  [[nodiscard]] std::size_t common_prefix(const Words& hypothesis) const {
    return static_cast<std::size_t>(
        std::mismatch(base_.begin(), base_.end(), hypothesis.begin(), hypothesis.end()).first -
        base_.begin());
  }

  [[nodiscard]] std::int32_t last_cost(const std::int32_t* last_row) const {
    if (bands_.size() == 1) return static_cast<std::int32_t>(reference_.size());
    return last_row[reference_.size() - bands_.back().first];
  }

  void fill_row(std::uint32_t word, std::size_t row, const std::int32_t* before, std::int32_t* now,
                Operation* operations) const {
    const Band band = bands_[row];
    const Band band_before = bands_[row - 1];
    const auto above = [&](std::size_t column) {
      if (row == 1) return static_cast<std::int32_t>(column);
      const bool visited = column >= band_before.first && column < band_before.end;
      return visited ? before[column - band_before.first] : kUnreached;
    };
    for (std::size_t column = band.first; column < band.end; ++column) {
      std::int32_t cost = kUnreached;
      Operation operation = Operation::unreached;
      const auto prefer = [&](std::int32_t other_cost, Operation other) {
        if (other_cost >= cost) return;
        cost = other_cost;
        operation = other;
      };
      if (column > 0) {
        const bool same = word == reference_[column - 1];
        prefer(above(column - 1) + (same ? 0 : 1), same ? Operation::match : Operation::substitute);
      }
      prefer(above(column) + 1, Operation::erase);
      if (column > band.first) prefer(now[column - band.first - 1] + 1, Operation::insert);
      now[column - band.first] = cost;
      if (operations != nullptr) operations[column - band.first] = operation;
    }
  }

  std::span<const std::uint32_t> reference_;
  std::vector<Band> bands_;  ///< [hypothesis + 1]
  std::size_t width_ = 1;    ///< of the widest band
  Words base_;
  std::vector<std::int32_t>
      costs_;  ///< of the base [hypothesis + 1, width], from the band's first on
  std::vector<Operation> operations_;
  std::vector<std::int32_t> scratch_;  ///< two rows
};

/// Where the words of the reference stand in the hypothesis, and which words of either are in
/// error.
struct Alignment {
  std::vector<std::int64_t> position;  ///< of each reference word; the one before it if it has none
  std::vector<bool> reference_error;
  std::vector<bool> hypothesis_error;
};

Alignment align(const std::vector<Operation>& reversed_trace) {
  Alignment result;
  std::int64_t position = -1;
  for (auto operation = reversed_trace.rbegin(); operation != reversed_trace.rend(); ++operation) {
    const bool error = *operation != Operation::match;
    if (*operation != Operation::insert) {
      ++position;
      result.hypothesis_error.push_back(error);
    }
    if (*operation != Operation::erase) {
      result.position.push_back(position);
      result.reference_error.push_back(error);
    }
  }
  return result;
}

/// `length` words from `start` moved before the word at `target`.
void perform_shift(const Words& words, std::int64_t start, std::int64_t length, std::int64_t target,
                   Words& result) {
  result = words;
  const auto begin = result.begin();
  if (target < start) {
    std::rotate(begin + target, begin + start, begin + start + length);
  } else {
    const auto size = static_cast<std::int64_t>(words.size());
    // Within itself a block moves on by as many words as the target lies behind its start.
    const std::int64_t end = target > start + length ? target : std::min(size, target + length);
    std::rotate(begin + start, begin + start + length, begin + end);
  }
}

struct Shift {
  std::int64_t gain = 0;
  std::int64_t length = 0;
  std::int64_t start = 0;
  std::int64_t target = 0;

  /// Greatest gain, then longest, then earliest block, then earliest target.
  [[nodiscard]] bool better_than(const Shift& other) const {
    return std::tuple(gain, length, -start, -target) >
           std::tuple(other.gain, other.length, -other.start, -other.target);
  }
};

class ShiftSearch {
 public:
  ShiftSearch(std::span<const std::uint32_t> hypothesis, std::span<const std::uint32_t> reference)
      : words_(hypothesis.begin(), hypothesis.end()),
        reference_(reference),
        distance_(reference, hypothesis.size()) {}

  std::int64_t edits() {
    std::int64_t shifts = 0;
    base_cost_ = distance_.set_base(words_);
    while (true) {
      const auto shift = best_shift();
      if (tried_ >= kMaxShiftCandidates || !shift || shift->gain <= 0) break;
      perform_shift(words_, shift->start, shift->length, shift->target, shifted_);
      words_ = shifted_;
      base_cost_ = distance_.set_base(words_);
      ++shifts;
    }
    return shifts + base_cost_;
  }

 private:
  std::optional<Shift> best_shift() {
    alignment_ = align(distance_.reversed_trace());
    best_.reset();
    const auto words = static_cast<std::int64_t>(words_.size());
    const auto reference_words = static_cast<std::int64_t>(reference_.size());
    for (std::int64_t start = 0; start < words; ++start) {
      const std::int64_t first = std::max<std::int64_t>(0, start - kMaxShiftDistance);
      const std::int64_t last = std::min(reference_words - 1, start + kMaxShiftDistance);
      for (std::int64_t reference_start = first; reference_start <= last; ++reference_start) {
        if (!try_matching_blocks(start, reference_start)) return best_;
      }
    }
    return best_;
  }

  /// False when the number of candidates is used up.
  bool try_matching_blocks(std::int64_t start, std::int64_t reference_start) {
    const auto longest = std::min({kMaxShiftSize, static_cast<std::int64_t>(words_.size()) - start,
                                   static_cast<std::int64_t>(reference_.size()) - reference_start});
    bool hypothesis_error = false;
    bool reference_error = false;
    for (std::int64_t length = 1; length <= longest; ++length) {
      const auto last = static_cast<std::size_t>(start + length - 1);
      const auto reference_last = static_cast<std::size_t>(reference_start + length - 1);
      if (words_[last] != reference_[reference_last]) return true;
      hypothesis_error = hypothesis_error || alignment_.hypothesis_error[last];
      reference_error = reference_error || alignment_.reference_error[reference_last];
      if (!hypothesis_error || !reference_error) continue;
      const auto aligned = alignment_.position[static_cast<std::size_t>(reference_start)];
      if (start <= aligned && aligned < start + length) continue;  // would move within itself
      try_targets(start, reference_start, length);
      if (tried_ >= kMaxShiftCandidates) return false;
    }
    return true;
  }

  void try_targets(std::int64_t start, std::int64_t reference_start, std::int64_t length) {
    std::int64_t previous = -1;
    for (std::int64_t offset = -1; offset < length; ++offset) {
      const std::int64_t anchor = reference_start + offset;
      const std::int64_t target =
          anchor < 0 ? 0 : alignment_.position[static_cast<std::size_t>(anchor)] + 1;
      if (target == previous) continue;
      previous = target;
      perform_shift(words_, start, length, target, shifted_);
      const Shift shift{base_cost_ - distance_.distance(shifted_), length, start, target};
      ++tried_;
      if (!best_ || shift.better_than(*best_)) best_ = shift;
    }
  }

  Words words_;
  Words shifted_;
  std::span<const std::uint32_t> reference_;
  EditDistance distance_;
  Alignment alignment_;
  std::optional<Shift> best_;
  std::int64_t base_cost_ = 0;
  std::int64_t tried_ = 0;
};

}  // namespace

std::int64_t translation_edits(std::span<const std::uint32_t> hypothesis,
                               std::span<const std::uint32_t> reference) {
  if (reference.empty()) return static_cast<std::int64_t>(hypothesis.size());
  return ShiftSearch(hypothesis, reference).edits();
}

}  // namespace dragoman
