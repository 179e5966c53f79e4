registers/command_pkg.sv
systolith_pkg.sv
