#include "dragoman/inference/models/candidates.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "dragoman/inference/kernels/top_k.h"

namespace dragoman {
namespace {

Candidates on_device(const at::Tensor& scores, Scores kind, const CandidateRequest& request) {
  const std::int64_t rows = scores.size(0);
  // Enough that the wanted ones remain when all forbidden ones are among them.
  const std::int64_t taken = std::min<std::int64_t>(
      request.count + static_cast<std::int64_t>(request.forbidden.size()), scores.size(1));
  auto [values, ids] = at::topk(scores, taken, 1, true, true);  // [R, taken]
  if (kind == Scores::logits) values = values - at::logsumexp(scores, {1}, true);
  const at::Tensor packed =
      at::stack({values.to(at::kDouble), ids.to(at::kDouble)}).cpu().contiguous();  // [2, R, taken]
  const double* value = packed.const_data_ptr<double>();
  const double* id = value + rows * taken;

  Candidates best{
      request.count, std::vector<std::int64_t>(rows * request.count, -1),
      std::vector<float>(rows * request.count, -std::numeric_limits<float>::infinity())};
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t kept = row * request.count;
    for (std::int64_t rank = row * taken; rank < (row + 1) * taken; ++rank) {
      const auto token = static_cast<std::int64_t>(id[rank]);
      if (std::ranges::find(request.forbidden, token) != request.forbidden.end()) continue;
      if (kept == (row + 1) * request.count) break;
      best.ids[kept] = token;
      best.log_probs[kept++] = static_cast<float>(value[rank]);
    }
  }
  return best;
}

}  // namespace

namespace {

/// scores [R, words].
void add_required(const at::Tensor& scores, Scores kind, const CandidateRequest& request,
                  Candidates& best) {
  if (request.required.empty()) return;
  const std::int64_t rows_per_sentence =
      scores.size(0) / static_cast<std::int64_t>(request.required.size());
  const at::Tensor log_probs =
      kind == Scores::logits ? scores - at::logsumexp(scores, {1}, true) : scores;
  const at::Tensor host = log_probs.cpu().contiguous();
  for (std::int64_t row = 0; row < host.size(0); ++row) {
    std::vector<float>& wanted = best.required.emplace_back();
    for (const std::int64_t id : request.required[row / rows_per_sentence])
      wanted.push_back(host.const_data_ptr<float>()[row * host.size(1) + id]);
  }
}

}  // namespace

Candidates best_of_rows(const at::Tensor& scores, Scores kind, const CandidateRequest& request) {
  TORCH_CHECK(scores.dim() == 2 && scores.scalar_type() == at::kFloat,
              "candidates: scores must be [R, V] float32, got ", scores.sizes(), " ",
              scores.scalar_type());
  if (!scores.is_cpu()) {
    Candidates best = on_device(scores, kind, request);
    add_required(scores, kind, request, best);
    return best;
  }
  const at::Tensor rows = scores.stride(1) == 1 ? scores : scores.contiguous();
  Candidates best{request.count, std::vector<std::int64_t>(rows.size(0) * request.count),
                  std::vector<float>(rows.size(0) * request.count)};
  top_k_rows({.scores = rows.const_data_ptr<float>(),
              .rows = rows.size(0),
              .columns = rows.size(1),
              .stride = rows.stride(0),
              .count = request.count,
              .forbidden = request.forbidden,
              .normalize = kind == Scores::logits},
             best.ids.data(), best.log_probs.data());
  add_required(rows, kind, request, best);
  return best;
}

}  // namespace dragoman
