#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "dragoman/data/error.h"
#include "dragoman/data/utf8.h"
#include "dragoman/inference/service/translation_service.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/hooked_model.h"
#include "tests/inference/tiny_file.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"

namespace {

using Catch::Contains;
using dragoman::CancelledError;
using dragoman::DecodingOptions;
using dragoman::PendingTranslation;
using dragoman::Shutdown;
using dragoman::Status;
using dragoman::Translation;
using dragoman::Translator;
using dragoman::UnavailableError;
using dragoman::UsageError;
using dragoman_test::check_same;
using dragoman_test::HookedModel;
using dragoman_test::kOptions;
using dragoman_test::many_lines;
using dragoman_test::outcome;
using dragoman_test::TinyFile;
using std::chrono::milliseconds;

}  // namespace

TEST_CASE("submitted texts are translated as others are", "[service]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 2, .batch_size = 8});
  const auto texts = many_lines(40);
  DecodingOptions greedy = translator.defaults();
  greedy.beam_size = 1;
  const auto expected = translator.translate_batch(texts, translator.defaults());
  const auto expected_greedy = translator.translate_batch(texts, greedy);
  std::vector<PendingTranslation> pending;
  std::vector<PendingTranslation> pending_greedy;
  for (const std::string& text : texts) {
    pending.push_back(translator.submit(text, translator.defaults()));
    pending_greedy.push_back(translator.submit(text, greedy, {.priority = 1}));
  }
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const Translation found = pending[index].get();
    check_same(found, expected[index]);
    CHECK(found.queued_ms >= 0.0);
    CHECK(found.computing_ms > 0.0);
    CHECK(expected[index].computing_ms > 0.0);
    check_same(pending_greedy[index].get(), expected_greedy[index]);
  }
}

TEST_CASE("an answer is taken once, by who asked for it", "[service]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  PendingTranslation pending = translator.submit("a dog", translator.defaults(), {}, [&] {
    const std::lock_guard lock(mutex);
    ++calls;
    changed.notify_all();
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return calls > 0; });
  }
  CHECK(pending.wait_for(milliseconds(0)));
  pending.cancel();
  CHECK(pending.get().hypotheses.size() == 1);
  CHECK_THROWS_AS(pending.get(), UsageError);
  CHECK(calls == 1);
  PendingTranslation none;
  none.cancel();
  CHECK_THROWS_AS(none.get(), UsageError);
  CHECK_THROWS_AS(none.wait_for(milliseconds(0)), UsageError);
}

TEST_CASE("a request that is late, cancelled or forgotten leaves its batch at the next token",
          "[service]") {
  const TinyFile file;
  HookedModel model;
  dragoman::WorkerPool pool(1);
  std::atomic<int> steps = 0;
  std::shared_ptr<dragoman::TranslationRequest> request;
  std::latch submitted(1);
  model.on_step = [&] {
    submitted.wait();
    if (++steps == 2) (void)request->wait_for(milliseconds(60000));
  };
  dragoman::TranslationService service(model, dragoman_test::tiny_encoder(), {}, pool);
  DecodingOptions options = kOptions;
  options.min_length = 15;
  Translation result;
  SECTION("late") {
    request = service.submit("two dogs", options, {.timeout_ms = 30}, {});
    submitted.count_down();
    CHECK(outcome(*request, result) == "late");
  }
  SECTION("cancelled") {
    request = service.submit("two dogs", options, {}, {});
    submitted.count_down();
    request->cancel();
    CHECK(outcome(*request, result) == "cancelled");
  }
  service.shutdown(Shutdown::finish);
  CHECK(steps <= 2);
}

TEST_CASE("what nobody waits for is not computed", "[service]") {
  const TinyFile file;
  const Translator translator(
      file.path(), {.threads = 1, .batch_size = 3, .queue = {.capacity = 2, .max_wait_ms = 60000}});
  for (int round = 0; round < 5; ++round)  // more than the queue holds
    (void)translator.submit("a dog", translator.defaults());
  PendingTranslation pending = translator.submit("a dog", translator.defaults());
  pending = translator.submit("two dogs", translator.defaults());
  translator.shutdown(Shutdown::finish);
  CHECK(pending.get().text() == translator.translate("two dogs").text());
  CHECK_THROWS_WITH(translator.submit("a dog", translator.defaults()), Contains("shut down"));
}

TEST_CASE("answers outlive the translator", "[service]") {
  const TinyFile file;
  PendingTranslation finished;
  PendingTranslation failed;
  {
    const Translator translator(file.path(), {.threads = 1});
    finished = translator.submit("a dog", translator.defaults());
  }
  {
    const Translator translator(file.path(), {.threads = 1, .queue = {.max_wait_ms = 60000}});
    failed = translator.submit("a dog", translator.defaults());
    translator.shutdown(Shutdown::fail);
  }
  CHECK(finished.get().hypotheses.size() == 1);
  CHECK_THROWS_AS(failed.get(), UnavailableError);
}

TEST_CASE("the parts of a stream are whole characters and make up the translation", "[service]") {
  std::vector<std::string> parts;
  const auto collect = [&parts](std::string_view part) {
    parts.emplace_back(part);
    return true;
  };
  const auto check_streams = [&](const Translator& translator) {
    std::size_t in_parts = 0;
    for (const std::int64_t beam : {1, 4}) {
      DecodingOptions options = translator.defaults();
      options.beam_size = beam;
      options.min_length = 25;
      for (const std::string& text : many_lines(12)) {
        parts.clear();
        const Translation result = translator.translate_stream(text, options, collect);
        CHECK(result.text() == translator.translate(text, options).text());
        std::string joined;
        for (const std::string& part : parts) {
          CHECK_FALSE(part.empty());
          CHECK(dragoman::find_bad_text(part) == std::string::npos);
          joined += part;
        }
        CHECK(joined == result.text());
        in_parts += parts.size() > 1 ? 1 : 0;
      }
    }
    // How many is a matter of when this thread gets its turns.
    CHECK(in_parts > 0);
  };
  SECTION("pieces") {
    const TinyFile file;
    const Translator translator(file.path(), {.threads = 1});
    check_streams(translator);
    parts.clear();
    CHECK(translator.translate_stream("", translator.defaults(), collect).status ==
          Status::empty_input);
    CHECK(parts.empty());
  }
  SECTION("pieces that are bytes") {
    dragoman::TokenizerConfig config;
    config.vocabulary_size = 330;
    config.byte_fallback = true;
    const std::string bytes = dragoman::train_tokenizer(config, dragoman_test::tiny_lines());
    const auto size = dragoman::Tokenizer::from_bytes(bytes, "bytes.spm").size();
    auto archive = dragoman_test::tiny_archive(
        dragoman_test::tiny_transformer(dragoman_test::tiny_config(size)));
    archive.files["source.spm"] = bytes;
    const dragoman_test::TemporaryFolder folder;
    save_archive(archive, folder.path("model.pt"));
    check_streams(Translator(folder.path("model.pt"), {.threads = 1}));
  }
}

TEST_CASE("a stream ends when its reader wants no more", "[service]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  DecodingOptions options = translator.defaults();
  options.beam_size = 1;
  const std::string text = "two dogs play in the snow";
  REQUIRE_FALSE(translator.translate(text, options).text().empty());
  int parts = 0;
  CHECK_THROWS_AS(translator.translate_stream(text, options,
                                              [&parts](std::string_view) {
                                                ++parts;
                                                return false;
                                              }),
                  CancelledError);
  CHECK(parts == 1);
  const auto fail = [](std::string_view) -> bool { throw std::runtime_error("the reader's own"); };
  CHECK_THROWS_WITH(translator.translate_stream(text, options, fail), "the reader's own");
}

TEST_CASE("whatever bytes come in, there is an answer or an error of ours", "[service]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 2});
  DecodingOptions options = translator.defaults();
  options.max_length = 8;
  for (const std::string& bad :
       {std::string("\xff"), std::string("a\xc3"), std::string("\xed\xa0\x80"),
        std::string("\xc0\xaf"), std::string("a\0b", 3), std::string(1 << 20, '\x80')}) {
    CHECK_THROWS_AS(translator.submit(bad, options), UsageError);
    CHECK_THROWS_AS(
        translator.translate_stream(bad, options, [](std::string_view) { return true; }),
        UsageError);
  }
  CHECK(translator.submit("", options).get().status == Status::empty_input);
  CHECK(translator.submit(" \t\r\n", options).get().status == Status::empty_input);
  std::string controls;
  for (char byte = 1; byte < 32; ++byte)
    controls += byte;
  CHECK(translator.submit(controls + "\x7f", options).get().hypotheses.size() == 1);
  std::string megabyte;
  while (megabyte.size() < (1 << 20))
    megabyte += "two dogs play ";
  CHECK(translator.submit(megabyte, options).get().has(Status::source_truncated));
  CHECK_NOTHROW(translator.submit(std::string(1 << 20, 'x'), options).get());
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (auto length = random() % 30; length > 0; --length)
      text += static_cast<char>(random() % (round % 2 == 0 ? 256 : 128));
    try {
      const Translation result = translator.submit(text, options).get();
      CHECK_FALSE(result.hypotheses.empty());
    } catch (const UsageError& error) {
      CHECK_THAT(error.what(), Contains("UTF-8"));
    }
  }
}
