#include "dragoman/data/doctor/examination.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dragoman/data/corpus_summary.h"
#include "dragoman/data/error.h"
#include "dragoman/data/parallel.h"
#include "dragoman/data/parallel_reader.h"

namespace dragoman {

namespace {

constexpr std::size_t kBlockPairs = 1024;  ///< examined by one thread in one go
constexpr std::size_t kReadPairs = 16 * kBlockPairs;

/// The words of all held-out sets.
struct HeldOutWords {
  WordCounts spaced{WordKind::spaced};
  WordCounts folded{WordKind::folded};
};

/// A held-out set while training pairs stream past.
struct HeldOut {
  explicit HeldOut(HeldOutWords& words) : spaced(words.spaced), folded(words.folded) {}
  Leakage leakage;
  CopyableWords spaced;
  CopyableWords folded;
};

/// What one thread finds in a block of pairs.
struct BlockResult {
  TextCheck source;
  TextCheck target;
  PairCheck pairs;
  std::vector<PairHash> hashes;
  std::vector<Leakage::Key> keys;           ///< of held-out pairs
  std::vector<Leakage::Hit> hits;           ///< of training pairs
  std::vector<std::uint32_t> spaced_words;  ///< rare ones of training targets
  std::vector<std::uint32_t> folded_words;
};

/// Examines one set.
class Examiner {
 public:
  /// `held_out`: the sets that training pairs are compared with; empty for those sets themselves.
  Examiner(std::string name, const ExaminationRequest& request, HeldOutWords& words,
           std::vector<std::unique_ptr<HeldOut>>& held_out, HeldOut* own)
      : request_(request),
        words_(words),
        held_out_(held_out),
        own_(own),
        sources_(kReadPairs),
        targets_(kReadPairs) {
    set_.name = std::move(name);
  }

  void read(const CorpusConfig& corpus);
  [[nodiscard]] SetExamination finish();
  [[nodiscard]] ReportedSet reported() const { return {set_.name, set_.pairs, set_.places}; }

 private:
  void flush(PairNumber first, std::size_t count);
  void examine_block(PairNumber first, std::size_t begin, std::size_t end,
                     BlockResult& result) const;
  void merge(const BlockResult& result, PairNumber first);
  void note_repairs(ParallelReader& reader, PairNumber pair, std::size_t slot);
  void fail(const std::string& check, const std::string& message);

  const ExaminationRequest& request_;
  HeldOutWords& words_;
  std::vector<std::unique_ptr<HeldOut>>& held_out_;
  HeldOut* own_;
  SetExamination set_;
  TextCheck source_;
  TextCheck target_;
  PairCheck pairs_;
  Duplicates duplicates_;
  std::array<Tally, 2> invalid_;
  std::array<std::int64_t, 2> repaired_{};
  std::vector<std::string> sources_;
  std::vector<std::string> targets_;
};

void Examiner::fail(const std::string& check, const std::string& message) {
  set_.findings.push_back(
      {.severity = Severity::error, .check = check, .subject = set_.name, .message = message});
}

void Examiner::note_repairs(ParallelReader& reader, PairNumber pair, std::size_t slot) {
  for (std::size_t side = 0; side < repaired_.size(); ++side) {
    const std::int64_t repaired = reader.repaired(side);
    if (repaired == std::exchange(repaired_[side], repaired)) continue;
    const std::string& line = (side == 0 ? sources_ : targets_)[slot];
    invalid_[side].add(pair, line, std::min(line.find("\xEF\xBF\xBD"), line.size()));
  }
}

void Examiner::read(const CorpusConfig& corpus) {
  const PairNumber first = set_.pairs;
  repaired_ = {};
  std::size_t held = 0;
  try {
    ParallelReader reader(corpus, InvalidText::replace);
    set_.places.begin_corpus(first, reader.files().front()->name(), reader.files().back()->name());
    while (reader.next(sources_[held], targets_[held])) {
      note_repairs(reader, set_.pairs, held);
      ++set_.pairs;
      if (++held < kReadPairs) continue;
      flush(set_.pairs - static_cast<PairNumber>(held), held);
      held = 0;
    }
  } catch (const DataError& error) {
    fail("unreadable", error.what());
  }
  flush(set_.pairs - static_cast<PairNumber>(held), held);
  if (set_.pairs == first && set_.findings.empty())
    fail("unreadable", fmt::format("{}: has no lines. Give a corpus with text.", corpus.source));
}

void Examiner::flush(PairNumber first, std::size_t count) {
  std::vector<BlockResult> results((count + kBlockPairs - 1) / kBlockPairs);
  run_parallel(request_.threads, results.size(), [&](std::size_t block) {
    const std::size_t begin = block * kBlockPairs;
    examine_block(first, begin, std::min(begin + kBlockPairs, count), results[block]);
  });
  for (std::size_t block = 0; block < results.size(); ++block)
    merge(results[block], first + static_cast<PairNumber>(block * kBlockPairs));
  for (std::size_t slot = 0; slot < count; ++slot) {
    const PairNumber pair = first + static_cast<PairNumber>(slot);
    set_.sample.add(pair, sources_[slot], targets_[slot]);
    if (own_ == nullptr) continue;
    own_->spaced.add(sources_[slot], targets_[slot]);
    own_->folded.add(sources_[slot], targets_[slot]);
  }
  if (request_.progress && count > 0) request_.progress(set_.name, set_.pairs);
}

void Examiner::examine_block(PairNumber first, std::size_t begin, std::size_t end,
                             BlockResult& result) const {
  std::string buffer;
  const bool compares = own_ != nullptr || !held_out_.empty();
  for (std::size_t slot = begin; slot < end; ++slot) {
    const ExaminedPair pair{first + static_cast<PairNumber>(slot), sources_[slot], targets_[slot],
                            examine_line(sources_[slot]), examine_line(targets_[slot])};
    result.source.add(pair.number, pair.source, pair.source_traits);
    result.target.add(pair.number, pair.target, pair.target_traits);
    result.pairs.add(pair);
    const PairHash hash{hash_bytes(pair.source), hash_bytes(pair.target)};
    result.hashes.push_back(hash);
    if (compares) {
      Leakage::Key key{hash, {folded_hash(pair.source, buffer), 0}};
      const bool is_wanted =
          own_ != nullptr || std::ranges::any_of(held_out_, [&](const auto& set) {
            return set->leakage.may_hold(key.folded.source);
          });
      if (is_wanted) key.folded.target = folded_hash(pair.target, buffer);
      if (own_ != nullptr)
        result.keys.push_back(key);
      else if (is_wanted)
        result.hits.push_back({pair.number, key});
    }
    if (own_ != nullptr || words_.spaced.empty()) continue;
    words_.spaced.find(pair.target, result.spaced_words);
    words_.folded.find(pair.target, result.folded_words);
  }
}

void Examiner::merge(const BlockResult& result, PairNumber first) {
  source_.add(result.source);
  target_.add(result.target);
  pairs_.add(result.pairs);
  for (const PairHash& hash : result.hashes)
    duplicates_.add(first++, hash);
  for (const Leakage::Key& key : result.keys)
    own_->leakage.add(key);
  for (const Leakage::Hit& hit : result.hits)
    for (const auto& set : held_out_)
      set->leakage.match(hit);
  words_.spaced.count(result.spaced_words);
  words_.folded.count(result.folded_words);
}

SetExamination Examiner::finish() {
  const ReportedSet set = reported();
  std::vector<Finding>& findings = set_.findings;
  for (const Side side : {Side::source, Side::target}) {
    const Tally& invalid = invalid_[side == Side::source ? 0 : 1];
    if (invalid.count() == 0) continue;
    const bool is_repaired = request_.invalid_text == InvalidText::replace;
    findings.push_back(
        {is_repaired ? Severity::warning : Severity::error, "invalid-text", set.name,
         fmt::format("{} lines that are not UTF-8, or hold NUL bytes: {}",
                     side == Side::source ? "source" : "target", invalid.count()),
         invalid.count(), set.pairs, set.examples(invalid, side),
         is_repaired ? "Training replaces the bad bytes by U+FFFD (data.invalid_text)."
                     : "Training would stop there. Repair the text, or set data.invalid_text to "
                       "\"replace\"."});
  }
  pairs_.report(set, findings);
  source_.report(set, Side::source, findings);
  target_.report(set, Side::target, findings);
  duplicates_.report(set, findings);
  set_.source_script = source_.main_script();
  set_.target_script = target_.main_script();
  return std::move(set_);
}

}  // namespace

std::vector<SetExamination> examine(const ExaminationRequest& request) {
  HeldOutWords words;
  std::vector<std::unique_ptr<HeldOut>> held_out;
  std::vector<std::unique_ptr<HeldOut>> none;
  std::vector<SetExamination> sets;
  for (const auto& [name, corpus] : request.held_out) {
    held_out.push_back(std::make_unique<HeldOut>(words));
    Examiner examiner(name, request, words, none, held_out.back().get());
    examiner.read(corpus);
    sets.push_back(examiner.finish());
  }
  Examiner train("train", request, words, held_out, nullptr);
  for (const CorpusConfig& corpus : request.train)
    if (corpus.weight > 0.0) train.read(corpus);
  sets.push_back(train.finish());
  const PairPlaces& places = sets.back().places;
  for (std::size_t index = 0; index < held_out.size(); ++index) {
    SetExamination& set = sets[index];
    held_out[index]->leakage.report({set.name, set.pairs, set.places}, places, set.findings);
    set.spaced_words = held_out[index]->spaced.share();
    set.folded_words = held_out[index]->folded.share();
  }
  return sets;
}

}  // namespace dragoman
