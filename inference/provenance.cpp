#include "dragoman/inference/provenance.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "dragoman/inference/aligner.h"
#include "dragoman/inference/id_batch.h"

namespace dragoman {
namespace {

/// A token with a greater probability of having been copied counts as copied.
constexpr double kIsCopied = 0.5;

/// Neighbouring tokens that were copied from neighbouring positions become one span.
std::vector<CopiedSpan> copied_spans(const Hypothesis& hypothesis,
                                     const std::vector<TextRange>& ranges,
                                     const EncodedSource& source) {
  std::vector<CopiedSpan> spans;
  std::int64_t previous = -2;  // source position of the token before, if that was copied
  for (std::size_t token = 0; token < ranges.size(); ++token) {
    const std::int64_t position = hypothesis.source_positions[token];
    const double probability = hypothesis.copy_probabilities[token];
    if (position < 0 || position >= std::ssize(source.ranges) || probability <= kIsCopied) {
      previous = -2;
      continue;
    }
    const TextRange& from = source.ranges[static_cast<std::size_t>(position)];
    if (position == previous + 1) {
      spans.back().end = ranges[token].end;
      spans.back().source_end = from.end;
      spans.back().probability = std::min(spans.back().probability, probability);
    } else {
      spans.push_back({ranges[token].begin, ranges[token].end, from.begin, from.end, probability});
    }
    previous = position;
  }
  return spans;
}

/// scores: of `ids`, row `row`.
void add_copies(const TokenScores& scores, std::size_t row, std::span<const std::int64_t> ids,
                const PairEncoder& encoder, const SourceText& source, Hypothesis& hypothesis) {
  const auto length = std::ssize(ids);
  const auto begin = static_cast<std::ptrdiff_t>(row) * scores.copied.size(1);
  const float* part = scores.copied.const_data_ptr<float>() + begin;
  const std::int64_t* position = scores.positions.const_data_ptr<std::int64_t>() + begin;
  hypothesis.copy_probabilities.assign(part, part + length);
  hypothesis.source_positions.assign(position, position + length);
  const DecodedTarget decoded = encoder.decode(ids, source.encoded);
  hypothesis.copied = copied_spans(hypothesis, decoded.ranges, source.encoded);
}

}  // namespace

bool wants_trace(const StepModel& model, const DecodingOptions& options) {
  return (options.provenance && model.copies()) || options.alignment != AlignmentOutput::none;
}

void trace_outputs(const StepModel& model, const PairEncoder& encoder, const SourceBatch& batch,
                   std::span<const std::vector<IdHypothesis>> found,
                   std::span<const SourceText> sources, const DecodingOptions& options,
                   std::span<Translation* const> results) {
  const bool traces_copies = options.provenance && model.copies();
  const bool aligns = options.alignment != AlignmentOutput::none;
  SourceBatch read = batch;
  if (aligns) read.attention_layer = options.attention_layer;
  std::size_t most = 0;
  for (const auto& hypotheses : found)
    most = std::max(most, hypotheses.size());
  for (std::size_t rank = 0; rank < most; ++rank) {
    std::vector<std::vector<std::int64_t>> targets;
    for (const auto& hypotheses : found)
      targets.push_back(rank < hypotheses.size() ? hypotheses[rank].ids
                                                 : std::vector<std::int64_t>{});
    const TargetBatch target = target_batch(targets, encoder, model.device());
    TokenScores scores = model.score(read, target.input, target.output);
    for (at::Tensor* tensor : {&scores.copied, &scores.positions, &scores.attention})
      if (tensor->defined()) *tensor = tensor->cpu().contiguous();
    for (std::size_t row = 0; row < found.size(); ++row) {
      if (rank >= found[row].size()) continue;
      Hypothesis& hypothesis = results[row]->hypotheses[rank];
      const SourceText& source = sources[row];
      if (traces_copies) add_copies(scores, row, targets[row], encoder, source, hypothesis);
      if (aligns)
        hypothesis.alignment = align_pair(encoder, {source.text, source.encoded, targets[row]},
                                          scores.attention, row, options.alignment_options());
    }
  }
}

}  // namespace dragoman
