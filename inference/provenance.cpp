#include "dragoman/inference/provenance.h"

#include <ATen/ATen.h>

#include <algorithm>

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

}  // namespace

void trace_copies(const StepModel& model, const PairEncoder& encoder, const SourceBatch& batch,
                  std::size_t rank, std::span<const std::vector<IdHypothesis>> found,
                  std::span<const SourceText> sources, std::span<Translation* const> results) {
  std::vector<std::vector<std::int64_t>> targets;
  for (const auto& hypotheses : found)
    targets.push_back(rank < hypotheses.size() ? hypotheses[rank].ids
                                               : std::vector<std::int64_t>{});
  const TargetBatch target = target_batch(targets, encoder, model.device());
  const TokenScores scores = model.score(batch, target.input, target.output);
  const at::Tensor copied = scores.copied.cpu().contiguous();        // [B, T]
  const at::Tensor positions = scores.positions.cpu().contiguous();  // [B, T]
  for (std::size_t row = 0; row < found.size(); ++row) {
    if (rank >= found[row].size()) continue;
    Hypothesis& hypothesis = results[row]->hypotheses[rank];
    const auto length = static_cast<std::ptrdiff_t>(targets[row].size());
    const auto begin = static_cast<std::ptrdiff_t>(row) * copied.size(1);
    const float* part = copied.const_data_ptr<float>() + begin;
    const std::int64_t* position = positions.const_data_ptr<std::int64_t>() + begin;
    hypothesis.copy_probabilities.assign(part, part + length);
    hypothesis.source_positions.assign(position, position + length);
    const DecodedTarget decoded = encoder.decode(targets[row], sources[row].encoded);
    hypothesis.copied = copied_spans(hypothesis, decoded.ranges, sources[row].encoded);
  }
}

}  // namespace dragoman
