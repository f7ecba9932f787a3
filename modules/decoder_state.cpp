#include "dragoman/modules/decoder_state.h"

#include <ATen/ATen.h>

namespace dragoman {

void DecoderState::reorder(const at::Tensor& rows) {
  for (Layer& layer : layers) {
    if (!layer.self_keys.defined()) continue;
    layer.self_keys = layer.self_keys.index_select(0, rows);
    layer.self_values = layer.self_values.index_select(0, rows);
  }
  for (at::Tensor* part : {&copying.seen, &copying.followed})
    if (part->defined()) *part = part->index_select(0, rows);
}

void DecoderState::keep_sentences(const at::Tensor& sentences) {
  for (Layer& layer : layers) {
    layer.cross_keys = layer.cross_keys.index_select(0, sentences);
    layer.cross_values = layer.cross_values.index_select(0, sentences);
  }
  for (at::Tensor* part : {&memory_mask, &copying.ids, &copying.keys})
    if (part->defined()) *part = part->index_select(0, sentences);
}

}  // namespace dragoman
