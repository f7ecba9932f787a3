#include "dragoman/data/segmentation_sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <span>

#include "dragoman/data/corpus_summary.h"
#include "dragoman/data/error.h"
#include "dragoman/data/message_reader.h"
#include "dragoman/data/piece_text.h"

namespace dragoman {

namespace {

// sentencepiece_model.proto
constexpr std::uint64_t kPieceField = 1;
constexpr std::uint64_t kTrainerField = 2;
constexpr std::uint64_t kModelTypeField = 3;
constexpr std::uint64_t kUnigramModel = 1;
constexpr std::uint64_t kBpeModel = 2;
constexpr std::uint64_t kTextOfPiece = 1;
constexpr std::uint64_t kScoreOfPiece = 2;
constexpr std::uint64_t kTypeOfPiece = 3;
constexpr std::uint64_t kOrdinaryPiece = 1;

struct StoredPiece {
  std::string_view text;
  float score = 0.0F;
  std::uint64_t type = kOrdinaryPiece;
};

StoredPiece stored_piece(std::string_view message) {
  StoredPiece piece;
  for (MessageReader fields(message); fields.next();) {
    if (fields.number() == kTextOfPiece) piece.text = fields.content();
    if (fields.number() == kTypeOfPiece) piece.type = fields.value();
    if (fields.number() == kScoreOfPiece && fields.content().size() == sizeof piece.score)
      std::memcpy(&piece.score, fields.content().data(), sizeof piece.score);
  }
  return piece;
}

std::uint64_t model_type(std::string_view trainer) {
  std::uint64_t type = kUnigramModel;
  for (MessageReader fields(trainer); fields.next();)
    if (fields.number() == kModelTypeField) type = fields.value();
  return type;
}

void check_type(std::uint64_t type, const SamplingOptions& options, std::string_view side) {
  const auto refuse = [&](std::string_view key, std::string_view wanted, std::string_view advice) {
    throw UsageError(fmt::format(
        "tokenizer.{}_{}: is for {} models, which the {} tokeniser is not. Set it to 0{}.", side,
        key, wanted, side, advice));
  };
  if (options.dropout > 0.0 && type != kBpeModel)
    refuse("dropout", "BPE",
           type == kUnigramModel ? fmt::format(", or use tokenizer.{}_alpha", side) : "");
  if (options.alpha > 0.0 && type != kUnigramModel)
    refuse("alpha", "unigram",
           type == kBpeModel ? fmt::format(", or use tokenizer.{}_dropout", side) : "");
}

/// Where the characters of a text end.
std::vector<std::size_t> character_ends(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 1; at <= text.size(); ++at)
    if (at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80)
      ends.push_back(at);
  return ends;
}

double log_add(double left, double right) {
  const auto [low, high] = std::minmax(left, right);
  return low == -std::numeric_limits<double>::infinity() ? high
                                                         : high + std::log1p(std::exp(low - high));
}

/// Where the bytes of a word stand in the text that its pieces are of; to be asked in ascending
/// order. What normalisation changed can be told apart by whole pieces only.
class Places {
 public:
  Places(std::span<const Piece> pieces, std::string_view text) : pieces_(pieces), text_(text) {}

  [[nodiscard]] std::size_t of(std::size_t at) {
    while (piece_ < pieces_.size() && at >= begin_ + pieces_[piece_].text.size())
      begin_ += pieces_[piece_++].text.size();
    if (piece_ == pieces_.size()) return pieces_.back().end;
    const Piece& piece = pieces_[piece_];
    const std::size_t rest = begin_ + piece.text.size() - at;
    const bool is_same =
        at > begin_ && rest <= piece.end - piece.begin &&
        text_.substr(piece.end - rest, rest) == std::string_view(piece.text).substr(at - begin_);
    return is_same ? piece.end - rest : piece.begin;
  }

 private:
  std::span<const Piece> pieces_;
  std::string_view text_;
  std::size_t piece_ = 0;
  std::size_t begin_ = 0;  ///< of that piece, in the word
};

}  // namespace

SegmentationSampler::SegmentationSampler(const Tokenizer& tokenizer, const SamplingOptions& options,
                                         std::string_view side)
    : options_(options) {
  std::uint64_t type = kUnigramModel;
  for (MessageReader fields(tokenizer.bytes()); fields.next();) {
    if (fields.number() == kTrainerField) type = model_type(fields.content());
    if (fields.number() != kPieceField) continue;
    const StoredPiece piece = stored_piece(fields.content());
    const bool is_ordinary = piece.type == kOrdinaryPiece;
    is_ordinary_.push_back(is_ordinary);
    if (!is_ordinary) continue;
    pieces_.emplace(piece.text,
                    Entry{static_cast<std::int32_t>(is_ordinary_.size()) - 1, piece.score});
    longest_ = std::max(longest_, piece.text.size());
    if (piece.text.find(kSpace, 1) != std::string_view::npos) are_words_apart_ = false;
  }
  check_type(type, options_, side);
}

const SegmentationSampler::Entry* SegmentationSampler::find(std::string_view piece) const {
  const auto found = pieces_.find(piece);
  return found == pieces_.end() ? nullptr : &found->second;
}

/// Before each merge every possible one is left out with the probability `dropout`, for this time;
/// it ends when none is left. Of those that remain the one with the greatest score is taken, the
/// first of equal ones: going through them in this order and taking the first that is drawn is the
/// same.
std::optional<SegmentationSampler::Ends> SegmentationSampler::drop_merges(std::string_view word,
                                                                          Random& random) const {
  struct Symbol {
    std::size_t begin, end;
    std::size_t before, after;   ///< neighbours
    std::optional<float> score;  ///< of the merge with the symbol after it
  };
  struct Better {
    bool operator()(const std::pair<float, std::size_t>& left,
                    const std::pair<float, std::size_t>& right) const {
      return left.first != right.first ? left.first > right.first : left.second < right.second;
    }
  };
  std::vector<Symbol> symbols;
  for (const std::size_t end : character_ends(word)) {
    const std::size_t number = symbols.size();
    symbols.push_back({number == 0 ? 0 : symbols.back().end, end, number - 1, number + 1, {}});
  }
  const std::size_t none = symbols.size();
  symbols.front().before = none;
  std::set<std::pair<float, std::size_t>, Better> merges;
  const auto forget = [&](std::size_t left) {
    if (left == none || !symbols[left].score) return;
    merges.erase({*symbols[left].score, left});
    symbols[left].score.reset();
  };
  const auto offer = [&](std::size_t left) {
    if (left == none || symbols[left].after == none) return;
    const std::size_t begin = symbols[left].begin;
    const Entry* merged = find(word.substr(begin, symbols[symbols[left].after].end - begin));
    if (merged == nullptr) return;
    symbols[left].score = merged->score;
    merges.emplace(merged->score, left);
  };
  for (std::size_t left = 0; left < none; ++left)
    offer(left);
  for (;;) {
    const auto chosen = std::find_if(merges.begin(), merges.end(), [&](const auto&) {
      return options_.dropout == 0.0 || random.unit() >= options_.dropout;
    });
    if (chosen == merges.end()) break;
    const std::size_t left = chosen->second;
    const std::size_t right = symbols[left].after;
    for (const std::size_t changed : {symbols[left].before, left, right})
      forget(changed);
    symbols[left].end = symbols[right].end;
    symbols[left].after = symbols[right].after;
    if (symbols[left].after != none) symbols[symbols[left].after].before = left;
    offer(symbols[left].before);
    offer(left);
  }
  Ends ends;
  for (std::size_t symbol = 0; symbol != none; symbol = symbols[symbol].after) {
    const auto [begin, end] = std::pair(symbols[symbol].begin, symbols[symbol].end);
    if (find(word.substr(begin, end - begin)) == nullptr) return {};
    ends.push_back(end);
  }
  return ends;
}

/// Forward filtering, backward sampling (Kudo 2018, section 3.3): a segmentation has a probability
/// in proportion to that of the model to the power of alpha.
std::optional<SegmentationSampler::Ends> SegmentationSampler::sample_path(std::string_view word,
                                                                          Random& random) const {
  struct Arc {
    std::size_t begin;  ///< number of a boundary
    double score;
  };
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  std::vector<std::size_t> boundaries = character_ends(word);
  boundaries.insert(boundaries.begin(), 0);
  std::vector<std::vector<Arc>> arcs(boundaries.size());  // that end at a boundary
  std::vector<double> forward(boundaries.size(), kNever);
  forward.front() = 0.0;
  for (std::size_t begin = 0; begin + 1 < boundaries.size(); ++begin) {
    if (forward[begin] == kNever) continue;
    for (std::size_t end = begin + 1; end < boundaries.size(); ++end) {
      const std::size_t length = boundaries[end] - boundaries[begin];
      if (length > longest_) break;
      const Entry* piece = find(word.substr(boundaries[begin], length));
      if (piece == nullptr) continue;
      const double score = forward[begin] + options_.alpha * static_cast<double>(piece->score);
      arcs[end].push_back({begin, score});
      forward[end] = log_add(forward[end], score);
    }
  }
  if (forward.back() == kNever) return {};
  Ends ends;
  for (std::size_t at = boundaries.size() - 1; at > 0;) {
    ends.push_back(boundaries[at]);
    double left = random.unit();
    const auto is_drawn = [&](const Arc& arc) {
      left -= std::exp(arc.score - forward[at]);
      return left < 0.0;
    };
    const auto drawn = std::find_if(arcs[at].begin(), arcs[at].end(), is_drawn);
    at = (drawn == arcs[at].end() ? arcs[at].back() : *drawn).begin;  // the sum may lack a rounding
  }
  std::reverse(ends.begin(), ends.end());
  return ends;
}

std::vector<Piece> SegmentationSampler::resample(const std::vector<Piece>& pieces,
                                                 std::string_view text, std::uint64_t seed,
                                                 Draw draw) const {
  const auto is_ordinary = [this](const Piece& piece) {
    return is_ordinary_[static_cast<std::size_t>(piece.id)] && !piece.text.empty();
  };
  std::vector<Piece> resampled;
  std::string word;
  Random random(seed);
  for (std::size_t begin = 0; begin < pieces.size();) {
    if (!is_ordinary(pieces[begin])) {
      resampled.push_back(pieces[begin++]);
      continue;
    }
    std::size_t end = begin + 1;
    word = pieces[begin].text;
    while (end < pieces.size() && is_ordinary(pieces[end]) &&
           !(are_words_apart_ && pieces[end].text.starts_with(kSpace)))
      word += pieces[end++].text;
    const std::span<const Piece> old(pieces.data() + begin, end - begin);
    begin = end;
    if (draw == Draw::by_word) random = Random({seed, hash_bytes(word)});
    const std::optional<Ends> ends =
        options_.alpha > 0.0 ? sample_path(word, random) : drop_merges(word, random);
    if (!ends) {
      resampled.insert(resampled.end(), old.begin(), old.end());
      continue;
    }
    Places places(old, text);
    std::size_t from = 0;
    std::size_t place = places.of(0);
    for (const std::size_t to : *ends) {
      const std::string_view part = std::string_view(word).substr(from, to - from);
      const std::size_t next = places.of(to);
      resampled.push_back({find(part)->id, std::string(part), place, next});
      from = to;
      place = next;
    }
  }
  return resampled;
}

}  // namespace dragoman
