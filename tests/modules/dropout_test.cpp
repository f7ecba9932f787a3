#include "dragoman/modules/dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman_test::difference;

namespace {

/// Restores the number of threads.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(at::get_num_threads()) {
    at::set_num_threads(threads);
  }
  ~ThreadCount() { at::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace

TEST_CASE("dropout drops the asked share and keeps the mean", "[dropout]") {
  at::manual_seed(3);
  constexpr std::int64_t kSize = 1'000'000;
  for (const double probability : {0.1, 0.5, 0.9}) {
    const at::Tensor out = dragoman::dropout(at::ones({kSize}), probability);
    const double dropped = out.eq(0).sum().item<double>() / kSize;
    const double deviation = std::sqrt(probability * (1 - probability) / kSize);
    CHECK(std::abs(dropped - probability) < 5 * deviation);
    const at::Tensor kept = out.masked_select(out.ne(0));
    CHECK(difference(kept, at::full_like(kept, 1 / (1 - probability)), 1e-6) == "");
  }
}

TEST_CASE("what dropout drops is not correlated between neighbours, rows and calls", "[dropout]") {
  at::manual_seed(4);
  constexpr std::int64_t kSize = 1 << 20;
  const at::Tensor ones = at::ones({kSize});
  const at::Tensor first = dragoman::dropout(ones, 0.5) - 1.0;   // +-1
  const at::Tensor second = dragoman::dropout(ones, 0.5) - 1.0;  // +-1
  const double bound = 5 / std::sqrt(static_cast<double>(kSize));
  CHECK(std::abs((first * second).mean().item<double>()) < bound);
  for (const std::int64_t shift : {1, 2, 3, 8, 16, 256, 1024, 4096, 65536})
    CHECK(std::abs((first * first.roll(shift)).mean().item<double>()) < bound);
}

TEST_CASE("dropout follows the state of the generator and not the number of threads", "[dropout]") {
  const at::Tensor x = at::randn({300, 1000});
  const auto run = [&](int threads) {
    const ThreadCount count(threads);
    at::manual_seed(5);
    return at::stack({dragoman::dropout(x, 0.3), dragoman::add_dropout(x, x, 0.3)});
  };
  const at::Tensor expected = run(1);
  CHECK(run(2).equal(expected));
  CHECK(run(3).equal(expected));
  CHECK_FALSE(dragoman::dropout(x, 0.3).equal(expected[0]));
}

TEST_CASE("the backward pass drops what the forward pass dropped", "[dropout]") {
  const at::Tensor x = at::ones({50, 333}).requires_grad_();
  const at::Tensor factor = at::randn({50, 333});
  const at::Tensor out = dragoman::dropout(x, 0.4);
  (out * factor).sum().backward();
  CHECK(difference(x.grad(), out.detach() * factor, 1e-6) == "");
}

TEST_CASE("add_dropout is the sum, forward and backward", "[dropout]") {
  const at::Tensor x = at::randn({50, 333}).requires_grad_();
  const at::Tensor residual = at::randn({50, 333}).requires_grad_();
  at::manual_seed(6);
  const at::Tensor actual = dragoman::add_dropout(residual, x, 0.4);
  at::manual_seed(6);
  const at::Tensor dropped = dragoman::dropout(x, 0.4);
  CHECK(difference(actual, residual + dropped, 1e-6) == "");
  const at::Tensor factor = at::randn({50, 333});
  (actual * factor).sum().backward();
  CHECK(difference(residual.grad(), factor, 0.0) == "");
  const at::Tensor scales = (dropped != 0).to(at::kFloat) / 0.6;
  CHECK(difference(x.grad(), scales * factor, 1e-6) == "");
}

TEST_CASE("dropout of bfloat16 drops the same elements as of float32", "[dropout]") {
  const at::Tensor x = at::ones({10000});
  at::manual_seed(8);
  const at::Tensor wide = dragoman::dropout(x, 0.25);
  at::manual_seed(8);
  const at::Tensor narrow = dragoman::dropout(x.to(at::kBFloat16), 0.25);
  CHECK(narrow.equal(wide.to(at::kBFloat16)));
}

TEST_CASE("dropout without a probability is the input", "[dropout]") {
  const at::Tensor x = at::randn({5});
  CHECK(dragoman::dropout(x, 0.0).is_same(x));
}

TEST_CASE("drop_rows zeroes whole vectors and leaves the others as they are", "[dropout]") {
  at::manual_seed(9);
  const at::Tensor x = at::rand({40, 50, 6}) + 1.0;
  const at::Tensor out = dragoman::drop_rows(x, 0.3);
  const at::Tensor zero = out.eq(0).all(-1);
  const at::Tensor same = out.eq(x).all(-1);
  CHECK(zero.logical_xor(same).all().item<bool>());
  CHECK(std::abs(zero.to(at::kFloat).mean().item<double>() - 0.3) < 0.06);
}
