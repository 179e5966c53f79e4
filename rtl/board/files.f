board/memory_arbiter.sv
board/board_system.sv
