// Weights alone, under names of another program: which is which says a map, what the network is a
// configuration of ours.
//
//   {"names": {"encoder.layers.*.feed_forward.inner.weight": "enc.*.ff1.weight",
//              "encoder.layers.*.self_attention.query_key_value.weight":
//                  ["enc.*.q.weight", "enc.*.k.weight", "enc.*.v.weight"],
//              "decoder.layers.*.feed_forward.inner.weight":
//                  {"from": "dec.*.ff1.kernel", "transpose": true}},
//    "leave": ["*.inv_freq"]}
//
// In names * is a number, the same on both sides; in "leave" it is any text. What has the same name
// on both sides need not be listed.
#pragma once

#include <string>

#include "dragoman/inference/models/import/imported_model.h"

namespace dragoman {

/// `path`: a .safetensors file, or an archive of torch.save or torch.jit.save. Throws UsageError
/// for what is wrong with the options, the map or the configuration, ModelError for the weights.
[[nodiscard]] ImportedModel import_by_names(const std::string& path, const ImportOptions& options);

}  // namespace dragoman
