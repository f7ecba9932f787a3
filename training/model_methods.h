// What makes a model file a program for Python: the methods that go with its configuration.
#pragma once

#include <map>
#include <string>

#include "dragoman/data/archive.h"

namespace dragoman {

/// For Archive::methods of a model file (config.json, tokenisers, tensors as they are stored); none
/// when `model` is no model file, or of an lstm. Throws what reading its configuration or
/// tokenisers throws; `path` is for the messages.
[[nodiscard]] std::map<std::string, std::string> model_methods(const Archive& model,
                                                               const std::string& path);

}  // namespace dragoman
