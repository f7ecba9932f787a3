// Texts and files for the tests of the data folder.
#pragma once

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/data/random.h"
#include "dragoman/data/tokenizer.h"

namespace dragoman_test {

using Texts = std::vector<std::string>;

inline std::string join(const Texts& lines, const std::string& end = "\n") {
  std::string text;
  for (const auto& line : lines)
    text += line + end;
  return text;
}

/// One gzip member.
inline std::string compress(const std::string& text) {
  z_stream zlib{};
  deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&zlib, text.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(packed.data());
  zlib.avail_out = static_cast<uInt>(packed.size());
  deflate(&zlib, Z_FINISH);
  packed.resize(zlib.total_out);
  deflateEnd(&zlib);
  return packed;
}

/// Lines in the manner of captions, no two alike, with letters beyond ASCII.
inline Texts made_up_lines(std::size_t count, std::uint64_t seed) {
  constexpr std::array<std::string_view, 24> kWords = {
      "ein",   "Hund",    "läuft", "über",  "die",  "Straße", "zwei", "Männer",
      "grün",  "spielen", "im",    "Park",  "a",    "dog",    "runs", "quick",
      "brown", "fox",     "jump",  "river", "café", "naïve",  "on",   "the"};
  dragoman::Random random(seed);
  Texts lines;
  for (std::size_t index = 0; index < count; ++index) {
    std::string line = std::to_string(index);
    for (std::uint64_t words = random.below(12); words > 0; --words) {
      line += " " + std::string(kWords[random.below(kWords.size())]);
    }
    lines.push_back(line);
  }
  return lines;
}

/// Knows every character of the lines above, so that decoding gives back the text.
inline dragoman::Tokenizer character_tokenizer() {
  dragoman::TokenizerConfig config;
  config.type = dragoman::TokenizerType::character;
  config.vocabulary_size = 200;
  auto lines = made_up_lines(200, 1);
  lines.push_back("ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 -.,");
  return dragoman::Tokenizer::from_bytes(dragoman::train_tokenizer(config, lines),
                                         "test tokeniser");
}

/// Puts a pipe with `text` in the place of standard input. `text` must fit into a pipe (64 KiB).
class StandardInput {
 public:
  explicit StandardInput(const std::string& text) : saved_(::dup(STDIN_FILENO)) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    if (::write(ends[1], text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("the text does not fit into a pipe");
    }
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
  }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
};

}  // namespace dragoman_test
