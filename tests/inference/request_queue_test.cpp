#include "dragoman/inference/service/request_queue.h"

#include <algorithm>
#include <random>
#include <set>

#include "tests/inference/fake_requests.h"
#include "tests/support/catch.h"

namespace {

using dragoman::QueueOptions;
using dragoman::RequestQueue;
using dragoman::RequestTraits;
using dragoman::SteadyTime;
using dragoman_test::fake;
using dragoman_test::FakeRequest;
using std::chrono::milliseconds;
using Numbers = std::vector<int>;

constexpr SteadyTime kStart{std::chrono::hours(1)};

void add(RequestQueue& queue, int number, const RequestTraits& traits,
         milliseconds after = milliseconds(0)) {
  queue.add(std::make_shared<FakeRequest>(number, traits), kStart + after);
}

Numbers take(RequestQueue& queue, milliseconds after = milliseconds(0)) {
  Numbers numbers;
  for (const auto& request : queue.take(kStart + after))
    numbers.push_back(fake(request).number);
  return numbers;
}

}  // namespace

TEST_CASE("the oldest request of the highest priority comes first", "[request_queue]") {
  RequestQueue queue({}, 1);
  add(queue, 1, {.priority = 0});
  add(queue, 2, {.priority = 3});
  add(queue, 3, {.priority = -1});
  add(queue, 4, {.priority = 3});
  CHECK(take(queue) == Numbers{2});
  CHECK(take(queue) == Numbers{4});
  CHECK(take(queue) == Numbers{1});
  CHECK(take(queue) == Numbers{3});
  CHECK(take(queue).empty());
}

TEST_CASE("who waits long enough comes first, whatever the priority of others", "[request_queue]") {
  RequestQueue queue({.aging_ms = 100}, 1);
  add(queue, 1, {.priority = -2});
  add(queue, 2, {.priority = 3}, milliseconds(450));
  CHECK(take(queue, milliseconds(450)) == Numbers{2});
  add(queue, 3, {.priority = 3}, milliseconds(500));
  CHECK(take(queue, milliseconds(500)) == Numbers{1});
}

TEST_CASE("the nearest lengths come along", "[request_queue]") {
  RequestQueue queue({}, 3);
  int number = 0;
  for (const std::int64_t length : {20, 90, 25, 5, 19, 21})
    add(queue, number++, {.length = length});
  CHECK(take(queue) == Numbers{0, 4, 5});
  CHECK(take(queue) == Numbers{1, 2, 3});
}

TEST_CASE("a batch with its padding stays below the budget of tokens", "[request_queue]") {
  RequestQueue queue({.batch_tokens = 60}, 100);
  add(queue, 0, {.length = 20});
  add(queue, 1, {.length = 30});
  add(queue, 2, {.length = 20});
  add(queue, 3, {.length = 10});
  add(queue, 4, {.length = 500});
  CHECK(take(queue) == Numbers{0, 2, 3});  // 1 would make it 3 x 30
  CHECK(take(queue) == Numbers{1});
  CHECK(take(queue) == Numbers{4});  // too long for any company
}

TEST_CASE("requests of different kinds never share a batch", "[request_queue]") {
  RequestQueue queue({}, 10);
  for (int number = 0; number < 6; ++number)
    add(queue, number, {.kind = static_cast<std::uint64_t>(number % 2)});
  CHECK(take(queue) == Numbers{0, 2, 4});
  CHECK(take(queue) == Numbers{1, 3, 5});
}

TEST_CASE("a batch waits for company until it is full, for max_wait, and not beyond a deadline",
          "[request_queue]") {
  const auto due = [](const RequestQueue& queue, int after) {
    const auto now = kStart + milliseconds(after);
    return std::chrono::duration_cast<milliseconds>(queue.due(now) - now).count();
  };
  RequestQueue queue({.batch_tokens = 40, .max_wait_ms = 50}, 3);
  add(queue, 0, {.length = 10});
  CHECK(due(queue, 0) == 50);
  CHECK(due(queue, 30) == 20);
  CHECK(due(queue, 70) == 0);
  add(queue, 1, {.length = 10}, milliseconds(20));
  CHECK(due(queue, 20) == 30);
  add(queue, 2, {.length = 15}, milliseconds(20));  // no third one within 40 tokens
  CHECK(due(queue, 20) == 0);
  CHECK(take(queue, milliseconds(20)) == Numbers{0, 1});
  add(queue, 3, {.length = 25}, milliseconds(20));  // not beside the 15 of request 2
  CHECK(due(queue, 20) == 0);
  CHECK(take(queue, milliseconds(20)) == Numbers{2});
  CHECK(take(queue, milliseconds(20)) == Numbers{3});
  add(queue, 4, {.deadline = kStart + milliseconds(60)}, milliseconds(20));
  CHECK(due(queue, 20) == 0);

  RequestQueue eager({}, 3);
  add(eager, 0, {});
  CHECK(due(eager, 0) == 0);
}

TEST_CASE("whatever comes, each request leaves once, in a batch within the limits",
          "[request_queue]") {
  std::mt19937 random(3);
  const auto below = [&random](int limit) { return static_cast<int>(random() % limit); };
  RequestQueue queue({.batch_tokens = 200}, 8);
  std::set<int> left;
  int added = 0;
  for (int round = 0; round < 2000; ++round) {
    const milliseconds now(round);
    if (below(3) > 0 && added < 1000)
      add(queue, added++,
          {.length = 1 + below(120),
           .kind = static_cast<std::uint64_t>(below(2)),
           .priority = below(5)},
          now);
    if (below(4) > 0) continue;
    const auto batch = queue.take(kStart + now);
    std::int64_t longest = 0;
    for (const auto& request : batch) {
      CHECK(left.insert(fake(request).number).second);
      CHECK(request->traits().kind == batch.front()->traits().kind);
      longest = std::max(longest, request->traits().length);
    }
    CHECK(batch.size() <= 8);
    CHECK(static_cast<std::int64_t>(batch.size()) * longest <= 200);
  }
  while (!queue.empty())
    for (const auto& request : queue.take(kStart))
      CHECK(left.insert(fake(request).number).second);
  CHECK(static_cast<int>(left.size()) == added);
}
