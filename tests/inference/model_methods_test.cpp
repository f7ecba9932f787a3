// The methods of a model file, which Python runs, against our modules and our engine.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/models/cpu_model.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/models/quantization.h"
#include "dragoman/inference/search/beam_search.h"
#include "dragoman/modules/transformer_script.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

using dragoman::Archive;
using dragoman::ModelConfig;
using dragoman::SourceBatch;
using dragoman_test::TemporaryFolder;

struct MethodCase {
  ModelConfig config;
  dragoman::Precision precision = dragoman::Precision::fp32;
};

/// Every value of every choice, and every pair of values of norm, tying and copy head.
std::vector<MethodCase> method_cases() {
  std::vector<MethodCase> cases;
  std::int64_t number = 0;
  for (const auto norm : {dragoman::NormPosition::pre, dragoman::NormPosition::post})
    for (const auto& [tying_name, tying] : names(dragoman::TiedEmbeddings{}))
      for (const std::int64_t head : {0, 1, 2, 3}) {
        ModelConfig config = dragoman_test::tiny_config(60);
        config.norm = norm;
        config.tied_embeddings = tying;
        config.positions =
            std::array{dragoman::PositionKind::sinusoidal, dragoman::PositionKind::learned,
                       dragoman::PositionKind::none}[number % 3];
        config.activation = std::array{dragoman::Activation::relu, dragoman::Activation::gelu,
                                       dragoman::Activation::silu}[(number / 2) % 3];
        config.max_positions = 64;
        config.output_bias = number % 4 != 1;
        config.scale_embeddings = number % 5 != 2;
        config.encoder.layers = 1 + number % 3;
        config.decoder.heads = number % 2 == 0 ? 2 : 4;
        config.copy_head.enabled = head > 0;
        config.copy_head.pointer =
            head == 2 ? dragoman::PointerKind::attention_head : dragoman::PointerKind::dedicated;
        config.copy_head.coverage = head >= 2;
        config.copy_head.follow = head != 2 || number % 2 == 0;
        config.copy_head.dim = head == 3 ? 10 : 0;
        config.copy_head.layer = number % 2;
        config.copy_head.head = 2;
        config.word_dropout = number % 3 == 0 ? 0.1 : 0.0;
        config.activation_dropout = 0.1;
        cases.push_back({config});
        ++number;
      }
  for (const auto precision : {dragoman::Precision::bf16, dragoman::Precision::int8})
    for (const std::size_t from : {0, 1, 23})
      cases.push_back({cases[from].config, precision});
  return cases;
}

const std::vector<std::string>& lines_to_copy() {
  static const std::vector<std::string> lines = {
      "two dogs play in the snow", "李明 reads 7 old newspapers with 李明", "a Zebra",
      "the boy throws a ball to the dog, the ball of the Zebra #42"};
  return lines;
}

/// The model file of a case, with methods.
std::string write_model(const TemporaryFolder& folder, const MethodCase& model_case,
                        std::size_t number) {
  Archive archive =
      dragoman_test::tiny_archive(dragoman_test::tiny_transformer(model_case.config, number + 1));
  archive.tensors = dragoman::quantize_weights(archive.tensors, model_case.precision, "tiny");
  archive.methods = dragoman::transformer_script(
      model_case.config, archive.tensors,
      {.unknown = dragoman_test::tiny_tokenizer().unknown_id(), .is_joint = true});
  const std::string path = folder.path(fmt::format("{}.pt", number));
  save_archive(archive, path);
  return path;
}

/// log-probabilities [B, T, W] after each position of target [B, T], step by step.
at::Tensor stepwise(const dragoman::StepModel& model, const SourceBatch& source,
                    const at::Tensor& target) {
  const auto state = model.start(source);
  std::vector<at::Tensor> columns;
  for (std::int64_t position = 0; position < target.size(1); ++position)
    columns.push_back(model.step(target.narrow(1, position, 1), *state));
  return at::stack(columns, 1);
}

/// What a greedy search of `model` says, [B, T] padded with -1.
at::Tensor greedy(const dragoman::StepModel& model, const SourceBatch& source,
                  const dragoman::TargetIds& ids) {
  const auto found = dragoman::beam_search(
      model, source, ids,
      {.beam_size = 1, .max_length = 15, .max_length_ratio = 1000.0, .allow_unknown = true});
  at::Tensor output = at::full({std::ssize(found), 16}, -1, at::kLong);
  for (std::int64_t row = 0; row < std::ssize(found); ++row) {
    const auto& hypothesis = found[row].front();
    for (std::int64_t place = 0; place < std::ssize(hypothesis.ids); ++place)
      output[row][place] = hypothesis.ids[place];
    if (hypothesis.ended) output[row][std::ssize(hypothesis.ids)] = ids.end;
  }
  return output;
}

}  // namespace

TEST_CASE("Python computes with a model file's methods what we compute", "[methods][python]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch; set DRAGOMAN_PYTHON");
    return;
  }
  const TemporaryFolder folder;
  const at::NoGradGuard no_grad;
  at::set_num_threads(1);
  const auto cases = method_cases();
  for (std::size_t number = 0; number < cases.size(); ++number) {
    const auto file = dragoman::load_model_file(write_model(folder, cases[number], number));
    const auto transformer = build_transformer(file);
    const dragoman::NativeModel modules(transformer);
    const bool is_float = cases[number].precision == dragoman::Precision::fp32;
    const dragoman::CpuModel engine(transformer, dragoman::engine::WeightType::fp32);
    std::vector<dragoman::EncodedSource> sources;
    std::vector<std::vector<std::int64_t>> targets;
    for (const std::string& line : lines_to_copy()) {
      sources.push_back(file.encoder.encode_source(line));
      const auto ids = file.encoder.encode_target(line, sources.back());
      targets.emplace_back(ids.rbegin(), ids.rend());
    }
    const std::vector<std::int64_t> all = {0, 1, 2, 3};
    const SourceBatch source = source_batch(sources, all, file.encoder, at::kCPU);
    const at::Tensor target = target_batch(targets, file.encoder, at::kCPU).input;
    Archive expected;
    expected.tensors = {
        {"ids", source.ids},
        {"lengths", source.lengths},
        {"extra_words", at::scalar_tensor(source.extra_words, at::kLong)},
        {"target", target},
        {"log_probs", stepwise(modules, source, target)},
        {"engine_log_probs", stepwise(engine, source, target)},
        {"greedy", greedy(is_float ? static_cast<const dragoman::StepModel&>(engine) : modules,
                          source, target_ids(file.encoder.target()))}};
    if (modules.copies()) expected.tensors["copy_ids"] = source.copy_ids;
    const auto special = file.encoder.special_ids();
    expected.tensors["special"] =
        at::tensor({special.target_pad, special.target_begin, special.target_end}, at::kLong);
    save_archive(expected, folder.path(fmt::format("{}.expected.pt", number)));
  }
  CHECK(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/inference/model_methods_reference.py",
                                  folder.path() + " " + std::to_string(cases.size())) == 0);
}

TEST_CASE("an outline names the methods of a model file", "[methods]") {
  const TemporaryFolder folder;
  ModelConfig config = dragoman_test::tiny_config(60);
  const auto plain = dragoman::outline_archive(write_model(folder, {config}, 0));
  CHECK(plain.methods ==
        std::vector<std::string>{
            "encode(ids: Tensor, mask: Optional[Tensor]=None) -> List[Tensor]",
            "decode_step(last: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]",
            "forward(ids: Tensor, target: Tensor, mask: Optional[Tensor]=None) -> Tensor"});
  CHECK(plain.files.at("card.json") == "{\"steps\": 7}");
  config.copy_head.enabled = true;
  const auto copying = dragoman::outline_archive(write_model(folder, {config}, 1));
  REQUIRE(copying.methods.size() == 3);
  CHECK(copying.methods.front() ==
        "encode(ids: Tensor, mask: Optional[Tensor]=None, copy_ids: Optional[Tensor]=None, "
        "extra_words: int=0) -> List[Tensor]");
  save_archive(dragoman_test::tiny_archive(dragoman_test::tiny_transformer(config)),
               folder.path("none.pt"));
  CHECK(dragoman::outline_archive(folder.path("none.pt")).methods.empty());
}

TEST_CASE("methods cost a file little, however deep the model, and nothing of its sameness",
          "[methods]") {
  const TemporaryFolder folder;
  const auto size_of = [&folder](std::int64_t layers, bool with_methods) {
    ModelConfig config = dragoman_test::tiny_config(60);
    config.encoder.layers = config.decoder.layers = layers;
    config.copy_head.enabled = true;
    Archive archive = dragoman_test::tiny_archive(dragoman_test::tiny_transformer(config));
    if (with_methods) archive.methods = dragoman::transformer_script(config, archive.tensors);
    save_archive(archive, folder.path("a.pt"));
    save_archive(archive, folder.path("b.pt"));
    CHECK(folder.read("a.pt") == folder.read("b.pt"));
    return static_cast<std::int64_t>(folder.read("a.pt").size());
  };
  const std::int64_t shallow = size_of(1, true) - size_of(1, false);
  const std::int64_t deep = size_of(6, true) - size_of(6, false);
  INFO("methods take " << shallow << " bytes with one layer, " << deep << " with six");
  CHECK(deep < 40000);
  CHECK(deep < 2 * shallow);
}
