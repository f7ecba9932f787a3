// The real transport, its ranks threads of this process.
#include "dragoman/training/ranks/gloo_communicator.h"

#include <ATen/ATen.h>

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/training/ranks/collectives.h"
#include "tests/support/catch.h"
#include "tests/support/free_port.h"

namespace {

using dragoman::Communicator;

struct World {
  int size = 2;
  double timeout = 20.0;
  int port = dragoman_test::free_port();
};

/// Runs `work` as the given rank; returns the message of a SystemError.
std::future<std::string> start_rank(const World& world, int rank,
                                    std::function<void(Communicator&)> work) {
  return std::async(std::launch::async, [world, rank, work = std::move(work)]() -> std::string {
    try {
      dragoman::Launch launch;
      launch.rank = rank;
      launch.size = world.size;
      launch.address = "127.0.0.1";
      launch.port = world.port;
      const auto communicator = dragoman::connect_ranks(launch, world.timeout);
      work(*communicator);
      return {};
    } catch (const dragoman::SystemError& error) {
      return error.what();
    }
  });
}

std::vector<std::string> run_world(const World& world,
                                   const std::function<void(Communicator&)>& work) {
  std::vector<std::future<std::string>> ranks;
  for (int rank = 0; rank < world.size; ++rank)
    ranks.push_back(start_rank(world, rank, work));
  std::vector<std::string> messages;
  for (auto& rank : ranks)
    messages.push_back(rank.get());
  return messages;
}

}  // namespace

TEST_CASE("ranks add up and broadcast over TCP", "[gloo]") {
  constexpr int kSize = 3;
  std::vector<at::Tensor> sums(kSize), copies(kSize);
  std::vector<double> waited(kSize);
  const auto messages = run_world({.size = kSize}, [&](Communicator& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank());
    // Two under way at once, of types that are in use.
    sums[rank] = at::arange(1000, at::kFloat) / 7.0 * (1.0 + static_cast<double>(rank));
    const at::Tensor counts = at::full({4}, ranks.rank(), at::kLong);
    const auto first = ranks.start_sum(sums[rank]);
    const auto second = ranks.start_sum(counts);
    first->wait();
    second->wait();
    copies[rank] = at::full({5}, ranks.rank() + 7, at::kDouble);
    ranks.broadcast(copies[rank]);
    if (!counts.eq(3).all().item<bool>()) throw dragoman::SystemError("wrong counts");
    if (dragoman::of_first(ranks, std::to_string(ranks.rank())) != "0")
      throw dragoman::SystemError("wrong text");
    waited[rank] = ranks.seconds_waited();
  });
  for (std::size_t rank = 0; rank < kSize; ++rank) {
    CHECK(messages[rank].empty());
    CHECK(at::equal(sums[rank], sums[0]));
    CHECK(at::allclose(sums[rank], at::arange(1000, at::kFloat) / 7.0 * 6.0));
    CHECK(copies[rank].eq(7).all().item<bool>());
    CHECK(waited[rank] > 0.0);
  }
}

TEST_CASE("a rank that never comes ends the others in time", "[gloo]") {
  const World world{.size = 2, .timeout = 1.0};
  const auto begun = std::chrono::steady_clock::now();
  const std::string message = start_rank(world, 0, [](Communicator&) {}).get();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
  CHECK_THAT(message,
             Catch::StartsWith("rank 0 of 2: the other ranks were not met at 127.0.0.1:") &&
                 Catch::Contains("within 1 s (training.communication_timeout)"));
}

TEST_CASE("a rank that ends early ends the others", "[gloo]") {
  const World world{.size = 2, .timeout = 20.0};
  const auto begun = std::chrono::steady_clock::now();
  const auto messages = run_world(world, [](Communicator& ranks) {
    ranks.sum(at::zeros({3}));
    if (ranks.is_first()) ranks.sum(at::zeros({3}));
  });
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
  CHECK_THAT(messages[0],
             Catch::StartsWith("rank 0 of 2: another rank ended, hangs or cannot be reached"));
  CHECK(messages[1].empty());
}

TEST_CASE("a rank that hangs ends the others within the time-out", "[gloo]") {
  const World world{.size = 2, .timeout = 1.0};
  std::promise<void> is_over;
  auto waiting = start_rank(world, 1, [&](Communicator&) { is_over.get_future().wait(); });
  const auto begun = std::chrono::steady_clock::now();
  const std::string message =
      start_rank(world, 0, [](Communicator& ranks) { ranks.sum(at::zeros({3})); }).get();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
  is_over.set_value();
  CHECK(waiting.get().empty());
  CHECK_THAT(message, Catch::Contains("training.communication_timeout: 1 s"));
}
