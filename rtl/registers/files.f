registers/registers_pkg.sv
registers/registers.sv
registers/window_registers.sv
registers/register_block.sv
