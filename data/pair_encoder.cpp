#include "dragoman/data/pair_encoder.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/masked_text.h"

namespace dragoman {

namespace {

/// U+2581, which stands for whitespace in pieces.
constexpr std::string_view kSpace = "\xe2\x96\x81";

bool is_space(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f' ||
         byte == '\v';
}

TextRange trimmed(TextRange range, std::string_view text) {
  while (range.begin < range.end && is_space(text[range.begin]))
    ++range.begin;
  while (range.begin < range.end && is_space(text[range.end - 1]))
    --range.end;
  return range;
}

/// The starts of the words in a piece: 0, and every later mark of whitespace.
std::vector<std::size_t> word_starts(const std::string& piece) {
  std::vector<std::size_t> starts{0};
  for (std::size_t at = piece.find(kSpace, 1); at != std::string::npos;
       at = piece.find(kSpace, at + kSpace.size()))
    starts.push_back(at);
  return starts;
}

/// SentencePiece joins neighbouring unknown words; to be copied one by one they are parted again.
/// When the text holds another number of words than the piece, normalisation changed the
/// whitespace, and they stay together.
std::vector<Piece> split_unknown(const Piece& piece, std::string_view text) {
  const std::vector<std::size_t> starts = word_starts(piece.text);
  if (starts.size() == 1) return {piece};
  std::vector<TextRange> words;
  for (std::size_t at = piece.begin; at < piece.end;) {
    const std::size_t begin = at;
    while (at < piece.end && is_space(text[at]))
      ++at;
    while (at < piece.end && !is_space(text[at]))
      ++at;
    words.push_back({begin, at});
  }
  if (words.size() != starts.size()) return {piece};
  std::vector<Piece> parts;
  for (std::size_t word = 0; word < words.size(); ++word) {
    const std::size_t end = word + 1 < starts.size() ? starts[word + 1] : piece.text.size();
    parts.push_back({piece.id, piece.text.substr(starts[word], end - starts[word]),
                     words[word].begin, words[word].end});
  }
  return parts;
}

/// Parts an unknown piece at the masks in it; a mark of whitespace before a mask goes with it.
void split_at_masks(const Piece& piece, std::span<const MaskedText::Mask> masks,
                    std::vector<Piece>& parts) {
  std::string_view rest = piece.text;
  std::size_t begin = piece.begin;
  for (const MaskedText::Mask& mask : masks) {
    const std::size_t at = rest.find(mask.character);
    if (at == std::string_view::npos) continue;
    const bool is_alone = rest.substr(0, at) == kSpace;
    if (at > 0 && !is_alone)
      parts.push_back({piece.id, std::string(rest.substr(0, at)), begin, mask.masked.begin});
    parts.push_back({piece.id, (is_alone ? std::string(kSpace) : "") + mask.character,
                     mask.masked.begin, mask.masked.end});
    rest.remove_prefix(at + mask.character.size());
    begin = mask.masked.end;
  }
  if (!rest.empty()) parts.push_back({piece.id, std::string(rest), begin, piece.end});
}

/// The pieces of a masked text: each mask is one unknown piece, also where the tokeniser spells
/// unknown characters as bytes.
std::vector<Piece> encode_split(const Tokenizer& tokenizer, const MaskedText& masked) {
  std::vector<Piece> pieces;
  auto next = masked.masks().begin();
  for (const Piece& piece : tokenizer.encode_aligned(masked.text())) {
    // The bytes of a mask but the last stand for nothing yet.
    if (next != masked.masks().end() && piece.text.starts_with("<0x") && piece.begin == piece.end &&
        piece.begin == next->masked.begin)
      continue;
    const auto first = next;
    while (next != masked.masks().end() && next->masked.begin < piece.end)
      ++next;
    const bool continues_mask =
        first != masked.masks().begin() && piece.begin < std::prev(first)->masked.end;
    if (piece.id != tokenizer.unknown_id()) {
      if (first != next)
        pieces.push_back(
            {tokenizer.unknown_id(), first->character, first->masked.begin, first->masked.end});
      else if (!continues_mask)
        pieces.push_back(piece);
      continue;
    }
    for (const Piece& part : split_unknown(piece, masked.text()))
      split_at_masks(part, {first, next}, pieces);
  }
  return pieces;
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
  return {source_, target_, options};
}

SpecialIds PairEncoder::special_ids() const {
  return {.source_pad = source_.pad_id(),
          .source_end = source_.end_id(),
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

EncodedSource PairEncoder::encode_masked(std::string_view text, const MaskedText& masked) const {
  EncodedSource encoded;
  auto mask = masked.masks().begin();
  for (const Piece& piece : encode_split(source_, masked)) {
    const bool is_mask = mask != masked.masks().end() && piece.begin == mask->masked.begin &&
                         piece.text.ends_with(mask->character);
    const TextRange range =
        is_mask ? mask->original
                : trimmed({masked.original(piece.begin), masked.original(piece.end)}, text);
    const std::int32_t same = piece.id == source_.unknown_id() ? -1
                              : target_of_source_
                                  ? (*target_of_source_)[static_cast<std::size_t>(piece.id)]
                                  : piece.id;
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
  if (!options_.enabled) return {.ids = source_.encode(text)};
  const std::vector<TextRange> spans = patterns_.find(text);
  return encode_masked(text, MaskedText(text, spans, unused_masks(text, spans.size())));
}

std::vector<std::int32_t> PairEncoder::encode_target(std::string_view text,
                                                     const EncodedSource& source) const {
  if (source.extra_words.empty()) return target_.encode(text);
  return encode_target_aligned(text, source).ids;
}

/// The n-th part with some text gets the mask of the n-th extra word with that surface.
PairEncoder::EncodedTarget PairEncoder::encode_target_aligned(std::string_view text,
                                                              const EncodedSource& source) const {
  if (source.extra_words.empty()) {
    EncodedTarget encoded;
    for (const Piece& piece : target_.encode_aligned(text)) {
      encoded.ids.push_back(piece.id);
      encoded.ranges.push_back({piece.begin, piece.end});
    }
    return encoded;
  }
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
  return spell(MaskedText(text, spans, masks), source);
}

PairEncoder::EncodedTarget PairEncoder::spell(const MaskedText& masked,
                                              const EncodedSource& source) const {
  std::vector<std::int32_t> ids;
  std::vector<TextRange> ranges;
  std::vector<std::string> pieces;
  for (const Piece& piece : encode_split(target_, masked)) {
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
  EncodedTarget respelled;
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
                            std::int64_t max_source_length, std::span<const WordLink> links) const {
  const auto pair = [&](EncodedSource encoded) -> Example {
    if (!links.empty() && encoded.ranges.empty())
      for (const Piece& piece : source_.encode_aligned(source))
        encoded.ranges.push_back({piece.begin, piece.end});
    const bool is_cut = max_source_length > 0 && cut(encoded, max_source_length);
    EncodedTarget aligned;
    std::vector<WordLink> tokens;
    if (links.empty()) {
      aligned.ids = encode_target(target, encoded);
    } else {
      aligned = encode_target_aligned(target, encoded);
      tokens = token_links(links, words_of_tokens(encoded.ranges, source),
                           words_of_tokens(aligned.ranges, target));
    }
    return {std::move(encoded.ids), std::move(aligned.ids), std::move(encoded.copy_ids),
            std::move(tokens), is_cut};
  };
  if (!options_.enabled || patterns_.empty()) return pair(encode_source(source));
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
  return pair(encode_masked(source, MaskedText(source, spans, unused_masks(source, spans.size()))));
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
