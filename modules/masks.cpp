#include "dragoman/modules/masks.h"

#include <ATen/ATen.h>

#include "dragoman/modules/shape.h"

namespace dragoman {
namespace {

double lowest(at::ScalarType type) {
  return type == at::kHalf ? -65504.0 : -3.0e38;
}

}  // namespace

at::Tensor padding_mask(const at::Tensor& lengths, std::int64_t size) {
  check_shape(lengths, {-1}, "lengths");
  return at::arange(size, lengths.options()).unsqueeze(0) < lengths.unsqueeze(1);  // [B, S]
}

at::Tensor drop_full_mask(const at::Tensor& mask) {
  if (mask.defined() && mask.is_cpu() && mask.all().item<bool>()) return {};
  return mask;
}

AttentionMask padding_attention_mask(const at::Tensor& mask, at::ScalarType type) {
  if (!mask.defined()) return {};
  const at::Tensor added = at::zeros(mask.sizes(), mask.options().dtype(type));
  added.masked_fill_(mask.logical_not(), lowest(type));
  return {added.unsqueeze(1).unsqueeze(1)};  // [B, 1, 1, S]
}

AttentionMask causal_attention_mask(std::int64_t queries, std::int64_t past,
                                    const at::TensorOptions& options) {
  if (queries == 1) return {};
  const at::Tensor added =
      at::full({queries, past + queries}, lowest(c10::typeMetaToScalarType(options.dtype())),
               options)
          .triu_(past + 1);  // [T, past + T]
  return {added, past == 0};
}

}  // namespace dragoman
