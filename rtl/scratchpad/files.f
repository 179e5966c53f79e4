scratchpad/scratchpad.sv
