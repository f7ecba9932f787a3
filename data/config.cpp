#include "dragoman/data/config.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "dragoman/data/config_json.h"
#include "dragoman/data/error.h"
#include "dragoman/data/spelling.h"

namespace dragoman {

using Json = nlohmann::ordered_json;

namespace {

std::string join_path(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

const Field* find_field(const Section& section, std::string_view name) {
  const auto found = std::find_if(section.fields.begin(), section.fields.end(),
                                  [&](const Field& field) { return field.name == name; });
  return found == section.fields.end() ? nullptr : &*found;
}

/// The field at "encoder.dim" below `section`.
const Field* find_nested(const Section& section, std::string_view path) {
  const auto dot = path.find('.');
  const Field* field = find_field(section, path.substr(0, dot));
  if (dot == std::string_view::npos || field == nullptr) return field;
  const auto* nested = std::get_if<std::shared_ptr<Section>>(&field->value);
  return nested == nullptr ? nullptr : find_nested(**nested, path.substr(dot + 1));
}

void collect_paths(const Section& section, const std::string& prefix,
                   std::vector<std::string>& paths) {
  for (const auto& field : section.fields) {
    const auto path = join_path(prefix, field.name);
    paths.push_back(path);
    if (const auto* nested = std::get_if<std::shared_ptr<Section>>(&field.value)) {
      collect_paths(**nested, path, paths);
    }
  }
}

/// "data.train[0].weight" or "data.train.0.weight" -> data, train, 0, weight
std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts(1);
  for (const char letter : path) {
    if (letter == '.' || letter == '[') {
      parts.emplace_back();
    } else if (letter != ']') {
      parts.back() += letter;
    }
  }
  return parts;
}

class ConfigReader {
 public:
  /// Unknown keys of the document are problems, or, where `unknown` is given, listed there.
  explicit ConfigReader(const Section& root, std::vector<std::string>* unknown = nullptr)
      : root_(root), unknown_(unknown) {
    collect_paths(root, "", known_paths_);
  }

  void report(const std::string& path, std::string_view problem) {
    problems_.push_back(origin_.empty() ? fmt::format("{}: {}", path, problem)
                                        : fmt::format("{}: {}", origin_, problem));
    is_from_override_ = !origin_.empty();
    bad_paths_.insert(path);
  }

  void read_section(const Section& section, const Json& object, const std::string& path) {
    for (const auto& [key, value] : object.items()) {
      const auto key_path = join_path(path, key);
      const Field* field = find_field(section, key);
      if (field == nullptr) {
        report_unknown(section, path, key);
      } else {
        read_field(*field, value, key_path);
      }
    }
  }

  void apply_override(const std::string& text) {
    const auto equals = std::min(text.find('='), text.size());
    auto key = text.substr(0, equals);
    const bool is_flag = key.starts_with("--");
    if (is_flag) {
      key.erase(0, 2);
      std::replace(key.begin(), key.end(), '-', '_');
    }
    origin_ = is_flag ? text : "--set " + text;
    if (equals == text.size()) {
      report("", "has no value. Write key=value.");
    } else {
      apply(root_, split_path(key), 0, "", text.substr(equals + 1));
    }
    origin_.clear();
  }

  void check_rules(const Section& section, const std::string& path) {
    section.rules([&](bool holds, std::string_view key, std::string_view rule) {
      if (!holds) report_rule(section, path, key, rule);
    });
    for (const auto& field : section.fields) {
      const auto field_path = join_path(path, field.name);
      if (const auto* nested = std::get_if<std::shared_ptr<Section>>(&field.value)) {
        check_rules(**nested, field_path);
      } else if (const auto* list = std::get_if<ListReference>(&field.value)) {
        for (std::size_t index = 0; index < list->size(); ++index) {
          check_rules(list->element(index), fmt::format("{}[{}]", field_path, index));
        }
      }
    }
  }

  void throw_problems(std::string_view where) const {
    if (problems_.empty()) return;
    if (problems_.size() > 1) {
      throw UsageError(fmt::format("{}: {} problems:\n  {}", where, problems_.size(),
                                   fmt::join(problems_, "\n  ")));
    }
    throw UsageError(is_from_override_ ? problems_[0] : fmt::format("{}: {}", where, problems_[0]));
  }

 private:
  void report_unknown(const Section& section, const std::string& path, const std::string& key) {
    if (unknown_ != nullptr && origin_.empty()) return unknown_->push_back(join_path(path, key));
    const auto suggestion = suggest(section, path, key);
    report(join_path(path, key), suggestion.empty()
                                     ? "unknown key. 'dragoman config' lists all keys."
                                     : fmt::format("unknown key. Did you mean {}?", suggestion));
  }

  /// A neighbour that is nearly the same, else the same name elsewhere, else what is nearest.
  std::string suggest(const Section& section, const std::string& path,
                      const std::string& key) const {
    std::vector<std::string> siblings;
    for (const auto& field : section.fields)
      siblings.push_back(field.name);
    const auto sibling = nearest_spelling(key, siblings);
    if (!sibling.empty() && edit_distance(key, sibling) == 1) return join_path(path, sibling);
    for (const auto& known : known_paths_) {
      const bool is_same = known.ends_with(key) && known.size() > key.size() &&
                           known[known.size() - key.size() - 1] == '.';
      if (is_same) return known;
    }
    return sibling.empty() ? nearest_spelling(join_path(path, key), known_paths_)
                           : join_path(path, sibling);
  }

  void report_type(const Field& field, const Json& value, const std::string& path) {
    report(path, fmt::format("must be {}, is {}.", type_name(field, true), show(value)));
  }

  void report_rule(const Section& section, const std::string& path, std::string_view key,
                   std::string_view rule) {
    std::set<std::string, std::less<>> named;
    const auto with_value = [&](std::string_view name) {
      const Field* field = find_nested(section, name);
      if (field == nullptr || !named.emplace(name).second) return std::string(name);
      const auto value = to_json(*field);
      if (value.is_structured()) return std::string(name);
      return fmt::format("{} ({})", name,
                         value.is_string() ? value.get<std::string>() : value.dump());
    };
    const auto subject = with_value(key);
    std::string sentence;
    for (std::size_t at = 0; at < rule.size();) {
      constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_.";
      auto end = std::min(rule.find_first_not_of(kNameLetters, at), rule.size());
      while (end > at && rule[end - 1] == '.')
        --end;
      if (end == at) {
        sentence += rule[at++];
      } else {
        sentence += with_value(rule.substr(at, end - at));
        at = end;
      }
    }
    // A value that was refused did not take effect: a rule about it would only confuse.
    for (const auto& name : named) {
      if (bad_paths_.contains(join_path(path, name))) return;
    }
    problems_.push_back(fmt::format("{} {}.", join_path(path, subject), sentence));
  }

  bool is_in_range(const Field& field, const Json& value, double number, const std::string& path) {
    const bool holds = std::isfinite(number) &&
                       (!field.minimum || (number >= *field.minimum && number <= *field.maximum));
    if (!holds) {
      const auto range = range_of(field);
      report(path, fmt::format("{} is out of range ({}).", show(value),
                               range.empty() ? "64 bits" : range));
    }
    return holds;
  }

  void read_integer(const Field& field, std::int64_t& target, const Json& value,
                    const std::string& path) {
    const double number = value.is_number() ? value.get<double>() : 0.0;
    const bool is_whole =
        value.is_number_integer() || (value.is_number_float() && number == std::floor(number));
    if (!is_whole) return report_type(field, value, path);
    constexpr double kExact =
        9007199254740992.0;  // 2^53: beyond it, a number with an exponent is not exact
    const bool fits = value.is_number_float() ? std::abs(number) <= kExact
                                              : !value.is_number_unsigned() ||
                                                    value.get<std::uint64_t>() <=
                                                        std::numeric_limits<std::int64_t>::max();
    if (!is_in_range(field, value, fits ? number : std::numeric_limits<double>::infinity(), path))
      return;
    target =
        value.is_number_float() ? static_cast<std::int64_t>(number) : value.get<std::int64_t>();
  }

  void read_name(const Field& field, const EnumReference& reference, const Json& value,
                 const std::string& path) {
    if (!value.is_string()) return report_type(field, value, path);
    const auto word = value.get<std::string>();
    const auto found = std::find(reference.names.begin(), reference.names.end(), word);
    if (found != reference.names.end()) {
      reference.write(static_cast<std::size_t>(found - reference.names.begin()));
      return;
    }
    const std::vector<std::string> names(reference.names.begin(), reference.names.end());
    const auto suggestion = nearest_spelling(word, names);
    report(path,
           fmt::format("must be {}, is {}.{}", type_name(field, true), show(value),
                       suggestion.empty() ? "" : fmt::format(" Did you mean {}?", suggestion)));
  }

  void read_strings(const Field& field, std::vector<std::string>& target, const Json& value,
                    const std::string& path) {
    const bool fits =
        value.is_array() &&
        std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string(); });
    if (!fits) return report_type(field, value, path);
    target = value.get<std::vector<std::string>>();
  }

  void read_list(const Field& field, const ListReference& list, const Json& value,
                 const std::string& path) {
    if (!value.is_array()) return report_type(field, value, path);
    // From nothing, so that elements begin with their defaults.
    list.resize(0);
    list.resize(value.size());
    for (std::size_t index = 0; index < value.size(); ++index)
      read_element(list, index, value[index], path);
  }

  void read_element(const ListReference& list, std::size_t index, const Json& value,
                    const std::string& path) {
    const auto element_path = fmt::format("{}[{}]", path, index);
    if (!value.is_object())
      return report(element_path, fmt::format("must be an object, is {}.", show(value)));
    read_section(list.element(index), value, element_path);
  }

  void read_field(const Field& field, const Json& value, const std::string& path) {
    if (const auto* section = std::get_if<std::shared_ptr<Section>>(&field.value)) {
      if (!value.is_object()) return report_type(field, value, path);
      read_section(**section, value, path);
    } else if (const auto* list = std::get_if<ListReference>(&field.value)) {
      read_list(field, *list, value, path);
    } else if (const auto* reference = std::get_if<EnumReference>(&field.value)) {
      read_name(field, *reference, value, path);
    } else if (const auto* integer = std::get_if<std::int64_t*>(&field.value)) {
      read_integer(field, **integer, value, path);
    } else if (const auto* automatic = std::get_if<AutomaticInteger*>(&field.value)) {
      if (value == Json("auto"))
        **automatic = AutomaticInteger();
      else
        read_integer(field, (*automatic)->value, value, path);
    } else if (const auto* strings = std::get_if<std::vector<std::string>*>(&field.value)) {
      read_strings(field, **strings, value, path);
    } else if (const auto* number = std::get_if<double*>(&field.value)) {
      if (!value.is_number()) return report_type(field, value, path);
      if (is_in_range(field, value, value.get<double>(), path)) **number = value.get<double>();
    } else if (const auto* flag = std::get_if<bool*>(&field.value)) {
      if (!value.is_boolean()) return report_type(field, value, path);
      **flag = value.get<bool>();
    } else if (const auto* string = std::get_if<std::string*>(&field.value)) {
      if (!value.is_string()) return report_type(field, value, path);
      **string = value.get<std::string>();
    }
  }

  /// An override's value: JSON, or the bare words themselves where that is no JSON or a string is
  /// due.
  static Json override_value(const Field* field, const std::string& text) {
    auto value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool wants_string =
        field != nullptr && (std::holds_alternative<std::string*>(field->value) ||
                             std::holds_alternative<EnumReference>(field->value));
    if (value.is_discarded() || (wants_string && !value.is_string())) return Json(text);
    return value;
  }

  void apply(const Section& section, const std::vector<std::string>& parts, std::size_t at,
             const std::string& path, const std::string& text) {
    const Field* field = find_field(section, parts[at]);
    if (field == nullptr) return report_unknown(section, path, parts[at]);
    const auto field_path = join_path(path, parts[at]);
    const auto* list = std::get_if<ListReference>(&field->value);
    if (at + 1 == parts.size()) {
      read_field(*field, override_value(field, text), field_path);
    } else if (const auto* nested = std::get_if<std::shared_ptr<Section>>(&field->value)) {
      apply(**nested, parts, at + 1, field_path, text);
    } else if (list == nullptr) {
      report(field_path,
             fmt::format("{} has no parts, it is {}.", field_path, type_name(*field, true)));
    } else {
      apply_to_list(*list, parts, at + 1, field_path, text);
    }
  }

  void apply_to_list(const ListReference& list, const std::vector<std::string>& parts,
                     std::size_t at, const std::string& path, const std::string& text) {
    std::size_t index = 0;
    const auto& digits = parts[at];
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    const bool is_index =
        !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
    if (!is_index || index > list.size()) {
      return report(
          path, fmt::format("{} has {} elements; name one by its index, from 0; {} adds one.", path,
                            list.size(), list.size()));
    }
    if (index == list.size()) list.resize(index + 1);
    if (at + 1 == parts.size())
      return read_element(list, index, override_value(nullptr, text), path);
    apply(list.element(index), parts, at + 1, fmt::format("{}[{}]", path, index), text);
  }

  const Section& root_;
  std::vector<std::string>* unknown_;
  std::vector<std::string> known_paths_;
  std::string origin_;             ///< the override that is being applied
  bool is_from_override_ = false;  ///< the last problem
  std::vector<std::string> problems_;
  std::set<std::string> bad_paths_;
};

void read(ConfigReader& reader, const Section& section, std::string_view text,
          std::string_view where, std::span<const std::string> overrides) {
  const auto document = parse_document(text, where);
  for (const auto& path : document.duplicates)
    reader.report(path, "is given twice. Keep one of them.");
  reader.read_section(section, document.json, "");
  for (const auto& text_of_override : overrides)
    reader.apply_override(text_of_override);
  reader.check_rules(section, "");
  reader.throw_problems(where);
}

}  // namespace

void read_config(const Section& section, std::string_view text, std::string_view where,
                 std::span<const std::string> overrides) {
  ConfigReader reader(section);
  read(reader, section, text, where, overrides);
}

void read_stored_config(const Section& section, std::string_view text, std::string_view where,
                        std::span<const std::string> overrides,
                        std::vector<std::string>& warnings) {
  std::vector<std::string> unknown;
  ConfigReader reader(section, &unknown);
  read(reader, section, text, where, overrides);
  for (const auto& path : unknown)
    warnings.push_back(
        fmt::format("{}: {}: this version does not know the key, so it takes no effect. Another "
                    "version of Dragoman wrote the file.",
                    where, path));
}

std::string config_section(std::string_view text, std::string_view section,
                           std::string_view where) {
  const auto document = parse_document(text, where).json;
  const auto found = document.find(std::string(section));
  if (found == document.end()) return "{}";
  return found->dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dragoman
