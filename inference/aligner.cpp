#include "dragoman/inference/aligner.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "dragoman/data/error.h"
#include "dragoman/data/word_links.h"

namespace dragoman {
namespace {

std::vector<TextRange> source_ranges(const PairEncoder& encoder, const AlignedPair& pair) {
  if (!pair.source.ranges.empty()) return pair.source.ranges;
  std::vector<TextRange> ranges;
  for (const Piece& piece : encoder.source().encode_aligned(pair.source_text))
    ranges.push_back({piece.begin, piece.end});
  ranges.resize(pair.source.ids.size());  // a source may have been cut
  return ranges;
}

std::vector<AlignmentLink> link_words(std::span<const AlignmentLink> tokens,
                                      std::span<const TextRange> source,
                                      std::span<const TextRange> target) {
  std::vector<AlignmentLink> words;
  for (const AlignmentLink& link : tokens) {
    const TextRange& from = source[static_cast<std::size_t>(link.source)];
    const TextRange& to = target[static_cast<std::size_t>(link.target)];
    for (std::size_t word = to.begin; word < to.end; ++word)
      for (std::size_t other = from.begin; other < from.end; ++other)
        words.push_back({static_cast<std::int64_t>(other), static_cast<std::int64_t>(word)});
  }
  std::ranges::sort(words, {},
                    [](const AlignmentLink& link) { return std::pair(link.target, link.source); });
  words.erase(std::ranges::unique(words).begin(), words.end());
  return words;
}

}  // namespace

void check_attention_layer(const StepModel& model, std::int64_t layer) {
  if (layer <= model.attention_layers()) return;
  throw UsageError(fmt::format(
      "attention_layer: there is no decoder layer {}, the model has {}. Use 0 or one of them.",
      layer, model.attention_layers()));
}

void check_attention(const StepModel& model, const DecodingOptions& options) {
  if (options.alignment != AlignmentOutput::none || options.coverage_penalty > 0.0)
    check_attention_layer(model, options.attention_layer);
}

std::vector<AlignmentLink> link_tokens(std::span<const std::vector<float>> weights,
                                       double threshold) {
  std::vector<AlignmentLink> links;
  for (std::size_t target = 0; target < weights.size(); ++target) {
    const std::vector<float>& row = weights[target];
    if (row.empty()) continue;
    const auto place = static_cast<std::int64_t>(target);
    if (threshold == 0.0) {
      links.push_back({std::ranges::max_element(row) - row.begin(), place});
      continue;
    }
    for (std::size_t source = 0; source < row.size(); ++source)
      if (row[source] >= static_cast<float>(threshold))
        links.push_back({static_cast<std::int64_t>(source), place});
  }
  return links;
}

Alignment align_pair(const PairEncoder& encoder, const AlignedPair& pair,
                     const at::Tensor& attention, std::size_t row,
                     const AlignmentOptions& options) {
  const std::size_t source_tokens = pair.source.ids.size();
  const float* values = attention.const_data_ptr<float>() +
                        static_cast<std::int64_t>(row) * attention.size(1) * attention.size(2);
  std::vector<std::vector<float>> weights;
  for (std::size_t token = 0; token <= pair.target.size(); ++token) {
    const float* begin = values + static_cast<std::int64_t>(token) * attention.size(2);
    weights.emplace_back(begin, begin + source_length(source_tokens, encoder.special_ids()));
  }
  Alignment alignment;
  for (std::size_t place = 0; place < source_tokens; ++place) {
    const bool is_extra =
        !pair.source.copy_ids.empty() && pair.source.copy_ids[place] >= encoder.target().size();
    alignment.source_tokens.push_back(is_extra
                                          ? encoder.piece(pair.source.copy_ids[place], pair.source)
                                          : encoder.source().piece(pair.source.ids[place]));
  }
  if (options.alignment == AlignmentOutput::soft) alignment.weights = weights;
  weights.pop_back();
  for (std::vector<float>& of_token : weights)
    of_token.resize(source_tokens);
  alignment.tokens = link_tokens(weights, options.alignment_threshold);
  const DecodedTarget decoded = encoder.decode(pair.target, pair.source);
  alignment.words =
      link_words(alignment.tokens, words_of_tokens(source_ranges(encoder, pair), pair.source_text),
                 words_of_tokens(decoded.ranges, decoded.text));
  return alignment;
}

}  // namespace dragoman
