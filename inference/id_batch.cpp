#include "dragoman/inference/id_batch.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "dragoman/data/error.h"
#include "dragoman/data/utf8.h"

namespace dragoman {

std::vector<Ids> encode_texts(const Tokenizer& tokenizer, std::span<const std::string> texts,
                              std::string_view what) {
  std::vector<Ids> ids;
  ids.reserve(texts.size());
  for (const std::string& text : texts) {
    if (const std::size_t bad = find_bad_text(text); bad != std::string::npos)
      throw UsageError(fmt::format(
          "{}[{}]: byte {} is NUL or no UTF-8 (0x{:02x}). Convert the text to UTF-8 first.", what,
          ids.size(), bad, static_cast<unsigned char>(text[bad])));
    ids.push_back(tokenizer.encode(text));
  }
  return ids;
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

SourceBatch source_batch(std::span<const Ids> ids, std::span<const std::int64_t> which,
                         const Tokenizer& tokenizer, at::Device device) {
  std::size_t longest = 0;
  for (const std::int64_t index : which)
    longest = std::max(longest, ids[index].size() + 1);
  const auto rows = static_cast<std::int64_t>(which.size());
  at::Tensor padded = at::full({rows, static_cast<std::int64_t>(longest)},
                               static_cast<std::int64_t>(tokenizer.pad_id()), at::kLong);
  at::Tensor lengths = at::empty({rows}, at::kLong);
  std::int64_t* row = padded.mutable_data_ptr<std::int64_t>();
  std::int64_t* length = lengths.mutable_data_ptr<std::int64_t>();
  for (const std::int64_t index : which) {
    *std::ranges::copy(ids[index], row).out = tokenizer.end_id();
    *length++ = static_cast<std::int64_t>(ids[index].size()) + 1;
    row += longest;
  }
  return {padded.to(device), lengths.to(device)};
}

}  // namespace dragoman
