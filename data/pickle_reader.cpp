#include "dragoman/data/pickle_reader.h"

#include <fmt/core.h>

#include <utility>

#include "dragoman/data/pickle_machine.h"

namespace dragoman {

namespace {

// Values may be shared, so a small pickle can describe a huge tree. No model comes near these.
constexpr std::size_t kMaxVisits = 1'000'000;
constexpr std::size_t kMaxName = 4096;

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

}  // namespace

std::map<std::string, StoredTensor> read_tensor_pickle(std::string_view pickle,
                                                       const std::string& where) {
  PickleMachine machine(pickle, where);
  const NodeId root = machine.run();
  const auto kind = machine.node(root).kind;
  if (kind != Kind::object && kind != Kind::dictionary) machine.refuse("holds no module");
  TensorCollector collector(machine);
  collector.collect(root, "");
  return collector.take();
}

}  // namespace dragoman
