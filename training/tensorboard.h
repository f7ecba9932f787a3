// Writes scalars to a TensorBoard event file: TFRecord frames (length, masked CRC-32C of the
// length, message, masked CRC-32C of the message) around Event messages of Protocol Buffers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dragoman {

/// CRC-32C (Castagnoli) of `bytes`.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

class EventFile {
 public:
  /// Opens a new file events.out.tfevents.* in `folder`. Throws SystemError. `first_step` > 0: what
  /// earlier files say about this step and later ones is superseded (a resumed run).
  EventFile(const std::string& folder, std::int64_t first_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// Writes and flushes the values of one step. False when the disk does not take them.
  bool scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  bool write(std::string_view message);

  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace dragoman
