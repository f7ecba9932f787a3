#include "dragoman/data/batch.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace dragoman {

namespace {

/// Filled here and not by at::full, which would start threads of its own beside those of training.
at::Tensor filled(at::IntArrayRef shape, std::int64_t value, const at::TensorOptions& options) {
  at::Tensor tensor = at::empty(shape, options);
  std::fill_n(tensor.mutable_data_ptr<std::int64_t>(), tensor.numel(), value);
  return tensor;
}

/// Fills batch.links and batch.link_weights.
void add_links(std::span<const Example> examples, bool pin_memory, Batch& batch) {
  std::int64_t count = 0;
  for (const Example& example : examples)
    count += std::ssize(example.links);
  if (count == 0) return;
  const auto options = at::TensorOptions().pinned_memory(pin_memory);
  batch.links = at::empty({count}, options.dtype(at::kLong));
  batch.link_weights = at::empty({count}, options.dtype(at::kFloat));
  auto* place = batch.links.mutable_data_ptr<std::int64_t>();
  auto* weight = batch.link_weights.mutable_data_ptr<float>();
  std::int64_t first_row = 0;  // of the sentence, in [B * T, S]
  for (const Example& example : examples) {
    const auto end = example.links.end();
    for (auto link = example.links.begin(); link != end;) {
      const auto next = std::find_if(
          link, end, [link](const WordLink& other) { return other.target != link->target; });
      const float share = 1.0F / static_cast<float>(next - link);
      for (; link != next; ++link) {
        *place++ = (first_row + link->target) * batch.source.size(1) + link->source;
        *weight++ = share;
      }
    }
    first_row += batch.target_output.size(1);
  }
}

}  // namespace

std::size_t source_length(std::size_t tokens, const SpecialIds& ids) {
  return ids.ends_source || tokens == 0 ? tokens + 1 : tokens;
}

Batch collate(std::span<const Example> examples, const SpecialIds& ids, bool pin_memory) {
  std::size_t source_size = 0;
  std::size_t target_size = 0;
  for (const auto& example : examples) {
    source_size = std::max(source_size, source_length(example.source.size(), ids));
    target_size = std::max(target_size, example.target.size() + 1);
  }
  const auto count = static_cast<std::int64_t>(examples.size());
  const auto S = static_cast<std::int64_t>(source_size);
  const auto T = static_cast<std::int64_t>(target_size);
  const auto options = at::TensorOptions().dtype(at::kLong).pinned_memory(pin_memory);
  Batch batch{.source = filled({count, S}, ids.source_pad, options),
              .source_lengths = at::empty({count}, options),
              .copy_ids = {},
              .target_input = filled({count, T}, ids.target_pad, options),
              .target_output = filled({count, T}, ids.target_pad, options),
              .target_lengths = at::empty({count}, options),
              .links = {},
              .link_weights = {}};
  if (ids.copies) batch.copy_ids = filled({count, S}, kNoCopy, options);
  auto* copy_id = ids.copies ? batch.copy_ids.mutable_data_ptr<std::int64_t>() : nullptr;
  auto* source = batch.source.mutable_data_ptr<std::int64_t>();
  auto* input = batch.target_input.mutable_data_ptr<std::int64_t>();
  auto* output = batch.target_output.mutable_data_ptr<std::int64_t>();
  auto* length_of_source = batch.source_lengths.mutable_data_ptr<std::int64_t>();
  auto* target_length = batch.target_lengths.mutable_data_ptr<std::int64_t>();
  for (const auto& example : examples) {
    auto* const source_place = std::copy(example.source.begin(), example.source.end(), source);
    const std::size_t length = source_length(example.source.size(), ids);
    if (length > example.source.size()) *source_place = ids.source_end;
    *input = ids.target_begin;
    std::transform(example.target.begin(), example.target.end(), input + 1, [&ids](auto id) {
      return id < ids.target_vocabulary ? id : ids.target_unknown;
    });
    *std::copy(example.target.begin(), example.target.end(), output) = ids.target_end;
    *length_of_source = static_cast<std::int64_t>(length);
    *target_length = std::ssize(example.target) + 1;
    batch.source_tokens += *length_of_source++;
    batch.target_tokens += *target_length++;
    if (ids.copies) {
      auto* const place = std::copy(example.copy_ids.begin(), example.copy_ids.end(), copy_id);
      if (length > example.source.size()) *place = ids.target_end;
      copy_id += S;
    }
    source += S;
    input += T;
    output += T;
  }
  add_links(examples, pin_memory, batch);
  return batch;
}

Batch Batch::to(at::Device device) const {
  const auto copy = [device](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.to(device, /*non_blocking=*/true) : tensor;
  };
  return {.source = copy(source),
          .source_lengths = copy(source_lengths),
          .copy_ids = copy(copy_ids),
          .target_input = copy(target_input),
          .target_output = copy(target_output),
          .target_lengths = copy(target_lengths),
          .links = copy(links),
          .link_weights = copy(link_weights),
          .source_tokens = source_tokens,
          .target_tokens = target_tokens};
}

}  // namespace dragoman
