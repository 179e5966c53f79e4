top/systolith.sv
