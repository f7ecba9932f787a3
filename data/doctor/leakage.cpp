#include "dragoman/data/doctor/leakage.h"

#include <fmt/core.h>

#include <algorithm>

#include "dragoman/data/corpus_summary.h"
#include "dragoman/data/doctor/words.h"

namespace dragoman {

std::uint64_t folded_hash(std::string_view text, std::string& buffer) {
  buffer.clear();
  for_each_folded_word(text, [&](std::string_view word) { buffer.append(word); });
  return buffer.empty() ? 0 : hash_bytes(buffer);
}

void Leakage::add(const Key& key) {
  if (key.folded.source != 0)
    entries_of_[key.folded.source].push_back(static_cast<std::uint32_t>(entries_.size()));
  entries_.push_back({.key = key});
}

void Leakage::match(const Hit& hit) {
  const auto found = entries_of_.find(hit.key.folded.source);
  if (found == entries_of_.end()) return;
  const auto note = [&hit](PairNumber& first, bool is_equal) {
    if (is_equal && first == kNever) first = hit.pair;
  };
  for (const std::uint32_t index : found->second) {
    Entry& entry = entries_[index];
    const bool has_source = entry.key.exact.source == hit.key.exact.source;
    note(entry.folded_source, true);
    note(entry.folded_pair, entry.key.folded.target == hit.key.folded.target);
    note(entry.source, has_source);
    note(entry.pair, has_source && entry.key.exact.target == hit.key.exact.target);
  }
}

void Leakage::report(const ReportedSet& set, const PairPlaces& train,
                     std::vector<Finding>& findings) const {
  const auto tell = [&](PairNumber Entry::*exact, PairNumber Entry::*folded, const char* check,
                        const char* what, std::int64_t known) -> std::int64_t {
    const auto is_found = [](PairNumber Entry::*pair) {
      return [pair](const Entry& entry) { return entry.*pair != kNever; };
    };
    const std::int64_t count = std::ranges::count_if(entries_, is_found(exact));
    const std::int64_t near = std::ranges::count_if(entries_, is_found(folded));
    PairNumber Entry::*const shown = count > 0 ? exact : folded;
    std::vector<Place> examples;
    for (std::size_t index = 0; index < entries_.size() && examples.size() < 4; ++index) {
      if (entries_[index].*shown == kNever) continue;
      examples.push_back(set.places.source(static_cast<PairNumber>(index)));
      examples.push_back(train.source(entries_[index].*shown));
    }
    if (count == 0 ? near == 0 : count <= known) return count;
    const auto folded_too = near > count ? fmt::format(
                                               "; {} when only letters and digits are "
                                               "compared, without case",
                                               near)
                                         : std::string();
    const bool is_same_data = 2 * count > set.pairs;
    findings.push_back(
        {is_same_data                        ? Severity::error
         : 200 * (count - known) > set.pairs ? Severity::warning
                                             : Severity::note,
         check, set.name,
         fmt::format("{} of {} {} are in train as well{}", count, set.pairs, what, folded_too),
         count, set.pairs, std::move(examples),
         is_same_data ? "This set measures nothing but memory: take one that training does not see."
                      : "The scores on it are too good by that much: remove them from train, or "
                        "report the score without them too."});
    return count;
  };
  const std::int64_t pairs = tell(&Entry::pair, &Entry::folded_pair, "leak", "pairs", 0);
  tell(&Entry::source, &Entry::folded_source, "source-leak", "sources", pairs);
}

}  // namespace dragoman
