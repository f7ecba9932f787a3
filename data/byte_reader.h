// The bytes of a file, uncompressed when it is gzip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "dragoman/data/input_file.h"

namespace dragoman {

class ByteReader {
 public:
  /// Throws DataError when the content is compressed in another way than gzip, or is UTF-16.
  explicit ByteReader(std::shared_ptr<const InputFile> file);
  ~ByteReader();
  ByteReader(ByteReader&&) noexcept;
  ByteReader& operator=(ByteReader&&) noexcept;

  /// At most `size` bytes; 0 at the end. Throws DataError for damaged or truncated gzip.
  [[nodiscard]] std::size_t read(char* bytes, std::size_t size);
  [[nodiscard]] std::int64_t offset() const;  ///< uncompressed bytes read so far
  /// Going back in gzip reads again from the start. Throws DataError past the end, and for a stream
  /// that cannot go back.
  void seek(std::int64_t offset);
  [[nodiscard]] const InputFile& file() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
