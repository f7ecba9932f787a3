#include "dragoman/training/ranks/collectives.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <future>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

at::Tensor bytes_of(const std::string& text) {
  at::Tensor bytes = at::empty({static_cast<std::int64_t>(text.size())}, at::kByte);
  std::ranges::copy(text, bytes.mutable_data_ptr<std::uint8_t>());
  return bytes;
}

std::string text_of(const at::Tensor& bytes) {
  return {reinterpret_cast<const char*>(bytes.const_data_ptr<std::uint8_t>()),
          static_cast<std::size_t>(bytes.numel())};
}

std::int64_t number_of_first(Communicator& communicator, std::int64_t mine) {
  const at::Tensor value = at::full({1}, mine, at::kLong);
  communicator.broadcast(value);
  return value.item<std::int64_t>();
}

/// Each text with its size before it.
std::string packed(const std::vector<std::string>& texts) {
  std::string bytes;
  for (const std::string& text : texts) {
    const auto size = static_cast<std::uint64_t>(text.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes += text;
  }
  return bytes;
}

std::vector<std::string> unpacked(const std::string& bytes) {
  std::vector<std::string> texts;
  for (std::size_t place = 0; place < bytes.size();) {
    std::uint64_t size = 0;
    TORCH_CHECK(bytes.size() - place >= sizeof size, "a list of texts is cut off");
    std::memcpy(&size, bytes.data() + place, sizeof size);
    place += sizeof size;
    TORCH_CHECK(size <= bytes.size() - place, "a list of texts is cut off");
    texts.push_back(bytes.substr(place, size));
    place += size;
  }
  return texts;
}

}  // namespace

bool is_on_any(Communicator& communicator, bool mine) {
  if (communicator.size() == 1) return mine;
  const at::Tensor count = at::full({1}, mine ? 1 : 0, at::kLong);
  communicator.sum(count);
  return count.item<std::int64_t>() > 0;
}

bool of_first(Communicator& communicator, bool mine) {
  return communicator.size() == 1 ? mine : number_of_first(communicator, mine ? 1 : 0) != 0;
}

std::string of_first(Communicator& communicator, const std::string& mine) {
  if (communicator.size() == 1) return mine;
  const std::int64_t size = number_of_first(communicator, static_cast<std::int64_t>(mine.size()));
  const at::Tensor bytes = communicator.is_first() ? bytes_of(mine) : at::empty({size}, at::kByte);
  if (size > 0) communicator.broadcast(bytes);
  return text_of(bytes);
}

std::vector<std::string> of_first(Communicator& communicator,
                                  const std::vector<std::string>& mine) {
  return communicator.size() == 1 ? mine : unpacked(of_first(communicator, packed(mine)));
}

void copy_from_first(Communicator& communicator, at::Tensor tensor) {
  if (communicator.size() == 1 || tensor.numel() == 0) return;
  const at::NoGradGuard no_grad;
  const at::Tensor values = tensor.detach().cpu().contiguous();
  communicator.broadcast(values);
  if (!values.is_alias_of(tensor)) tensor.copy_(values);
}

at::Tensor gather(Communicator& communicator, const at::Tensor& row) {
  const at::Tensor rows = at::zeros({communicator.size(), row.numel()}, at::kByte);
  rows.select(0, communicator.rank()).copy_(row);
  if (row.numel() > 0) communicator.sum(rows);  // of one row and zeros
  return rows;
}

std::vector<std::vector<std::string>> gather(Communicator& communicator,
                                             const std::vector<std::string>& mine) {
  if (communicator.size() == 1) return {mine};
  const at::Tensor own = bytes_of(packed(mine));
  const at::Tensor sizes = at::zeros({communicator.size()}, at::kLong);
  sizes.select(0, communicator.rank()).fill_(own.numel());
  communicator.sum(sizes);
  at::Tensor row = at::zeros({sizes.max().item<std::int64_t>()}, at::kByte);
  row.narrow(0, 0, own.numel()).copy_(own);
  const at::Tensor rows = gather(communicator, row);
  std::vector<std::vector<std::string>> all;
  for (std::int64_t rank = 0; rank < communicator.size(); ++rank)
    all.push_back(
        unpacked(text_of(rows.select(0, rank).narrow(0, 0, sizes[rank].item<std::int64_t>()))));
  return all;
}

void let_first_work(Communicator& communicator, const std::function<void()>& work) {
  if (communicator.size() == 1) return work();
  enum State : std::int64_t { at_work, done, failed };
  std::future<void> result;
  if (communicator.is_first()) result = std::async(std::launch::async, work);
  std::exception_ptr failure;
  for (;;) {
    std::int64_t state = at_work;
    if (communicator.is_first() &&
        result.wait_for(std::chrono::seconds(1)) == std::future_status::ready) {
      state = done;
      try {
        result.get();
      } catch (...) {
        failure = std::current_exception();
        state = failed;
      }
    }
    state = number_of_first(communicator, state);
    if (failure) std::rethrow_exception(failure);
    if (state == done) return;
    if (state == failed)
      throw SystemError(
          fmt::format("rank {}: rank 0 could not set the run up; its own message says why.",
                      communicator.rank()));
  }
}

}  // namespace dragoman
