#include <c10/util/Exception.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <stdexcept>
#include <thread>

#include "dragoman/data/error.h"
#include "dragoman/data/utf8.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/service/translation_service.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/tiny_file.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"

namespace {

using Catch::Contains;
using dragoman::CancelledError;
using dragoman::DeadlineError;
using dragoman::DecodingOptions;
using dragoman::PendingTranslation;
using dragoman::Shutdown;
using dragoman::Status;
using dragoman::Translation;
using dragoman::Translator;
using dragoman::UnavailableError;
using dragoman::UsageError;
using dragoman_test::check_same;
using dragoman_test::many_lines;
using dragoman_test::TinyFile;
using std::chrono::milliseconds;

/// The tiny model, which calls something before each start and each step.
class HookedModel final : public dragoman::StepModel {
 public:
  std::unique_ptr<dragoman::StepState> start(const dragoman::SourceBatch& source) const override {
    if (on_start) on_start();
    return model_.start(source);
  }
  at::Tensor step(const at::Tensor& next, dragoman::StepState& state) const override {
    if (on_step) on_step();
    return model_.step(next, state);
  }
  void reorder(dragoman::StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override {
    model_.reorder(state, rows, sentences);
  }
  std::int64_t vocabulary_size() const override { return model_.vocabulary_size(); }
  at::Device device() const override { return model_.device(); }

  std::function<void()> on_start;
  std::function<void()> on_step;

 private:
  dragoman::NativeModel model_{dragoman_test::tiny_transformer(dragoman_test::tiny_config(60))};
};

/// The outcome in a word; the translation in `result`.
std::string outcome(dragoman::TranslationRequest& request, Translation& result) {
  try {
    result = request.take();
    return "done";
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const DeadlineError&) {
    return "late";
  } catch (const UnavailableError&) {
    return "unavailable";
  } catch (const dragoman::Error& error) {
    return error.what();
  }
}

/// Of each kind that a model or LibTorch may throw.
constexpr int kFaults = 5;
void inject_fault(int number) {
  switch (number % kFaults) {
    case 0:
      throw std::runtime_error("an injected fault");
    case 1:
      TORCH_CHECK(false, "an injected fault");
      break;
    case 2:
      throw std::bad_alloc();
    case 3:
      TORCH_CHECK_WITH(OutOfMemoryError, false, "an injected fault");
      break;
    default:
      throw dragoman::ModelError("an injected fault");
  }
}
bool is_fault(const std::string& outcome) {
  return outcome.find("an injected fault") != std::string::npos ||
         outcome.find("out of memory") != std::string::npos;
}

const DecodingOptions kOptions{.beam_size = 3, .max_length = 20};

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

TEST_CASE("a batch that fails is computed again, each request alone", "[service]") {
  HookedModel model;
  std::atomic<int> starts = 0;
  model.on_start = [&starts] {
    if (++starts == 1) throw std::runtime_error("an injected fault");
    if (starts == 3) throw std::bad_alloc();
  };
  dragoman::WorkerPool pool(1);
  dragoman::TranslationService service(model, dragoman_test::tiny_encoder(),
                                       {.queue = {.max_wait_ms = 60000}, .batch_size = 3}, pool);
  std::vector<std::shared_ptr<dragoman::TranslationRequest>> requests;
  for (int number = 0; number < 3; ++number)
    requests.push_back(service.submit("a dog", kOptions, {}, {}));
  Translation result;
  CHECK(outcome(*requests[0], result) == "done");
  CHECK_THAT(outcome(*requests[1], result), Contains("out of memory"));
  CHECK(outcome(*requests[2], result) == "done");
  starts = 0;
  const auto alone = service.submit("a dog", kOptions, {}, {});
  service.shutdown(Shutdown::finish);
  CHECK_THAT(outcome(*alone, result), Contains("an injected fault"));
}

TEST_CASE("a fault of any kind at any step costs no other request its answer", "[service]") {
  const auto expected = [] {
    const HookedModel model;
    dragoman::WorkerPool pool(1);
    return dragoman::translate_texts(model, dragoman_test::tiny_encoder(), {many_lines(4), {}},
                                     kOptions, 4, pool);
  }();
  for (int fault = 0; fault < kFaults; ++fault)
    for (const int faulty_step : {1, 3, 8}) {
      CAPTURE(fault, faulty_step);
      HookedModel model;
      int steps = 0;
      int to_come = 2;  // of the batch, and of the request that is computed alone first
      model.on_step = [&] {
        if (to_come == 0 || ++steps < faulty_step) return;
        steps = 0;
        --to_come;
        inject_fault(fault);
      };
      dragoman::WorkerPool pool(1);
      dragoman::TranslationService service(model, dragoman_test::tiny_encoder(),
                                           {.queue = {.max_wait_ms = 60000}, .batch_size = 4},
                                           pool);
      std::vector<std::shared_ptr<dragoman::TranslationRequest>> requests;
      for (const std::string& text : many_lines(4))
        requests.push_back(service.submit(text, kOptions, {}, {}));
      int faults = 0;
      for (std::size_t index = 0; index < requests.size(); ++index) {
        Translation result;
        const std::string what = outcome(*requests[index], result);
        CAPTURE(what);
        faults += is_fault(what) ? 1 : 0;
        CHECK((is_fault(what) || what == "done"));
        if (what == "done") check_same(result, expected[index]);
      }
      CHECK(to_come == 0);
      CHECK(faults <= 1);
      Translation result;
      const auto after = service.submit(many_lines(4)[1], kOptions, {}, {});
      service.shutdown(Shutdown::finish);
      REQUIRE(outcome(*after, result) == "done");
      check_same(result, expected[1]);
    }
}

TEST_CASE("a flood of requests waits outside a full queue, or is refused", "[service]") {
  constexpr std::size_t kCallers = 8;
  constexpr int kRequests = 40;
  constexpr std::int64_t kCapacity = 6;
  constexpr std::int64_t kBatch = 4;
  const bool refuses = GENERATE(false, true);
  CAPTURE(refuses);
  HookedModel model;
  model.on_start = [] { std::this_thread::sleep_for(milliseconds(2)); };
  dragoman::WorkerPool pool(1);
  dragoman::TranslationService service(
      model, dragoman_test::tiny_encoder(),
      {.queue = {.capacity = kCapacity,
                 .when_full = refuses ? dragoman::WhenFull::refuse : dragoman::WhenFull::wait},
       .batch_size = kBatch},
      pool);
  DecodingOptions options = kOptions;
  options.max_length = 3;
  std::atomic<std::int64_t> accepted = 0;
  std::atomic<std::int64_t> refused = 0;
  std::atomic<std::int64_t> answered = 0;
  std::atomic<std::int64_t> failed = 0;
  std::atomic<std::int64_t> most = 0;
  const auto flood = [&] {
    std::vector<std::shared_ptr<dragoman::TranslationRequest>> requests;
    for (int number = 0; number < kRequests; ++number) {
      try {
        requests.push_back(service.submit("two dogs", options, {}, [&] { ++answered; }));
      } catch (const UnavailableError&) {
        ++refused;
        continue;
      }
      const std::int64_t inside = ++accepted - answered;
      for (std::int64_t old = most; inside > old && !most.compare_exchange_weak(old, inside);) {
      }
    }
    for (const auto& request : requests) {
      Translation result;
      if (outcome(*request, result) != "done") ++failed;
    }
  };
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < kCallers; ++caller)
    callers.emplace_back(flood);
  for (std::thread& caller : callers)
    caller.join();
  service.shutdown(Shutdown::finish);
  CHECK(accepted + refused == static_cast<std::int64_t>(kCallers) * kRequests);
  CHECK(answered == accepted);
  CHECK(failed == 0);
  CHECK((refused > 0) == refuses);
  // In the queue and in the one batch; each caller may be between the two counts.
  CHECK(most <= kCapacity + kBatch + static_cast<std::int64_t>(kCallers));
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

TEST_CASE("64 clients with deadlines, cancellations and faults: no answer is lost or mistaken",
          "[service]") {
  constexpr std::size_t kClients = 64;
  constexpr std::size_t kRequests = 8;
  const auto texts = many_lines(70);
  HookedModel model;
  const auto expected = [&] {
    dragoman::WorkerPool pool(2);
    return dragoman::translate_texts(model, dragoman_test::tiny_encoder(), {texts, {}}, kOptions,
                                     16, pool);
  }();
  std::atomic<int> starts = 0;
  model.on_start = [&starts] {
    if (++starts % 6 == 0) throw std::runtime_error("an injected fault");
  };
  std::atomic<int> steps = 0;
  model.on_step = [&steps] {
    if (const int step = ++steps; step % 150 == 0) inject_fault(step / 150);
  };
  dragoman::WorkerPool pool(2);
  dragoman::TranslationService service(
      model, dragoman_test::tiny_encoder(),
      {.queue = {.capacity = 40, .batch_tokens = 400}, .batch_size = 16, .workers = 2}, pool);
  std::mutex mutex;
  std::map<std::string, int> outcomes;
  std::vector<std::string> wrong;
  const auto serve = [&](std::size_t client) {
    std::mt19937 random(static_cast<unsigned>(client));
    for (std::size_t round = 0; round < kRequests; ++round) {
      const std::size_t index = random() % texts.size();
      const auto fate = random() % 6;
      dragoman::RequestOptions options;
      options.priority = static_cast<std::int64_t>(random() % 3);
      if (fate == 0) options.timeout_ms = 1 + static_cast<std::int64_t>(random() % 20);
      Translation result;
      std::string streamed;
      std::string what;
      if (fate == 2) {
        try {
          result = service.stream(
              texts[index], kOptions,
              [&](std::string_view part) {
                streamed += part;
                return true;
              },
              options);
          what = streamed == result.text() ? "done" : "a wrong stream";
        } catch (const dragoman::Error& error) {
          what = error.what();
        }
      } else {
        const auto request = service.submit(texts[index], kOptions, options, {});
        if (fate == 1) request->cancel();
        what = outcome(*request, result);
      }
      if (is_fault(what)) what = "fault";
      const std::lock_guard lock(mutex);
      ++outcomes[what];
      if (what == "done" && result.text() != expected[index].text()) wrong.push_back(texts[index]);
      if ((what == "late" && fate != 0) || (what == "cancelled" && fate != 1))
        wrong.push_back(what);
    }
  };
  std::vector<std::thread> clients;
  for (std::size_t client = 0; client < kClients; ++client)
    clients.emplace_back(serve, client);
  for (std::thread& client : clients)
    client.join();
  CHECK(wrong.empty());
  std::size_t answers = 0;
  for (const auto& [what, count] : outcomes) {
    CAPTURE(what);
    CHECK((what == "done" || what == "late" || what == "cancelled" || what == "fault"));
    answers += static_cast<std::size_t>(count);
  }
  CHECK(answers == kClients * kRequests);
  CHECK(outcomes["done"] > static_cast<int>(kClients * kRequests / 2));
}
