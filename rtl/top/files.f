top/cover_points.sv
top/systolith.sv
