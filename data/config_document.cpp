#include <fmt/core.h>
#include <fmt/ranges.h>

#include <string>

#include "dragoman/data/config_json.h"

namespace dragoman {

using Json = nlohmann::ordered_json;

namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

/// A bar would end the cell.
std::string escape_table(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '|') escaped += '\\';
    escaped += letter;
  }
  return escaped;
}

std::string default_text(const Field& field) {
  const auto value = to_json(field);
  const auto text = value.is_string() ? value.get<std::string>() : value.dump();
  return text.empty() ? "(empty)" : fmt::format("`{}`", text);
}

void add_rows(const Section& section, const std::string& prefix, std::string& table) {
  for (const auto& field : section.fields) {
    const auto key = prefix + field.name;
    if (const auto* nested = std::get_if<std::shared_ptr<Section>>(&field.value)) {
      add_rows(**nested, key + ".", table);
    } else if (const auto* list = std::get_if<ListReference>(&field.value)) {
      table += fmt::format("| `{}` | list of objects | {} elements | | {} |\n", key, list->size(),
                           escape_table(field.help));
      // One more element shows the defaults of all.
      const auto size = list->size();
      list->resize(size + 1);
      add_rows(list->element(size), key + "[].", table);
      list->resize(size);
    } else {
      table += fmt::format("| `{}` | {} | {} | {} | {} |\n", key, type_name(field, false),
                           default_text(field), range_of(field), escape_table(field.help));
    }
  }
}

std::string bound_text(const Field& field, double bound) {
  const bool is_integer = std::holds_alternative<std::int64_t*>(field.value) ||
                          std::holds_alternative<AutomaticInteger*>(field.value);
  return is_integer ? fmt::format("{}", static_cast<std::int64_t>(bound))
                    : fmt::format("{}", bound);
}

}  // namespace

Json to_json(const Field& field) {
  return std::visit(
      Overloaded{
          [](const EnumReference& reference) -> Json { return reference.names[reference.read()]; },
          [](const ListReference& list) -> Json {
            Json values = Json::array();
            for (std::size_t index = 0; index < list.size(); ++index) {
              values.push_back(to_json(list.element(index)));
            }
            return values;
          },
          [](const std::shared_ptr<Section>& section) { return to_json(*section); },
          [](const AutomaticInteger* number) -> Json {
            return number->is_automatic() ? Json("auto") : Json(number->value);
          },
          [](const auto* value) -> Json { return *value; }},
      field.value);
}

Json to_json(const Section& section) {
  Json object = Json::object();
  for (const auto& field : section.fields)
    object[field.name] = to_json(field);
  return object;
}

std::string type_name(const Field& field, bool with_article) {
  const auto name = [&](std::string_view article, std::string_view noun) {
    return with_article ? fmt::format("{} {}", article, noun) : std::string(noun);
  };
  return std::visit(
      Overloaded{[&](const EnumReference& reference) {
                   return fmt::format("one of {}", fmt::join(reference.names, ", "));
                 },
                 [&](const ListReference&) { return name("a", "list of objects"); },
                 [&](const std::shared_ptr<Section>&) { return name("an", "object"); },
                 [&](const bool*) { return std::string("true or false"); },
                 [&](const std::int64_t*) { return name("an", "integer"); },
                 [&](const AutomaticInteger*) { return name("an", "integer or \"auto\""); },
                 [&](const double*) { return name("a", "number"); },
                 [&](const std::string*) { return name("a", "string"); },
                 [&](const std::vector<std::string>*) { return name("a", "list of strings"); }},
      field.value);
}

std::string range_of(const Field& field) {
  if (!field.minimum) return "";
  return fmt::format("{} to {}", bound_text(field, *field.minimum),
                     bound_text(field, *field.maximum));
}

std::string write_config(const Section& section) {
  return to_json(section).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string document_config(const Section& section) {
  std::string document;
  for (const auto& field : section.fields) {
    const auto* nested = std::get_if<std::shared_ptr<Section>>(&field.value);
    if (nested == nullptr) continue;
    document +=
        fmt::format("{}## {}\n\n{}.\n\n", document.empty() ? "" : "\n", field.name, field.help);
    document += "| key | type | default | range | meaning |\n| --- | --- | --- | --- | --- |\n";
    add_rows(**nested, field.name + ".", document);
  }
  return document;
}

}  // namespace dragoman
