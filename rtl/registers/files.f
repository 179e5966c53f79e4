registers/registers_pkg.sv
registers/registers.sv
registers/register_block.sv
