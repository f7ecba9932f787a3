#include "dragoman/training/ranks/collectives.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include "dragoman/data/error.h"
#include "dragoman/training/ranks/agreement.h"
#include "tests/support/catch.h"
#include "tests/training/thread_ranks.h"
#include "tests/training/uneven_batch.h"

namespace {

using dragoman::Communicator;
using dragoman::StopReason;
using dragoman_test::ThreadRanks;

// Catch's assertions are for one thread at a time.
void require(bool is_true) {
  if (!is_true) throw std::logic_error("a rank sees something else");
}

}  // namespace

TEST_CASE("ranks agree on what one of them says", "[ranks]") {
  ThreadRanks::run(3, [](Communicator& ranks) {
    require(dragoman::is_on_any(ranks, ranks.rank() == 2));
    require(!dragoman::is_on_any(ranks, false));
    require(dragoman::of_first(ranks, ranks.rank() == 0));
    require(!dragoman::of_first(ranks, ranks.rank() != 0));
    const std::string text("a\0b", 3);
    require(dragoman::of_first(ranks, ranks.is_first() ? text : std::string("other")) == text);
    require(dragoman::of_first(ranks, std::string()).empty());
    using Texts = std::vector<std::string>;
    require(dragoman::of_first(ranks, ranks.is_first() ? Texts{text, "", "c"} : Texts{}) ==
            Texts{text, "", "c"});
  });
}

TEST_CASE("texts of all ranks are gathered in their order", "[ranks]") {
  ThreadRanks::run(3, [](Communicator& ranks) {
    const std::vector<std::string> mine(static_cast<std::size_t>(ranks.rank()),
                                        "line\n" + std::to_string(ranks.rank()));
    require(dragoman::gather(ranks, mine) ==
            std::vector<std::vector<std::string>>{{}, {"line\n1"}, {"line\n2", "line\n2"}});
  });
}

TEST_CASE("values of rank 0 reach every layout", "[ranks]") {
  ThreadRanks::run(2, [](Communicator& ranks) {
    at::Tensor values = at::full({3, 2}, ranks.rank(), at::kFloat).t();
    dragoman::copy_from_first(ranks, values);
    require(values.eq(0).all().item<bool>());
  });
}

TEST_CASE("the others wait while rank 0 works, and hear when it fails", "[ranks]") {
  int worked = 0;
  ThreadRanks::run(2, [&worked](Communicator& ranks) {
    dragoman::let_first_work(ranks, [&worked] { ++worked; });
    require(worked == 1);
  });
  CHECK_THROWS_WITH(ThreadRanks::run(2,
                                     [](Communicator& ranks) {
                                       try {
                                         dragoman::let_first_work(ranks, [] {
                                           throw dragoman::UsageError("no corpus");
                                         });
                                       } catch (const dragoman::SystemError&) {
                                         require(ranks.rank() == 1);
                                       }
                                     }),
                    "no corpus");
}

TEST_CASE("a signal on any rank stops all; for other reasons rank 0 speaks", "[ranks]") {
  ThreadRanks::run(3, [](Communicator& ranks) {
    const auto at = [&ranks](int rank, StopReason reason) {
      return dragoman::Decision{
          ranks.rank() == rank ? std::optional<StopReason>(reason) : std::nullopt, std::nullopt};
    };
    require(!dragoman::agree(ranks, {}).stop);
    require(dragoman::agree(ranks, at(2, StopReason::interrupted)).stop == StopReason::interrupted);
    require(!dragoman::agree(ranks, at(1, StopReason::max_minutes)).stop);
    require(dragoman::agree(ranks, at(0, StopReason::max_minutes)).stop == StopReason::max_minutes);
    require(dragoman::agree(ranks, at(0, StopReason::max_steps)).stop == StopReason::max_steps);
    const dragoman::FittedSchedule fitted{100, 20, 30, 40};
    const auto decision = dragoman::agree(
        ranks, {std::nullopt, ranks.is_first() ? std::optional(fitted) : std::nullopt});
    require(decision.schedule && decision.schedule->max_steps == 100 &&
            decision.schedule->save_every == 40);
  });
}

TEST_CASE("a rank whose weights differ in one bit is found", "[ranks]") {
  std::vector<dragoman::Transformer> models;
  for (int rank = 0; rank < 3; ++rank)
    models.push_back(dragoman_test::dropping_model(false));
  const auto strayed = [&models] {
    std::vector<std::int64_t> found;
    ThreadRanks::run(3, [&](Communicator& ranks) {
      const auto mine =
          dragoman::strayed_ranks(ranks, models[static_cast<std::size_t>(ranks.rank())]);
      if (ranks.is_first()) found = mine;
    });
    return found;
  };
  CHECK(strayed().empty());
  {
    const at::NoGradGuard no_grad;
    at::Tensor weight = models[2]->parameters().back();
    weight.view({-1})[0] += 1e-6;
  }
  CHECK(strayed() == std::vector<std::int64_t>{2});
}
