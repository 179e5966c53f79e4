sdram/sdram_pkg.sv
sdram/sdram_burst_queue.sv
sdram/sdram_scheduler.sv
sdram/sdram_power_up.sv
sdram/sdram_banks.sv
sdram/sdram_engine.sv
sdram/sdram_read_return.sv
sdram/sdram_controller.sv
