#include "dragoman/modules/copy_head.h"

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "tests/modules/reference.h"
#include "tests/modules/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman::CopyLossOptions;
using dragoman::ModelConfig;
using dragoman::PointerKind;
using dragoman_test::Dict;
using dragoman_test::difference;

namespace {

constexpr std::int64_t kExtra = 2;

struct CopyCase {
  std::string name;
  ModelConfig config;
  CopyLossOptions options{.label_smoothing = 0.1};
};

ModelConfig copying_config() {
  ModelConfig config = dragoman_test::tiny_config();
  config.copy_head.enabled = true;
  config.positions = dragoman::PositionKind::learned;  // the table of the other kind is in float
  return config;
}

std::vector<CopyCase> all_cases() {
  std::vector<CopyCase> cases;
  cases.push_back({"dedicated pointer", copying_config()});
  cases.push_back({"narrow pointer, post-norm", copying_config()});
  cases.back().config.copy_head.dim = 5;
  cases.back().config.norm = dragoman::NormPosition::post;
  cases.push_back({"head of the last layer", copying_config()});
  cases.back().config.copy_head.pointer = PointerKind::attention_head;
  cases.push_back({"second head of the first layer, coverage", copying_config()});
  cases.back().config.copy_head = {.enabled = true,
                                   .pointer = PointerKind::attention_head,
                                   .layer = 1,
                                   .head = 2,
                                   .coverage = true};
  cases.push_back({"dedicated pointer that does not follow", copying_config()});
  cases.back().config.copy_head.follow = false;
  cases.push_back({"coverage and its loss", copying_config()});
  cases.back().config.copy_head.coverage = true;
  cases.back().options.coverage_loss = 0.7;
  cases.push_back({"forced copying, no smoothing", copying_config()});
  cases.back().options = {.label_smoothing = 0.0, .force_copying = true};
  cases.push_back({"forced copying", copying_config()});
  cases.back().options.force_copying = true;
  return cases;
}

/// Some positions yield words of no vocabulary (11, 12); some targets are such, some are words of
/// the source, some are neither.
struct CopyBatch {
  dragoman_test::TinyBatch pairs = dragoman_test::tiny_batch();
  at::Tensor ids;   ///< [3, 5], -2 at padding
  at::Tensor said;  ///< [3, 4], as pairs.input, with words of no vocabulary and runs of the source
};

CopyBatch copy_batch() {
  CopyBatch batch;
  const at::Tensor extra = at::tensor({0, 1, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0}, at::kLong);
  batch.ids = at::where(extra.view({3, 5}).gt(0), extra.view({3, 5}) + 10, batch.pairs.source)
                  .masked_fill(batch.pairs.source_mask.logical_not(), -2);
  batch.pairs.output = batch.pairs.output.clone();
  batch.pairs.output[0][1] = 11;
  batch.pairs.output[0][2] = batch.pairs.source[0][4];
  batch.pairs.output[1][0] = 12;
  batch.pairs.output[2][2] = batch.pairs.source[2][0];
  batch.said = batch.pairs.input.clone();
  batch.said.narrow(1, 1, 3).copy_(batch.ids.narrow(1, 0, 3));  // the source's first words
  batch.said[1][2] = 12;
  return batch;
}

Dict case_dict(const CopyCase& item) {
  const CopyBatch batch = copy_batch();
  Dict config = dragoman_test::config_dict(item.config, item.options.label_smoothing);
  config.insert("force_copying", item.options.force_copying);
  config.insert("coverage_loss", item.options.coverage_loss);
  Dict head = dragoman_test::empty_dict();
  head.insert("pointer", dragoman_test::enum_name(item.config.copy_head.pointer));
  head.insert("layer", item.config.copy_head.layer);
  head.insert("head", item.config.copy_head.head);
  head.insert("coverage", item.config.copy_head.coverage);
  head.insert("follow", item.config.copy_head.follow);
  config.insert("copy_head", head);
  Dict dict = dragoman_test::empty_dict();
  dict.insert("config", config);
  dict.insert("weights", dragoman_test::weights_dict(dragoman_test::tiny_model(item.config)));
  dict.insert("source", batch.pairs.source.clone());
  dict.insert("source_mask", batch.pairs.source_mask.clone());
  dict.insert("input", batch.pairs.input.clone());
  dict.insert("output", batch.pairs.output.clone());
  dict.insert("ids", batch.ids.clone());
  dict.insert("said", batch.said.clone());
  dict.insert("extra", kExtra);
  return dict;
}

dragoman::DecoderState start(dragoman::Transformer& model, const CopyBatch& batch, bool keep_self) {
  const at::Tensor memory = model->encode(batch.pairs.source, batch.pairs.source_mask);
  return model->start(memory, batch.pairs.source_mask, keep_self, {batch.ids, kExtra});
}

/// Log-probabilities of all words, decoded one position at a time: [B, T, V + extra].
at::Tensor step_by_step(dragoman::Transformer& model, const CopyBatch& batch) {
  const at::NoGradGuard no_grad;
  dragoman::DecoderState state = start(model, batch, true);
  std::vector<at::Tensor> steps;
  for (std::int64_t t = 0; t < batch.pairs.input.size(1); ++t) {
    const at::Tensor hidden = model->decode(batch.pairs.input.narrow(1, t, 1), state);
    const dragoman::Pointing pointing =
        model->copy_head()->point(hidden, batch.said.narrow(1, t, 1), state);
    const at::Tensor words = model->head()->log_probs(hidden.squeeze(1));
    steps.push_back(dragoman::mixture_log_probs(words, pointing, batch.ids, kExtra));
  }
  return at::stack(steps, 1);
}

void require_equal_copying(const CopyCase& item, const Dict& expected, at::ScalarType type,
                           double tolerance) {
  INFO(item.name << " in " << c10::toString(type));
  dragoman::Transformer model = dragoman_test::tiny_model(item.config);
  model->to(type);
  model->set_compute_type(type);
  const CopyBatch batch = copy_batch();
  const at::Tensor probabilities = expected.at("probabilities").toTensor();
  const at::Tensor steps = step_by_step(model, batch).exp();
  CHECK(difference(steps, probabilities, tolerance) == "");
  CHECK(difference(steps.sum(-1), at::ones({3, 4}), 1e-6) == "");

  dragoman::DecoderState state = start(model, batch, false);
  const at::Tensor hidden = model->decode(batch.pairs.input, state);
  const dragoman::Pointing pointing = model->copy_head()->point(hidden, batch.said, state);
  CHECK(difference(pointing.log_generate.exp(), expected.at("gates").toTensor(), tolerance) == "");
  CHECK(difference(pointing.log_weights.exp(), expected.at("weights").toTensor(), tolerance) == "");
  const dragoman::TokenLoss loss = dragoman::CopyHeadImpl::loss(
      model->head(), hidden, pointing, batch.ids, batch.pairs.output, item.options);
  CHECK(difference(loss.loss, expected.at("loss").toTensor(), tolerance) == "");
  CHECK(difference(loss.nll, expected.at("nll").toTensor(), 1e-5) == "");
  CHECK(difference(loss.copied, expected.at("copied").toTensor(), 1e-5) == "");
  loss.loss.backward();
  const Dict gradients = expected.at("gradients").toGenericDict();
  for (const auto& parameter : model->named_parameters()) {
    INFO(parameter.key());
    CHECK(difference(parameter.value().grad(), gradients.at(parameter.key()).toTensor(),
                     tolerance) == "");
  }
}

}  // namespace

TEST_CASE("the copy head equals a dense reference in probabilities, loss and gradients",
          "[copy_head]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch (set DRAGOMAN_PYTHON)");
    return;
  }
  std::vector<Dict> dicts;
  for (const CopyCase& item : all_cases())
    dicts.push_back(case_dict(item));
  const std::vector<Dict> results = dragoman_test::python_results("copy_head_reference.py", dicts);
  for (std::size_t index = 0; index < results.size(); ++index) {
    require_equal_copying(all_cases()[index], results[index], at::kFloat, 1e-5);
    require_equal_copying(all_cases()[index], results[index], at::kDouble, 1e-9);
  }
}

TEST_CASE("words of the source count as correct when copying makes them the most probable",
          "[copy_head]") {
  dragoman::Transformer model = dragoman_test::tiny_model(copying_config());
  const CopyBatch batch = copy_batch();
  const at::Tensor best = step_by_step(model, batch).argmax(-1);  // [B, T]
  dragoman::DecoderState state = start(model, batch, false);
  const at::Tensor hidden = model->decode(batch.pairs.input, state);
  const dragoman::Pointing pointing = model->copy_head()->point(hidden, batch.said, state);
  const dragoman::TokenLoss loss =
      dragoman::CopyHeadImpl::loss(model->head(), hidden, pointing, batch.ids, best, {});
  CHECK(loss.correct.item<std::int64_t>() == best.numel());
}

TEST_CASE("a pointer that is certain makes no loss and no gradient NaN", "[copy_head]") {
  dragoman::Transformer model = dragoman_test::tiny_model(copying_config());
  {
    const at::NoGradGuard no_grad;
    for (auto& parameter : model->named_parameters())
      if (parameter.key().starts_with("copy_head.")) parameter.value().mul_(300.0);
  }
  const CopyBatch batch = copy_batch();
  dragoman::DecoderState state = start(model, batch, false);
  const at::Tensor hidden = model->decode(batch.pairs.input, state);
  const dragoman::Pointing pointing = model->copy_head()->point(hidden, batch.said, state);
  const dragoman::TokenLoss loss = dragoman::CopyHeadImpl::loss(
      model->head(), hidden, pointing, batch.ids, batch.pairs.output, {.label_smoothing = 0.1});
  loss.loss.backward();
  CHECK(loss.loss.isfinite().item<bool>());
  for (const auto& parameter : model->named_parameters()) {
    INFO(parameter.key());
    CHECK(parameter.value().grad().isfinite().all().item<bool>());
  }
}
