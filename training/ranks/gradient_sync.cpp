#include "dragoman/training/ranks/gradient_sync.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <ranges>
#include <utility>

namespace dragoman {

struct GradientSync::Hook final : torch::autograd::PostAccumulateGradHook {
  Hook(GradientSync& owner, std::size_t index) : sync(owner), member(index) {}
  void operator()(const torch::autograd::Variable&) override { sync.add(member); }
  GradientSync& sync;
  std::size_t member;
};

GradientSync::GradientSync(std::span<const Optimizer::Parameter> parameters,
                           Communicator& communicator, GradientCompression compression,
                           std::int64_t bucket_bytes)
    : communicator_(communicator) {
  const at::ScalarType type = compression == GradientCompression::bf16 ? at::kBFloat16 : at::kFloat;
  const auto bytes = static_cast<std::int64_t>(c10::elementSize(type));
  at::Device device = parameters.front().value.device();
  if (!communicator.takes(device)) device = at::kCPU;
  std::vector<std::int64_t> sizes;
  for (const Optimizer::Parameter& parameter : std::views::reverse(parameters)) {
    if (!parameter.value.requires_grad()) continue;
    TORCH_CHECK(parameter.value.scalar_type() == at::kFloat, parameter.name, " is not float32");
    const std::int64_t count = parameter.value.numel();
    if (sizes.empty() || bytes * (sizes.back() + count) > bucket_bytes) {
      buckets_.emplace_back();
      sizes.push_back(0);
    }
    sizes.back() += count;
    buckets_.back().members.push_back(members_.size());
    members_.push_back({.parameter = parameter.value, .part = {}, .bucket = buckets_.size() - 1});
  }
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    Bucket& bucket = buckets_[index];
    bucket.flat = at::zeros({sizes[index]}, at::device(device).dtype(type));
    std::int64_t begin = 0;
    for (const std::size_t number : bucket.members) {
      Member& member = members_[number];
      const std::int64_t count = member.parameter.numel();
      member.part = bucket.flat.narrow(0, begin, count).view(member.parameter.sizes());
      begin += count;
    }
  }
  for (std::size_t number = 0; number < members_.size(); ++number)
    torch::autograd::impl::set_post_acc_grad_hooks(members_[number].parameter,
                                                   std::make_unique<Hook>(*this, number));
}

GradientSync::~GradientSync() {
  for (const Member& member : members_)
    torch::autograd::impl::set_post_acc_grad_hooks(member.parameter, nullptr);
}

void GradientSync::arm() {
  is_armed_ = true;
  next_ = 0;
  for (Bucket& bucket : buckets_)
    bucket.missing = bucket.members.size();
  for (Member& member : members_)
    member.is_there = false;
}

void GradientSync::add(std::size_t number) {
  if (!is_armed_) return;
  Member& member = members_[number];
  TORCH_CHECK(!member.is_there, "a gradient came twice in one backward pass");
  member.is_there = true;
  --buckets_[member.bucket].missing;
  while (next_ < buckets_.size() && buckets_[next_].missing == 0)
    send(buckets_[next_++]);
}

void GradientSync::send(Bucket& bucket) {
  const at::NoGradGuard no_grad;
  for (const std::size_t number : bucket.members) {
    Member& member = members_[number];
    if (const at::Tensor& gradient = member.parameter.grad(); gradient.defined()) {
      member.part.copy_(gradient);
    } else {
      member.part.zero_();
    }
  }
  bucket.sum = communicator_.start_sum(bucket.flat);
}

at::Tensor GradientSync::finish(const at::Tensor& figures) {
  const at::NoGradGuard no_grad;
  if (!std::exchange(is_armed_, false)) next_ = 0;
  at::Tensor counts = at::zeros({static_cast<std::int64_t>(members_.size())}, at::kDouble);
  auto* count = counts.mutable_data_ptr<double>();
  for (std::size_t number = 0; number < members_.size(); ++number)
    count[number] = members_[number].parameter.grad().defined() ? 1.0 : 0.0;
  while (next_ < buckets_.size())
    send(buckets_[next_++]);
  const at::Tensor sums = communicator_.takes(figures.device()) ? figures.clone() : figures.cpu();
  const auto pending = communicator_.start_sum(sums);
  // On the CPU: which gradients there are is asked here, and no device is waited for.
  const auto counted = communicator_.start_sum(counts);
  for (Bucket& bucket : buckets_)
    std::exchange(bucket.sum, nullptr)->wait();
  pending->wait();
  counted->wait();
  for (std::size_t number = 0; number < members_.size(); ++number) {
    Member& member = members_[number];
    if (count[number] == 0.0) continue;
    // If it can be, the bucket itself: nothing writes there before the next update's gradients.
    member.parameter.mutable_grad() =
        member.part.to(at::device(member.parameter.device()).dtype(at::kFloat));
  }
  return sums;
}

}  // namespace dragoman
