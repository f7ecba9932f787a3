#include "dragoman/inference/id_batch.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "dragoman/data/error.h"
#include "dragoman/data/utf8.h"

namespace dragoman {

namespace {

/// [rows, columns] int64, all `pad`.
at::Tensor padded(std::size_t rows, std::size_t columns, std::int64_t pad) {
  return at::full({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)}, pad,
                  at::kLong);
}

}  // namespace

void check_texts(std::span<const std::string> texts, std::string_view what) {
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const std::string& text = texts[index];
    if (const std::size_t bad = find_bad_text(text); bad != std::string::npos)
      throw UsageError(fmt::format(
          "{}[{}]: byte {} is NUL or no UTF-8 (0x{:02x}). Convert the text to UTF-8 first.", what,
          index, bad, static_cast<unsigned char>(text[bad])));
  }
}

std::vector<std::vector<std::int64_t>> batches_by_length(std::vector<std::int64_t> order,
                                                         std::span<const std::int64_t> lengths,
                                                         std::int64_t batch_size) {
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::int64_t index) { return lengths[index]; });
  std::vector<std::vector<std::int64_t>> batches;
  for (std::size_t start = 0; start < order.size(); start += batch_size)
    batches.emplace_back(order.begin() + start,
                         order.begin() + std::min(order.size(), start + batch_size));
  return batches;
}

SourceBatch source_batch(std::span<const EncodedSource> sources,
                         std::span<const std::int64_t> which, const PairEncoder& encoder,
                         at::Device device) {
  const SpecialIds special = encoder.special_ids();
  std::size_t longest = 0;
  std::size_t extra_words = 0;
  for (const std::int64_t index : which) {
    longest = std::max(longest, source_length(sources[index].ids.size(), special));
    extra_words = std::max(extra_words, sources[index].extra_words.size());
  }
  at::Tensor ids = padded(which.size(), longest, special.source_pad);
  at::Tensor lengths = at::empty({static_cast<std::int64_t>(which.size())}, at::kLong);
  at::Tensor copy_ids;
  if (special.copies) copy_ids = padded(which.size(), longest, kNoCopy);
  for (std::size_t row = 0; row < which.size(); ++row) {
    const EncodedSource& source = sources[which[row]];
    const auto begin = static_cast<std::ptrdiff_t>(row * longest);
    const std::size_t length = source_length(source.ids.size(), special);
    const bool ends = length > source.ids.size();
    const auto end = std::ranges::copy(source.ids, ids.mutable_data_ptr<std::int64_t>() + begin);
    if (ends) *end.out = special.source_end;
    lengths.mutable_data_ptr<std::int64_t>()[row] = static_cast<std::int64_t>(length);
    if (!special.copies) continue;
    const auto copy_end =
        std::ranges::copy(source.copy_ids, copy_ids.mutable_data_ptr<std::int64_t>() + begin);
    if (ends) *copy_end.out = special.target_end;
  }
  std::vector<std::vector<std::int64_t>> required;
  if (std::ranges::any_of(
          which, [&](std::int64_t index) { return !sources[index].protected_ids.empty(); }))
    for (const std::int64_t index : which)
      required.push_back(sources[index].protected_ids);
  return {.ids = ids.to(device),
          .lengths = lengths.to(device),
          .copy_ids = special.copies ? copy_ids.to(device) : copy_ids,
          .extra_words = static_cast<std::int64_t>(extra_words),
          .unknown = special.target_unknown,
          .required = std::move(required),
          .has_ends = special.ends_source};
}

TargetIds target_ids(const Tokenizer& tokenizer) {
  return {tokenizer.begin_id(), tokenizer.end_id(), tokenizer.pad_id(), tokenizer.unknown_id()};
}

TargetBatch target_batch(std::span<const std::vector<std::int64_t>> targets,
                         const PairEncoder& encoder, at::Device device) {
  const SpecialIds special = encoder.special_ids();
  std::size_t longest = 0;
  for (const auto& ids : targets)
    longest = std::max(longest, ids.size() + 1);
  const at::Tensor input = padded(targets.size(), longest, special.target_pad);
  const at::Tensor output = padded(targets.size(), longest, special.target_pad);
  for (std::size_t row = 0; row < targets.size(); ++row) {
    std::int64_t* in = input.mutable_data_ptr<std::int64_t>() + row * longest;
    *in = special.target_begin;
    std::ranges::copy(targets[row], in + 1);
    *std::ranges::copy(targets[row], output.mutable_data_ptr<std::int64_t>() + row * longest).out =
        special.target_end;
  }
  return {input.to(device), output.to(device)};
}

}  // namespace dragoman
