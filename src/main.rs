//! The program: everything it does is a command of [`overdue::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    overdue::cli::main(std::env::args_os())
}
