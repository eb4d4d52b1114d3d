#pragma once

#include "model/kernels/matrices.hpp"

#if defined(CAUSALFM_BFLOAT16_PRODUCTS)
#include "model/kernels/product_bfloat16.hpp"
#else
#include "model/kernels/product_float32.hpp"
#endif
