common/stream_fifo.sv
common/memory.sv
common/memory_fifo.sv
