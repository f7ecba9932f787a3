// Searches with a shortlist against the same model without one.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/shortlist.h"
#include "dragoman/inference/models/cpu_model.h"
#include "dragoman/inference/models/ensemble_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "dragoman/inference/search/sampling.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/tiny_file.h"
#include "tests/support/catch.h"

namespace {

using Catch::Matchers::Contains;
using dragoman::CpuModel;
using dragoman::DecodingOptions;
using dragoman::Shortlist;
using dragoman::SourceBatch;
using dragoman::engine::WeightType;
using dragoman_test::Tokens;

constexpr std::int64_t kSelectableWords = dragoman_test::kCopyingWords;
constexpr WeightType kSelectedTypes[] = {WeightType::fp32, WeightType::bf16, WeightType::int8};

std::vector<std::int32_t> every_nth_word(std::int32_t step) {
  std::vector<std::int32_t> words;
  for (std::int32_t word = 3; word < kSelectableWords; word += step)
    words.push_back(word);
  return words;
}

std::shared_ptr<const Shortlist> shortlist(const std::vector<std::int32_t>& words) {
  return std::make_shared<const Shortlist>(
      1, kSelectableWords, words, std::vector<std::vector<std::int32_t>>(kSelectableWords));
}

dragoman::Transformer selecting_network(bool copies) {
  auto config = dragoman_test::copying_config(kSelectableWords, true);
  config.copy_head.enabled = copies;
  return dragoman_test::tiny_transformer(config, 5);
}

DecodingOptions narrow_search() {
  DecodingOptions options;
  options.beam_size = options.n_best = 4;
  options.max_length = 10;
  return options;
}

bool is_among(const std::vector<std::int64_t>& words, std::int64_t word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

TEST_CASE("a shortlist of all words changes nothing, at any precision", "[shortlist]") {
  const at::NoGradGuard no_grad;
  std::vector<std::int32_t> all(kSelectableWords);
  std::iota(all.begin(), all.end(), 0);
  const SourceBatch batch = dragoman_test::copying_batch();
  for (const bool copies : {false, true})
    for (const WeightType type : kSelectedTypes) {
      const auto model = selecting_network(copies);
      const auto plain = beam_search(CpuModel(model, type), batch, {}, narrow_search());
      const auto chosen =
          beam_search(CpuModel(model, type, shortlist(all)), batch, {}, narrow_search());
      for (std::size_t sentence = 0; sentence < plain.size(); ++sentence)
        for (std::size_t rank = 0; rank < plain[sentence].size(); ++rank) {
          CHECK(plain[sentence][rank].ids == chosen[sentence][rank].ids);
          CHECK(plain[sentence][rank].token_scores == chosen[sentence][rank].token_scores);
        }
    }
}

TEST_CASE("what is generated is normalised over the shortlist alone", "[shortlist]") {
  const at::NoGradGuard no_grad;
  const SourceBatch batch = dragoman_test::copying_batch();
  SourceBatch uncopied = batch;  // else what can be copied joins the shortlist
  uncopied.copy_ids = at::Tensor();
  uncopied.needed.assign(4, {8, 9});
  std::vector<std::int32_t> words = every_nth_word(3);
  for (const WeightType type : kSelectedTypes) {
    const auto model = selecting_network(false);
    const CpuModel whole(model, type);
    const CpuModel chosen(model, type, shortlist(words));
    const at::Tensor next = at::full({4, 1}, 2, at::kLong);
    const auto expected_state = whole.start(uncopied);
    const auto state = chosen.start(uncopied);
    const at::Tensor all = whole.step(next, *expected_state);
    const at::Tensor some = chosen.step(next, *state);
    std::vector<std::int64_t> ids(words.begin(), words.end());
    ids.insert(ids.end(), {8});
    const at::Tensor index = at::tensor(ids, at::kLong);  // 9 is among words already
    const at::Tensor expected = at::log_softmax(all.index_select(1, index), 1);
    CHECK((some.index_select(1, index) - expected).abs().max().item<float>() < 1e-4f);
    CHECK(some.isinf().sum().item<std::int64_t>() == 4 * (kSelectableWords - std::ssize(ids)));
    // Scores of given targets know all words.
    const at::Tensor target = at::arange(50, 58, at::kLong).view({4, 2});
    CHECK(whole.score(uncopied, target, target)
              .log_probs.equal(chosen.score(uncopied, target, target).log_probs));
  }
}

TEST_CASE("copied, forced and wanted words are found outside the shortlist", "[shortlist]") {
  const at::NoGradGuard no_grad;
  const SourceBatch batch = dragoman_test::copying_batch();
  dragoman::Transformer copying = selecting_network(true);
  copying->named_parameters()["copy_head.gate.bias"].fill_(-2.0);
  const CpuModel model(copying, WeightType::fp32, shortlist({3, 6, 9}));
  std::vector<std::int64_t> possible{3, 6, 9, kSelectableWords, kSelectableWords + 1};
  const at::Tensor ids = batch.copy_ids.flatten();
  for (std::int64_t place = 0; place < ids.numel(); ++place)
    possible.push_back(ids[place].item<std::int64_t>());
  bool any_copied = false;
  for (const auto& sentence : beam_search(model, batch, {}, narrow_search()))
    for (const auto& hypothesis : sentence)
      for (const std::int64_t id : hypothesis.ids) {
        CHECK(is_among(possible, id));
        any_copied = any_copied || id > 9;
      }
  CHECK(any_copied);

  dragoman::SearchDemands demands;
  for (std::int64_t sentence = 0; sentence < 4; ++sentence)
    demands.sentences.push_back({.prefix = {77, 88}, .phrases = {{101, 102}, {45}}});
  DecodingOptions options = narrow_search();
  options.beam_size = 8;
  options.max_length = 14;
  for (const auto& sentence : beam_search(model, batch, {}, options, demands)) {
    const Tokens& best = sentence.front().ids;
    CHECK(best[0] == 77);
    CHECK(best[1] == 88);
    CHECK(is_among(best, 45));
    CHECK(std::ranges::search(best, Tokens{101, 102}).begin() != best.end());
    CHECK(std::isfinite(sentence.front().log_probability));
  }
}

TEST_CASE("samples and ensembles keep to the shortlist, and suppressed words stay out",
          "[shortlist]") {
  const at::NoGradGuard no_grad;
  SourceBatch batch = dragoman_test::copying_batch();
  batch.copy_ids = at::Tensor();
  const std::vector<std::int32_t> words = every_nth_word(5);
  const std::vector<std::int64_t> possible(words.begin(), words.end());
  std::vector<std::unique_ptr<dragoman::StepModel>> members;
  for (const std::uint64_t seed : {1, 2})
    members.push_back(std::make_unique<CpuModel>(
        dragoman_test::tiny_transformer(dragoman_test::tiny_config(kSelectableWords), seed),
        WeightType::fp32, shortlist(words)));
  const dragoman::EnsembleModel ensemble(std::move(members),
                                         {dragoman::Ensembling::log_linear, {}});
  dragoman::SearchDemands demands;
  demands.suppressed = {{8}, {13}};
  DecodingOptions drawn = narrow_search();
  drawn.sample = true;
  auto found = beam_search(ensemble, batch, {}, narrow_search(), demands);
  const auto samples = sample(ensemble, batch, {}, drawn, demands);
  found.insert(found.end(), samples.begin(), samples.end());
  REQUIRE(found.size() == 8);
  for (const auto& sentence : found)
    for (const auto& hypothesis : sentence)
      for (const std::int64_t id : hypothesis.ids) {
        CHECK(is_among(possible, id));
        CHECK((id != 8 && id != 13));
      }
}

TEST_CASE("a translator takes only the shortlist of its own tokenisers", "[shortlist]") {
  const dragoman_test::TinyFile file;
  const dragoman_test::TemporaryFolder folder;
  const dragoman::PairEncoder encoder = dragoman_test::tiny_encoder();
  std::vector<std::int32_t> all(60);
  std::iota(all.begin(), all.end(), 0);
  const std::vector<std::vector<std::int32_t>> none(60);
  Shortlist(tokenizer_hash(encoder), 60, all, none).save(folder.path("own"));
  Shortlist(tokenizer_hash(encoder) + 1, 60, all, none).save(folder.path("other"));
  const auto load = [&](const std::string& list, const std::string& device = "cpu") {
    return dragoman::Translator(file.path(),
                                {.device = device, .threads = 1, .shortlist = folder.path(list)});
  };
  const dragoman::Translator plain(file.path(), {.threads = 1});
  for (const std::string& line : dragoman_test::many_lines(5))
    dragoman_test::check_same(load("own").translate(line), plain.translate(line));
  CHECK_THROWS_WITH(load("other"), Contains("belongs to other tokenisers than") &&
                                       Contains("dragoman shortlist --model"));
  CHECK_THROWS_AS(load("missing"), dragoman::DataError);
}
