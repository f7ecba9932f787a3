#include "dragoman/training/tensorboard.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
constexpr std::uint32_t kEventWallTime = 1;
constexpr std::uint32_t kEventStep = 2;
constexpr std::uint32_t kEventFileVersion = 3;
constexpr std::uint32_t kEventSummary = 5;
constexpr std::uint32_t kEventSessionLog = 7;
constexpr std::uint32_t kSummaryValue = 1;
constexpr std::uint32_t kValueTag = 1;
constexpr std::uint32_t kValueSimple = 2;
constexpr std::uint32_t kSessionStatus = 1;
constexpr std::uint64_t kSessionStart = 1;

enum class WireType : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82F63B78u : 0u);
    table[byte] = rest;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

template <typename Number>
void append_little_endian(std::string& out, Number number) {
  for (std::size_t byte = 0; byte < sizeof(Number); ++byte)
    out.push_back(static_cast<char>((number >> (8 * byte)) & 0xFF));
}

void append_varint(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7)
    out.push_back(static_cast<char>((number & 0x7F) | 0x80));
  out.push_back(static_cast<char>(number));
}

void append_key(std::string& out, std::uint32_t field, WireType type) {
  append_varint(out, (field << 3) | static_cast<std::uint32_t>(type));
}

void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_key(out, field, WireType::bytes);
  append_varint(out, bytes.size());
  out += bytes;
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

std::string event_start(std::int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double seconds = std::chrono::duration<double>(now).count();
  std::string event;
  append_key(event, kEventWallTime, WireType::fixed64);
  append_little_endian(event, std::bit_cast<std::uint64_t>(seconds));
  append_key(event, kEventStep, WireType::varint);
  append_varint(event, static_cast<std::uint64_t>(step));
  return event;
}

std::string file_name(const std::string& folder) {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  return fmt::format("{}/events.out.tfevents.{:010}.{}.{}", folder, seconds, host, getpid());
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes)
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  return ~crc;
}

EventFile::EventFile(const std::string& folder, std::int64_t first_step)
    : path_(file_name(folder)) {
  file_ = std::fopen(path_.c_str(), "abe");
  if (file_ == nullptr)
    throw SystemError(
        fmt::format("{}: cannot be opened: {}. Set training.tensorboard to false, or "
                    "give another training.output.",
                    path_, std::strerror(errno)));
  std::string version = event_start(0);
  append_bytes(version, kEventFileVersion, "brain.Event:2");
  write(version);
  if (first_step > 0) {
    std::string status;
    append_key(status, kSessionStatus, WireType::varint);
    append_varint(status, kSessionStart);
    std::string session = event_start(first_step);
    append_bytes(session, kEventSessionLog, status);
    write(session);
  }
  std::fflush(file_);
}

EventFile::~EventFile() {
  std::fclose(file_);
}

bool EventFile::scalars(std::int64_t step,
                        const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;
  for (const auto& [tag, number] : values) {
    std::string value;
    append_bytes(value, kValueTag, tag);
    append_key(value, kValueSimple, WireType::fixed32);
    append_little_endian(value, std::bit_cast<std::uint32_t>(static_cast<float>(number)));
    append_bytes(summary, kSummaryValue, value);
  }
  std::string event = event_start(step);
  append_bytes(event, kEventSummary, summary);
  const bool is_written = write(event);
  return std::fflush(file_) == 0 && is_written;
}

bool EventFile::write(std::string_view message) {
  std::string frame;
  append_little_endian(frame, static_cast<std::uint64_t>(message.size()));
  append_little_endian(frame, masked_crc(frame));
  frame += message;
  append_little_endian(frame, masked_crc(message));
  return std::fwrite(frame.data(), 1, frame.size(), file_) == frame.size();
}

}  // namespace dragoman
