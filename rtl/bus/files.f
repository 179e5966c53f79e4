bus/burst_walker.sv
