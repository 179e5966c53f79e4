common/stream_fifo.sv
