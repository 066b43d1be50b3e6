#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| comanda_server::fuzzing::read_time(input));
