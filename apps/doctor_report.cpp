// What the doctor says, for people and for programs.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "apps/doctor.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(Severity value) {
  for (const auto& [name, severity] : names(Severity{}))
    if (severity == value) return name;
  return {};
}

/// Characters that would move a terminal's cursor become visible.
std::string printable(std::string_view text) {
  std::string shown;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7F)
      shown += fmt::format("\\x{:02X}", value);
    else
      shown += byte;
  }
  return shown;
}

std::string show(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) text += fmt::format(":{}", place.line);
  if (!place.text.empty()) text += "  " + printable(place.text);
  return text;
}

std::string plural(std::int64_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

std::string duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 90 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return seconds < 48 * 3600 ? fmt::format("{:.1f} h", seconds / 3600)
                             : fmt::format("{:.1f} days", seconds / 86400);
}

/// Places that belong together stand on one line each; a note shows the first.
void write_finding(const Finding& finding, std::string& out) {
  const std::string indent(9, ' ');
  out += fmt::format("{:<9}{}: {}{}\n", name_of(finding.severity), finding.subject, finding.message,
                     finding.total > 0 && finding.count > 0 && finding.check != "copy-head"
                         ? fmt::format(" ({})", percent(finding.count, finding.total))
                         : "");
  const bool is_pair = finding.check == "leak" || finding.check == "source-leak" ||
                       finding.check == "duplicates" || finding.check.starts_with("several-");
  const std::size_t step = is_pair ? 2 : 1;
  const std::size_t shown =
      finding.severity == Severity::note ? step : 2 * step + (is_pair ? 0 : 1);
  for (std::size_t at = 0; at + step <= std::min(shown, finding.examples.size()); at += step)
    out += indent + show(finding.examples[at]) +
           (is_pair ? "  and  " + show(finding.examples[at + 1]) : "") + '\n';
  if (finding.severity != Severity::note && !finding.advice.empty())
    out += fmt::format("{}-> {}\n", indent, finding.advice);
  else if (!finding.advice.empty() &&
           (finding.subject == "settings" || finding.check == "copy-head"))
    out += fmt::format("{}-> {}\n", indent, finding.advice);
}

std::string per_word(const TokenCounts& counts) {
  return counts.words == 0 ? "-"
                           : fmt::format("{:.2f}", static_cast<double>(counts.tokens) /
                                                       static_cast<double>(counts.words));
}

void write_sets(const Diagnosis& diagnosis, std::string& out) {
  out += fmt::format("\n{:<7}{:>10}{:>18}{:>21}{:>15}{:>10}\n", "set", "pairs", "pieces per word",
                     "unknown", "longest", "dropped");
  for (std::size_t index = diagnosis.sets.size(); index-- > 0;) {
    const SetExamination& set = diagnosis.sets[index];
    out += fmt::format("{:<7}{:>10}", set.name, set.pairs);
    if (diagnosis.tokens.empty()) {
      out += '\n';
      continue;
    }
    const TokenExamination& tokens = diagnosis.tokens[index];
    out += fmt::format("{:>18}{:>21}{:>15}{:>10}\n",
                       per_word(tokens.source) + " / " + per_word(tokens.target),
                       percent(tokens.source.unknown, tokens.source.tokens) + " / " +
                           percent(tokens.target.unknown, tokens.target.tokens),
                       fmt::format("{} / {}", tokens.source.longest, tokens.target.longest),
                       percent(tokens.filter.read - tokens.filter.kept, tokens.filter.read));
  }
  if (!diagnosis.tokens.empty())
    out += fmt::format("       (source / target{})\n",
                       diagnosis.train().sample.is_whole()
                           ? ""
                           : fmt::format("; tokens of train from an even sample of {} pairs",
                                         diagnosis.train().sample.pairs().size()));
}

void write_training(const Diagnosis& diagnosis, std::string& out) {
  if (diagnosis.parameters > 0)
    out += fmt::format("\nmodel  {:.2f} M parameters\n",
                       static_cast<double>(diagnosis.parameters) / 1e6);
  if (!diagnosis.epoch) return;
  const EpochEstimate& epoch = *diagnosis.epoch;
  out += fmt::format(
      "epoch  {:.0f} batches of {:.0f} pairs, {:.0f} + {:.0f} tokens; {:.1f} % of the tensors is "
      "padding\n",
      epoch.batches, epoch.sentences / epoch.batches, epoch.source_tokens / epoch.batches,
      epoch.target_tokens / epoch.batches, 100 * epoch.padding);
  out += fmt::format("run    {:.0f} updates, {:.1f} epochs", diagnosis.updates(),
                     diagnosis.updates() / diagnosis.updates_per_epoch());
  if (!diagnosis.speed) {
    out += '\n';
    return;
  }
  const double per_epoch = diagnosis.seconds_per_epoch();
  out += fmt::format(
      "; about {} an epoch and {} in all, validation not counted\n"
      "speed  {:.0f} target tokens/s in {} on this machine, as busy as it is now{}",
      duration(per_epoch),
      duration(per_epoch * diagnosis.updates() / diagnosis.updates_per_epoch()),
      diagnosis.speed->tokens_per_second, plural(diagnosis.speed->updates, "update"),
      diagnosis.speed->updates < 3 ? " (a rough figure)" : "");
  if (diagnosis.speed->peak_bytes > 0)
    out += diagnosis.speed->peak_bytes < 1e9
               ? fmt::format("; memory about {:.0f} MB", diagnosis.speed->peak_bytes / 1e6)
               : fmt::format("; memory about {:.1f} GB", diagnosis.speed->peak_bytes / 1e9);
  out += '\n';
}

Json json_of(const Place& place) {
  Json json{{"file", place.file}};
  if (place.line > 0) json["line"] = place.line;
  if (!place.text.empty()) json["text"] = place.text;
  return json;
}

Json json_of(const Finding& finding) {
  Json json{{"severity", name_of(finding.severity)},
            {"check", finding.check},
            {"subject", finding.subject},
            {"message", finding.message}};
  if (finding.total > 0) {
    json["count"] = finding.count;
    json["total"] = finding.total;
  }
  json["examples"] = Json::array();
  for (const Place& place : finding.examples)
    json["examples"].push_back(json_of(place));
  json["advice"] = finding.advice;
  return json;
}

Json json_of(const CopyableShare& share) {
  return {{"words", share.words}, {"rare", share.rare}, {"copyable", share.copyable}};
}

Json json_of(const TokenCounts& counts) {
  return {{"tokens", counts.tokens},
          {"words", counts.words},
          {"unknown", counts.unknown},
          {"copied", counts.copied},
          {"longest", counts.longest}};
}

Json json_of(const FilterCounts& counts) {
  return {{"read", counts.read},
          {"kept", counts.kept},
          {"empty", counts.empty},
          {"too_short", counts.too_short},
          {"too_long", counts.too_long},
          {"ratio", counts.ratio},
          {"cut", counts.cut}};
}

}  // namespace

std::string text_report(const Diagnosis& diagnosis) {
  std::string out = fmt::format("{}: {}, {}, {}\n\n", diagnosis.path,
                                plural(diagnosis.count(Severity::error), "error"),
                                plural(diagnosis.count(Severity::warning), "warning"),
                                plural(diagnosis.count(Severity::note), "note"));
  std::set<std::string> shown;
  std::int64_t more = 0;
  for (const Finding& finding : diagnosis.findings) {
    // One note of a kind will do; the sets differ little in what the tokeniser does not know.
    const bool is_repeated = (finding.severity == Severity::note || finding.check == "unknown") &&
                             finding.subject != "settings" && !shown.insert(finding.check).second;
    if (is_repeated)
      ++more;
    else
      write_finding(finding, out);
  }
  if (more > 0)
    out += fmt::format("{:<9}{} of the same kinds: see --format json\n", "",
                       plural(more, "more finding"));
  write_sets(diagnosis, out);
  write_training(diagnosis, out);
  return out;
}

std::string json_report(const Diagnosis& diagnosis) {
  Json json{{"config", diagnosis.path},
            {"errors", diagnosis.count(Severity::error)},
            {"warnings", diagnosis.count(Severity::warning)},
            {"notes", diagnosis.count(Severity::note)},
            {"findings", Json::array()},
            {"sets", Json::array()}};
  for (const Finding& finding : diagnosis.findings)
    json["findings"].push_back(json_of(finding));
  for (std::size_t index = 0; index < diagnosis.sets.size(); ++index) {
    const SetExamination& set = diagnosis.sets[index];
    Json entry{{"name", set.name}, {"pairs", set.pairs}};
    if (set.name != "train") {
      entry["rare_words"] = json_of(set.folded_words);
      entry["rare_words_between_spaces"] = json_of(set.spaced_words);
    }
    if (!diagnosis.tokens.empty()) {
      const TokenExamination& tokens = diagnosis.tokens[index];
      entry["sampled"] = static_cast<std::int64_t>(set.sample.pairs().size());
      entry["source"] = json_of(tokens.source);
      entry["target"] = json_of(tokens.target);
      entry["filter"] = json_of(tokens.filter);
    }
    json["sets"].push_back(std::move(entry));
  }
  if (diagnosis.parameters > 0) json["parameters"] = diagnosis.parameters;
  if (diagnosis.epoch) {
    const EpochEstimate& epoch = *diagnosis.epoch;
    json["epoch"] = {{"batches", epoch.batches},
                     {"sentences", epoch.sentences},
                     {"source_tokens", epoch.source_tokens},
                     {"target_tokens", epoch.target_tokens},
                     {"padding", epoch.padding}};
    json["updates"] = diagnosis.updates();
  }
  if (diagnosis.speed) {
    json["target_tokens_per_second"] = diagnosis.speed->tokens_per_second;
    json["seconds_per_epoch"] = diagnosis.seconds_per_epoch();
    json["peak_bytes"] = diagnosis.speed->peak_bytes;
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace dragoman
