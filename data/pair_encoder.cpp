#include "dragoman/data/pair_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/masked_text.h"
#include "dragoman/data/piece_text.h"
#include "dragoman/data/random.h"
#include "dragoman/data/split_pieces.h"

namespace dragoman {

namespace {

TextRange trimmed(TextRange range, std::string_view text) {
  while (range.begin < range.end && is_space(text[range.begin]))
    ++range.begin;
  while (range.begin < range.end && is_space(text[range.end - 1]))
    --range.end;
  return range;
}

/// Calls `use(begin, end)` for each word, a run of pieces up to the next that begins with
/// whitespace.
void for_each_word(std::span<const std::string> pieces, auto&& use) {
  for (std::size_t begin = 0; begin < pieces.size();) {
    std::size_t end = begin + 1;
    while (end < pieces.size() && !pieces[end].starts_with(kSpace))
      ++end;
    use(begin, end);
    begin = end;
  }
}

/// Mask characters that `text` does not hold.
std::vector<std::string> unused_masks(std::string_view text, std::size_t count) {
  std::vector<std::string> masks;
  for (std::size_t number = 0; masks.size() < count; ++number)
    if (std::string mask = mask_character(number); text.find(mask) == std::string_view::npos)
      masks.push_back(std::move(mask));
  return masks;
}

std::string join(std::span<const std::string> pieces) {
  std::string word;
  for (const std::string& piece : pieces)
    word += piece;
  return word;
}

std::vector<std::int32_t> prefix_ids(const std::vector<std::string>& pieces,
                                     const Tokenizer& tokenizer, const char* side) {
  std::vector<std::int32_t> ids;
  for (const std::string& piece : pieces) {
    ids.push_back(tokenizer.id(piece));
    if (tokenizer.piece(ids.back()) != piece)
      throw UsageError(
          fmt::format("model.{0}_prefix: the {0} tokeniser has no piece '{1}'. Name one that it "
                      "has, or leave it out.",
                      side, piece));
  }
  return ids;
}

}  // namespace

PairEncoder::PairEncoder(Tokenizer source, Tokenizer target, const CopyOptions& options)
    : source_(std::move(source)),
      target_(std::move(target)),
      options_(options),
      patterns_(options.protect) {
  if (!options_.enabled && !options_.protect.empty())
    throw UsageError(
        "protect: needs a model with a copy head. Train one with model.copy_head.enabled, or leave "
        "protect empty.");
  if (!options_.enabled || source_.bytes() == target_.bytes()) return;
  std::vector<std::int32_t> table;
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(source_.size()); ++id) {
    const std::int32_t same = target_.id(source_.piece(id));
    table.push_back(same == target_.unknown_id() ? -1 : same);
  }
  target_of_source_ = std::make_shared<const std::vector<std::int32_t>>(std::move(table));
}

PairEncoder PairEncoder::protecting(const std::vector<std::string>& patterns) const {
  if (patterns == options_.protect) return *this;
  CopyOptions options = options_;
  options.protect = patterns;
  PairEncoder changed =
      PairEncoder(source_, target_, options).sampling(source_sampling_, target_sampling_);
  changed.source_prefix_ = source_prefix_;
  changed.target_prefix_ = target_prefix_;
  changed.source_end_ = source_end_;
  return changed;
}

PairEncoder PairEncoder::framing(const SequenceFrame& frame) const {
  PairEncoder changed = *this;
  changed.source_prefix_ = prefix_ids(frame.source, source_, "source");
  changed.target_prefix_ = prefix_ids(frame.target, target_, "target");
  changed.source_end_ = frame.source_end;
  const bool has_any = !frame.source.empty() || !frame.target.empty();
  if (options_.enabled && has_any)
    throw UsageError(
        "model.copy_head.enabled: cannot be combined with source_prefix or target_prefix. Leave "
        "one of them out.");
  return changed;
}

void PairEncoder::prepend(const std::vector<std::int32_t>& prefix, Tokens& tokens) {
  if (tokens.ids.empty() || prefix.empty()) return;
  tokens.ids.insert(tokens.ids.begin(), prefix.begin(), prefix.end());
  if (!tokens.ranges.empty())
    tokens.ranges.insert(tokens.ranges.begin(), prefix.size(), TextRange{0, 0});
}

PairEncoder PairEncoder::sampling(const SamplingOptions& source,
                                  const SamplingOptions& target) const {
  PairEncoder changed = *this;
  changed.source_sampling_ = source;
  changed.target_sampling_ = target;
  changed.source_sampler_.reset();
  changed.target_sampler_.reset();
  if (source.is_on())
    changed.source_sampler_ = std::make_shared<SegmentationSampler>(source_, source, "source");
  if (target.is_on())
    changed.target_sampler_ = std::make_shared<SegmentationSampler>(target_, target, "target");
  return changed;
}

SpecialIds PairEncoder::special_ids() const {
  return {.source_pad = source_.pad_id(),
          .source_end = source_.end_id(),
          .ends_source = source_end_,
          .target_pad = target_.pad_id(),
          .target_begin = target_.begin_id(),
          .target_end = target_.end_id(),
          .target_unknown = target_.unknown_id(),
          .target_vocabulary = static_cast<std::int32_t>(target_.size()),
          .copies = options_.enabled};
}

std::int32_t PairEncoder::extra_word(const std::string& piece, std::string_view surface,
                                     EncodedSource& encoded) const {
  auto& words = encoded.extra_words;
  const auto known = std::ranges::find(words, piece);
  const auto number = static_cast<std::int32_t>(known - words.begin());
  if (known == words.end()) {
    if (std::ssize(words) >= options_.extra_words) return target_.unknown_id();
    words.push_back(piece);
    encoded.surfaces.emplace_back(surface);
  }
  return static_cast<std::int32_t>(target_.size()) + number;
}

std::vector<Piece> PairEncoder::draw(std::vector<Piece> pieces, std::string_view text, Side side,
                                     Seed seed) const {
  const auto& sampler = side == Side::source ? source_sampler_ : target_sampler_;
  if (!seed || !sampler) return pieces;
  using Draw = SegmentationSampler::Draw;
  if (options_.enabled) return sampler->resample(pieces, text, *seed, Draw::by_word);
  const auto own = Random({*seed, static_cast<std::uint64_t>(side)}).next();
  return sampler->resample(pieces, text, own, Draw::independent);
}

/// The target's piece that a piece of the source yields; -1: the target has none.
std::int32_t PairEncoder::target_piece(const Piece& piece) const {
  const bool is_unknown = piece.id == source_.unknown_id();
  if (!target_of_source_) return is_unknown ? -1 : piece.id;
  if (!is_unknown) return (*target_of_source_)[static_cast<std::size_t>(piece.id)];
  const std::int32_t id = target_.id(piece.text);
  return id == target_.unknown_id() || target_.piece(id) != piece.text ? -1 : id;
}

PairEncoder::Tokens PairEncoder::encode_plain(std::string_view text, Side side, Seed seed,
                                              Ranges ranges) const {
  const Tokenizer& tokenizer = side == Side::source ? source_ : target_;
  const bool is_drawn = seed && (side == Side::source ? source_sampler_ : target_sampler_);
  if (!is_drawn && ranges == Ranges::unwanted) return {tokenizer.encode(text), {}};
  Tokens tokens;
  for (const Piece& piece : draw(tokenizer.encode_aligned(text), text, side, seed)) {
    tokens.ids.push_back(piece.id);
    tokens.ranges.push_back({piece.begin, piece.end});
  }
  return tokens;
}

EncodedSource PairEncoder::encode_masked(std::string_view text, const MaskedText& masked,
                                         Seed seed) const {
  EncodedSource encoded;
  auto mask = masked.masks().begin();
  for (const Piece& piece :
       draw(encode_split(source_, masked), masked.text(), Side::source, seed)) {
    const bool is_mask = mask != masked.masks().end() && piece.begin == mask->masked.begin &&
                         piece.text.ends_with(mask->character);
    const TextRange range =
        is_mask ? mask->original
                : trimmed({masked.original(piece.begin), masked.original(piece.end)}, text);
    const std::int32_t same = target_piece(piece);
    encoded.ids.push_back(piece.id);
    encoded.copy_ids.push_back(
        same >= 0
            ? same
            : extra_word(piece.text, text.substr(range.begin, range.end - range.begin), encoded));
    encoded.ranges.push_back(range);
    if (!is_mask) continue;
    if (encoded.copy_ids.back() >= target_.size())
      encoded.protected_ids.push_back(encoded.copy_ids.back());
    ++mask;
  }
  return encoded;
}

EncodedSource PairEncoder::encode_source(std::string_view text) const {
  if (!options_.enabled) {
    Tokens tokens{source_.encode(text), {}};
    prepend(source_prefix_, tokens);
    return {.ids = std::move(tokens.ids)};
  }
  const std::vector<TextRange> spans = patterns_.find(text);
  return encode_masked(text, MaskedText(text, spans, unused_masks(text, spans.size())), {});
}

std::vector<std::int32_t> PairEncoder::encode_target(std::string_view text,
                                                     const EncodedSource& source) const {
  return encode_seeded(text, source, {}, Ranges::unwanted).ids;
}

/// The n-th part with some text gets the mask of the n-th extra word with that surface.
PairEncoder::Tokens PairEncoder::encode_seeded(std::string_view text, const EncodedSource& source,
                                               Seed seed, Ranges ranges) const {
  if (source.extra_words.empty()) return encode_plain(text, Side::target, seed, ranges);
  std::vector<std::int64_t> free = source.protected_ids;
  std::vector<TextRange> spans;
  std::vector<std::string> masks;
  if (!free.empty()) {
    for (const TextRange& span : patterns_.find(text)) {
      const auto same = std::ranges::find_if(free, [&](std::int64_t id) {
        return source.surfaces[static_cast<std::size_t>(id - target_.size())] ==
               text.substr(span.begin, span.end - span.begin);
      });
      if (same == free.end()) continue;
      const std::string& word =
          source.extra_words[static_cast<std::size_t>(*same - target_.size())];
      spans.push_back(span);
      masks.push_back(word.starts_with(kSpace) ? word.substr(kSpace.size()) : word);
      free.erase(same);
    }
  }
  return spell(MaskedText(text, spans, masks), source, seed);
}

PairEncoder::Tokens PairEncoder::spell(const MaskedText& masked, const EncodedSource& source,
                                       Seed seed) const {
  std::vector<std::int32_t> ids;
  std::vector<TextRange> ranges;
  std::vector<std::string> pieces;
  for (const Piece& piece :
       draw(encode_split(target_, masked), masked.text(), Side::target, seed)) {
    const auto extra = std::ranges::find(source.extra_words, piece.text);
    const bool is_extra = piece.id == target_.unknown_id() && extra != source.extra_words.end();
    ids.push_back(
        is_extra ? static_cast<std::int32_t>(target_.size() + (extra - source.extra_words.begin()))
                 : piece.id);
    ranges.push_back({masked.original(piece.begin), masked.original(piece.end)});
    pieces.push_back(piece.text);
  }
  if (!target_of_source_) return {std::move(ids), std::move(ranges)};

  // Separate vocabularies: the source's spelling of words that need extra words there.
  std::vector<std::string> source_pieces;
  for (std::size_t place = 0; place < source.ids.size(); ++place) {
    const std::int64_t extra = source.copy_ids[place] - target_.size();
    source_pieces.push_back(extra >= 0 ? source.extra_words[static_cast<std::size_t>(extra)]
                                       : target_.piece(source.copy_ids[place]));
  }
  std::map<std::string, std::vector<std::int32_t>> spellings;
  for_each_word(source_pieces, [&](std::size_t begin, std::size_t end) {
    const auto first = source.copy_ids.begin();
    std::vector<std::int32_t> spelling(first + static_cast<std::ptrdiff_t>(begin),
                                       first + static_cast<std::ptrdiff_t>(end));
    if (*std::ranges::max_element(spelling) >= target_.size())
      spellings.emplace(join(std::span(source_pieces).subspan(begin, end - begin)), spelling);
  });
  Tokens respelled;
  for_each_word(pieces, [&](std::size_t begin, std::size_t end) {
    const auto spelling = spellings.find(join(std::span(pieces).subspan(begin, end - begin)));
    const bool is_spelled = end - begin > 1 && spelling != spellings.end();
    const std::span<const std::int32_t> used =
        is_spelled ? std::span<const std::int32_t>(spelling->second)
                   : std::span<const std::int32_t>(ids).subspan(begin, end - begin);
    respelled.ids.insert(respelled.ids.end(), used.begin(), used.end());
    for (std::size_t place = 0; place < used.size(); ++place)
      respelled.ranges.push_back(is_spelled ? TextRange{ranges[begin].begin, ranges[end - 1].end}
                                            : ranges[begin + place]);
  });
  return respelled;
}

bool PairEncoder::cut(EncodedSource& source, std::int64_t max_length) const {
  const auto length = static_cast<std::size_t>(max_length);
  if (source.ids.size() <= length) return false;
  source.ids.resize(length);
  if (!source.ranges.empty()) source.ranges.resize(length);
  if (source.copy_ids.empty()) return true;
  source.copy_ids.resize(length);
  // Extra words are numbered in their order in the text.
  auto words = static_cast<std::int32_t>(target_.size());
  for (const std::int32_t id : source.copy_ids)
    words = std::max(words, id + 1);
  source.extra_words.resize(static_cast<std::size_t>(words - target_.size()));
  source.surfaces.resize(source.extra_words.size());
  std::erase_if(source.protected_ids, [words](std::int64_t id) { return id >= words; });
  return true;
}

Example PairEncoder::encode(std::string_view source, std::string_view target,
                            const EncodeOptions& options) const {
  const Ranges ranges = options.links.empty() ? Ranges::unwanted : Ranges::wanted;
  const auto pair = [&](EncodedSource encoded) -> Example {
    const bool is_cut = options.max_source_length > 0 && cut(encoded, options.max_source_length);
    Tokens said = encode_seeded(target, encoded, options.seed, ranges);
    prepend(target_prefix_, said);
    std::vector<WordLink> links;
    if (ranges == Ranges::wanted)
      links = token_links(options.links, words_of_tokens(encoded.ranges, source),
                          words_of_tokens(said.ranges, target));
    return {std::move(encoded.ids), std::move(said.ids), std::move(encoded.copy_ids),
            std::move(links), is_cut};
  };
  if (!options_.enabled) {
    Tokens read = encode_plain(source, Side::source, options.seed, ranges);
    prepend(source_prefix_, read);
    return pair({.ids = std::move(read.ids), .ranges = std::move(read.ranges)});
  }
  // What one side alone holds stays text: a number that is written another way, say.
  const auto part = [](std::string_view text, const TextRange& span) {
    return text.substr(span.begin, span.end - span.begin);
  };
  std::vector<TextRange> in_target = patterns_.find(target);
  std::vector<TextRange> spans;
  for (const TextRange& span : patterns_.find(source)) {
    const auto same = std::ranges::find_if(in_target, [&](const TextRange& other) {
      return part(target, other) == part(source, span);
    });
    if (same == in_target.end()) continue;
    in_target.erase(same);
    spans.push_back(span);
  }
  return pair(encode_masked(source, MaskedText(source, spans, unused_masks(source, spans.size())),
                            options.seed));
}

std::string PairEncoder::piece(std::int64_t id, const EncodedSource& source) const {
  const std::int64_t extra = id - target_.size();
  if (extra < 0 || extra >= std::ssize(source.extra_words))
    return target_.piece(static_cast<std::int32_t>(id));
  const auto index = static_cast<std::size_t>(extra);
  const bool begins_word = source.extra_words[index].starts_with(kSpace);
  return (begins_word ? std::string(kSpace) : "") + source.surfaces[index];
}

DecodedTarget PairEncoder::decode(std::span<const std::int64_t> ids,
                                  const EncodedSource& source) const {
  std::vector<std::string> pieces;
  for (const std::int64_t id : ids) {
    std::string text = piece(id, source);
    // SentencePiece leaves pieces that it does not know as they are, marks of whitespace included.
    if (id >= target_.size() && text.starts_with(kSpace))
      text.replace(0, kSpace.size(), pieces.empty() ? "" : " ");
    pieces.push_back(std::move(text));
  }
  AlignedText aligned = target_.decode_aligned(pieces);
  DecodedTarget decoded;
  std::size_t begin = 0;
  for (const std::size_t end : aligned.ends) {
    TextRange range{begin, end};
    while (range.begin < range.end && is_space(aligned.text[range.begin]))
      ++range.begin;
    decoded.ranges.push_back(range);
    begin = end;
  }
  decoded.text = std::move(aligned.text);
  return decoded;
}

}  // namespace dragoman
