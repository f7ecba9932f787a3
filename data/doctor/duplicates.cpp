#include "dragoman/data/doctor/duplicates.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

namespace dragoman {

namespace {

constexpr std::size_t kShown = 2;

std::array<std::uint32_t, 2> halves(std::uint64_t hash) {
  return {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(hash)};
}

/// Keeps the groups that begin first, whatever order they are met in.
class FirstGroups {
 public:
  void add(std::uint32_t first, std::uint32_t other) {
    if (groups_.size() == kShown && first > groups_.back().first) return;
    groups_.emplace_back(first, other);
    std::ranges::sort(groups_);
    if (groups_.size() > kShown) groups_.pop_back();
  }
  [[nodiscard]] std::vector<Place> places(const PairPlaces& of, Side side) const {
    std::vector<Place> places;
    for (const auto& [first, other] : groups_)
      for (const std::uint32_t pair : {first, other})
        places.push_back(side == Side::source ? of.source(pair) : of.target(pair));
    return places;
  }

 private:
  std::vector<std::pair<std::uint32_t, std::uint32_t>> groups_;
};

}  // namespace

struct Duplicates::Counts {
  std::int64_t repeated = 0;     ///< pairs that occurred before
  std::int64_t conflicting = 0;  ///< pairs whose line has several counterparts
  std::int64_t groups = 0;       ///< such lines
  FirstGroups first_repeated;
  FirstGroups first_conflicting;
};

void Duplicates::append(Parts& parts, const Entry& entry) {
  auto& part = parts[entry.key[0] >> 24];
  if (part.size() == part.capacity()) part.reserve(part.size() + part.size() / 8 + 64);
  part.push_back(entry);
}

void Duplicates::add(PairNumber pair, const PairHash& hash) {
  append(parts_, {halves(hash.source), halves(hash.target), static_cast<std::uint32_t>(pair)});
}

void Duplicates::count(Parts& parts, Counts& counts) {
  for (auto& part : parts) {
    std::ranges::sort(part, {}, [](const Entry& entry) {
      return std::tuple(entry.key, entry.other, entry.pair);
    });
    for (auto begin = part.begin(); begin != part.end();) {
      const auto end = std::find_if(begin, part.end(),
                                    [&](const Entry& entry) { return entry.key != begin->key; });
      auto other = end;  // the first entry with another counterpart
      std::uint32_t first = begin->pair;
      for (auto entry = begin; entry != end; ++entry) {
        if (entry == begin) continue;
        first = std::min(first, entry->pair);
        if (entry->other == std::prev(entry)->other) {
          ++counts.repeated;
          counts.first_repeated.add(std::prev(entry)->pair, entry->pair);
        } else if (other == end || entry->pair < other->pair) {
          other = entry;
        }
      }
      if (other != end) {
        ++counts.groups;
        counts.conflicting += end - begin;
        const auto [least, most] = std::minmax(begin->pair, other->pair);
        counts.first_conflicting.add(least, most);
      }
      begin = end;
    }
  }
}

void Duplicates::swap_sides() {
  Parts swapped;
  for (auto& part : parts_) {
    for (const Entry& entry : part)
      append(swapped, {entry.other, entry.key, entry.pair});
    std::vector<Entry>().swap(part);
  }
  parts_ = std::move(swapped);
}

void Duplicates::report(const ReportedSet& set, std::vector<Finding>& findings) {
  Counts by_source;
  count(parts_, by_source);
  const auto severity = [&](std::int64_t count) {
    return set.name == "train" && 10 * count > set.pairs ? Severity::warning : Severity::note;
  };
  if (by_source.repeated > 0)
    findings.push_back(
        {severity(by_source.repeated), "duplicates", set.name,
         fmt::format("pairs that repeat an earlier one: {}", by_source.repeated),
         by_source.repeated, set.pairs, by_source.first_repeated.places(set.places, Side::source),
         "Training gives them more weight. Keep one of each, unless that is meant."});
  if (by_source.groups > 0)
    findings.push_back({severity(by_source.conflicting), "several-targets", set.name,
                        fmt::format("sources with several targets: {}, in {} pairs",
                                    by_source.groups, by_source.conflicting),
                        by_source.conflicting, set.pairs,
                        by_source.first_conflicting.places(set.places, Side::target),
                        "No model can get all of them right; their share bounds the exact match."});
  swap_sides();
  Counts by_target;
  count(parts_, by_target);
  if (by_target.groups > 0)
    findings.push_back(
        {Severity::note, "several-sources", set.name,
         fmt::format("targets with several sources: {}, in {} pairs", by_target.groups,
                     by_target.conflicting),
         by_target.conflicting, set.pairs,
         by_target.first_conflicting.places(set.places, Side::target),
         "Common in translations; a great share hints at boilerplate or misalignment."});
  parts_ = {};
}

}  // namespace dragoman
