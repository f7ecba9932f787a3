#include "dragoman/inference/models/import/foreign_folder.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/safetensors.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxTokenizerSize = 256 << 20;

/// As torch wrote them before 1.6: several pickles, then the numbers.
bool is_old_checkpoint(const std::string& path) {
  constexpr std::string_view kMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  std::string start(kMagic.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return file && start == kMagic;
}

std::map<std::string, at::Tensor> load_part(const std::string& path) {
  if (path.ends_with(".safetensors")) return load_safetensors(path);
  if (is_old_checkpoint(path))
    throw ModelError(
        fmt::format("{0}: is a checkpoint of torch before 1.6, which is not read. Write it anew: "
                    "python -c \"import torch; f = '{0}'; torch.save(torch.load(f, "
                    "weights_only=True), f)\"",
                    path));
  return load_archive(path).tensors;
}

Settings generation_of(const std::string& folder, const Settings& config) {
  const std::string path = folder + "/generation_config.json";
  return fs::exists(path) ? Settings::from_file(path) : config;
}

/// Its config.json; with a word for what is no folder.
Settings config_of(const std::string& folder) {
  if (!fs::is_directory(folder))
    throw ModelError(fmt::format(
        "{}: is no folder. Give the folder of a model as transformers' save_pretrained writes it.",
        folder));
  return Settings::from_file(folder + "/config.json");
}

}  // namespace

ForeignFolder::ForeignFolder(std::string path)
    : path_(std::move(path)),
      config_(config_of(path_)),
      generation_(generation_of(path_, config_)),
      tokenizer_(Settings::from_file_if_any(path_ + "/tokenizer_config.json")) {}

bool ForeignFolder::has(const std::string& name) const {
  return fs::is_regular_file(file(name));
}

std::string ForeignFolder::file(const std::string& name) const {
  return (fs::path(path_) / name).string();
}

std::map<std::string, at::Tensor> ForeignFolder::load_weights() const {
  for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
    if (has(name)) return load_part(file(name));
    const std::string index = std::string(name) + ".index.json";
    if (has(index)) return load_parts(index);
  }
  throw ModelError(fmt::format(
      "{}: holds neither model.safetensors nor pytorch_model.bin, nor an index of parts. Download "
      "one of them too.",
      path_));
}

std::map<std::string, at::Tensor> ForeignFolder::load_parts(const std::string& index) const {
  const Settings settings = Settings::from_file(file(index));
  const auto fail = [&](const std::string& problem) {
    throw ModelError(fmt::format("{}: {}. Take another copy.", settings.path(), problem));
  };
  const auto found = settings.json().find("weight_map");
  if (found == settings.json().end() || !found->is_object()) fail("has no weight_map");
  std::set<std::string> parts;
  for (const auto& [tensor, part] : found->items()) {
    const std::string name = part.is_string() ? part.get<std::string>() : "";
    const bool is_plain = !name.empty() && fs::path(name).filename() == name && name[0] != '.';
    if (!is_plain)
      fail(fmt::format("names the part {} for {}, which is no file of this folder", part.dump(),
                       tensor));
    parts.insert(name);
  }
  std::map<std::string, at::Tensor> weights;
  for (const std::string& part : parts)
    for (auto& [name, tensor] : load_part(file(part)))
      if (!weights.emplace(name, tensor).second)
        fail(fmt::format("names parts of which two hold {}", name));
  for (const auto& [tensor, part] : found->items())
    if (!weights.contains(tensor)) fail(fmt::format("names {}, which no part holds", tensor));
  return weights;
}

std::string ForeignFolder::tokenizer_file(const std::string& name) const {
  if (!has(name))
    throw ModelError(fmt::format(
        "{}: holds no {}. Its tokeniser is needed as a SentencePiece model: {}", path_, name,
        has("tokenizer.json")
            ? "tokenizer.json alone is not read. Download the SentencePiece file as well, if the "
              "model has one."
            : "download that file too."));
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file(name), error);
  if (!error && size > kMaxTokenizerSize)
    throw ModelError(fmt::format("{}: has {} bytes, at most {} are allowed. Take another copy.",
                                 file(name), size, kMaxTokenizerSize));
  return read_file(file(name));
}

}  // namespace dragoman
