#include "dragoman/inference/attention_record.h"

#include <cmath>
#include <numeric>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/models/scorer.h"
#include "dragoman/inference/service/worker_pool.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

dragoman::ModelFile tiny_file(bool copies) {
  const dragoman_test::TemporaryFolder folder;
  auto config = copies ? dragoman_test::copying_config(60) : dragoman_test::tiny_config(60);
  save_archive(dragoman_test::tiny_archive(dragoman_test::tiny_transformer(config, 3)),
               folder.path("m.pt"));
  return dragoman::load_model_file(folder.path("m.pt"));
}

void check_rows(const dragoman::AttentionMap& map, std::size_t rows, std::size_t columns) {
  REQUIRE(map.size() == rows);
  for (const std::vector<float>& row : map) {
    REQUIRE(row.size() == columns);
    CHECK(std::accumulate(row.begin(), row.end(), 0.0) == Approx(1.0).margin(1e-5));
  }
}

}  // namespace

TEST_CASE("a record holds a map for every head, and the scores of the target", "[attention]") {
  const std::string source = "two dogs play in \xe6\x9d\x8e";
  const std::string target = "a man and \xe6\x9d\x8e";
  for (const bool copies : {false, true}) {
    const dragoman::ModelFile file = tiny_file(copies);
    const auto record = dragoman::record_attention(file, source, target);
    const std::size_t rows = record.target_tokens.size();
    const std::size_t columns = record.source_tokens.size();
    CHECK(record.source_tokens.back() == "</s>");
    CHECK(record.target_tokens.back() == "</s>");
    REQUIRE(record.cross.size() == 2);
    for (const auto& heads : record.cross) {
      REQUIRE(heads.size() == 2);
      for (const auto& map : heads)
        check_rows(map, rows, columns);
    }
    dragoman::WorkerPool workers(1);
    const auto scores =
        dragoman::score_texts(dragoman::NativeModel(build_transformer(file)), file.encoder,
                              {std::vector{source}, std::vector{target}}, 1, workers);
    REQUIRE(record.log_probabilities.size() == scores.front().token_scores.size());
    for (std::size_t place = 0; place < rows; ++place)
      CHECK(record.log_probabilities[place] ==
            Approx(scores.front().token_scores[place]).margin(1e-5));
    if (!copies) {
      CHECK(record.pointer.empty());
      continue;
    }
    CHECK(record.target == target);  // the word of no vocabulary is copied
    check_rows(record.pointer, rows, columns);
    REQUIRE(record.generate.size() == rows);
    CHECK(record.source_tokens[columns - 2] == "\xe6\x9d\x8e");
    CHECK(record.copied[rows - 2] == Approx(1.0).margin(1e-5));
  }
}

TEST_CASE("without a target the record is of the model's own output", "[attention]") {
  const dragoman::ModelFile file = tiny_file(true);
  const auto record = dragoman::record_attention(file, "two dogs play", "");
  dragoman::WorkerPool workers(1);
  const std::vector<std::string> texts{"two dogs play"};
  const auto found = dragoman::translate_texts(dragoman::NativeModel(build_transformer(file)),
                                               file.encoder, {texts}, file.decoding, 1, workers);
  CHECK(record.target == found.front().text());
  CHECK(record.target_tokens.size() == found.front().hypotheses.front().tokens.size() + 1);
}

TEST_CASE("an empty source and bad bytes have no record", "[attention]") {
  const dragoman::ModelFile file = tiny_file(false);
  CHECK_THROWS_AS(dragoman::record_attention(file, "", "a"), dragoman::UsageError);
  CHECK_THROWS_AS(dragoman::record_attention(file, "a", "\xff"), dragoman::UsageError);
}
