#include "dragoman/inference/models/import/weight_map.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

constexpr std::size_t kNamesListed = 40;

std::string listed_names(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kNamesListed);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, "\n  "));
  if (shown < names.size()) text += fmt::format("\n  and {} more", names.size() - shown);
  return text;
}

}  // namespace

WeightMap::WeightMap(std::map<std::string, at::Tensor> foreign, std::string origin)
    : foreign_(std::move(foreign)), origin_(std::move(origin)) {}

at::Tensor WeightMap::find(const std::string& name) const {
  const auto found = foreign_.find(name);
  return found == foreign_.end() ? at::Tensor() : found->second;
}

const at::Tensor* WeightMap::use(const std::string& name) {
  const auto found = foreign_.find(name);
  if (found == foreign_.end()) {
    missing_.push_back(name);
    return nullptr;
  }
  used_.insert(name);
  const at::Tensor& tensor = found->second;
  if (!tensor.is_floating_point())
    throw ModelError(
        fmt::format("{}: {} has type {}, but weights are floating-point numbers. Take a model that "
                    "was not quantised.",
                    origin_, name, c10::toString(tensor.scalar_type())));
  if (!tensor.isfinite().all().item<bool>())
    throw ModelError(fmt::format(
        "{}: {} holds numbers that are not finite. The model is damaged, or its training diverged.",
        origin_, name));
  return &tensor;
}

void WeightMap::put(const std::vector<std::string>& from, const std::string& to,
                    const at::Tensor& tensor, std::string change) {
  if (tensor.scalar_type() != at::kFloat)
    change += fmt::format("{}{} to float32", change.empty() ? "" : ", ",
                          c10::toString(tensor.scalar_type()));
  TORCH_INTERNAL_ASSERT(!ours_.contains(to), to, " is made twice");
  ours_[to] = tensor.to(at::kFloat).contiguous();
  report_.taken.push_back({from, to, std::move(change)});
}

void WeightMap::take(const std::string& from, const std::string& to) {
  if (const at::Tensor* tensor = use(from)) put({from}, to, *tensor, "");
}

void WeightMap::stack(const std::vector<std::string>& from, const std::string& to,
                      Orientation orientation) {
  std::vector<at::Tensor> parts;
  for (const std::string& name : from)
    if (const at::Tensor* tensor = use(name)) parts.push_back(*tensor);
  const bool is_turned = orientation == Orientation::transposed;
  for (at::Tensor& part : parts)
    if (is_turned && part.dim() == 2) part = part.t();
  if (parts.size() != from.size()) return;
  for (std::size_t part = 1; part < parts.size(); ++part)
    if (parts[part].dim() == 0 || parts[part].dim() != parts.front().dim() ||
        parts[part].sizes().slice(1) != parts.front().sizes().slice(1))
      throw ModelError(fmt::format("{}: {} has shape {}, which does not go with {} of {}.", origin_,
                                   from[part], c10::str(parts[part].sizes()), from.front(),
                                   c10::str(parts.front().sizes())));
  std::string change = is_turned ? "transposed" : "";
  if (parts.size() == 1) {
    put(from, to, parts.front(), change);
    return;
  }
  put(from, to, at::cat(parts, 0), change + (is_turned ? ", " : "") + "one above the other");
}

void WeightMap::take_row(const std::string& from, const std::string& to) {
  if (const at::Tensor* tensor = use(from)) put({from}, to, tensor->flatten(), "as a vector");
}

void WeightMap::take_changed(const std::string& from, const std::string& to,
                             const std::function<at::Tensor(const at::Tensor&)>& change,
                             const std::string& what) {
  const at::Tensor* tensor = use(from);
  if (tensor == nullptr) return;
  try {
    put({from}, to, change(tensor->to(at::kFloat)), what);
  } catch (const c10::Error&) {
    throw ModelError(fmt::format("{}: {} has shape {}, which does not fit.", origin_, from,
                                 c10::str(tensor->sizes())));
  }
}

void WeightMap::make(const std::string& to, const at::Tensor& tensor, const std::string& what) {
  put({}, to, tensor, "");
  report_.taken.pop_back();
  report_.made.push_back({to, what});
}

void WeightMap::leave(const std::string& name, const std::string& reason) {
  if (!has(name) || !used_.insert(name).second) return;
  report_.left.push_back({name, reason});
}

std::map<std::string, at::Tensor> WeightMap::finish(ImportReport& report) {
  if (!missing_.empty())
    throw ModelError(
        fmt::format("{}: {} tensor(s) of this family are missing:\n  {}\nTake another copy, or the "
                    "family that the model is of.",
                    origin_, missing_.size(), listed_names(missing_)));
  std::vector<std::string> unknown;
  for (const auto& [name, tensor] : foreign_)
    if (!used_.contains(name)) unknown.push_back(name);
  if (!unknown.empty())
    throw ModelError(
        fmt::format("{}: {} tensor(s) are not known of this family, so the network is another "
                    "one:\n  {}",
                    origin_, unknown.size(), listed_names(unknown)));
  for (ImportReport::Taken& taken : report_.taken)
    report.taken.push_back(std::move(taken));
  for (ImportReport::Left& left : report_.left)
    report.left.push_back(std::move(left));
  for (ImportReport::Left& made : report_.made)
    report.made.push_back(std::move(made));
  return std::move(ours_);
}

}  // namespace dragoman
