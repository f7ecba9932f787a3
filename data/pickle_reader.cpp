#include "dragoman/data/pickle_reader.h"

#include <fmt/core.h>

#include <bit>
#include <nlohmann/json.hpp>
#include <utility>

#include "dragoman/data/pickle_machine.h"
#include "dragoman/data/utf8.h"

namespace dragoman {

namespace {

// Values may be shared, so a small pickle can describe a huge tree. No model comes near these.
constexpr std::size_t kMaxVisits = 1'000'000;
constexpr std::size_t kMaxName = 4096;
constexpr std::size_t kMaxTextBytes = 256 << 20;

using Kind = PickleMachine::Kind;
using Node = PickleMachine::Node;
using NodeId = PickleMachine::NodeId;

/// Collects the tensors below a value under dotted names.
class TensorCollector {
 public:
  explicit TensorCollector(const PickleMachine& machine) : machine_(machine) {}

  void collect(NodeId id, const std::string& name) {
    if (++visits_ > kMaxVisits) machine_.refuse("refers to the same values too often");
    if (name.size() > kMaxName) machine_.refuse("has a name that is too long");
    const Node& node = machine_.node(id);
    if (node.kind == Kind::tensor) {
      if (!tensors_.emplace(name, machine_.tensor(node)).second) {
        machine_.refuse(fmt::format("has two tensors {}", name));
      }
    } else if (node.kind == Kind::object && !node.items.empty()) {
      collect(node.items[0], name);
    } else if (node.kind == Kind::sequence) {
      for (std::size_t index = 0; index < node.items.size(); ++index) {
        collect(node.items[index], join(name, std::to_string(index)));
      }
    } else if (node.kind == Kind::dictionary) {
      for (std::size_t index = 0; index + 1 < node.items.size(); index += 2) {
        const Node& key = machine_.node(node.items[index]);
        const bool is_name = key.kind == Kind::text || key.kind == Kind::integer;
        const auto word = key.kind == Kind::text ? key.text : std::to_string(key.integer);
        if (is_name) collect(node.items[index + 1], join(name, word));
      }
    }
  }

  std::map<std::string, StoredTensor> take() { return std::move(tensors_); }

 private:
  static std::string join(const std::string& prefix, const std::string& word) {
    return prefix.empty() ? word : prefix + "." + word;
  }

  const PickleMachine& machine_;
  std::size_t visits_ = 0;
  std::map<std::string, StoredTensor> tensors_;
};

/// What is plain data below a value, copied out.
class DataCollector {
 public:
  explicit DataCollector(const PickleMachine& machine) : machine_(machine) {}

  nlohmann::json collect(NodeId id) {
    if (++visits_ > kMaxVisits) machine_.refuse("refers to the same values too often");
    const Node& node = machine_.node(id);
    switch (node.kind) {
      case Kind::boolean:
        return node.integer != 0;
      case Kind::integer:
        return node.integer;
      case Kind::real:
        return std::bit_cast<double>(node.integer);
      case Kind::text:
        return checked(node.text);
      case Kind::sequence: {
        nlohmann::json list = nlohmann::json::array();
        for (const NodeId item : node.items)
          list.push_back(collect(item));
        return list;
      }
      case Kind::dictionary:
        return entries(node);
      case Kind::object:
        return node.items.empty() ? nlohmann::json() : collect(node.items[0]);
      case Kind::none:
      case Kind::global:
      case Kind::storage:
      case Kind::tensor:
        break;
    }
    return nullptr;
  }

 private:
  nlohmann::json entries(const Node& node) {
    nlohmann::json result = nlohmann::json::object();
    for (std::size_t index = 0; index + 1 < node.items.size(); index += 2) {
      const Node& key = machine_.node(node.items[index]);
      if (key.kind == Kind::text) result[checked(key.text)] = collect(node.items[index + 1]);
    }
    return result;
  }
  const std::string& checked(const std::string& text) {
    bytes_ += text.size();
    if (bytes_ > kMaxTextBytes) machine_.refuse("holds too much text");
    if (find_bad_text(text) != std::string::npos)
      machine_.refuse("holds a text with NUL, or that is no UTF-8");
    return text;
  }

  const PickleMachine& machine_;
  std::size_t visits_ = 0;
  std::size_t bytes_ = 0;
};

std::map<std::string, StoredTensor> collect_tensors(const PickleMachine& machine, NodeId root) {
  TensorCollector collector(machine);
  collector.collect(root, "");
  return collector.take();
}

}  // namespace

std::map<std::string, StoredTensor> read_tensor_pickle(std::string_view pickle,
                                                       const std::string& where) {
  PickleMachine machine(pickle, where);
  const NodeId root = machine.run();
  const auto kind = machine.node(root).kind;
  if (kind != Kind::object && kind != Kind::dictionary) machine.refuse("holds no module");
  return collect_tensors(machine, root);
}

PickledData read_pickle(std::string_view pickle, const std::string& where) {
  PickleMachine machine(pickle, where);
  const NodeId root = machine.run();
  if (machine.node(root).kind != Kind::dictionary) machine.refuse("holds no dictionary");
  return {collect_tensors(machine, root),
          std::make_shared<const nlohmann::json>(DataCollector(machine).collect(root))};
}

}  // namespace dragoman
