#include "dragoman/data/doctor/text_check.h"

#include <fmt/core.h>

#include <algorithm>

namespace dragoman {

namespace {

const char* side_name(Side side) {
  return side == Side::source ? "source" : "target";
}

}  // namespace

std::vector<Place> ReportedSet::examples(const Tally& tally, Side side) const {
  std::vector<Place> found;
  for (const Tally::Example& example : tally.examples())
    found.push_back(side == Side::source ? places.source(example.pair, example.text)
                                         : places.target(example.pair, example.text));
  return found;
}

void TextCheck::add(PairNumber pair, std::string_view line, const LineTraits& traits) {
  const auto count = [&](Tally& tally, std::size_t at) {
    if (at != LineTraits::kNone) tally.add(pair, line, at);
  };
  count(control_, traits.control);
  count(unusual_space_, traits.unusual_space);
  count(mojibake_, traits.mojibake);
  if (traits.has_loose_spaces) loose_spaces_.add(pair, line);
  if (traits.script != LineTraits::kNoScript) scripts_[traits.script].add(pair, line);
}

void TextCheck::add(const TextCheck& later) {
  control_.add(later.control_);
  unusual_space_.add(later.unusual_space_);
  loose_spaces_.add(later.loose_spaces_);
  mojibake_.add(later.mojibake_);
  for (const auto& [script, tally] : later.scripts_)
    scripts_[script].add(tally);
}

std::int32_t TextCheck::main_script() const {
  const auto most = std::ranges::max_element(
      scripts_, {}, [](const auto& entry) { return entry.second.count(); });
  return most == scripts_.end() ? LineTraits::kNoScript : most->first;
}

void TextCheck::report_scripts(const ReportedSet& set, Side side,
                               std::vector<Finding>& findings) const {
  const std::int32_t main = main_script();
  std::int64_t lines = 0;
  for (const auto& [script, tally] : scripts_)
    lines += tally.count();
  for (const auto& [script, tally] : scripts_) {
    if (script == main) continue;
    const bool is_mixed = 10 * tally.count() > lines;
    findings.push_back(
        {tally.count() * 1000 > lines ? Severity::warning : Severity::note, "script", set.name,
         fmt::format("{} lines in {}, where most are in {}: {}", side_name(side),
                     script_name(script), script_name(main), tally.count()),
         tally.count(), set.pairs, set.examples(tally, side),
         is_mixed
             ? "If this is meant to be several languages, mark each with a tag at the start of "
               "the source; else look for what was mixed up."
             : "Probably in another language, or not translated: look at them, and remove the "
               "pairs."});
  }
}

void TextCheck::report(const ReportedSet& set, Side side, std::vector<Finding>& findings) const {
  const auto by_share = [&set](const Tally& tally) {
    return 1000 * tally.count() > set.pairs ? Severity::warning : Severity::note;
  };
  const auto report_tally = [&](const Tally& tally, Severity severity, const char* check,
                                const char* what, const char* advice) {
    if (tally.count() == 0) return;
    findings.push_back({severity, check, set.name,
                        fmt::format("{} lines {}: {}", side_name(side), what, tally.count()),
                        tally.count(), set.pairs, set.examples(tally, side), advice});
  };
  report_scripts(set, side, findings);
  report_tally(mojibake_, by_share(mojibake_), "mojibake",
               "that look wrongly decoded (UTF-8 read as Windows-1252, or U+FFFD)",
               "Decode the original text again, as UTF-8; ftfy repairs what is left.");
  report_tally(control_, by_share(control_), "control",
               "with control characters, or line separators other than a line's end",
               "Delete them; some programs end a line there.");
  report_tally(unusual_space_, Severity::note, "white-space",
               "with tabs, no-break, zero-width or other unusual spaces",
               "Most normalisations of the tokeniser make them plain; \"identity\" does not.");
  report_tally(loose_spaces_, Severity::note, "spaces", "with spaces at an end, or two in a row",
               "An output never has them: an exact match with such a line is impossible.");
}

}  // namespace dragoman
