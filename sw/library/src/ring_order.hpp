// Orders loads, products and stores in the ring and gives them the semaphores that their needs ask
// for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "systolith/library/gemm.hpp"

namespace systolith::library {

/// Each semaphore has one signalling and one waiting unit.
enum class Semaphore : std::uint8_t {
  ready = 0,             // load -> matrix: everything up to a load is there
  rows_ready = 1,        // load -> matrix: a row of A is there
  slot_free = 2,         // matrix -> load: what a product read may be overwritten
  rows_done = 3,         // matrix -> store: rows of the walk that ends the chain
  tile_free_matrix = 4,  // store -> matrix: stored rows of a tile
  tile_free_load = 5,    // store -> load: the same, when the load unit seeds them
  scale_ready = 6,       // load -> store: a tile's scales
  scale_free = 7,        // store -> load: a tile's scales were used
};

inline Sync at_once(Semaphore semaphore, std::uint32_t count = 1) {
  return {static_cast<std::uint16_t>(count), static_cast<std::uint8_t>(semaphore), false, 0};
}

inline Sync by_rows(Semaphore semaphore, std::uint32_t count = 1, std::uint8_t rows_log2 = 0) {
  return {static_cast<std::uint16_t>(count), static_cast<std::uint8_t>(semaphore), true, rows_log2};
}

/// Puts a wait or signal into a free place. Throws std::logic_error when there is none.
void add(Sync (&list)[2], Sync entry);

/// The loads that a product waits for: all up to `load`, with `rows` that one row by row.
struct Need {
  std::optional<std::size_t> load;
  bool rows = false;
};

/// Stores that a load waits for: those of the products up to `product`, by a semaphore's count.
struct Stores {
  std::size_t product = 0;
  Sync wait;
};

class RingOrder {
 public:
  /// A load that overwrites what `product` was the last to read. Gives its number.
  std::size_t load(const LoadStep& step, std::optional<std::size_t> product = std::nullopt);
  /// A load that waits for stores.
  std::size_t load(const LoadStep& step, const Stores& stores);
  void product(const MatrixStep& step, Need need);
  /// A store of what the last product ended.
  void store(const StoreStep& step);
  std::size_t last_product() const { return products_.size() - 1; }

  /// All steps in ring order: loads run ahead of the products that need them, by few commands.
  /// Every wait is satisfied by signals of earlier steps.
  std::vector<Step> steps() const;

 private:
  struct Load {
    LoadStep step;
    std::optional<std::size_t> product;  // in the ring before
    bool waits;                          // for that product by slot_free
  };
  struct Product {
    MatrixStep step;
    Need need;
    std::vector<StoreStep> stores;
  };
  std::vector<Load> loads_;
  std::vector<Product> products_;
};

}  // namespace systolith::library
