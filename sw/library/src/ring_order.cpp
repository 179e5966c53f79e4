#include "ring_order.hpp"

#include <algorithm>
#include <stdexcept>

namespace systolith::library {
namespace {

// Loads in the ring ahead of the product that needs them. Commands are decoded in order, so many
// would keep a product from its unit.
constexpr std::size_t kAhead = 8;

}  // namespace

void add(Sync (&list)[2], Sync entry) {
  if (list[0].count == 0) {
    list[0] = entry;
  } else if (list[1].count == 0) {
    list[1] = entry;
  } else {
    throw std::logic_error("a command has two waits and two signals");
  }
}

std::size_t RingOrder::load(const LoadStep& step, std::optional<std::size_t> product) {
  loads_.push_back({step, product, true});
  return loads_.size() - 1;
}

std::size_t RingOrder::load(const LoadStep& step, const Stores& stores) {
  loads_.push_back({step, stores.product, false});
  add(loads_.back().step.wait, stores.wait);
  return loads_.size() - 1;
}

void RingOrder::product(const MatrixStep& step, Need need) {
  products_.push_back({step, need, {}});
}

void RingOrder::store(const StoreStep& step) { products_.back().stores.push_back(step); }

std::vector<Step> RingOrder::steps() const {
  std::vector<Load> loads = loads_;
  std::vector<Product> products = products_;
  // A unit that has waited for one step of another knows all earlier ones of that unit to be over.
  std::size_t known = 0;  // loads that the matrix unit knows of
  for (Product& product : products) {
    if (!product.need.load || (*product.need.load < known && !product.need.rows)) continue;
    if (product.need.rows) {
      add(product.step.wait, by_rows(Semaphore::rows_ready));
    } else {
      add(product.step.wait, at_once(Semaphore::ready));
      add(loads[*product.need.load].step.signal, at_once(Semaphore::ready));
    }
    known = *product.need.load + 1;
  }
  known = 0;  // products that the load unit knows of
  for (Load& load : loads) {
    if (!load.waits || !load.product || *load.product < known) continue;
    add(load.step.wait, at_once(Semaphore::slot_free));
    add(products[*load.product].step.signal, at_once(Semaphore::slot_free));
    known = *load.product + 1;
  }

  std::vector<Step> steps;
  std::size_t loaded = 0;
  std::size_t needed = 0;
  const auto may_load = [&](std::size_t done) {
    return loaded < loads.size() && (!loads[loaded].product || *loads[loaded].product < done);
  };
  for (std::size_t i = 0; i < products.size(); ++i) {
    if (products[i].need.load) needed = std::max(needed, *products[i].need.load + 1);
    while (loaded < needed) {
      if (!may_load(i)) throw std::logic_error("a load needs a later product");
      steps.emplace_back(loads[loaded++].step);
    }
    steps.emplace_back(products[i].step);
    for (const StoreStep& store : products[i].stores) steps.emplace_back(store);
    while (loaded < needed + std::min(kAhead, i) && may_load(i + 1))
      steps.emplace_back(loads[loaded++].step);
  }
  return steps;
}

}  // namespace systolith::library
