matrix/array_pkg.sv
matrix/operand_edge.sv
matrix/mac_lanes.sv
matrix/systolic_array.sv
