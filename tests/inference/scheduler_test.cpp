#include "dragoman/inference/service/scheduler.h"

#include <atomic>
#include <latch>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/inference/fake_requests.h"
#include "tests/support/catch.h"

namespace {

using dragoman::RequestBatch;
using dragoman::RequestTraits;
using dragoman::Scheduler;
using dragoman::SchedulerOptions;
using dragoman::Shutdown;
using dragoman::SteadyTime;
using dragoman::UnavailableError;
using dragoman::WhenFull;
using dragoman_test::fake;
using dragoman_test::FakeRequest;
using dragoman_test::Threads;
using dragoman_test::WorkByHand;
using std::chrono::milliseconds;
using Numbers = std::vector<int>;

std::shared_ptr<FakeRequest> request(int number, const RequestTraits& traits = {}) {
  return std::make_shared<FakeRequest>(number, traits);
}

SteadyTime soon(int time = 1) {
  return std::chrono::steady_clock::now() + milliseconds(time);
}

int expected(int number) {
  return 3 * number + 1;
}

/// A scheduler whose batches are computed when the test says so.
struct Desk {
  explicit Desk(const SchedulerOptions& options)
      : scheduler(
            options, [this](const RequestBatch& batch) { compute(batch); },
            [this](auto task) { work.post(std::move(task)); }) {}
  ~Desk() { work.do_all(); }

  void compute(const RequestBatch& batch) {
    batches.emplace_back();
    for (const auto& each : batch) {
      batches.back().push_back(fake(each).number);
      fake(each).result = expected(fake(each).number);
    }
    if (on_batch) on_batch(batch);
  }

  WorkByHand work;
  std::vector<Numbers> batches;
  std::function<void(const RequestBatch&)> on_batch;
  Scheduler scheduler;  ///< last: its end may still compute
};

/// Computes as a search does: step by step, without those who were answered meanwhile.
void wait_until_answered(const std::shared_ptr<dragoman::ScheduledRequest>& waiting) {
  while (!waiting->is_answered())
    std::this_thread::yield();
}

}  // namespace

TEST_CASE("requests that came singly are computed together", "[scheduler]") {
  Desk desk({.batch_size = 4});
  std::vector<std::shared_ptr<FakeRequest>> requests;
  for (int number = 0; number < 6; ++number)
    desk.scheduler.submit(requests.emplace_back(request(number, {.length = 1 + number % 2})));
  desk.work.do_all();
  CHECK((desk.batches == std::vector<Numbers>{{0, 2, 4, 1}, {3, 5}}));
  for (const auto& each : requests) {
    CHECK(each->outcome() == "done");
    CHECK(each->result == expected(each->number));
  }
}

TEST_CASE("no more batches are computed at a time than there are workers", "[scheduler]") {
  Desk desk({.batch_size = 1, .workers = 2});
  for (int number = 0; number < 5; ++number)
    desk.scheduler.submit(request(number));
  std::optional<bool> third;
  desk.on_batch = [&](const RequestBatch&) {
    if (third) return;
    third = false;
    desk.work.do_one();          // the second, while the first is being computed
    third = desk.work.do_one();  // its successor
  };
  desk.work.do_one();
  CHECK(third == true);
  desk.work.do_all();
  CHECK(desk.batches.size() == 5);
}

TEST_CASE("a request that is late while it waits fails without being computed", "[scheduler]") {
  Desk desk({});
  const auto late = request(1, {.deadline = soon()});
  const auto patient = request(2);
  const auto hopeless = request(3, {.deadline = soon(-5)});
  desk.scheduler.submit(late);
  desk.scheduler.submit(patient);
  desk.scheduler.submit(hopeless);
  CHECK(hopeless->outcome() == "late");
  CHECK(late->outcome() == "late");  // although no worker ever looked at it
  desk.work.do_all();
  CHECK(patient->outcome() == "done");
  CHECK((desk.batches == std::vector<Numbers>{{2}}));
}

TEST_CASE("a request that is late or cancelled while it is computed fails at once", "[scheduler]") {
  Desk desk({});
  const auto late = request(1, {.deadline = soon(20)});
  const auto cancelled = request(2);
  const auto patient = request(3);
  for (const auto& each : {late, cancelled, patient})
    desk.scheduler.submit(each);
  desk.on_batch = [&](const RequestBatch&) {
    cancelled->cancel();
    CHECK(cancelled->outcome() == "cancelled");
    wait_until_answered(late);
    CHECK(late->outcome() == "late");
    CHECK_FALSE(patient->is_answered());
  };
  desk.work.do_all();
  CHECK(patient->outcome() == "done");
}

TEST_CASE("a cancelled request leaves the queue; a finished one stays as it is", "[scheduler]") {
  Desk desk({.queue = {.capacity = 2, .when_full = WhenFull::refuse}});
  const auto one = request(1);
  const auto two = request(2);
  desk.scheduler.submit(one);
  desk.scheduler.submit(two);
  CHECK_THROWS_AS(desk.scheduler.submit(request(3)), UnavailableError);
  one->cancel();
  one->cancel();
  CHECK(one->outcome() == "cancelled");
  const auto four = request(4);
  desk.scheduler.submit(four);
  desk.work.do_all();
  CHECK((desk.batches == std::vector<Numbers>{{2, 4}}));
  two->cancel();
  CHECK(two->outcome() == "done");
}

TEST_CASE("requests may outlive the scheduler, and may be cancelled then", "[scheduler]") {
  const auto one = request(1);
  Threads threads(1);
  {
    Scheduler scheduler(
        {}, [](const RequestBatch&) {}, [&](auto task) { threads.post(std::move(task)); });
    scheduler.submit(one);
  }
  one->cancel();
  CHECK(one->outcome() == "done");
}

TEST_CASE("a full queue says so, or slows its callers down", "[scheduler]") {
  SECTION("refuse") {
    Desk desk({.queue = {.capacity = 1, .when_full = WhenFull::refuse}});
    desk.scheduler.submit(request(1));
    CHECK_THROWS_WITH(desk.scheduler.submit(request(2)),
                      Catch::Contains("the queue is full") && Catch::Contains("queue.capacity: 1"));
  }
  SECTION("wait") {
    constexpr int kCallers = 20;
    std::atomic<std::size_t> largest = 0;
    Threads threads(1);
    Scheduler scheduler(
        {.queue = {.capacity = 3}, .batch_size = 100},
        [&largest](const RequestBatch& batch) { largest = std::max(largest.load(), batch.size()); },
        [&](auto task) { threads.post(std::move(task)); });
    std::vector<std::thread> callers;
    std::latch start(kCallers);
    for (int caller = 0; caller < kCallers; ++caller)
      callers.emplace_back([&, caller] {
        start.arrive_and_wait();
        for (int round = 0; round < 20; ++round) {
          const auto own = request(caller);
          scheduler.submit(own);
          if (own->outcome() != "done") std::terminate();
        }
      });
    for (std::thread& caller : callers)
      caller.join();
    CHECK(largest <= 3);  // as many as the queue holds, although all 20 callers send
  }
  SECTION("wait, but not for ever") {
    Desk desk({.queue = {.capacity = 1}});
    desk.scheduler.submit(request(1));
    const auto late = request(2, {.deadline = soon()});
    desk.scheduler.submit(late);
    CHECK(late->outcome() == "late");
  }
}

TEST_CASE("a request that cannot be computed fails alone", "[scheduler]") {
  Desk desk({.batch_size = 10});
  std::vector<std::shared_ptr<FakeRequest>> requests;
  for (int number = 0; number < 5; ++number)
    desk.scheduler.submit(requests.emplace_back(request(number)));
  desk.on_batch = [](const RequestBatch& batch) {
    for (const auto& each : batch)
      if (fake(each).number == 3) throw std::runtime_error("3 is poison");
  };
  desk.work.do_all();
  for (const auto& each : requests)
    CHECK(each->outcome() == (each->number == 3 ? "3 is poison" : "done"));
  CHECK(desk.batches.size() == 6);  // together, then each alone
}

TEST_CASE("what succeeds early is not computed again when the batch fails", "[scheduler]") {
  Desk desk({.batch_size = 10});
  const auto early = request(1);
  const auto other = request(2);
  desk.scheduler.submit(early);
  desk.scheduler.submit(other);
  desk.on_batch = [&](const RequestBatch& batch) {
    early->succeed();
    if (batch.size() > 1) throw std::runtime_error("a fault");
  };
  desk.work.do_all();
  CHECK(early->outcome() == "done");
  CHECK(other->outcome() == "done");
  CHECK((desk.batches == std::vector<Numbers>{{1, 2}, {2}}));
}

TEST_CASE("company is waited for until the batch is full or the time is over", "[scheduler]") {
  SECTION("full") {
    Desk desk({.queue = {.max_wait_ms = 60000}, .batch_size = 3});
    for (int number = 0; number < 2; ++number)
      desk.scheduler.submit(request(number));
    desk.work.do_all();
    CHECK(desk.batches.empty());
    desk.scheduler.submit(request(2));
    desk.work.do_all();
    CHECK((desk.batches == std::vector<Numbers>{{0, 1, 2}}));
  }
  SECTION("time") {
    Threads threads(1);
    Scheduler scheduler(
        {.queue = {.max_wait_ms = 1}, .batch_size = 3}, [](const RequestBatch&) {},
        [&](auto task) { threads.post(std::move(task)); });
    const auto alone = request(1);
    scheduler.submit(alone);
    CHECK(alone->outcome() == "done");
  }
}

TEST_CASE("a shutdown finishes what waits, or fails it", "[scheduler]") {
  Threads threads(2);
  std::latch begun(2);
  Scheduler scheduler(
      {.queue = {.max_wait_ms = 60000}, .batch_size = 2, .workers = 2},
      [&begun](const RequestBatch& batch) {
        if (fake(batch.front()).number < 0) {
          begun.count_down();
          for (const auto& each : batch)
            wait_until_answered(each);
        }
      },
      [&](auto task) { threads.post(std::move(task)); });
  std::vector<std::shared_ptr<FakeRequest>> requests;
  SECTION("finish") {
    for (int number = 0; number < 25; ++number)
      scheduler.submit(
          requests.emplace_back(request(number, {.kind = static_cast<std::uint64_t>(number % 3)})));
    scheduler.shutdown(Shutdown::finish);
    for (const auto& each : requests) {
      CHECK(each->is_answered());
      CHECK(each->outcome() == "done");
    }
  }
  SECTION("fail, also what is being computed") {
    for (int number = -4; number < 20; ++number)
      scheduler.submit(requests.emplace_back(request(number)));
    begun.wait();
    scheduler.shutdown(Shutdown::fail);
    for (const auto& each : requests)
      CHECK(each->outcome() == "unavailable");
  }
  CHECK_THROWS_WITH(scheduler.submit(request(1)), Catch::Contains("is being shut down"));
  scheduler.shutdown(Shutdown::finish);
}

TEST_CASE("a shutdown wakes those who wait for room", "[scheduler]") {
  Desk desk({.queue = {.capacity = 1}});
  const auto first = request(1);
  desk.scheduler.submit(first);
  std::string refusal;
  std::thread caller([&] {
    try {
      desk.scheduler.submit(request(2));
    } catch (const UnavailableError& error) {
      refusal = error.what();
    }
  });
  std::thread closer([&] { desk.scheduler.shutdown(Shutdown::fail); });
  caller.join();
  CHECK(first->outcome() == "unavailable");
  desk.work.do_all();
  closer.join();
  CHECK_THAT(refusal, Catch::Contains("shut down"));
}

TEST_CASE("64 threads with deadlines, cancellations and faults: each gets its own answer, once",
          "[scheduler]") {
  constexpr int kClients = 64;
  constexpr int kRequests = 40;
  Threads threads(3);
  std::atomic<int> calls = 0;
  std::atomic<int> wrong = 0;
  std::atomic<int> done = 0;
  std::atomic<int> failed = 0;
  {
    Scheduler scheduler(
        {.queue = {.capacity = 50, .batch_tokens = 500, .aging_ms = 2},
         .batch_size = 16,
         .workers = 3},
        [&calls](const RequestBatch& batch) {
          if (++calls % 7 == 0) throw std::runtime_error("fault before");
          for (const auto& each : batch) {
            FakeRequest& own = fake(each);
            if (own.is_answered()) continue;
            if (own.number % 101 == 100) throw std::runtime_error("poison");
            own.result = expected(own.number);
            if (own.number % 2 == 0) own.succeed();
          }
          if (calls % 5 == 0) throw std::runtime_error("fault after");
        },
        [&](auto task) { threads.post(std::move(task)); });
    std::vector<std::thread> clients;
    for (int client = 0; client < kClients; ++client)
      clients.emplace_back([&, client] {
        std::mt19937 random(static_cast<unsigned>(client));
        for (int round = 0; round < kRequests; ++round) {
          const int number = client * kRequests + round;
          const unsigned fate = random() % 8;
          const auto own = request(
              number,
              {.length = 1 + static_cast<std::int64_t>(random() % 80),
               .kind = random() % 2,
               .priority = static_cast<std::int64_t>(random() % 5) - 2,
               .deadline = fate == 0 ? soon(static_cast<int>(random() % 3)) : SteadyTime::max()});
          scheduler.submit(own);
          if (fate == 1) own->cancel();
          const std::string outcome = own->outcome();
          const bool is_fair =
              outcome == "done"   ? own->result == expected(number)
              : outcome == "late" ? fate == 0
              : outcome == "cancelled"
                  ? fate == 1
                  : outcome.starts_with("fault") || (outcome == "poison" && number % 101 == 100);
          if (!is_fair) ++wrong;
          ++(outcome == "done" ? done : failed);
        }
      });
    for (std::thread& client : clients)
      client.join();
  }
  CHECK(wrong == 0);
  CHECK(done + failed == kClients * kRequests);
  CHECK(done > failed);
}
