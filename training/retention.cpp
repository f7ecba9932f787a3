#include "dragoman/training/retention.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace dragoman {

std::vector<std::int64_t> ranked_steps(const std::vector<CheckpointRecord>& records,
                                       Metric metric) {
  std::vector<std::pair<double, std::int64_t>> scored;
  for (const CheckpointRecord& record : records) {
    const auto value = record.scores ? score(*record.scores, metric) : std::nullopt;
    if (value && std::isfinite(*value)) scored.emplace_back(*value, record.step);
  }
  std::ranges::stable_sort(scored, [metric](const auto& left, const auto& right) {
    return is_better(metric, left.first, right.first);
  });
  std::vector<std::int64_t> steps;
  for (const auto& [value, step] : scored)
    steps.push_back(step);
  return steps;
}

std::vector<std::int64_t> last_steps(const std::vector<CheckpointRecord>& records,
                                     std::int64_t count) {
  std::vector<std::int64_t> steps;
  for (const CheckpointRecord& record : records)
    if (!record.is_interruption) steps.push_back(record.step);
  const auto surplus = static_cast<std::int64_t>(steps.size()) - count;
  if (surplus > 0) steps.erase(steps.begin(), steps.begin() + surplus);
  return steps;
}

std::vector<std::int64_t> kept_steps(const std::vector<CheckpointRecord>& records, Metric metric,
                                     std::int64_t keep_last, std::int64_t keep_best) {
  std::set<std::int64_t> kept;
  if (!records.empty()) kept.insert(records.back().step);
  for (const std::int64_t step : last_steps(records, keep_last))
    kept.insert(step);
  for (const std::int64_t step : ranked_steps(records, metric)) {
    if (keep_best-- <= 0) break;
    kept.insert(step);
  }
  return {kept.begin(), kept.end()};
}

}  // namespace dragoman
