common/stream_fifo.sv
common/memory.sv
