// A task that a tiny model learns, and a model of it, made by the program as a user does.
#pragma once

#include <stdexcept>
#include <string>

#include "tests/support/program.h"

namespace dragoman_test {

/// Digits in, the same digits as words out: train.src, train.tgt, dev.src, dev.tgt, run.json.
inline void write_task(const TemporaryFolder& folder) {
  constexpr const char* kWords[] = {"zero", "one", "two",   "three", "four",
                                    "five", "six", "seven", "eight", "nine"};
  std::string source;
  std::string target;
  for (int number = 0; number < 600; ++number) {
    for (int digit : {number / 100, number / 10 % 10, number % 10}) {
      source.append(std::to_string(digit)).append(" ");
      target.append(kWords[digit]).append(" ");
    }
    source.back() = target.back() = '\n';
  }
  folder.write("train.src", source);
  folder.write("train.tgt", target);
  folder.write("dev.src", "1 2 3\n5 0 7\n");
  folder.write("dev.tgt", "one two three\nfive zero seven\n");
  folder.write("run.json", R"({
    "data": {"train": [{"source": "train.src", "target": "train.tgt"}],
             "dev": {"source": "dev.src", "target": "dev.tgt"}, "batch_tokens": 512},
    "tokenizer": {"vocabulary_size": 60},
    "model": {"encoder": {"layers": 1, "dim": 32, "heads": 2, "feed_forward": 64},
              "decoder": {"layers": 1, "dim": 32, "heads": 2, "feed_forward": 64}},
    "training": {"max_steps": 20, "warmup_steps": 10, "validate_every": 10, "save_every": 10,
                 "report_every": 5, "average_best": 0, "threads": 1, "tensorboard": false}
  })");
}

inline ProgramResult train(const TemporaryFolder& folder, const std::string& flags = "") {
  return run_program(folder, "train run.json " + flags);
}

/// The path of a model that has seen two updates. One for all tests of the program.
inline const std::string& tiny_model() {
  static const TemporaryFolder folder;
  static const std::string path = [] {
    write_task(folder);
    const auto result = train(folder,
                              "--set training.validate_every=0 --set training.max_steps=2 "
                              "--set training.warmup_steps=1 --set training.save_every=2");
    if (result.status != 0) throw std::runtime_error("no tiny model: " + result.err);
    return folder.path("run/checkpoints/step-2.pt");
  }();
  return path;
}

}  // namespace dragoman_test
