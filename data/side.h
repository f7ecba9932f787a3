// The two sides of a sentence pair.
#pragma once

namespace dragoman {

enum class Side { source, target };

}  // namespace dragoman
