#include "dragoman/data/metrics/common_subsequence.h"

#include <algorithm>
#include <bit>

namespace dragoman {

void CommonSubsequence::set_columns(Words columns) {
  for (const std::uint32_t word : columns_)
    number_[word] = 0;
  columns_.assign(columns.begin(), columns.end());
  width_ = (columns.size() + kBits - 1) / kBits;
  places_.assign(width_, 0);
  std::uint32_t words = 0;
  for (std::size_t column = 0; column < columns.size(); ++column) {
    const std::uint32_t word = columns[column];
    if (word >= number_.size()) number_.resize(word + 1, 0);
    if (number_[word] == 0) {
      number_[word] = ++words;
      places_.resize(places_.size() + width_, 0);
    }
    places_[number_[word] * width_ + column / kBits] |= Bits{1} << (column % kBits);
  }
}

std::int64_t CommonSubsequence::length(Words rows) {
  table_.assign(width_, ~Bits{0});
  for (const std::uint32_t word : rows)
    advance(table_.data(), places(word), table_.data());
  return value(table_.data(), columns_.size());
}

void CommonSubsequence::mark(Words rows, std::vector<bool>& in_common) {
  table_.resize((rows.size() + 1) * width_);
  std::fill_n(table_.begin(), width_, ~Bits{0});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    Bits* before = table_.data() + row * width_;
    advance(before, places(rows[row]), before + width_);
  }
  std::size_t row = rows.size();
  std::size_t column = columns_.size();
  while (row > 0 && column > 0) {
    const Bits* here = table_.data() + row * width_;
    if (rows[row - 1] == columns_[column - 1]) {
      in_common[row - 1] = true;
      --row;
      --column;
    } else if (value(here, column) > value(here - width_, column)) {
      --column;
    } else {
      --row;
    }
  }
}

const CommonSubsequence::Bits* CommonSubsequence::places(std::uint32_t word) const {
  return places_.data() + (word < number_.size() ? number_[word] : 0) * width_;
}

void CommonSubsequence::advance(const Bits* row, const Bits* places, Bits* next) const {
  Bits carry = 0;
  for (std::size_t part = 0; part < width_; ++part) {
    const Bits steps = row[part] & places[part];
    const Bits sum = row[part] + steps;
    const Bits carried = sum + carry;
    carry = static_cast<Bits>(sum < steps) | static_cast<Bits>(carried < sum);
    next[part] = carried | (row[part] & ~places[part]);
  }
}

std::int64_t CommonSubsequence::value(const Bits* row, std::size_t columns) const {
  auto steps = static_cast<std::int64_t>(columns);
  for (; columns >= kBits; columns -= kBits)
    steps -= std::popcount(*row++);
  if (columns > 0) steps -= std::popcount(*row & ((Bits{1} << columns) - 1));
  return steps;
}

}  // namespace dragoman
