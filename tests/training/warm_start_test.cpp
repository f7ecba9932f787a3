#include "dragoman/training/warm_start.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "dragoman/data/error.h"
#include "dragoman/modules/weights.h"
#include "tests/support/catch.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::Tokenizer;
using dragoman::Transformer;

Tokenizer pieces_of(const std::vector<std::string>& lines, std::int64_t size) {
  dragoman::TokenizerConfig config;
  config.type = dragoman::TokenizerType::bpe;
  config.vocabulary_size = size;
  return Tokenizer::from_bytes(dragoman::train_tokenizer(config, lines), "test");
}

dragoman::ModelConfig tiny(const Tokenizer& tokenizer, dragoman::TiedEmbeddings tied) {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 1, .dim = 8, .heads = 2, .feed_forward = 16};
  config.decoder = config.encoder;
  config.tied_embeddings = tied;
  config.source_vocabulary = config.target_vocabulary = tokenizer.size();
  return config;
}

Transformer seeded(const dragoman::ModelConfig& config, std::uint64_t seed) {
  at::manual_seed(seed);
  return Transformer(config);
}

dragoman::Pretrained pretrained(const Transformer& model, const Tokenizer& tokenizer) {
  return {dragoman::named_weights(*model), model->config().tied_embeddings, tokenizer, tokenizer};
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

const std::vector<std::string> kLines = {"low lower lowest", "new newer newest", "wide wider"};

}  // namespace

TEST_CASE("a warm start takes all that has the same name and shape", "[warm_start]") {
  const Tokenizer tokenizer = pieces_of(kLines, 40);
  const Transformer old = seeded(tiny(tokenizer, dragoman::TiedEmbeddings::all), 1);
  dragoman::ModelConfig config = tiny(tokenizer, dragoman::TiedEmbeddings::all);
  config.decoder.layers = 2;
  config.encoder.feed_forward = 24;
  config.copy_head.enabled = true;
  Transformer model = seeded(config, 2);
  const auto before = dragoman_test::copy_of_weights(model);
  const auto report = dragoman::warm_start(model, pretrained(old, tokenizer), tokenizer, tokenizer);
  const auto after = dragoman::named_weights(*model);
  const auto given = dragoman::named_weights(*old);
  for (const std::string& name : report.taken) {
    CAPTURE(name);
    CHECK(after.at(name).equal(given.at(name)));
  }
  for (const std::string& name : report.random) {
    CAPTURE(name);
    CHECK(after.at(name).equal(before.at(name)));
  }
  CHECK(holds(report.taken, "source_embedding.weight"));
  CHECK(holds(report.random, "copy_head.gate.weight"));
  CHECK(holds(report.random, "decoder.layers.1.self_attention.output.weight"));
  REQUIRE(report.misshapen.size() == 3);  // two matrices and a bias of the feed-forward block
  CHECK(report.misshapen.front().find("[24") != std::string::npos);
  CHECK(report.unused.empty());
  CHECK(report.by_piece.empty());
  CHECK(report.taken.size() + report.random.size() + report.misshapen.size() == after.size());
}

TEST_CASE("a tied matrix gives the untied ones their start", "[warm_start]") {
  const Tokenizer tokenizer = pieces_of(kLines, 40);
  const Transformer old = seeded(tiny(tokenizer, dragoman::TiedEmbeddings::all), 1);
  Transformer model = seeded(tiny(tokenizer, dragoman::TiedEmbeddings::none), 2);
  const auto report = dragoman::warm_start(model, pretrained(old, tokenizer), tokenizer, tokenizer);
  CHECK(report.random.empty());
  const at::Tensor given = dragoman::named_weights(*old).at("source_embedding.weight");
  for (const char* name :
       {"source_embedding.weight", "target_embedding.weight", "output_head.weight"})
    CHECK(dragoman::named_weights(*model).at(name).equal(given));
}

TEST_CASE("rows of a changed vocabulary are found by their pieces", "[warm_start]") {
  const Tokenizer before = pieces_of(kLines, 36);
  std::vector<std::string> lines = kLines;
  lines.insert(lines.end(), {"wider wilder z", "wilderness"});
  const Tokenizer now = pieces_of(lines, 44);
  const Transformer old = seeded(tiny(before, dragoman::TiedEmbeddings::all), 1);
  Transformer model = seeded(tiny(now, dragoman::TiedEmbeddings::all), 2);
  const at::Tensor random = dragoman_test::copy_of_weights(model).at("source_embedding.weight");
  const auto report = dragoman::warm_start(model, pretrained(old, before), now, now);
  CHECK(holds(report.by_piece, "source_embedding.weight"));
  CHECK(holds(report.by_piece, "output_head.bias"));
  CHECK(report.pieces_known > 0);
  CHECK(report.pieces_known + report.pieces_composed + report.pieces_new == now.size());
  CHECK(report.pieces_composed > 0);
  const at::Tensor given = dragoman::named_weights(*old).at("source_embedding.weight");
  const at::Tensor rows = dragoman::named_weights(*model).at("source_embedding.weight");
  std::int64_t unspelled = 0;
  for (std::int32_t id = 0; id < now.size(); ++id) {
    const std::string piece = now.piece(id);
    CAPTURE(piece);
    if (piece == "z") ++unspelled;
    const std::int32_t known = before.id(piece);
    if (before.piece(known) == piece)
      CHECK(rows[id].equal(given[known]));
    else if (piece == "z")
      CHECK(rows[id].equal(random[id]));
    else if (piece == "wild" || piece == "\u2581wild")
      CHECK_FALSE(rows[id].equal(random[id]));
  }
  CHECK(unspelled == 1);
  CHECK(report.pieces_new == unspelled);
}

TEST_CASE("a warm start that takes nothing is refused", "[warm_start]") {
  const dragoman::WarmStartReport report{.random = {"a"},
                                         .misshapen = {"b (has shape [1], the model needs [2])"}};
  dragoman_test::TestLog log;
  CHECK_THROWS_WITH(dragoman::log_warm_start(report, "old.pt", log),
                    Catch::Contains("old.pt: no parameter fits the model, e.g. b (has shape [1]"));
}
