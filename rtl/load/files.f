load/load_pkg.sv
load/realigner.sv
load/load_issue.sv
load/load_write.sv
load/load_retire.sv
load/load_unit.sv
