// Turns structs that list their fields (see modules/model_config.h) into JSON, command-line
// overrides and documentation, and back. All problems of a document are reported at once.
//
//   RunConfig config = parse_config<RunConfig>(text, "run.json", {"training.max_steps=2000"});
//   std::string json = to_json_text(config);
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dragoman {

struct Field;
using Fields = std::vector<Field>;

/// An enumeration seen through its names.
struct EnumReference {
  std::vector<std::string_view> names;
  std::function<std::size_t()> read;            ///< index into names
  std::function<void(std::size_t)> write;
};

/// A vector of described structs.
struct ListReference {
  std::function<std::size_t()> size;
  std::function<void(std::size_t)> resize;
  std::function<Fields(std::size_t)> element;
};

/// Reports a rule that the value at `key` (relative to the struct) breaks.
using Require = std::function<void(bool holds, std::string_view key, std::string_view rule)>;
using CheckRules = std::function<void(const Require&)>;

/// One field of one described struct, bound to that struct's memory.
struct Field {
  std::string name;
  std::string help;
  std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*, EnumReference,
               ListReference, std::shared_ptr<std::pair<Fields, CheckRules>>>
      value;  ///< the last is a nested struct
  std::optional<double> minimum;
  std::optional<double> maximum;
};

template <typename T>
concept Described = requires(T value) { T::fields(value, [](auto&&...) {}); };

template <Described T>
[[nodiscard]] Fields describe(T& object);

/// The rules that cross fields of `object`.
template <Described T>
[[nodiscard]] CheckRules rules(const T& object) {
  return [&object](const Require& require) { object.check(require); };
}

namespace config_detail {

template <typename T>
auto bind(T& member) {
  using Value = decltype(Field::value);
  if constexpr (Described<T>) {
    return Value(std::make_shared<std::pair<Fields, CheckRules>>(describe(member), rules(member)));
  } else if constexpr (std::is_enum_v<T>) {
    static constexpr auto table = names(T{});
    EnumReference reference;
    for (const auto& entry : table) reference.names.push_back(entry.first);
    reference.read = [&member] {
      std::size_t index = 0;
      while (table[index].second != member) ++index;
      return index;
    };
    reference.write = [&member](std::size_t index) { member = table[index].second; };
    return Value(std::move(reference));
  } else if constexpr (requires { typename T::value_type; requires Described<typename T::value_type>; }) {
    return Value(ListReference{[&member] { return member.size(); },
                               [&member](std::size_t size) { member.resize(size); },
                               [&member](std::size_t index) { return describe(member[index]); }});
  } else {
    return Value(&member);
  }
}

}  // namespace config_detail

template <Described T>
Fields describe(T& object) {
  Fields fields;
  T::fields(object, [&fields](std::string_view name, auto& member, std::string_view help,
                              auto... bounds) {
    Field field{std::string(name), std::string(help), config_detail::bind(member), {}, {}};
    if constexpr (sizeof...(bounds) == 2) {
      const double values[] = {static_cast<double>(bounds)...};
      field.minimum = values[0];
      field.maximum = values[1];
    }
    fields.push_back(std::move(field));
  });
  return fields;
}

/// Reads JSON `text` (comments allowed) into the described fields, then applies `overrides`
/// ("training.max_steps=2000"; values are JSON, or a bare string). Throws one UsageError that lists
/// every problem: unknown key (with the nearest known one), wrong type, value out of range, rule.
void read_config(Fields fields, const CheckRules& rules, std::string_view text,
                 std::string_view where, std::span<const std::string> overrides);
[[nodiscard]] std::string write_config(const Fields& fields);
/// Markdown: every key with type, default, range and help.
[[nodiscard]] std::string document_config(const Fields& fields, std::string_view prefix);

/// The JSON text of one top-level section of a document; "{}" when it is not there.
[[nodiscard]] std::string config_section(std::string_view text, std::string_view section,
                                         std::string_view where);

template <Described T>
[[nodiscard]] T parse_config(std::string_view text, std::string_view where,
                             std::span<const std::string> overrides = {}) {
  T config;
  read_config(describe(config), rules(config), text, where, overrides);
  return config;
}

/// Pretty-printed JSON of every field.
template <Described T>
[[nodiscard]] std::string to_json_text(const T& config) {
  T copy = config;
  return write_config(describe(copy));
}

}  // namespace dragoman
