#include "dragoman/data/doctor/tally.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "dragoman/data/utf8.h"

namespace dragoman {

namespace {

constexpr std::size_t kExamples = 3;
constexpr std::size_t kExcerptBytes = 60;
constexpr std::size_t kBytesBefore = 20;

}  // namespace

std::string excerpt(std::string_view text, std::size_t at) {
  std::size_t begin = 0;
  if (at + kBytesBefore > kExcerptBytes) begin = character_boundary(text, at - kBytesBefore);
  const std::size_t end = character_boundary(text, std::min(begin + kExcerptBytes, text.size()));
  std::string shown(begin > 0 ? "..." : "");
  shown += text.substr(begin, end - begin);
  if (end < text.size()) shown += "...";
  return shown;
}

void Tally::add(PairNumber pair, std::string_view text, std::size_t at) {
  ++count_;
  if (examples_.size() < kExamples) examples_.push_back({pair, excerpt(text, at)});
}

void Tally::add(const Tally& later) {
  count_ += later.count_;
  for (const Example& example : later.examples_)
    if (examples_.size() < kExamples) examples_.push_back(example);
}

void PairPlaces::begin_corpus(PairNumber first, std::string source, std::string target) {
  corpora_.push_back({first, std::move(source), std::move(target)});
}

std::size_t PairPlaces::corpus(PairNumber pair) const {
  const auto after = std::ranges::upper_bound(corpora_, pair, {}, &Corpus::first);
  return static_cast<std::size_t>(std::distance(corpora_.begin(), after)) - 1;
}

Place PairPlaces::source(PairNumber pair, std::string text) const {
  const Corpus& place = corpora_[corpus(pair)];
  return {place.source, pair - place.first + 1, std::move(text)};
}

Place PairPlaces::target(PairNumber pair, std::string text) const {
  const Corpus& place = corpora_[corpus(pair)];
  return {place.target, pair - place.first + 1, std::move(text)};
}

}  // namespace dragoman
