// Reads the records of a zip file, as TorchScript archives are: stored or deflated, zip64 allowed,
// one disk, not encrypted. Trusts nothing: offsets, sizes and checksums are checked before use.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace dragoman {

class ZipReader {
 public:
  struct Record {
    std::uint64_t size = 0;         ///< bytes when unpacked
    std::uint64_t packed_size = 0;  ///< bytes in the file
    std::uint64_t header = 0;       ///< where its local header begins
    std::uint64_t start = 0;        ///< where its packed bytes begin
    std::uint32_t checksum = 0;     ///< CRC-32 of the unpacked bytes
    bool is_deflated = false;
  };

  /// Reads the directory of records. Throws ModelError: missing, truncated, no zip file.
  explicit ZipReader(const std::string& path);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  [[nodiscard]] const std::map<std::string, Record>& records() const { return records_; }
  [[nodiscard]] std::uint64_t file_size() const { return file_size_; }
  /// Writes record.size bytes to `into` and verifies the checksum. Throws ModelError.
  void read(const std::string& name, const Record& record, void* into) const;
  [[nodiscard]] std::string read(const std::string& name, const Record& record) const;
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  struct Directory {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t records = 0;
  };
  [[nodiscard]] Directory find_directory() const;
  void read_directory(const Directory& directory);
  void read_at(std::uint64_t offset, void* into, std::uint64_t size) const;
  [[nodiscard]] std::uint64_t find_start(const std::string& name, const Record& record) const;
  void inflate_at(std::uint64_t offset, const Record& record, void* into) const;

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t file_size_ = 0;
  std::uint64_t directory_offset_ = 0;
  std::map<std::string, Record> records_;
};

}  // namespace dragoman
