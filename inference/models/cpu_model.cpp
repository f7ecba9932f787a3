#include "dragoman/inference/models/cpu_model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "dragoman/data/shortlist.h"
#include "dragoman/inference/engine/decoding.h"
#include "dragoman/inference/engine/output_words.h"
#include "dragoman/inference/engine/pointing.h"
#include "dragoman/inference/kernels/copy_mixture.h"
#include "dragoman/inference/kernels/rows.h"
#include "dragoman/inference/kernels/top_k.h"
#include "dragoman/inference/models/ragged_sources.h"
#include "dragoman/modules/attention_choice.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"

namespace dragoman {
namespace {

constexpr float kNoLogProbability = -std::numeric_limits<float>::infinity();

/// Vocabulary-sized rows that are computed together.
constexpr std::int64_t kLogitRows = 48;

std::map<std::string, engine::WeightView> views(const Transformer& model) {
  std::map<std::string, engine::WeightView> result;
  for (const auto& [name, tensor] : named_weights(*model)) {
    TORCH_CHECK(tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous(),
                name, ": the CPU engine wants float32 on the CPU");
    result[name] = {tensor.const_data_ptr<float>(), tensor.sizes().vec()};
  }
  return result;
}

std::span<const std::int64_t> values(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(tensor.numel())};
}

}  // namespace

struct CpuModel::State final : StepState {
  State(const CpuModel& model, const SourceBatch& source, std::unique_ptr<engine::Workspace> space)
      : owner(model),
        decoding(model.network_, ragged_sources(source, model.copies()), std::move(space)),
        words(model.network_),
        extra_words(model.copies() ? source.extra_words : 0),
        unknown(source.unknown) {
    if (source.attention_layer)
      if (const auto layer = attention_layer_of(model.network_.config, *source.attention_layer))
        decoding.keep_attention(*layer);
    if (!model.copies()) return;
    pointing.emplace(decoding);
    first = first_positions(decoding.sources());
  }
  ~State() override { owner.give_back(decoding.take_workspace()); }

  /// Of one position of a row; `place` counts the positions of all rows.
  [[nodiscard]] CopyRow copying(const engine::Pointed& pointed, std::int64_t row,
                                std::int64_t place) const {
    const std::int64_t begin = decoding.source_begin(row);
    const auto length = static_cast<std::size_t>(decoding.source_end(row) - begin);
    const auto number = static_cast<std::size_t>(place);
    return {.vocabulary = owner.vocabulary_size(),
            .generated = words.words(decoding.sentence(row)),
            .log_generate = pointed.log_generate[number],
            .log_copy = pointed.log_copy[number],
            .log_weights = {pointed.log_weights.data() + place * decoding.longest_source(), length},
            .words = {decoding.sources().copy_ids.data() + begin, length},
            .first = {first.data() + begin, length}};
  }

  /// Of the last call: [R, count, S].
  [[nodiscard]] at::Tensor attention() const;

  const CpuModel& owner;
  engine::Decoding decoding;
  engine::OutputWords words;
  std::optional<engine::Pointing> pointing;
  std::vector<std::int32_t> first;  ///< as the source ids
  std::int64_t extra_words;
  std::int64_t unknown;
  std::int64_t count = 0;  ///< positions of each row in the last call
};

at::Tensor CpuModel::State::attention() const {
  const std::int64_t width = decoding.longest_source();
  const at::Tensor result = at::zeros({decoding.rows(), count, width}, at::kFloat);
  auto* out = result.mutable_data_ptr<float>();
  if (const std::vector<float>& kept = decoding.attention(); !kept.empty()) {
    std::ranges::copy(kept, out);
    return result;
  }
  for (std::int64_t place = 0; place < decoding.rows() * count; ++place) {
    const std::int64_t row = place / count;
    const std::int64_t length = decoding.source_end(row) - decoding.source_begin(row);
    const float* from = pointing->last().log_weights.data() + place * width;
    std::transform(from, from + length, out + place * width,
                   [](float log_weight) { return std::exp(log_weight); });
  }
  return result;
}

/// What the decoder says after a call; valid until the next one.
struct CpuModel::Last {
  std::int64_t count;                        ///< positions of each row
  const float* hidden;                       ///< [R * count, D]
  const engine::Pointed* pointed = nullptr;  ///< of a model that copies

  /// [rows, D] of each row's last position; `memory` is used when it has several.
  const float* last_hidden(std::int64_t rows, std::int64_t dim, std::vector<float>& memory) const;
};

CpuModel::CpuModel(const Transformer& model, engine::WeightType type,
                   std::shared_ptr<const Shortlist> shortlist, std::int64_t threads_per_batch)
    : network_(engine::build_network(model->config(), views(model), type)),
      shortlist_(std::move(shortlist)),
      threads_per_batch_(threads_per_batch) {
  TORCH_CHECK(shortlist_ == nullptr || shortlist_->target_words() == vocabulary_size(),
              "the shortlist has another vocabulary than the model");
}

std::unique_ptr<engine::Workspace> CpuModel::take_workspace() const {
  const std::lock_guard lock(mutex_);
  if (unused_.empty()) return std::make_unique<engine::Workspace>(threads_per_batch_);
  auto workspace = std::move(unused_.back());
  unused_.pop_back();
  return workspace;
}

void CpuModel::give_back(std::unique_ptr<engine::Workspace> workspace) const {
  const std::lock_guard lock(mutex_);
  unused_.push_back(std::move(workspace));
}

std::unique_ptr<CpuModel::State> CpuModel::begin(const SourceBatch& source) const {
  return std::make_unique<State>(*this, source, take_workspace());
}

std::unique_ptr<StepState> CpuModel::start(const SourceBatch& source) const {
  auto state = begin(source);
  if (shortlist_ != nullptr) state->words.select(candidates(source));
  return state;
}

CpuModel::Last CpuModel::decode(const at::Tensor& next, State& state) const {
  const at::Tensor tokens = next.contiguous();
  std::vector<std::int64_t> readable(values(tokens).begin(), values(tokens).end());
  for (std::int64_t& token : readable)
    if (token >= vocabulary_size()) token = state.unknown;
  state.count = next.size(1);
  const float* hidden = state.decoding.step(readable, next.size(1));
  if (!state.pointing) return {next.size(1), hidden};
  return {next.size(1), hidden,
          &state.pointing->point(state.decoding, hidden, values(tokens), next.size(1))};
}

std::vector<std::vector<std::int64_t>> CpuModel::candidates(const SourceBatch& source) const {
  const at::Tensor ids = source.ids.contiguous();
  const at::Tensor lengths = source.lengths.contiguous();
  at::Tensor copied;
  if (source.copy_ids.defined()) copied = source.copy_ids.contiguous();
  std::vector<std::vector<std::int64_t>> result;
  for (std::int64_t row = 0; row < ids.size(0); ++row) {
    const std::int64_t begin = row * ids.size(1);
    const auto length = static_cast<std::size_t>(lengths.const_data_ptr<std::int64_t>()[row]);
    std::vector<std::int64_t> needed;
    if (!source.needed.empty()) needed = source.needed[static_cast<std::size_t>(row)];
    // Another model of an ensemble may copy where this one does not.
    if (copied.defined()) {
      const std::int64_t* words = copied.const_data_ptr<std::int64_t>() + begin;
      needed.insert(needed.end(), words, words + length);
    }
    result.push_back(
        shortlist_->select({ids.const_data_ptr<std::int64_t>() + begin, length}, needed));
  }
  return result;
}

at::Tensor CpuModel::step(const at::Tensor& next, StepState& base) const {
  auto& state = static_cast<State&>(base);
  const Last last = decode(next, state);
  const std::int64_t dim = network_.config.decoder.dim;
  const std::int64_t columns = state.words.columns();
  const std::int64_t rows = state.decoding.rows();
  engine::Workspace& workspace = state.decoding.workspace();
  const at::Tensor result =
      at::full({rows, vocabulary_size() + state.extra_words}, kNoLogProbability, at::kFloat);
  float* logits = workspace.logits.floats(kLogitRows * columns);
  std::vector<float> memory;
  std::vector<float> own_memory;
  const float* hidden = last.last_hidden(rows, dim, memory);
  std::vector<float> mass(static_cast<std::size_t>(state.decoding.longest_source()));
  for (std::int64_t row = 0; row < rows; ++row) {
    if (row % kLogitRows == 0)
      state.words.multiply(hidden + row * dim, std::min(kLogitRows, rows - row), logits,
                           workspace.scratch);
    const std::int64_t sentence = state.decoding.sentence(row);
    const std::span<const std::int64_t> words = state.words.words(sentence);
    const std::int64_t count = words.empty() ? columns : std::ssize(words);
    float* own = state.words.own_logits(logits + row % kLogitRows * columns, sentence, own_memory);
    const std::span<float> out(result.mutable_data_ptr<float>() + row * result.size(1),
                               static_cast<std::size_t>(result.size(1)));
    if (last.pointed == nullptr) {
      log_softmax(own, count);
      for (std::int64_t place = 0; place < count; ++place)
        out[static_cast<std::size_t>(
            words.empty() ? place : words[static_cast<std::size_t>(place)])] = own[place];
      continue;
    }
    CopyRow copying = state.copying(*last.pointed, row, (row + 1) * last.count - 1);
    copying.logits = own;
    copying.log_sum = log_sum_exp(own, count);
    whole_mixture(copying, out, std::span(mass).first(copying.words.size()));
  }
  return result;
}

const float* CpuModel::Last::last_hidden(std::int64_t rows, std::int64_t dim,
                                         std::vector<float>& memory) const {
  if (count == 1) return hidden;
  memory.clear();
  for (std::int64_t row = 1; row <= rows; ++row) {
    const float* from = hidden + (row * count - 1) * dim;
    memory.insert(memory.end(), from, from + dim);
  }
  return memory.data();
}

void CpuModel::best_generated(State& state, const CandidateRequest& request, std::int64_t row,
                              CopyRow& copying, Candidates& best) const {
  const std::int64_t sentence = state.decoding.sentence(row);
  const std::span<const std::int64_t> words = state.words.words(sentence);
  const std::vector<std::int64_t> forbidden = state.words.places_of(request.forbidden, sentence);
  std::int64_t* ids = best.ids.data() + row * request.count;
  top_k_rows({.scores = copying.logits,
              .rows = 1,
              .columns = std::ssize(words),
              .stride = std::ssize(words),
              .count = request.count,
              .forbidden = forbidden,
              .normalize = true,
              .log_sums = &copying.log_sum},
             ids, best.log_probs.data() + row * request.count);
  for (std::int64_t rank = 0; rank < request.count; ++rank)
    if (ids[rank] >= 0) ids[rank] = words[static_cast<std::size_t>(ids[rank])];
}

Candidates CpuModel::step_candidates(const at::Tensor& next, StepState& base,
                                     const CandidateRequest& request) const {
  auto& state = static_cast<State&>(base);
  const Last last = decode(next, state);
  const std::int64_t dim = network_.config.decoder.dim;
  const std::int64_t columns = state.words.columns();
  const std::int64_t rows = state.decoding.rows();
  engine::Workspace& workspace = state.decoding.workspace();
  float* logits = workspace.logits.floats(kLogitRows * columns);
  std::vector<float> memory;
  const float* hidden = last.last_hidden(rows, dim, memory);
  Candidates best{request.count, std::vector<std::int64_t>(rows * request.count),
                  std::vector<float>(rows * request.count)};
  if (!request.required.empty()) best.required.resize(rows);
  std::vector<float> own_memory;
  std::vector<float> log_sums(kLogitRows);
  std::vector<float> mass(static_cast<std::size_t>(state.decoding.longest_source()));
  for (std::int64_t begin = 0; begin < rows; begin += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, rows - begin);
    state.words.multiply(hidden + begin * dim, count, logits, workspace.scratch);
    if (!state.words.are_selected())
      top_k_rows({.scores = logits,
                  .rows = count,
                  .columns = columns,
                  .stride = columns,
                  .count = request.count,
                  .forbidden = request.forbidden,
                  .normalize = true,
                  .log_sums = log_sums.data()},
                 best.ids.data() + begin * request.count,
                 best.log_probs.data() + begin * request.count);
    for (std::int64_t row = begin; row < begin + count; ++row) {
      const std::int64_t sentence = state.decoding.sentence(row);
      CopyRow copying{.vocabulary = vocabulary_size(), .generated = state.words.words(sentence)};
      if (last.pointed != nullptr)
        copying = state.copying(*last.pointed, row, (row + 1) * last.count - 1);
      copying.logits =
          state.words.own_logits(logits + (row - begin) * columns, sentence, own_memory);
      copying.log_sum = log_sums[static_cast<std::size_t>(row - begin)];
      if (state.words.are_selected()) best_generated(state, request, row, copying, best);
      copying.forbidden = request.forbidden;
      if (last.pointed != nullptr)
        mix_copies(copying, std::span(best.ids).subspan(row * request.count, request.count),
                   std::span(best.log_probs).subspan(row * request.count, request.count),
                   std::span(mass).first(copying.words.size()));
      if (request.required.empty()) continue;
      for (const std::int64_t id : request.required[row / state.decoding.rows_per_sentence()])
        best.required[row].push_back(mixed_word(copying, id).log_prob);
    }
  }
  return best;
}

void CpuModel::reorder(StepState& base, const at::Tensor& rows, const at::Tensor& sentences) const {
  auto& state = static_cast<State&>(base);
  const at::Tensor order = rows.contiguous();
  state.decoding.reorder(values(order));
  if (state.pointing) state.pointing->reorder(values(order));
  if (sentences.defined()) state.decoding.keep_sentences(values(sentences.contiguous()));
}

std::int64_t CpuModel::vocabulary_size() const {
  return network_.config.target_vocabulary;
}

at::Device CpuModel::device() const {
  return at::kCPU;
}

std::int64_t CpuModel::attention_layers() const {
  return network_.config.decoder.layers;
}

at::Tensor CpuModel::attention(const StepState& base) const {
  const auto& state = static_cast<const State&>(base);
  return state.attention().select(1, state.count - 1);
}

std::int64_t CpuModel::max_positions() const {
  return network_.config.positions == PositionKind::learned ? network_.config.max_positions
                                                            : StepModel::max_positions();
}

TokenScores CpuModel::score(const SourceBatch& source, const at::Tensor& input,
                            const at::Tensor& output) const {
  const auto state = begin(source);
  const Last last = decode(input, *state);
  const std::int64_t dim = network_.config.decoder.dim;
  const std::int64_t words = vocabulary_size();
  const at::Tensor wanted = output.contiguous();
  engine::Workspace& workspace = state->decoding.workspace();
  float* logits = workspace.logits.floats(kLogitRows * words);
  TokenScores scores{at::empty(output.sizes(), at::kFloat), {}, {}, {}};
  if (source.attention_layer) scores.attention = state->attention();
  if (copies()) {
    scores.copied = at::empty(output.sizes(), at::kFloat);
    scores.positions = at::empty(output.sizes(), at::kLong);
  }
  for (std::int64_t begin = 0; begin < wanted.numel(); begin += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, wanted.numel() - begin);
    network_.output(last.hidden + begin * dim, count, logits, workspace.scratch);
    for (std::int64_t place = begin; place < begin + count; ++place) {
      CopyRow copying{.vocabulary = words};
      if (copies()) copying = state->copying(*last.pointed, place / last.count, place);
      copying.logits = logits + (place - begin) * words;
      copying.log_sum = log_sum_exp(copying.logits, words);
      const MixedWord word = mixed_word(copying, wanted.const_data_ptr<std::int64_t>()[place]);
      scores.log_probs.mutable_data_ptr<float>()[place] = word.log_prob;
      if (!copies()) continue;
      scores.copied.mutable_data_ptr<float>()[place] = word.copied;
      scores.positions.mutable_data_ptr<std::int64_t>()[place] = word.position;
    }
  }
  return scores;
}

}  // namespace dragoman
