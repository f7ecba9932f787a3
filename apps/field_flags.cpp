#include "apps/field_flags.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

namespace dragoman {

namespace {

using Json = nlohmann::ordered_json;

std::string flag_name(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

std::string type_name(const Field& field) {
  if (const auto* reference = std::get_if<EnumReference>(&field.value)) {
    return fmt::format("{}", fmt::join(reference->names, "|"));
  }
  if (std::holds_alternative<std::int64_t*>(field.value)) return "N";
  return std::holds_alternative<double*>(field.value) ? "NUMBER" : "TEXT";
}

std::string default_text(const Field& field) {
  if (const auto* reference = std::get_if<EnumReference>(&field.value)) {
    return std::string(reference->names[reference->read()]);
  }
  if (const auto* integer = std::get_if<std::int64_t*>(&field.value))
    return std::to_string(**integer);
  if (const auto* number = std::get_if<double*>(&field.value)) return fmt::format("{}", **number);
  if (const auto* text = std::get_if<std::string*>(&field.value)) return **text;
  return "";
}

void add_switch(CLI::App& command, const Field& field, GivenFlags& given,
                const std::string& group) {
  const auto flag = flag_name(field.name);
  const auto add = [&given, flag](std::int64_t count) {
    given.push_back(flag + (count > 0 ? "=true" : "=false"));
  };
  const bool is_on = **std::get_if<bool*>(&field.value);
  command
      .add_flag_function(fmt::format("{},!--no-{}", flag, flag.substr(2)), add,
                         fmt::format("{} (default: {})", field.help, is_on ? "on" : "off"))
      ->group(group);
}

void add_list(CLI::App& command, const Field& field, GivenFlags& given, const std::string& group) {
  const auto flag = flag_name(field.name);
  const auto add = [&given, flag](const std::vector<std::string>& values) {
    given.push_back(flag + "=" + Json(values).dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  command.add_option_function<std::vector<std::string>>(flag, add, field.help)
      ->type_name("TEXT")
      ->group(group);
}

void add_value(CLI::App& command, const Field& field, GivenFlags& given, const std::string& group) {
  const auto flag = flag_name(field.name);
  const auto add = [&given, flag](const std::string& value) {
    given.push_back(flag + "=" + value);
  };
  command.add_option_function<std::string>(flag, add, field.help)
      ->type_name(type_name(field))
      ->default_str(default_text(field))
      ->group(group);
}

}  // namespace

void add_field_flags(CLI::App& command, const Section& section, GivenFlags& given,
                     const std::vector<std::string>& skipped, const std::string& group) {
  for (const auto& field : section.fields) {
    const bool is_skipped = std::find(skipped.begin(), skipped.end(), field.name) != skipped.end();
    const bool is_nested = std::holds_alternative<ListReference>(field.value) ||
                           std::holds_alternative<std::shared_ptr<Section>>(field.value);
    if (is_skipped || is_nested) continue;
    if (std::holds_alternative<bool*>(field.value)) {
      add_switch(command, field, given, group);
    } else if (std::holds_alternative<std::vector<std::string>*>(field.value)) {
      add_list(command, field, given, group);
    } else {
      add_value(command, field, given, group);
    }
  }
}

}  // namespace dragoman
