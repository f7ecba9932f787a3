#include "dragoman/modules/copy_head.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "dragoman/modules/masks.h"
#include "dragoman/modules/shape.h"

namespace dragoman {
namespace {

/// So many words back the pointer compares the source with the output.
constexpr std::int64_t kFollowed = 3;

/// Stands for log 0 where minus infinity would make gradients NaN.
constexpr double kLogZero = -1e9;

/// ids [B, S], targets [B, T] -> [B, T, S].
at::Tensor holds_target(const at::Tensor& ids, const at::Tensor& targets) {
  return ids.unsqueeze(1).eq(targets.unsqueeze(2));
}

/// x [..., S] bool: moved one position to the right.
at::Tensor moved(const at::Tensor& x) {
  return at::constant_pad_nd(x.narrow(-1, 0, x.size(-1) - 1), {1, 0}, 0);
}

/// log of the summed weights of the positions that hold the target, [B, T].
at::Tensor target_weight(const Pointing& pointing, const at::Tensor& holds) {
  return at::logsumexp(pointing.log_weights.masked_fill(holds.logical_not(), kLogZero), {-1});
}

}  // namespace

CopyHeadImpl::CopyHeadImpl(const ModelConfig& config)
    : config_(config.copy_head),
      layer_(config_.layer == 0 ? config.attention_layers() - 1 : config_.layer - 1) {
  const std::int64_t dim = config.decoder.dim;
  std::int64_t key_dim = config.decoder.used_head_dim();
  if (config_.pointer == PointerKind::dedicated) {
    key_dim = config_.dim == 0 ? dim : config_.dim;
    query_ = register_module("query", Linear(dim, key_dim));
    key_ = register_module("key", Linear(config.encoder.dim, key_dim));
  }
  gate_ = register_module("gate", Linear(dim + key_dim, 1));
  if (config_.coverage) coverage_ = register_parameter("coverage", at::empty({1}));
  if (config_.follow) {
    follow_ = register_parameter("follow", at::empty({kFollowed}));
    follow_gate_ = register_parameter("follow_gate", at::empty({kFollowed}));
  }
}

void CopyHeadImpl::start(const at::Tensor& memory, DecoderState& state) {
  TORCH_CHECK(state.copying.ids.defined(), "the copy head needs the copy ids of the source");
  check_shape(state.copying.ids, {memory.size(0), memory.size(1)}, "copy ids");
  if (key_)
    state.copying.keys = key_(memory);  // [B, S, P]
  else
    state.layers.at(static_cast<std::size_t>(layer_)).keep_scores = true;
}

/// [B, R / B * T, S].
at::Tensor CopyHeadImpl::scores(const at::Tensor& hidden, const DecoderState& state) {
  if (!key_)
    return state.layers[static_cast<std::size_t>(layer_)].cross_scores.select(1, config_.head - 1);
  const at::Tensor& keys = state.copying.keys;
  const double scale = 1.0 / std::sqrt(static_cast<double>(keys.size(2)));
  const at::Tensor queries = (query_(hidden) * scale).view({keys.size(0), -1, keys.size(2)});
  const at::Tensor raw = at::bmm(queries, keys.transpose(1, 2));
  const at::Tensor added = padding_attention_mask(state.memory_mask, raw.scalar_type()).added;
  return added.defined() ? raw + added.squeeze(1) : raw;  // [B, n, S] + [B, 1, S]
}

/// Coverage without a loop over target positions: what was seen are the weights that the pointer
/// would have had without coverage, so that all positions are computed at once in training and one
/// by one in search, with the same result. scores [R, T, S], in place.
void CopyHeadImpl::look_back(at::Tensor& scores, DecoderState& state) {
  const at::Tensor first_look = at::softmax(scores, -1);
  at::Tensor seen = at::cumsum(first_look, 1);  // with the position itself
  if (state.copying.seen.defined()) seen = seen + state.copying.seen.unsqueeze(1);
  if (state.keep_self) state.copying.seen = seen.select(1, seen.size(1) - 1);
  scores = scores + coverage_.to(scores.scalar_type()) * (seen - first_look);
}

/// kFollowed tensors [R, T, S] bool: number k is true where the k + 1 words before a position are
/// the last k + 1 words of the output. A name of many pieces is then copied on by looking one place
/// further, and not by finding each piece anew.
std::vector<at::Tensor> CopyHeadImpl::following(const at::Tensor& tokens,
                                                DecoderState& state) const {
  const at::Tensor& ids = state.copying.ids;  // [B, S]
  const std::int64_t rows = tokens.size(0);
  const std::int64_t length = tokens.size(1);
  at::Tensor after =
      moved(ids.unsqueeze(1).eq(tokens.reshape({ids.size(0), -1, 1})));  // [B, R / B * T, S]
  // Behind the last word is padding, or nothing in the batch's longest sentence.
  if (state.memory_mask.defined()) after = after.logical_and(state.memory_mask.unsqueeze(1));
  std::vector<at::Tensor> levels{after.view({rows, length, ids.size(1)})};
  for (std::int64_t level = 1; level < kFollowed; ++level) {
    const at::Tensor before = state.copying.followed.defined()
                                  ? state.copying.followed.select(1, level - 1).unsqueeze(1)
                                  : at::zeros_like(levels.back().narrow(1, 0, 1));
    const at::Tensor earlier = at::cat({before, levels.back().narrow(1, 0, length - 1)}, 1);
    levels.push_back(levels.front().logical_and(moved(earlier)));
  }
  if (state.keep_self) {
    std::vector<at::Tensor> last;
    for (std::int64_t level = 0; level + 1 < kFollowed; ++level)
      last.push_back(levels[static_cast<std::size_t>(level)].select(1, length - 1));
    state.copying.followed = at::stack(last, 1);  // [R, kFollowed - 1, S]
  }
  return levels;
}

Pointing CopyHeadImpl::point(const at::Tensor& hidden, const at::Tensor& tokens,
                             DecoderState& state) {
  const at::Tensor raw = at_least_float(scores(hidden, state));                    // [B, n, S]
  at::Tensor scores = raw.reshape({hidden.size(0), hidden.size(1), raw.size(2)});  // [R, T, S]
  if (config_.coverage) look_back(scores, state);
  std::vector<at::Tensor> levels;
  if (config_.follow) levels = following(tokens, state);
  for (std::size_t level = 0; level < levels.size(); ++level)
    scores =
        scores + levels[level] * follow_[static_cast<std::int64_t>(level)].to(scores.scalar_type());
  const at::Tensor log_weights = at::log_softmax(scores, -1);

  const at::Tensor keys =
      key_ ? state.copying.keys
           : state.layers[static_cast<std::size_t>(layer_)].cross_keys.select(1, config_.head - 1);
  const at::Tensor context =
      at::bmm(log_weights.exp().to(keys.scalar_type()).view({keys.size(0), -1, keys.size(1)}), keys)
          .view({hidden.size(0), hidden.size(1), keys.size(2)});                        // [R, T, P]
  at::Tensor gate = at_least_float(gate_(at::cat({hidden, context}, -1)).squeeze(-1));  // [R, T]
  for (std::size_t level = 0; level < levels.size(); ++level)
    gate = gate + levels[level].any(-1) *
                      follow_gate_[static_cast<std::int64_t>(level)].to(gate.scalar_type());
  return {log_weights, at::log_sigmoid(gate), at::log_sigmoid(-gate)};
}

TokenLoss CopyHeadImpl::loss(OutputHead& words, const at::Tensor& hidden, const Pointing& pointing,
                             const at::Tensor& ids, const at::Tensor& targets,
                             const CopyLossOptions& options) {
  check_shape(targets, {hidden.size(0), hidden.size(1)}, "targets");
  const std::int64_t vocabulary = words->vocabulary();
  const at::Tensor holds = holds_target(ids, targets);  // [B, T, S]
  const at::Tensor valid = targets.ge(0);               // [B, T]
  at::Tensor wanted = targets;
  if (options.force_copying)
    wanted = at::where(holds.any(-1).logical_and(valid), vocabulary, targets);

  const at::Tensor log_odds = pointing.log_copy - pointing.log_generate;  // [B, T]
  const at::Tensor rival =
      pointing.log_weights.detach().masked_fill(holds, kLogZero).amax(-1) + log_odds.detach();
  TokenLoss sums = words->loss(
      hidden.reshape({-1, hidden.size(2)}), wanted.reshape({-1}), options.label_smoothing,
      {(target_weight(pointing, holds) + log_odds).reshape({-1}), rival.reshape({-1})});
  const at::Tensor smoothed =
      wanted.lt(vocabulary).to(log_odds.scalar_type()) * options.label_smoothing;
  const at::Tensor factor = (1.0 - smoothed) * valid;  // [B, T]
  sums.loss = sums.loss - (pointing.log_generate * factor).sum();
  sums.nll = sums.nll - (pointing.log_generate.detach() * valid).sum();
  if (options.coverage_loss > 0.0) {
    const at::Tensor weights = pointing.log_weights.exp();     // [B, T, S]
    const at::Tensor seen = at::cumsum(weights, 1) - weights;  // earlier ones
    const at::Tensor twice = at::minimum(weights, seen).sum(-1) * valid;
    sums.loss = sums.loss + options.coverage_loss * twice.sum();
  }
  return sums;
}

at::Tensor copied_log_probs(const Pointing& pointing, const at::Tensor& ids,
                            const at::Tensor& targets) {
  return target_weight(pointing, holds_target(ids, targets)) + pointing.log_copy;
}

at::Tensor mixture_log_probs(const at::Tensor& words, const Pointing& pointing,
                             const at::Tensor& ids, std::int64_t extra_words) {
  const std::int64_t rows = words.size(0);
  at::Tensor log_probs = words + pointing.log_generate;  // [R, V] + [R, 1]
  if (extra_words > 0)
    log_probs =
        at::constant_pad_nd(log_probs, {0, extra_words}, -std::numeric_limits<double>::infinity());
  const at::Tensor copied = pointing.log_weights.squeeze(1) + pointing.log_copy;  // [R, S]
  // Padding yields no word: its weight is nothing, wherever it is put.
  const at::Tensor places = ids.clamp_min(0).repeat_interleave(rows / ids.size(0), 0);  // [R, S]
  const at::Tensor mass = at::zeros_like(log_probs).scatter_add_(1, places, copied.exp());
  return at::logaddexp(log_probs, mass.log());
}

}  // namespace dragoman
