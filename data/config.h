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

#include "dragoman/data/automatic_integer.h"

namespace dragoman {

struct Field;
struct Section;

/// Reports a rule that the value at `key` (relative to the struct) breaks. The message is `key` and
/// its value, then `rule`; after every other field that `rule` names, its value is put in as well.
using Require = std::function<void(bool holds, std::string_view key, std::string_view rule)>;
using CheckRules = std::function<void(const Require&)>;

/// An enumeration seen through its names.
struct EnumReference {
  std::vector<std::string_view> names;
  std::function<std::size_t()> read;  ///< index into names
  std::function<void(std::size_t)> write;
};

/// A vector of described structs.
struct ListReference {
  std::function<std::size_t()> size;
  std::function<void(std::size_t)> resize;
  std::function<Section(std::size_t)> element;
};

/// One field of one described struct, bound to that struct's memory.
struct Field {
  std::string name;
  std::string help;
  std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*,
               AutomaticInteger*, EnumReference, ListReference, std::shared_ptr<Section>>
      value;
  std::optional<double> minimum;
  std::optional<double> maximum;
};

/// A described struct: its fields, and the rules that cross them.
struct Section {
  std::vector<Field> fields;
  CheckRules rules;
};

template <typename T>
concept Described = requires(T value) {
  T::fields(value, [](auto&&...) {});
};

/// Refers to `object`, which has to stay where it is.
template <Described T>
[[nodiscard]] Section describe(T& object);

namespace config_detail {

template <typename T>
auto bind(T& member) {
  using Value = decltype(Field::value);
  if constexpr (Described<T>) {
    return Value(std::make_shared<Section>(describe(member)));
  } else if constexpr (std::is_enum_v<T>) {
    static constexpr auto kTable = names(T{});
    EnumReference reference;
    for (const auto& entry : kTable)
      reference.names.push_back(entry.first);
    reference.read = [&member] {
      std::size_t index = 0;
      while (index + 1 < kTable.size() && kTable[index].second != member)
        ++index;
      return index;
    };
    reference.write = [&member](std::size_t index) { member = kTable[index].second; };
    return Value(std::move(reference));
  } else if constexpr (requires {
                         typename T::value_type;
                         requires Described<typename T::value_type>;
                       }) {
    return Value(ListReference{[&member] { return member.size(); },
                               [&member](std::size_t size) { member.resize(size); },
                               [&member](std::size_t index) { return describe(member[index]); }});
  } else {
    return Value(&member);
  }
}

}  // namespace config_detail

template <Described T>
Section describe(T& object) {
  Section section;
  T::fields(object, [&section](std::string_view name, auto& member, std::string_view help,
                               auto... bounds) {
    static_assert(sizeof...(bounds) == 0 || sizeof...(bounds) == 2, "give both bounds, or none");
    Field field{std::string(name), std::string(help), config_detail::bind(member), {}, {}};
    if constexpr (sizeof...(bounds) == 2) {
      const double values[] = {static_cast<double>(bounds)...};
      field.minimum = values[0];
      field.maximum = values[1];
    }
    section.fields.push_back(std::move(field));
  });
  section.rules = [&object](const Require& require) { object.check(require); };
  return section;
}

/// Reads JSON `text` (comments allowed) into the described fields, then applies `overrides`
/// ("training.max_steps=2000", "data.train[0].weight=2"; values are JSON, or a bare string). Throws
/// one UsageError that lists every problem: unknown key (with the nearest known one), wrong type,
/// value out of range, rule. The document's problems begin with `where`, an override's with --set.
void read_config(const Section& section, std::string_view text, std::string_view where,
                 std::span<const std::string> overrides);
/// The same for a document that this program stored, perhaps in another version: a key that is
/// unknown here takes no effect, and a sentence about it goes to `warnings`.
void read_stored_config(const Section& section, std::string_view text, std::string_view where,
                        std::span<const std::string> overrides, std::vector<std::string>& warnings);
[[nodiscard]] std::string write_config(const Section& section);
/// Markdown: every key with type, default, range and help, in one table per top-level section.
[[nodiscard]] std::string document_config(const Section& section);

/// The JSON text of one top-level section of a document; "{}" when it is not there.
[[nodiscard]] std::string config_section(std::string_view text, std::string_view section,
                                         std::string_view where);

template <Described T>
[[nodiscard]] T parse_config(std::string_view text, std::string_view where,
                             std::span<const std::string> overrides = {}) {
  T config;
  read_config(describe(config), text, where, overrides);
  return config;
}

template <Described T>
[[nodiscard]] T parse_stored_config(std::string_view text, std::string_view where,
                                    std::span<const std::string> overrides,
                                    std::vector<std::string>& warnings) {
  T config;
  read_stored_config(describe(config), text, where, overrides, warnings);
  return config;
}

/// Pretty-printed JSON of every field.
template <Described T>
[[nodiscard]] std::string to_json_text(const T& config) {
  T copy = config;
  return write_config(describe(copy));
}

}  // namespace dragoman
