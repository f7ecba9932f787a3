#include "dragoman/data/doctor/pair_sample.h"

#include "dragoman/data/random.h"

namespace dragoman {

bool PairSample::is_chosen(PairNumber number) const {
  if (halvings_ == 0) return true;
  return Random(static_cast<std::uint64_t>(number)).next() >> (64 - halvings_) == 0;
}

void PairSample::add(PairNumber number, std::string_view source, std::string_view target) {
  if (!is_chosen(number)) return;
  pairs_.push_back({number, std::string(source), std::string(target)});
  bytes_ += source.size() + target.size();
  while (pairs_.size() > most_pairs_ || (bytes_ > most_bytes_ && pairs_.size() > 1))
    halve();
}

void PairSample::halve() {
  ++halvings_;
  std::erase_if(pairs_, [this](const Pair& pair) { return !is_chosen(pair.number); });
  bytes_ = 0;
  for (const Pair& pair : pairs_)
    bytes_ += pair.source.size() + pair.target.size();
}

}  // namespace dragoman
