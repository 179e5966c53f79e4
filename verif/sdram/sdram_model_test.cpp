#include "sdram_model.hpp"
