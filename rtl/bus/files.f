bus/burst_walker.sv
bus/axi_arbiter.sv
bus/bus_debts.sv
