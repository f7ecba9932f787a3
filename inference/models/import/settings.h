// The JSON files of a model folder that another program wrote, asked for what they are expected to
// hold. Every answer is checked: type, range.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

namespace dragoman {

class Settings {
 public:
  /// Throws ModelError: missing, larger than 64 MB, no JSON object.
  [[nodiscard]] static Settings from_file(const std::string& path);
  /// Settings that something else has read; throws ModelError unless it is an object.
  [[nodiscard]] static Settings from_json(std::string path,
                                          std::shared_ptr<const nlohmann::json> json);
  /// Without entries when there is no such file.
  [[nodiscard]] static Settings from_file_if_any(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  /// An object within. Throws ModelError when there is none.
  [[nodiscard]] Settings section(const std::string& key) const;
  [[nodiscard]] const nlohmann::json& json() const { return *json_; }
  [[nodiscard]] bool has(const std::string& key) const;  ///< and it is not null

  // All throw ModelError for a value of another type or out of range; null is as if it were not
  // there. With none to fall back to, an absent key is a ModelError too.
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t low, std::int64_t high,
                                     std::optional<std::int64_t> otherwise = {}) const;
  [[nodiscard]] double number(const std::string& key, double low, double high,
                              std::optional<double> otherwise = {}) const;
  [[nodiscard]] bool flag(const std::string& key, bool otherwise) const;
  [[nodiscard]] std::string text(const std::string& key,
                                 std::optional<std::string> otherwise = {}) const;

 private:
  Settings(std::string path, const std::string& text);
  Settings(std::string path, std::shared_ptr<const nlohmann::json> json)
      : path_(std::move(path)), json_(std::move(json)) {}
  [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;

  std::string path_;
  std::shared_ptr<const nlohmann::json> json_;
};

}  // namespace dragoman
