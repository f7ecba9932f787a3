#include "dragoman/training/warm_start.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "dragoman/data/error.h"
#include "dragoman/modules/weights.h"

namespace dragoman {
namespace {

constexpr std::size_t kNamesShown = 12;

enum class VocabularySide { none, source, target };

VocabularySide vocabulary_of(std::string_view name) {
  if (name == "source_embedding.weight") return VocabularySide::source;
  if (name == "target_embedding.weight" || name == "output_head.weight" ||
      name == "output_head.bias")
    return VocabularySide::target;
  return VocabularySide::none;
}

/// The name under which the old model stores what the new one calls `name`.
std::string stored_name(const std::string& name, TiedEmbeddings tied) {
  const bool is_output = name == "output_head.weight";
  const bool is_target = name == "target_embedding.weight";
  switch (tied) {
    case TiedEmbeddings::all:
      if (is_output || is_target) return "source_embedding.weight";
      break;
    case TiedEmbeddings::source_target:
      if (is_target) return "source_embedding.weight";
      break;
    case TiedEmbeddings::target_output:
      if (is_output) return "target_embedding.weight";
      break;
    case TiedEmbeddings::source_output:
      if (is_output) return "source_embedding.weight";
      break;
    case TiedEmbeddings::none:
      break;
  }
  return name;
}

/// The old rows whose mean a new piece starts from; empty: none.
struct RowSource {
  std::vector<std::int64_t> rows{};
  bool is_known = false;  ///< it is an old piece itself
};
using RowSources = std::vector<RowSource>;

/// Old pieces that spell `piece`, the longest first from the left; what none begins is passed over.
std::vector<std::int64_t> spelled(const std::string& piece,
                                  const std::unordered_map<std::string, std::int64_t>& old) {
  std::vector<std::int64_t> rows;
  for (std::size_t begin = 0; begin < piece.size();) {
    std::size_t length = piece.size() - begin;
    for (; length > 0; --length) {
      const auto found = old.find(piece.substr(begin, length));
      if (found == old.end()) continue;
      rows.push_back(found->second);
      break;
    }
    begin += std::max<std::size_t>(length, 1);
  }
  return rows;
}

RowSources row_sources(const Tokenizer& now, const Tokenizer& before) {
  std::unordered_map<std::string, std::int64_t> old;
  for (std::int32_t id = 0; id < before.size(); ++id)
    old.emplace(before.piece(id), id);
  RowSources sources(static_cast<std::size_t>(now.size()));
  for (std::int32_t id = 0; id < now.size(); ++id) {
    const std::string piece = now.piece(id);
    const auto known = old.find(piece);
    RowSource& row = sources[static_cast<std::size_t>(id)];
    // Special pieces may have other names; what they are for is the same.
    if (known != old.end())
      row = {{known->second}, true};
    else if (id == now.unknown_id())
      row = {{before.unknown_id()}, true};
    else if (id == now.begin_id())
      row = {{before.begin_id()}, true};
    else if (id == now.end_id())
      row = {{before.end_id()}, true};
    else if (id == now.pad_id())
      row = {{before.pad_id()}, true};
    else
      row.rows = spelled(piece, old);
  }
  return sources;
}

/// parameter [V, ...], old [V', ...]: rows are copied or averaged, in place.
void take_rows(const at::Tensor& parameter, const at::Tensor& old, const RowSources& sources) {
  for (std::size_t row = 0; row < sources.size(); ++row)
    if (!sources[row].rows.empty())
      parameter[static_cast<std::int64_t>(row)].copy_(
          old.index_select(0, at::tensor(sources[row].rows, at::kLong)).mean(0));
}

void count_rows(const RowSources& sources, WarmStartReport& report) {
  for (const auto& [rows, is_known] : sources)
    ++(is_known ? report.pieces_known
                : (rows.empty() ? report.pieces_new : report.pieces_composed));
}

std::string listed(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kNamesShown);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

WarmStartReport warm_start(Transformer& model, const Pretrained& old, const Tokenizer& source,
                           const Tokenizer& target) {
  const at::NoGradGuard no_grad;
  WarmStartReport report;
  std::set<std::string> used;
  std::map<VocabularySide, RowSources> sources;
  const bool is_joint =
      source.bytes() == target.bytes() && old.source.bytes() == old.target.bytes();
  for (const auto& [name, parameter] : named_weights(*model)) {
    const auto found = old.weights.find(stored_name(name, old.tied));
    if (found == old.weights.end()) {
      report.random.push_back(name);
      continue;
    }
    used.insert(found->first);
    const at::Tensor& value = found->second;
    VocabularySide side = vocabulary_of(name);
    if (is_joint && side == VocabularySide::target) side = VocabularySide::source;
    const Tokenizer& now = side == VocabularySide::source ? source : target;
    const Tokenizer& before = side == VocabularySide::source ? old.source : old.target;
    const bool is_vocabulary = side != VocabularySide::none;
    const bool is_same_vocabulary = !is_vocabulary || now.bytes() == before.bytes();
    if (is_same_vocabulary && value.sizes() == parameter.sizes()) {
      parameter.copy_(value);
      report.taken.push_back(name);
    } else if (is_vocabulary && value.dim() == parameter.dim() && value.size(0) == before.size() &&
               value.sizes().slice(1) == parameter.sizes().slice(1)) {
      auto [rows, is_new] = sources.try_emplace(side);
      if (is_new) {
        rows->second = row_sources(now, before);
        count_rows(rows->second, report);
      }
      take_rows(parameter, value, rows->second);
      report.by_piece.push_back(name);
    } else {
      report.misshapen.push_back(fmt::format("{} (has shape {}, the model needs {})", name,
                                             c10::str(value.sizes()), c10::str(parameter.sizes())));
    }
  }
  for (const auto& [name, value] : old.weights)
    if (!used.contains(name)) report.unused.push_back(name);
  return report;
}

void log_warm_start(const WarmStartReport& report, const std::string& path, Log& log) {
  if (report.taken.empty() && report.by_piece.empty())
    throw UsageError(fmt::format(
        "{}: no parameter fits the model{}. Give it the widths and the number of layers of that "
        "model (dragoman inspect {}).",
        path, report.misshapen.empty() ? std::string() : ", e.g. " + report.misshapen.front(),
        path));
  log.info(fmt::format("starting from {}: {} parameters taken", path,
                       report.taken.size() + report.by_piece.size()));
  if (!report.by_piece.empty())
    log.info(
        fmt::format("starting from {}: {} by piece: {} pieces known, {} made of old pieces, "
                    "{} new",
                    path, listed(report.by_piece), report.pieces_known, report.pieces_composed,
                    report.pieces_new));
  if (!report.random.empty())
    log.info(fmt::format("not in it, left random: {}", listed(report.random)));
  if (!report.misshapen.empty())
    log.warn(fmt::format("of another shape in it, left random: {}", listed(report.misshapen)));
  if (!report.unused.empty()) log.warn(fmt::format("in it, not used: {}", listed(report.unused)));
}

}  // namespace dragoman
