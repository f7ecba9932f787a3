// The fields of a Protocol Buffers message, one after the other.
#pragma once

#include <cstdint>
#include <string_view>

namespace dragoman {

class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : bytes_(bytes) {}

  /// False at the end, and when the bytes are no message.
  bool next() {
    std::uint64_t key = 0;
    if (bytes_.empty() || !take_number(key)) return false;
    number_ = key >> 3;
    content_ = {};
    value_ = 0;
    std::uint64_t size = 0;
    switch (key & 7) {
      case 0:
        return take_number(value_);
      case 1:
        return take(8);
      case 2:
        return take_number(size) && take(size);
      case 5:
        return take(4);
      default:
        return damage();
    }
  }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::string_view content() const {
    return content_;
  }                                                             ///< of bytes; fixed numbers too
  [[nodiscard]] std::uint64_t value() const { return value_; }  ///< of a whole number
  [[nodiscard]] bool is_damaged() const { return is_damaged_; }

 private:
  bool damage() {
    is_damaged_ = true;
    return false;
  }

  bool take(std::uint64_t size) {
    if (size > bytes_.size()) return damage();
    content_ = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }

  bool take_number(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) return damage();
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return damage();
  }

  std::string_view bytes_;
  std::uint64_t number_ = 0;
  std::string_view content_;
  std::uint64_t value_ = 0;
  bool is_damaged_ = false;
};

}  // namespace dragoman
