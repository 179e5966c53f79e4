#include "scalar_chain.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace systolith::bench {

double scalar_chain_rate(long steps) {
  volatile float seed = 0.5f;
  const float x = seed;
  float sum = seed;
  const std::clock_t start = std::clock();
  for (long k = 0; k < steps; ++k) sum = std::fma(x, 0.999f, sum);
  const std::clock_t ticks = std::max<std::clock_t>(1, std::clock() - start);
  seed = sum;
  return static_cast<double>(steps) * CLOCKS_PER_SEC / static_cast<double>(ticks);
}

}  // namespace systolith::bench
