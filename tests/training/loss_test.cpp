#include "dragoman/training/loss.h"

#include <ATen/ATen.h>

#include "tests/support/catch.h"
#include "tests/support/close.h"
#include "tests/training/uneven_batch.h"

using dragoman_test::difference;
using dragoman_test::dropping_model;
using dragoman_test::uneven_batch;

namespace {

/// What one pass says of the real positions of a sentence.
struct Pass {
  at::Tensor words;     ///< [N, V] log-probabilities of the generator
  at::Tensor places;    ///< [N, S]; undefined without a copy head
  at::Tensor generate;  ///< [N]
  at::Tensor copy;      ///< [N]
};

/// Both passes over the batch, run as the loss runs them: the batch after itself.
std::pair<Pass, Pass> two_passes(dragoman::Transformer& model, const dragoman::Batch& batch) {
  const auto twice = [](const at::Tensor& x) { return at::cat({x, x}); };
  const at::Tensor mask = dragoman::padding_mask(twice(batch.source_lengths), batch.source.size(1));
  const at::Tensor copy_ids = batch.copy_ids.defined() ? twice(batch.copy_ids) : at::Tensor();
  auto state = model->start(model->encode(twice(batch.source), mask), mask, false, {copy_ids, 1});
  const at::Tensor hidden = model->decode(twice(batch.target_input), state);
  const at::Tensor real =
      dragoman::padding_mask(batch.target_lengths, batch.target_input.size(1)).flatten();
  dragoman::Pointing pointing;
  if (model->copy_head()) {
    const at::Tensor said =
        at::cat({twice(batch.target_input).narrow(1, 0, 1),
                 twice(batch.target_output).narrow(1, 0, batch.target_output.size(1) - 1)},
                1);
    pointing = model->copy_head()->point(hidden, said, state);
  }
  const auto pass = [&](std::int64_t first) {
    const auto rows = [&](const at::Tensor& x) {
      const at::Tensor flat = x.narrow(0, first, batch.sentences()).flatten(0, 1);
      return flat.index_select(0, real.nonzero().squeeze(1)).to(at::kDouble);
    };
    Pass result{rows(model->head()->log_probs(hidden)), {}, {}, {}};
    if (pointing.log_weights.defined())
      result = {result.words, rows(pointing.log_weights), rows(pointing.log_generate),
                rows(pointing.log_copy)};
    return result;
  };
  return {pass(0), pass(batch.sentences())};
}

/// KL(p || q) over the last dimension, of logarithms; words that cannot be add nothing.
at::Tensor divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
  return at::where(log_p.gt(-100), log_p.exp() * (log_p - log_q), 0.0).sum(-1);
}

}  // namespace

TEST_CASE("R-Drop adds the divergence of two passes to their mean loss", "[loss]") {
  for (const bool copies : {false, true}) {
    CAPTURE(copies);
    const dragoman::Batch batch = uneven_batch(copies);
    dragoman::Transformer model = dropping_model(copies);
    const auto loss = [&](double r_drop) {
      at::manual_seed(5);  // the same dropout
      return dragoman::batch_loss(model, batch, {{.label_smoothing = 0.1}, r_drop});
    };
    // The divergence is linear in alpha, so the cross-entropy is what a vanishing alpha leaves.
    const dragoman::TokenLoss none = loss(1e-9);
    const dragoman::TokenLoss some = loss(4.0);
    at::manual_seed(5);
    const auto [p, q] = two_passes(model, batch);
    at::Tensor expected = divergence(p.words, q.words) + divergence(q.words, p.words);
    if (copies) {
      const auto one_way = [](const Pass& a, const Pass& b) {
        const at::Tensor gate =
            a.generate.exp() * (a.generate - b.generate) + a.copy.exp() * (a.copy - b.copy);
        return gate + a.generate.exp() * divergence(a.words, b.words) +
               a.copy.exp() * divergence(a.places, b.places);
      };
      expected = one_way(p, q) + one_way(q, p);
    }
    CHECK(expected.sum().item<double>() > 0.05);
    CHECK(difference(some.loss - none.loss, expected.sum(), 1e-5) == "");
    CHECK(difference(some.nll, none.nll, 1e-6) == "");
    if (!copies) {
      const at::Tensor targets = at::tensor({7, 8, 3, 11, 9, 13, 14, 3}, at::kLong).unsqueeze(1);
      const at::Tensor mean =
          (p.words.gather(1, targets) + q.words.gather(1, targets)).sum() * -0.5;
      CHECK(difference(none.nll, mean, 1e-5) == "");
    }
    some.loss.backward();
    for (const auto& parameter : model->named_parameters()) {
      CAPTURE(parameter.key());
      CHECK(parameter.value().grad().isfinite().all().item<bool>());
    }
  }
}
