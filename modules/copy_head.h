// The pointer-generator head (See et al. 2017; Gu et al. 2016): the decoder generates a word of the
// vocabulary, or copies a source position:
//
//   p(w) = p_gen softmax(W h)_w + (1 - p_gen) sum of a_i over positions i with ids_i = w
//
// with a the pointer's attention and p_gen = sigmoid(gate [h; sum of a_i key_i]). Words that are in
// no vocabulary have ids V, V + 1, ..., numbered anew for each sentence. Everything is kept as
// logarithms; training and scoring compute the target's probability alone.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <vector>

#include "dragoman/modules/decoder_state.h"
#include "dragoman/modules/linear.h"
#include "dragoman/modules/model_config.h"
#include "dragoman/modules/output_head.h"

namespace dragoman {

/// Where T target positions of R rows point, and whether they copy. float32 (float64 in a float64
/// model).
struct Pointing {
  at::Tensor log_weights;   ///< [R, T, S] log a; very negative at padding
  at::Tensor log_generate;  ///< [R, T] log p_gen
  at::Tensor log_copy;      ///< [R, T] log (1 - p_gen)
};

struct CopyLossOptions {
  double label_smoothing = 0.0;  ///< on the generated part alone
  bool force_copying = false;    ///< words that stand in the source are trained as copies only
  double coverage_loss = 0.0;    ///< weight of sum over i of min(a_i, earlier a_i) (See et al.)
};

class CopyHeadImpl : public torch::nn::Module {
 public:
  explicit CopyHeadImpl(const ModelConfig& config);

  /// memory [B, S, encoder D]: projects the pointer's keys, or asks a layer for its scores.
  void start(const at::Tensor& memory, DecoderState& state);

  /// hidden [R, T, D]: what the decoder has just returned with `state` for `tokens` [R, T] int64,
  /// in which words of no vocabulary have their own ids. To be called once after each decoder call.
  Pointing point(const at::Tensor& hidden, const at::Tensor& tokens, DecoderState& state);

  /// hidden [B, T, D], targets [B, T] int64, below 0: ignored. Sums as in OutputHead::loss.
  /// `correct` compares with the most probable generated and the most probable copied word, each
  /// without what the other way adds to it.
  static TokenLoss loss(OutputHead& words, const at::Tensor& hidden, const Pointing& pointing,
                        const at::Tensor& ids, const at::Tensor& targets,
                        const CopyLossOptions& options);

 private:
  at::Tensor scores(const at::Tensor& hidden, const DecoderState& state);
  void look_back(at::Tensor& scores, DecoderState& state);
  std::vector<at::Tensor> following(const at::Tensor& tokens, DecoderState& state) const;

  CopyHeadConfig config_;
  std::int64_t layer_;
  Linear query_{nullptr};
  Linear key_{nullptr};
  Linear gate_{nullptr};
  at::Tensor coverage_;  ///< [1]: score per unit of earlier weight
  /// [kFollowed]: what a position gains when the word before it was said last, the two words before
  /// it were said last, ...; and what generating gains when there is such a position.
  at::Tensor follow_;
  at::Tensor follow_gate_;
};
TORCH_MODULE(CopyHead);

/// log of what copying gives each target: log (1 - p_gen) + log of the weights where ids [B, S]
/// equal targets [B, T] -> [B, T]; about -1e9 where the source does not hold the target.
[[nodiscard]] at::Tensor copied_log_probs(const Pointing& pointing, const at::Tensor& ids,
                                          const at::Tensor& targets);

/// The whole mixture after one position: words [R, V] log softmax, pointing with T = 1, ids [B, S],
/// R a multiple of B -> [R, V + extra_words] log-probabilities. For devices and for mixtures that
/// need every word; search on the CPU does without.
[[nodiscard]] at::Tensor mixture_log_probs(const at::Tensor& words, const Pointing& pointing,
                                           const at::Tensor& ids, std::int64_t extra_words);

}  // namespace dragoman
