// The host's own scalar multiply-accumulate, which simulation and kernels are compared with.
#pragma once

namespace systolith::bench {

/// Multiply-accumulates a second of processor time of one chain of dependent scalar `std::fma`,
/// over `steps` of them.
double scalar_chain_rate(long steps = 20'000'000);

}  // namespace systolith::bench
