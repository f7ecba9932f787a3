// Shortlists from parallel text, or from a table that another program has made.
#pragma once

#include <cstdint>
#include <string>

#include "dragoman/data/data_config.h"
#include "dragoman/data/pair_encoder.h"
#include "dragoman/data/shortlist.h"

namespace dragoman {

struct ShortlistOptions {
  std::int64_t first = 100;
  std::int64_t best = 100;
  std::int64_t iterations = 5;
  std::int64_t max_pairs = 0;
  std::int64_t threads = 0;

  static void fields(auto& self, auto&& visit) {
    visit("first", self.first, "target pieces that are always there: the most frequent ones", 0,
          1000000);
    visit("best", self.best, "candidates of each source piece: the most probable ones", 1, 1000000);
    visit("iterations", self.iterations, "of expectation maximisation (IBM model 1)", 1, 1000);
    visit("max_pairs", self.max_pairs, "pairs that are read at most; 0: all", 0, 1000000000000);
    visit("threads", self.threads, "0: one per core", 0, 1024);
  }
  void check(auto&&) const {}
};

/// What was read.
struct ShortlistReport {
  std::int64_t pairs = 0;    ///< sentence pairs, or lines of a table
  std::int64_t skipped = 0;  ///< of them: blank or too long; with pieces that a tokeniser lacks
  std::int64_t entries = 0;  ///< pairs of pieces that were weighed
};

/// By IBM model 1 over the pieces of `corpus`, which is read once per iteration. Every candidate
/// list also holds the target piece that is spelled like the source piece. Throws DataError, and
/// UsageError for standard input.
[[nodiscard]] Shortlist build_shortlist(const PairEncoder& encoder, const CorpusConfig& corpus,
                                        const ShortlistOptions& options, InvalidText invalid_text,
                                        ShortlistReport& report);

/// From lines "target source probability", as Marian's lex.s2t has them, in pieces; may be .gz. The
/// frequent pieces are those that the target tokeniser has first. Throws DataError.
[[nodiscard]] Shortlist import_shortlist(const PairEncoder& encoder, const std::string& path,
                                         const ShortlistOptions& options, ShortlistReport& report);

}  // namespace dragoman
