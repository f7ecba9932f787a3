#include "dragoman/inference/models/import/settings.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/json_object.h"

namespace dragoman {
namespace {

constexpr std::uintmax_t kMaxFileSize = 64 << 20;

}  // namespace

Settings::Settings(std::string path, const std::string& text)
    : path_(std::move(path)),
      json_(std::make_shared<const nlohmann::json>(parse_json_object(text, path_))) {}

Settings Settings::from_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kMaxFileSize)
    throw ModelError(fmt::format("{}: has {} bytes, at most {} are allowed. Take another copy.",
                                 path, size, kMaxFileSize));
  try {
    return {path, read_file(path)};
  } catch (const DataError& failure) {
    throw ModelError(failure.what());
  }
}

Settings Settings::from_json(std::string path, std::shared_ptr<const nlohmann::json> json) {
  if (!json->is_object())
    throw ModelError(fmt::format("{}: holds no settings. Take another copy.", path));
  return {std::move(path), std::move(json)};
}

Settings Settings::section(const std::string& key) const {
  if (!has(key) || !json_->at(key).is_object()) refuse(key, "an object");
  return from_json(path_ + ": " + key, {json_, &json_->at(key)});
}

Settings Settings::from_file_if_any(const std::string& path) {
  if (std::filesystem::exists(path)) return from_file(path);
  return {path, "{}"};
}

bool Settings::has(const std::string& key) const {
  const auto found = json_->find(key);
  return found != json_->end() && !found->is_null();
}

void Settings::refuse(const std::string& key, const std::string& wanted) const {
  const auto found = json_->find(key);
  const std::string given = found == json_->end() ? "is missing" : "is " + found->dump();
  throw ModelError(
      fmt::format("{}: {} {}, it should be {}. Take another copy.", path_, key, given, wanted));
}

std::int64_t Settings::integer(const std::string& key, std::int64_t low, std::int64_t high,
                               std::optional<std::int64_t> otherwise) const {
  if (!has(key) && otherwise) return *otherwise;
  const bool is_integer = has(key) && json_->at(key).is_number_integer();
  const std::int64_t value = is_integer ? json_->at(key).get<std::int64_t>() : low - 1;
  if (!is_integer || value < low || value > high)
    refuse(key, fmt::format("a whole number from {} to {}", low, high));
  return value;
}

double Settings::number(const std::string& key, double low, double high,
                        std::optional<double> otherwise) const {
  if (!has(key) && otherwise) return *otherwise;
  const bool is_number = has(key) && json_->at(key).is_number();
  const double value = is_number ? json_->at(key).get<double>() : low;
  if (!is_number || !(value >= low && value <= high))
    refuse(key, fmt::format("a number from {} to {}", low, high));
  return value;
}

bool Settings::flag(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!json_->at(key).is_boolean()) refuse(key, "true or false");
  return json_->at(key).get<bool>();
}

std::string Settings::text(const std::string& key, std::optional<std::string> otherwise) const {
  if (!has(key) && otherwise) return *otherwise;
  if (!has(key) || !json_->at(key).is_string()) refuse(key, "a text");
  return json_->at(key).get<std::string>();
}

}  // namespace dragoman
