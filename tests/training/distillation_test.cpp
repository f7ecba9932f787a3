#include "dragoman/training/distillation.h"

#include <ATen/ATen.h>

#include "dragoman/training/loss.h"
#include "dragoman/training/optimizer.h"
#include "dragoman/training/update.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"
#include "tests/training/uneven_batch.h"

using dragoman_test::difference;
using dragoman_test::uneven_batch;

namespace {

dragoman::Transformer seeded_network(bool copies, std::int64_t dim, std::uint64_t seed) {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 1, .dim = dim, .heads = 2, .feed_forward = 2 * dim};
  config.decoder = config.encoder;
  config.dropout = 0.0;
  config.copy_head.enabled = copies;
  config.source_vocabulary = config.target_vocabulary = 20;
  at::manual_seed(seed);
  dragoman::Transformer model(config);
  const at::NoGradGuard no_grad;
  for (at::Tensor& parameter : model->parameters())
    parameter.add_(at::randn_like(parameter) * 0.3);
  return model;
}

dragoman::Transformer teacher_network(bool copies) {
  dragoman::Transformer teacher = seeded_network(copies, 24, 5);
  teacher->eval();
  return teacher;
}

/// What a model says of each real position: logits, gate and scores of the pointer.
struct Said {
  at::Tensor words;   ///< [N, V]
  at::Tensor gate;    ///< [N] log (p_gen / p_copy)
  at::Tensor places;  ///< [N, S]
};

Said said_by(dragoman::Transformer& model, const dragoman::Batch& batch) {
  const auto pass = dragoman::decode_batch(model, batch, dragoman::encode_batch(model, batch),
                                           dragoman::teacher_forcing(batch));
  const at::Tensor real =
      dragoman::padding_mask(batch.target_lengths, batch.target_input.size(1)).flatten();
  const auto rows = [&](const at::Tensor& x) {
    return x.flatten(0, 1).index_select(0, real.nonzero().squeeze(1)).to(at::kDouble);
  };
  Said said{rows(model->head()->log_probs(pass.hidden)), {}, {}};
  if (model->copy_head()) {
    said.gate = rows(pass.pointing.log_generate) - rows(pass.pointing.log_copy);
    said.places = rows(pass.pointing.log_weights);
  }
  return said;
}

/// KL(q || p) of two softmax outputs at a temperature, row by row, by LibTorch.
at::Tensor divergence_at(const at::Tensor& q, const at::Tensor& p, double temperature) {
  return at::kl_div(at::log_softmax(p / temperature, -1), at::softmax(q / temperature, -1),
                    at::Reduction::None)
      .sum(-1);
}

}  // namespace

TEST_CASE("the loss with a teacher mixes cross-entropy and divergence", "[distillation]") {
  for (const bool copies : {false, true})
    for (const double temperature : {1.0, 2.0}) {
      CAPTURE(copies, temperature);
      dragoman::Transformer student = seeded_network(copies, 16, 8);
      dragoman::Transformer teacher = teacher_network(copies);
      const dragoman::Batch batch = uneven_batch(copies);
      dragoman::LossOptions options{.words = {.label_smoothing = 0.1}};
      const auto alone = dragoman::batch_loss(student, batch, options);
      options.distillation = {teacher, 0.3, {.temperature = temperature}};
      const auto taught = dragoman::batch_loss(student, batch, options);

      const Said q = said_by(teacher, batch);
      const Said p = said_by(student, batch);
      at::Tensor divergence = divergence_at(q.words, p.words, temperature);
      if (copies) {
        const at::Tensor generate = at::sigmoid(q.gate / temperature);
        const auto both_ways = [](const at::Tensor& gate) {
          return at::stack({gate, at::zeros_like(gate)}, 1);
        };
        divergence = divergence_at(both_ways(q.gate), both_ways(p.gate), temperature) +
                     generate * divergence +
                     (1.0 - generate) * divergence_at(q.places, p.places, temperature);
      }
      const at::Tensor expected =
          0.7 * alone.loss + 0.3 * temperature * temperature * divergence.sum();
      CHECK(difference(taught.loss, expected, 1e-5) == "");
      CHECK(difference(taught.nll, alone.nll, 1e-6) == "");
      taught.loss.backward();
      for (const auto& parameter : student->named_parameters()) {
        CAPTURE(parameter.key());
        CHECK(parameter.value().grad().isfinite().all().item<bool>());
      }
      for (const auto& parameter : teacher->named_parameters())
        CHECK_FALSE(parameter.value().grad().defined());

      // Both passes of R-Drop are taught; without dropout they are the same.
      options.r_drop = 1.0;
      CHECK(difference(dragoman::batch_loss(student, batch, options).loss, taught.loss, 1e-5) ==
            "");
    }
}

TEST_CASE("a student comes to say what its teacher says", "[distillation]") {
  dragoman::TrainingConfig config;
  config.distillation = 1.0;
  dragoman::Transformer student = seeded_network(false, 16, 8);
  dragoman::Transformer teacher = teacher_network(false);
  const dragoman::Batch batch = uneven_batch(false);
  const auto distance = [&] {
    const at::NoGradGuard no_grad;
    return divergence_at(said_by(teacher, batch).words, said_by(student, batch).words, 1.0)
        .mean()
        .item<double>();
  };
  student->train();
  dragoman::Optimizer optimizer(config, *student);
  dragoman::Update update(config, student, optimizer, at::kCPU, {.teacher = teacher});
  const double before = distance();
  const std::vector<dragoman::Batch> batches{batch};
  for (int step = 0; step < 150; ++step)
    update.run(batches, 1e-2);
  CAPTURE(before);
  CHECK(distance() < 0.05 * before);
}
