store/store_pkg.sv
store/convert_bf16.sv
store/convert_int8.sv
store/source_reader.sv
store/drain.sv
store/packer.sv
store/store_unit.sv
