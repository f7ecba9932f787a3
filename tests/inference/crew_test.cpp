#include "dragoman/inference/engine/crew.h"

#include <chrono>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "dragoman/inference/engine/packed_matrix.h"
#include "tests/support/catch.h"

namespace {

using dragoman::engine::Activation;
using dragoman::engine::Crew;
using dragoman::engine::PackedMatrix;
using dragoman::engine::Scratch;
using dragoman::engine::WeightType;

std::vector<float> normal_numbers(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (float& number : numbers)
    number = normal(generator);
  return numbers;
}

}  // namespace

TEST_CASE("every part of every task is done once", "[crew]") {
  const std::int64_t size = GENERATE(1, 2, 3, 5);
  Crew crew(size);
  CHECK(crew.size() == size);
  std::vector<int> done(static_cast<std::size_t>(size), 0);
  for (int task = 0; task < 2000; ++task) {
    crew.run([&](std::int64_t part) { ++done[static_cast<std::size_t>(part)]; });
    // Now and then the others have gone to sleep before the next task.
    if (task % 400 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    for (const int count : done)
      REQUIRE(count == task + 1);
  }
}

TEST_CASE("a crew that never works ends as well", "[crew]") {
  for (int times = 0; times < 100; ++times)
    const Crew crew(3);
  Crew crew(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST_CASE("a product that threads share has the bits of one thread's", "[crew]") {
  const WeightType type = GENERATE(WeightType::fp32, WeightType::bf16, WeightType::int8);
  const Activation activation = GENERATE(Activation::none, Activation::relu, Activation::gelu);
  for (const std::int64_t threads : {2, 3, 4})
    for (const std::int64_t rows : {1, 4, 50})
      for (const std::int64_t outputs : {500, 777, 1024}) {
        const std::int64_t inputs = 512;
        const auto weight = normal_numbers(inputs * outputs, 1);
        const auto bias = normal_numbers(outputs, 2);
        const auto x = normal_numbers(rows * inputs, 3);
        const PackedMatrix matrix(weight.data(), outputs, inputs, type);
        std::vector<float> one = normal_numbers(rows * outputs, 4);
        std::vector<float> several = one;
        Scratch alone;
        Scratch together(threads);
        const dragoman::engine::Epilogue epilogue{bias.data(), activation,
                                                  activation == Activation::none};
        matrix.multiply(x.data(), rows, epilogue, one.data(), alone);
        matrix.multiply(x.data(), rows, epilogue, several.data(), together);
        CAPTURE(threads, rows, outputs);
        CHECK(std::memcmp(one.data(), several.data(), one.size() * sizeof(float)) == 0);
      }
}
