// Model files with smaller weights. A matrix in eight-bit integers is stored as "NAME", integers in
// [-127, 127], and "NAME_scale", float, one per row: weight = scale * integer. A matrix in bfloat16
// is stored as such. Everything else (vectors, positions) stays float.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "dragoman/inference/translator.h"

namespace dragoman {

using NamedTensors = std::map<std::string, at::Tensor>;

/// Float weights -> what is stored. Throws ModelError for weights that are not finite.
[[nodiscard]] NamedTensors quantize_weights(const NamedTensors& weights, Precision precision,
                                            const std::string& path);

/// How the matrices are stored.
[[nodiscard]] Precision stored_precision(const NamedTensors& weights);

/// What is stored -> float, so that quantising again gives the same integers. Throws ModelError for
/// a scale that is missing, of another shape, or that belongs to nothing.
void restore_weights(NamedTensors& weights, const std::string& path);

}  // namespace dragoman
