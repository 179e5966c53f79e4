// Eigen's own float product, compiled once an instruction set. The build renames the namespace
// `Eigen` for each, or the linker would keep one copy of its templates for all.
#include <Eigen/Core>

void SYSTOLITH_EIGEN_PRODUCT(const float* a, const float* b, float* c, long size) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<Matrix>(c, size, size).noalias() =
      Eigen::Map<const Matrix>(a, size, size) * Eigen::Map<const Matrix>(b, size, size);
}
