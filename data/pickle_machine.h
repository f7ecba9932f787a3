// The stack machine of Python's pickles, as far as TorchScript modules and checkpoints of
// torch.save need it. Internal to data/pickle_reader.cpp. Values refer to each other by index and
// may not change once they are part of another, so there are no cycles and nothing is freed
// recursively.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/pickle_reader.h"

namespace dragoman {

class PickleMachine {
 public:
  using NodeId = std::uint32_t;
  enum class Kind {
    none,
    boolean,
    integer,
    real,
    text,
    global,
    storage,
    sequence,
    dictionary,
    object,
    tensor
  };
  struct Node {
    Kind kind = Kind::none;
    std::int64_t integer = 0;     ///< also: index into tensors; the bits of a real number
    std::string text{};           ///< also: "module name" of a global
    std::vector<NodeId> items{};  ///< of a dictionary: key, value ...; of an object: its state
    bool is_part = false;         ///< lies inside another value and so may no longer change
    int depth = 0;
  };

  PickleMachine(std::string_view pickle, std::string where)
      : pickle_(pickle), where_(std::move(where)) {}

  /// Runs the pickle and returns the value that it leaves. Throws ModelError.
  NodeId run();
  [[nodiscard]] const Node& node(NodeId id) const { return nodes_[id]; }
  [[nodiscard]] const StoredTensor& tensor(const Node& node) const;
  [[noreturn]] void refuse(std::string_view problem) const;

 private:
  bool run_value(unsigned char code);
  bool run_container(unsigned char code);
  bool run_other(unsigned char code);

  std::string_view take(std::size_t size);
  std::uint64_t take_number(std::size_t size);
  std::string_view take_line();

  NodeId make(Node node);
  void push(NodeId id) { stack_.push_back(id); }
  void push_new(Node node) { push(make(std::move(node))); }
  void push_integer(std::int64_t value);
  void push_long();
  void push_real();
  void push_global();
  void push_sequence(const std::vector<NodeId>& items);
  void push_storage();
  void push_tensor(NodeId arguments);
  void push_object();
  NodeId pop();
  NodeId top();
  std::vector<NodeId> pop_to_mark();
  std::vector<NodeId> pop_count(std::size_t count);

  void put(std::uint64_t slot);
  void get(std::uint64_t slot);
  void add_items(NodeId container, const std::vector<NodeId>& items);
  void extend(Kind kind, const std::vector<NodeId>& items);
  void reduce();
  void build();

  [[nodiscard]] const Node& item(const Node& sequence, std::size_t index, Kind kind) const;
  [[nodiscard]] std::vector<std::int64_t> integers(const Node& sequence) const;

  std::string_view pickle_;
  std::string where_;
  std::size_t cursor_ = 0;
  std::vector<Node> nodes_;
  std::vector<StoredTensor> tensors_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
  std::vector<NodeId> memo_;
};

}  // namespace dragoman
