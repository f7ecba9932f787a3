// TorchScript models of other programs: the examples of docs/torchscript.md in our search, against
// a plain beam search in Python over the same module; and what is refused.
#include "dragoman/inference/models/scripted_model.h"

#include <ATen/Parallel.h>
#include <torch/csrc/jit/api/module.h>

#include <atomic>
#include <sstream>
#include <thread>

#include "dragoman/data/error.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/models/ensemble_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "dragoman/inference/search/sampling.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

using Catch::Matchers::Contains;
using dragoman::ScriptedModel;
using dragoman_test::TemporaryFolder;
using dragoman_test::tiny_lines;
using dragoman_test::tiny_tokenizer;

namespace {

/// A model that likes the source's pieces one after the other, and then </s>. `state` [R, 1]
/// counts.
constexpr const char* kCopyist = R"(
def encode(self, ids: Tensor, mask: Tensor) -> List[Tensor]:
    return [ids, torch.zeros([ids.size(0), 1], dtype=4, device=ids.device)]

def step(self, last: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]:
    place = torch.clamp_max(state[1], state[0].size(1) - 1)
    wanted = torch.gather(state[0], 1, place)
    logits = torch.zeros([last.size(0), 60], device=last.device)
    logits = torch.scatter(logits, 1, wanted, self.weight.expand([last.size(0), 1]))
    return torch.log_softmax(logits, -1), [state[0], state[1] + 1]
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto place = text.find(from);
  REQUIRE(place != std::string::npos);
  return text.replace(place, from.size(), to);
}

/// A module with these methods, one parameter and one attribute, and the tiny tokeniser.
std::string write_script(const TemporaryFolder& folder, const std::string& methods,
                         torch::jit::ExtraFilesMap files = {
                             {"source.spm", tiny_tokenizer().bytes()}}) {
  torch::jit::Module module("__torch__.other.Model");
  module.register_attribute("training", c10::BoolType::get(), false);
  module.register_attribute("past", c10::TensorType::get(), at::zeros({1}));
  module.register_parameter("weight", at::full({1, 1}, 6.0), false);
  module.define(methods);
  module.save(folder.path("script.pt"), files);
  return folder.path("script.pt");
}

constexpr dragoman::ScriptedModelOptions kTinySizes{.source_vocabulary = 60,
                                                    .target_vocabulary = 60};

/// What is said when these methods are loaded.
std::string refusal_of(const std::string& methods) {
  const TemporaryFolder folder;
  try {
    const ScriptedModel model(write_script(folder, methods), at::kCPU, kTinySizes);
  } catch (const dragoman::ModelError& error) {
    return error.what();
  }
  return "no error";
}

std::string lines_as_text() {
  std::string text;
  for (const std::string& line : tiny_lines())
    text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("a scripted model translates only when scripts are allowed", "[scripted]") {
  const TemporaryFolder folder;
  const std::string path = write_script(folder, kCopyist);
  CHECK_THROWS_AS(dragoman::Translator(path), dragoman::UsageError);
  CHECK_THROWS_WITH(dragoman::Translator(path), Contains("--allow-scripts") && Contains(path));
  const dragoman::Translator translator(path, {.threads = 2, .allow_scripts = true});
  const auto found = translator.translate_batch(tiny_lines(), translator.defaults());
  for (std::size_t line = 0; line < tiny_lines().size(); ++line)
    CHECK(found[line].text() == tiny_lines()[line]);
}

TEST_CASE("a scripted model samples, scores and decides with others", "[scripted]") {
  const TemporaryFolder folder;
  const std::string path = write_script(folder, kCopyist);
  const dragoman::TranslatorOptions options{.threads = 2, .allow_scripts = true};
  const dragoman::Translator translator(path, options);
  dragoman::DecodingOptions sampling;
  sampling.sample = true;
  sampling.n_best = 3;
  CHECK(translator.translate(tiny_lines()[0], sampling).hypotheses.size() == 3);
  const auto own =
      translator.score_batch(std::span(tiny_lines()).first(2), std::span(tiny_lines()).first(2));
  const auto foreign = translator.score_batch(std::span(tiny_lines()).first(2),
                                              std::span(tiny_lines()).subspan(1, 2));
  CHECK(own[0].log_probability > foreign[0].log_probability + 5.0);

  save_archive(
      dragoman_test::tiny_archive(dragoman_test::tiny_transformer(dragoman_test::tiny_config(60))),
      folder.path("native.pt"));
  const auto both = dragoman::Translator::ensemble({folder.path("native.pt"), path}, {}, options);
  CHECK_FALSE(both.translate(tiny_lines()[0]).hypotheses.empty());
}

TEST_CASE("many threads share a scripted model", "[scripted]") {
  const TemporaryFolder folder;
  const dragoman::Translator translator(write_script(folder, kCopyist),
                                        {.threads = 4, .batch_size = 3, .allow_scripts = true});
  const auto expected = translator.translate_batch(tiny_lines(), translator.defaults());
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int number = 0; number < 8; ++number)
    threads.emplace_back([&] {
      for (std::size_t line = 0; line < tiny_lines().size(); ++line)
        if (translator.translate(tiny_lines()[line]).text() != expected[line].text()) ++wrong;
    });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("what does not keep the contract of scripted models is named", "[scripted]") {
  const std::string copyist = kCopyist;
  CHECK(refusal_of(copyist) == "no error");
  CHECK_THAT(refusal_of("def forward(self, x: Tensor) -> Tensor:\n    return x\n"),
             Contains("has no method encode") && Contains("it has: forward") &&
                 Contains("script.pt") && Contains("docs/torchscript.md"));
  CHECK_THAT(refusal_of(copyist.substr(0, copyist.find("def step"))),
             Contains("has no method step"));
  CHECK_THAT(refusal_of(replaced(copyist, "mask: Tensor", "mask: int")),
             Contains("encode: its argument mask is a int, it must take a Tensor"));
  CHECK_THAT(refusal_of(replaced(copyist, ", mask: Tensor", "")),
             Contains("encode takes 1 argument(s), it must take 2"));
  CHECK_THAT(refusal_of(replaced(copyist, "mask: Tensor", "mask: Tensor, language: int")),
             Contains("encode: its argument language has no default"));
  CHECK_THAT(refusal_of("def encode(self, ids: Tensor, mask: Tensor) -> Tensor:\n    return ids\n" +
                        copyist.substr(copyist.find("\ndef step"))),
             Contains("encode returns Tensor, it must return List[Tensor]"));
  CHECK_THAT(refusal_of(replaced(copyist, "[ids.size(0), 1]", "[1, ids.size(0)]")),
             Contains("encode: state[1] is [1, 2] Long on cpu, it must have 2 rows on axis 0"));
  CHECK_THAT(
      refusal_of(replaced(copyist, "60]", "61]")),
      Contains("step: the log-probabilities are [2, 61] Float on cpu") && Contains("[2, 60]"));
  CHECK_THAT(refusal_of(replaced(copyist, "torch.log_softmax(logits, -1)", "logits")),
             Contains("step: what it returns are no log-probabilities"));
  CHECK_THAT(refusal_of(replaced(copyist, "torch.log_softmax(logits, -1)", "logits / 0.0")),
             Contains("step: what it returns are no log-probabilities"));
  CHECK_THAT(refusal_of(replaced(copyist, "    place =", "    self.past = last\n    place =")),
             Contains("step sets self.past, which all threads and sentences share"));
  CHECK_THAT(refusal_of(replaced(copyist, "state[0], 1, place", "state[7], 1, place")),
             Contains("step failed: ") && Contains("script.pt"));
}

TEST_CASE("a scripted model without a tokeniser, or with settings that it has not, is refused",
          "[scripted]") {
  const TemporaryFolder folder;
  const std::string path = write_script(folder, kCopyist, {});
  CHECK_THROWS_WITH(dragoman::Translator(path, {.threads = 1, .allow_scripts = true}),
                    Contains("holds no source.spm") && Contains("--source-tokenizer"));
  const std::string tokenizer = folder.write("tiny.spm", tiny_tokenizer().bytes());
  CHECK_FALSE(dragoman::Translator(
                  path, {.threads = 1, .allow_scripts = true, .source_tokenizer = tokenizer})
                  .translate(tiny_lines()[0])
                  .text()
                  .empty());
  CHECK_THROWS_WITH(dragoman::Translator(path, {.precision = dragoman::Precision::int8,
                                                .threads = 1,
                                                .allow_scripts = true,
                                                .source_tokenizer = tokenizer}),
                    Contains("precision"));
  const dragoman::Translator limited(
      write_script(
          folder, kCopyist,
          {{"source.spm", tiny_tokenizer().bytes()},
           {"config.json", R"({"script": {"max_positions": 4}, "decoding": {"beam_size": 2}})"}}),
      {.threads = 1, .allow_scripts = true});
  CHECK(limited.defaults().beam_size == 2);
  CHECK(limited.translate(tiny_lines()[0]).status == dragoman::Status::source_truncated);
  save_archive(
      dragoman_test::tiny_archive(dragoman_test::tiny_transformer(dragoman_test::tiny_config(60))),
      folder.path("native.pt"));
  CHECK_THROWS_WITH(
      dragoman::Translator(folder.path("native.pt"), {.threads = 1, .source_tokenizer = tokenizer}),
      Contains("source_tokenizer"));
}

TEST_CASE("the examples of the documentation translate as a plain beam search in Python",
          "[scripted][python]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch; set DRAGOMAN_PYTHON");
    return;
  }
  at::set_num_threads(1);
  const TemporaryFolder folder;
  folder.write("source.spm", tiny_tokenizer().bytes());
  folder.write("lines", lines_as_text());
  REQUIRE(
      dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/inference/scripted_model_reference.py",
                                folder.path() + " " DRAGOMAN_SOURCE_DIR "/docs/torchscript.md >" +
                                    folder.path("names")) == 0);
  std::istringstream names(folder.read("names"));
  int models = 0;
  for (std::string name; std::getline(names, name); ++models) {
    INFO(name);
    const auto expected = dragoman::load_archive(folder.path(name + ".expected.pt")).tensors;
    const ScriptedModel model(folder.path(name + ".pt"), at::kCPU,
                              {.source_vocabulary = 60,
                               .target_vocabulary = 60,
                               .begin = tiny_tokenizer().begin_id(),
                               .max_positions = 512});
    const dragoman::SourceBatch source{.ids = expected.at("ids"),
                                       .lengths = expected.at("lengths")};
    const at::NoGradGuard no_grad;
    for (const std::int64_t size : {1, 4}) {
      dragoman::DecodingOptions options;
      options.beam_size = size;
      options.length_normalization = dragoman::LengthNormalization::average;
      options.early_stopping = dragoman::EarlyStopping::never;
      options.max_length = 12;
      options.max_length_ratio = 1000.0;
      options.allow_unknown = true;
      const auto found =
          dragoman::beam_search(model, source, dragoman::target_ids(tiny_tokenizer()), options);
      const at::Tensor ids = expected.at("found_" + std::to_string(size));
      const at::Tensor scores = expected.at("scores_" + std::to_string(size));
      for (std::int64_t row = 0; row < ids.size(0); ++row) {
        const auto& best = found[static_cast<std::size_t>(row)].front();
        std::vector<std::int64_t> said = best.ids;
        if (best.ended) said.push_back(tiny_tokenizer().end_id());
        said.resize(14, -1);
        CHECK(at::equal(at::tensor(said), ids[row]));
        CHECK(std::abs(best.score - scores[row].item<double>()) < 1e-5);
      }
    }
    const dragoman::Translator translator(folder.path(name + ".pt"),
                                          {.threads = 2, .allow_scripts = true});
    CHECK(translator.translate_batch(tiny_lines(), translator.defaults()).size() ==
          tiny_lines().size());
  }
  CHECK(models >= 1);
}
