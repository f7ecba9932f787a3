// Resident memory of a translator: of the program before it loads anything (an empty LibTorch
// program), when the model is loaded, and while COUNT of the lines, drawn at random, are translated
// in calls of 2000. As bench/ctranslate2_memory.py does with CTranslate2.
//
//   resident_memory MODEL.pt LINES [COUNT] [BEAM] [THREADS] [BATCH] [PRECISION]
//                                   20000   4      2         64      stored
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "dragoman/data/line_reader.h"
#include "dragoman/inference/translator.h"

namespace {

double megabytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) * 1024 / 1e6;
  return 0.0;
}

void report(const char* when) {
  std::printf("%-24s %7.1f MB resident (%.1f anonymous, %.1f of files), at most %.1f\n", when,
              megabytes("VmRSS"), megabytes("RssAnon"), megabytes("RssFile"), megabytes("VmHWM"));
  std::fflush(stdout);
}

dragoman::Precision precision_of(const std::string& wanted) {
  for (const auto& [name, precision] : names(dragoman::Precision()))
    if (name == wanted) return precision;
  std::fprintf(stderr, "no precision %s\n", wanted.c_str());
  std::exit(2);
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 3) return 2;
  const auto argument = [&](int index, const char* otherwise) {
    return std::string(argument_count > index ? arguments[index] : otherwise);
  };
  report("before");
  const std::vector<std::string> lines = dragoman::read_lines(arguments[2]);
  const dragoman::Translator translator(arguments[1],
                                        {.precision = precision_of(argument(7, "stored")),
                                         .threads = std::stol(argument(5, "2")),
                                         .batch_size = std::stol(argument(6, "64"))});
  report("loaded");
  dragoman::DecodingOptions options = translator.defaults();
  options.beam_size = std::stol(argument(4, "4"));
  options.n_best = 1;
  std::mt19937_64 random(1);
  constexpr int kCall = 2000;
  for (int done = 0; done < std::stol(argument(3, "20000"));) {
    std::vector<std::string> texts;
    while (texts.size() < kCall)
      texts.push_back(lines[random() % lines.size()]);
    (void)translator.translate_batch(texts, options);
    done += kCall;
    report((std::to_string(done) + " sentences").c_str());
  }
}
