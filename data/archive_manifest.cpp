#include "dragoman/data/archive_manifest.h"

#include <c10/core/ScalarType.h>
#include <fmt/core.h>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

using Json = nlohmann::ordered_json;

Json describe_file(const std::string& content) {
  const auto checksum = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  return {{"size", content.size()}, {"crc32", checksum}};
}

Json describe_tensor(const at::Tensor& tensor) {
  return {{"type", c10::toString(tensor.scalar_type())}, {"shape", tensor.sizes().vec()}};
}

Json describe(const Archive& archive) {
  Json tensors = Json::object();
  for (const auto& [name, tensor] : archive.tensors)
    tensors[name] = describe_tensor(tensor);
  Json files = Json::object();
  for (const auto& [name, content] : archive.files) {
    if (name != kManifestName) files[name] = describe_file(content);
  }
  return {{"format", "dragoman"}, {"version", 1}, {"tensors", tensors}, {"files", files}};
}

/// The first name that is in one of two objects only, or differs.
std::string first_difference(const Json& expected, const Json& found) {
  for (const auto& [name, value] : expected.items()) {
    if (!found.contains(name)) return name + " is missing";
    if (found[name] != value)
      return fmt::format("{} is {}, should be {}", name, found[name].dump(), value.dump());
  }
  for (const auto& [name, value] : found.items()) {
    if (!expected.contains(name)) return name + " does not belong there";
  }
  return "";
}

}  // namespace

std::string make_manifest(const Archive& archive) {
  return describe(archive).dump();
}

void check_manifest(const Archive& archive, const std::string& path) {
  const auto text = archive.files.find(kManifestName);
  if (text == archive.files.end()) return;
  // What is nested more deeply belongs to no manifest, and copying it could exhaust the stack.
  const auto is_shallow = [](int depth, Json::parse_event_t, const Json&) { return depth < 8; };
  const auto manifest = Json::parse(text->second, is_shallow, /*allow_exceptions=*/false);
  // Another program may keep a file of this name.
  if (!manifest.is_object() || manifest.value("format", Json()) != "dragoman") return;
  if (manifest.value("version", Json()) != 1) {
    throw ModelError(fmt::format(
        "{}: was written by a newer Dragoman (archive version {}, this program reads 1). Update.",
        path, manifest.value("version", Json()).dump()));
  }
  const auto found = describe(archive);
  for (const auto* section : {"tensors", "files"}) {
    const auto expected = manifest.value(section, Json::object());
    if (!expected.is_object())
      throw ModelError(fmt::format("{}: is damaged: its manifest is broken.", path));
    const auto difference = first_difference(expected, found[section]);
    if (!difference.empty()) {
      throw ModelError(fmt::format(
          "{}: does not hold what its manifest says: {}. Take another copy.", path, difference));
    }
  }
}

}  // namespace dragoman
