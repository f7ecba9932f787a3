#include <fstream>
#include <string>

#include "tests/data/streams.h"
#include "tests/support/catch.h"

namespace {

double resident_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmRSS:") continue;
    double kilobytes = 0;
    status >> kilobytes;
    return kilobytes / 1024.0;
  }
  return 0.0;
}

}  // namespace

TEST_CASE("ten million pairs stream through less than a gigabyte", "[batch_stream][.slow]") {
  const dragoman_test::TemporaryFolder folder;
  {
    const auto lines = dragoman_test::made_up_lines(100000, 1);
    std::ofstream source(folder.path("s"));
    std::ofstream target(folder.path("t"));
    for (int copy = 0; copy < 100; ++copy) {
      for (const auto& line : lines) {
        source << copy << ' ' << line << '\n';
        target << line << ' ' << copy << '\n';
      }
    }
  }
  dragoman::DataConfig config;  // default settings
  config.train.push_back({.source = folder.path("s"), .target = folder.path("t")});
  const double before = resident_megabytes();
  dragoman::BatchStream stream = dragoman_test::open_stream(config);
  double greatest = 0.0;
  // Three of the twenty chunks: nothing grows from one to the next.
  for (std::int64_t pairs = 0; pairs < 3 * config.shuffle_buffer;) {
    pairs += stream.next().batch.sentences();
    greatest = std::max(greatest, resident_megabytes());
  }
  WARN("the stream took " << greatest - before << " MB, the whole process " << greatest << " MB");
  CHECK(greatest < 1000.0);
}
