#include "dragoman/data/random.h"

#include <array>
#include <numeric>
#include <vector>

#include "tests/support/catch.h"

using dragoman::Random;

TEST_CASE("the generator gives the published numbers of SplitMix64", "[random]") {
  Random random(1234567);
  for (const std::uint64_t expected :
       {6457827717110365317U, 3203168211198807973U, 9817491932198370423U, 4593380528125082431U,
        16408922859458223821U}) {
    CHECK(random.next() == expected);
  }
}

TEST_CASE("generators named by different numbers differ, and by the same agree", "[random]") {
  CHECK(Random({1, 2, 3}).next() == Random({1, 2, 3}).next());
  CHECK(Random({1, 2, 3}).next() != Random({1, 3, 2}).next());
  CHECK(Random({0, 0}).next() != Random({0, 0, 0}).next());
}

TEST_CASE("a shuffle is a permutation, and each place is equally likely", "[random]") {
  constexpr std::size_t kItems = 5;
  std::array<std::array<int, kItems>, kItems> counts{};
  Random random(7);
  for (int trial = 0; trial < 20000; ++trial) {
    std::array<int, kItems> items{};
    std::iota(items.begin(), items.end(), 0);
    random.shuffle(std::span<int>(items));
    for (std::size_t place = 0; place < kItems; ++place) {
      ++counts[static_cast<std::size_t>(items[place])][place];
    }
  }
  for (const auto& row : counts) {
    CHECK(std::accumulate(row.begin(), row.end(), 0) == 20000);
    for (const int count : row)
      CHECK(std::abs(count - 4000) < 300);  // 5 standard deviations
  }
}
