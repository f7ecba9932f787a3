#include "dragoman/modules/decoder_state.h"

#include <ATen/ATen.h>

#include <initializer_list>

namespace dragoman {
namespace {

/// Those of `parts` that are there keep only the rows `kept`, in that order.
void select(std::initializer_list<at::Tensor*> parts, const at::Tensor& kept) {
  for (at::Tensor* part : parts)
    if (part->defined()) *part = part->index_select(0, kept);
}

}  // namespace

void DecoderState::reorder(const at::Tensor& rows) {
  for (Layer& layer : layers)
    select({&layer.self_keys, &layer.self_values, &layer.recurrent.hidden, &layer.recurrent.cell},
           rows);
  select({&copying.seen, &copying.followed}, rows);
}

void DecoderState::keep_sentences(const at::Tensor& sentences) {
  for (Layer& layer : layers)
    select({&layer.cross_keys, &layer.cross_values}, sentences);
  select({&memory_mask, &copying.ids, &copying.keys}, sentences);
}

}  // namespace dragoman
