// Where the networks of a training lie, and in which arithmetic they compute.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "dragoman/modules/transformer.h"

namespace dragoman {

/// `model` itself, on `device`, computing in `type`, in training mode.
[[nodiscard]] Transformer placed_for_training(Transformer model, at::Device device,
                                              at::ScalarType type);
/// The same in evaluation mode; null stays null.
[[nodiscard]] Transformer placed_teacher(Transformer teacher, at::Device device,
                                         at::ScalarType type);

}  // namespace dragoman
