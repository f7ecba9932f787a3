// Faults in the middle of computations, floods of requests, and many clients at a time.
#include <c10/util/Exception.h>

#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <stdexcept>
#include <thread>

#include "dragoman/data/error.h"
#include "dragoman/inference/service/translation_service.h"
#include "tests/inference/hooked_model.h"
#include "tests/inference/tiny_file.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"

namespace {

using Catch::Contains;
using dragoman::DecodingOptions;
using dragoman::Shutdown;
using dragoman::Translation;
using dragoman::UnavailableError;
using dragoman_test::check_same;
using dragoman_test::HookedModel;
using dragoman_test::kOptions;
using dragoman_test::many_lines;
using dragoman_test::outcome;
using std::chrono::milliseconds;

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

}  // namespace

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
