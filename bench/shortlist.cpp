// What a shortlist saves: seconds of the processor for all lines with and without it, one thread,
// in turns.
//
//   shortlist MODEL.pt LINES LEX.shortlist [ROUNDS]
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "dragoman/data/line_reader.h"
#include "dragoman/inference/translator.h"

namespace {

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

struct Spread {
  std::vector<double> values;

  void print(const char* name) {
    std::ranges::sort(values);
    std::printf("  %s %.2f (%.2f to %.2f)", name, values[values.size() / 2], values.front(),
                values.back());
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "shortlist MODEL.pt LINES LEX.shortlist [ROUNDS]\n");
    return 2;
  }
  const int rounds = count > 4 ? std::atoi(arguments[4]) : 5;
  const std::vector<std::string> lines = dragoman::read_lines(arguments[2]);
  for (const auto precision : {dragoman::Precision::fp32, dragoman::Precision::int8})
    for (const std::int64_t batch : {32, 1}) {
      dragoman::TranslatorOptions options{
          .precision = precision, .threads = 1, .batch_size = batch};
      const dragoman::Translator plain(arguments[1], options);
      options.shortlist = arguments[3];
      const dragoman::Translator chosen(arguments[1], options);
      for (const std::int64_t beam : {1, 4}) {
        dragoman::DecodingOptions decoding = plain.defaults();
        decoding.beam_size = beam;
        Spread seconds[2];
        Spread ratio;
        for (int round = 0; round < rounds; ++round) {
          for (int with = 0; with < 2; ++with) {
            const double start = processor_seconds();
            const auto results = (with == 1 ? chosen : plain).translate_batch(lines, decoding);
            seconds[with].values.push_back(processor_seconds() - start);
          }
          ratio.values.push_back(seconds[0].values.back() / seconds[1].values.back());
        }
        std::printf(
            "%s, batch %2lld, beam %lld:", precision == dragoman::Precision::fp32 ? "fp32" : "int8",
            static_cast<long long>(batch), static_cast<long long>(beam));
        seconds[0].print("without");
        seconds[1].print("with");
        ratio.print("ratio");
        std::printf("\n");
        std::fflush(stdout);
      }
    }
  return 0;
}
