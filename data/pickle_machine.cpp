#include "dragoman/data/pickle_machine.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

// Bounds that no model comes near; they keep a hostile file from filling the memory or the stack.
constexpr std::size_t kMaxNodes = 4'000'000;
constexpr int kMaxDepth = 200;

constexpr std::array<std::pair<std::string_view, c10::ScalarType>, 10> kStorageTypes = {{
    {"torch FloatStorage", c10::ScalarType::Float},
    {"torch DoubleStorage", c10::ScalarType::Double},
    {"torch HalfStorage", c10::ScalarType::Half},
    {"torch BFloat16Storage", c10::ScalarType::BFloat16},
    {"torch LongStorage", c10::ScalarType::Long},
    {"torch IntStorage", c10::ScalarType::Int},
    {"torch ShortStorage", c10::ScalarType::Short},
    {"torch CharStorage", c10::ScalarType::Char},
    {"torch ByteStorage", c10::ScalarType::Byte},
    {"torch BoolStorage", c10::ScalarType::Bool},
}};

/// Globals whose call returns its first argument, as far as tensors are concerned: a set is the
/// list that it is made of.
constexpr std::array<std::string_view, 8> kTransparent = {"__builtin__ set",
                                                          "builtins set",
                                                          "torch._utils _rebuild_parameter",
                                                          "torch.jit._pickle build_intlist",
                                                          "torch.jit._pickle build_doublelist",
                                                          "torch.jit._pickle build_boollist",
                                                          "torch.jit._pickle build_tensorlist",
                                                          "torch.jit._pickle restore_type_tag"};

}  // namespace

PickleMachine::NodeId PickleMachine::run() {
  constexpr unsigned char kStop = '.';
  for (;;) {
    const auto code = static_cast<unsigned char>(take(1)[0]);
    if (code == kStop) break;
    if (!run_value(code) && !run_container(code) && !run_other(code)) {
      refuse(fmt::format("has the instruction 0x{:02x}, which is not allowed", code));
    }
  }
  if (stack_.size() != 1 || !marks_.empty()) refuse("leaves more than one value");
  return stack_.back();
}

const StoredTensor& PickleMachine::tensor(const Node& node) const {
  return tensors_[static_cast<std::size_t>(node.integer)];
}

void PickleMachine::refuse(std::string_view problem) const {
  throw ModelError(
      fmt::format("{}: is no model file that can be read: its data.pkl {} (byte {} of {}).", where_,
                  problem, cursor_, pickle_.size()));
}

std::string_view PickleMachine::take(std::size_t size) {
  if (size > pickle_.size() - cursor_) refuse("ends too early");
  const auto bytes = pickle_.substr(cursor_, size);
  cursor_ += size;
  return bytes;
}

/// Unsigned, little-endian.
std::uint64_t PickleMachine::take_number(std::size_t size) {
  const auto bytes = take(size);
  std::uint64_t value = 0;
  for (std::size_t index = size; index-- > 0;) {
    value = (value << 8) | static_cast<unsigned char>(bytes[index]);
  }
  return value;
}

std::string_view PickleMachine::take_line() {
  const auto end = pickle_.find('\n', cursor_);
  if (end == std::string_view::npos) refuse("ends too early");
  const auto line = pickle_.substr(cursor_, end - cursor_);
  cursor_ = end + 1;
  return line;
}

PickleMachine::NodeId PickleMachine::make(Node node) {
  if (nodes_.size() >= kMaxNodes) refuse("holds too many values");
  nodes_.push_back(std::move(node));
  return static_cast<NodeId>(nodes_.size() - 1);
}

void PickleMachine::push_integer(std::int64_t value) {
  push_new({.kind = Kind::integer, .integer = value});
}

PickleMachine::NodeId PickleMachine::pop() {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) refuse("takes a value from an empty stack");
  const NodeId id = stack_.back();
  stack_.pop_back();
  return id;
}

PickleMachine::NodeId PickleMachine::top() {
  const NodeId id = pop();
  push(id);
  return id;
}

std::vector<PickleMachine::NodeId> PickleMachine::pop_to_mark() {
  if (marks_.empty()) refuse("lacks a mark");
  const auto start = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<NodeId> items(start, stack_.end());
  stack_.erase(start, stack_.end());
  marks_.pop_back();
  return items;
}

std::vector<PickleMachine::NodeId> PickleMachine::pop_count(std::size_t count) {
  std::vector<NodeId> items(count);
  for (std::size_t index = count; index-- > 0;)
    items[index] = pop();
  return items;
}

void PickleMachine::add_items(NodeId container, const std::vector<NodeId>& items) {
  for (const NodeId item : items) {
    nodes_[item].is_part = true;
    nodes_[container].depth = std::max(nodes_[container].depth, nodes_[item].depth + 1);
  }
  // Checked after the marking, so that a value put into itself is caught as well.
  if (nodes_[container].is_part) refuse("changes a value that lies inside another");
  if (nodes_[container].depth > kMaxDepth) refuse("is nested too deeply");
  auto& old = nodes_[container].items;
  old.insert(old.end(), items.begin(), items.end());
}

void PickleMachine::push_sequence(const std::vector<NodeId>& items) {
  const NodeId id = make({.kind = Kind::sequence});
  add_items(id, items);
  push(id);
}

void PickleMachine::extend(Kind kind, const std::vector<NodeId>& items) {
  const NodeId container = top();
  if (nodes_[container].kind != kind) refuse("adds items to what is no container");
  if (kind == Kind::dictionary && items.size() % 2 != 0) refuse("has a key without a value");
  add_items(container, items);
}

const PickleMachine::Node& PickleMachine::item(const Node& sequence, std::size_t index,
                                               Kind kind) const {
  if (index >= sequence.items.size() || nodes_[sequence.items[index]].kind != kind) {
    refuse("describes a tensor in an unknown way");
  }
  return nodes_[sequence.items[index]];
}

void PickleMachine::put(std::uint64_t slot) {
  // Slots are handed out one by one, so that there are no more of them than instructions.
  if (slot > memo_.size()) refuse("skips a memo slot");
  const NodeId id = top();
  if (slot == memo_.size()) {
    memo_.push_back(id);
  } else {
    memo_[slot] = id;
  }
}

void PickleMachine::get(std::uint64_t slot) {
  if (slot >= memo_.size()) refuse("reads an empty memo slot");
  push(memo_[slot]);
}

void PickleMachine::push_global() {
  const auto module = std::string(take_line());
  push_new({.kind = Kind::global, .text = module + " " + std::string(take_line())});
}

void PickleMachine::push_long() {
  const auto size = take_number(1);
  if (size > 8) refuse("holds an integer beyond 64 bits");
  std::uint64_t value = take_number(size);
  const bool is_negative = size > 0 && size < 8 && ((value >> (8 * size - 1)) & 1) != 0;
  if (is_negative) value |= ~std::uint64_t{0} << (8 * size);
  push_integer(static_cast<std::int64_t>(value));
}

/// Big-endian.
void PickleMachine::push_real() {
  std::uint64_t bits = 0;
  for (const char byte : take(8))
    bits = bits << 8 | static_cast<unsigned char>(byte);
  push_new({.kind = Kind::real, .integer = static_cast<std::int64_t>(bits)});
}

/// ("storage", torch.FloatStorage, record, device, number of elements)
void PickleMachine::push_storage() {
  const NodeId id = pop();
  const Node& key = nodes_[id];
  if (key.kind != Kind::sequence || key.items.size() != 5)
    refuse("names a storage in an unknown way");
  if (item(key, 0, Kind::text).text != "storage") refuse("names a storage in an unknown way");
  const auto& type_name = item(key, 1, Kind::global).text;
  const auto type = std::find_if(kStorageTypes.begin(), kStorageTypes.end(),
                                 [&](const auto& entry) { return entry.first == type_name; });
  if (type == kStorageTypes.end())
    refuse(fmt::format("has tensors of the unknown type {}", type_name));
  StoredTensor tensor;
  tensor.record = item(key, 2, Kind::text).text;
  tensor.type = type->second;
  tensor.storage = item(key, 4, Kind::integer).integer;
  tensors_.push_back(std::move(tensor));
  push_new({.kind = Kind::storage, .integer = static_cast<std::int64_t>(tensors_.size() - 1)});
}

std::vector<std::int64_t> PickleMachine::integers(const Node& sequence) const {
  std::vector<std::int64_t> values;
  for (std::size_t index = 0; index < sequence.items.size(); ++index) {
    values.push_back(item(sequence, index, Kind::integer).integer);
  }
  return values;
}

/// (storage, offset, sizes, strides, requires_grad, hooks)
void PickleMachine::push_tensor(NodeId arguments) {
  const Node& list = nodes_[arguments];
  StoredTensor tensor = this->tensor(item(list, 0, Kind::storage));
  tensor.offset = item(list, 1, Kind::integer).integer;
  tensor.sizes = integers(item(list, 2, Kind::sequence));
  tensor.strides = integers(item(list, 3, Kind::sequence));
  tensors_.push_back(std::move(tensor));
  push_new({.kind = Kind::tensor, .integer = static_cast<std::int64_t>(tensors_.size() - 1)});
}

void PickleMachine::reduce() {
  const NodeId arguments = pop();
  const NodeId function = pop();
  if (nodes_[function].kind != Kind::global || nodes_[arguments].kind != Kind::sequence) {
    refuse("calls what is no function");
  }
  const auto name = nodes_[function].text;
  if (name == "torch._utils _rebuild_tensor_v2") {
    push_tensor(arguments);
  } else if (name == "collections OrderedDict" && nodes_[arguments].items.empty()) {
    push_new({.kind = Kind::dictionary});
  } else if (name == "torch device") {
    push_new({});
  } else if (std::find(kTransparent.begin(), kTransparent.end(), name) != kTransparent.end() &&
             !nodes_[arguments].items.empty()) {
    push(nodes_[arguments].items[0]);
  } else {
    refuse(fmt::format("calls {}, which is not allowed", name));
  }
}

void PickleMachine::push_object() {
  const NodeId arguments = pop();
  const NodeId type = pop();
  const bool is_known =
      nodes_[type].kind == Kind::global &&
      (nodes_[type].text.starts_with("__torch__") || nodes_[type].text == "argparse Namespace");
  if (!is_known || nodes_[arguments].kind != Kind::sequence || !nodes_[arguments].items.empty()) {
    refuse("makes an object that is no TorchScript module");
  }
  push_new({.kind = Kind::object});
}

void PickleMachine::build() {
  const NodeId state = pop();
  const NodeId object = top();
  // Attributes of an OrderedDict: torch.save adds versions of modules to a state dictionary.
  if (nodes_[object].kind == Kind::dictionary) return;
  if (nodes_[object].kind != Kind::object || !nodes_[object].items.empty()) {
    refuse("gives a state to what is no object");
  }
  add_items(object, {state});
}

// The letters of instructions are those of Python's pickle module.
bool PickleMachine::run_value(unsigned char code) {
  if (code == 'N') {  // NONE
    push_new({});
  } else if (code == 0x88 || code == 0x89) {  // NEWTRUE, NEWFALSE
    push_new({.kind = Kind::boolean, .integer = code == 0x88});
  } else if (code == 'K') {  // BININT1
    push_integer(static_cast<std::int64_t>(take_number(1)));
  } else if (code == 'M') {  // BININT2
    push_integer(static_cast<std::int64_t>(take_number(2)));
  } else if (code == 'J') {  // BININT
    push_integer(static_cast<std::int32_t>(take_number(4)));
  } else if (code == 0x8a) {  // LONG1
    push_long();
  } else if (code == 'G') {  // BINFLOAT
    push_real();
  } else if (code == 'X') {  // BINUNICODE
    push_new({.kind = Kind::text, .text = std::string(take(take_number(4)))});
  } else if (code == 0x8c) {  // SHORT_BINUNICODE
    push_new({.kind = Kind::text, .text = std::string(take(take_number(1)))});
  } else if (code == 'c') {  // GLOBAL
    push_global();
  } else if (code == 0x93) {  // STACK_GLOBAL
    const std::vector<NodeId> names = pop_count(2);
    if (nodes_[names[0]].kind != Kind::text || nodes_[names[1]].kind != Kind::text)
      refuse("names a global in an unknown way");
    push_new({.kind = Kind::global, .text = nodes_[names[0]].text + " " + nodes_[names[1]].text});
  } else {
    return false;
  }
  return true;
}

bool PickleMachine::run_container(unsigned char code) {
  if (code == '(') {  // MARK
    marks_.push_back(stack_.size());
  } else if (code == ')' || code == ']') {  // EMPTY_TUPLE, EMPTY_LIST
    push_sequence({});
  } else if (code >= 0x85 && code <= 0x87) {  // TUPLE1 to TUPLE3
    push_sequence(pop_count(code - 0x84));
  } else if (code == 't') {  // TUPLE
    push_sequence(pop_to_mark());
  } else if (code == '}') {  // EMPTY_DICT
    push_new({.kind = Kind::dictionary});
  } else if (code == 'a') {  // APPEND
    extend(Kind::sequence, pop_count(1));
  } else if (code == 'e') {  // APPENDS
    extend(Kind::sequence, pop_to_mark());
  } else if (code == 's') {  // SETITEM
    extend(Kind::dictionary, pop_count(2));
  } else if (code == 'u') {  // SETITEMS
    extend(Kind::dictionary, pop_to_mark());
  } else {
    return false;
  }
  return true;
}

bool PickleMachine::run_other(unsigned char code) {
  if (code == 0x80) {  // PROTO
    take(1);
  } else if (code == 0x95) {  // FRAME
    take(8);
  } else if (code == 0x94) {  // MEMOIZE
    put(memo_.size());
  } else if (code == 'q') {  // BINPUT
    put(take_number(1));
  } else if (code == 'r') {  // LONG_BINPUT
    put(take_number(4));
  } else if (code == 'h') {  // BINGET
    get(take_number(1));
  } else if (code == 'j') {  // LONG_BINGET
    get(take_number(4));
  } else if (code == 'Q') {  // BINPERSID
    push_storage();
  } else if (code == 'R') {  // REDUCE
    reduce();
  } else if (code == 0x81) {  // NEWOBJ
    push_object();
  } else if (code == 'b') {  // BUILD
    build();
  } else {
    return false;
  }
  return true;
}

}  // namespace dragoman
