matrix/array_pkg.sv
matrix/systolic_array.sv
