//! A C compile with gcc and make.

use std::{fmt::Write, path::Path};

use anyhow::Result;

use super::{Workload, needs, scale, script};

const MAKEFILE: &str = "\
CFLAGS = -O1 -Wall
OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c))
all: program libparts.a
\t./program
program: $(OBJECTS)
\t$(CC) $(CFLAGS) -o $@ $^ -lm
libparts.a: $(OBJECTS)
\t$(AR) rcs $@ $^
%.o: %.c parts.h
\t$(CC) $(CFLAGS) -MMD -c -o $@ $<
";

/// A program of several files, compiled by two jobs at a time, linked, archived and run.
///
/// # Errors
/// The folder cannot be written.
pub fn compile(folder: &Path) -> Result<Workload> {
    needs(&["gcc", "make", "ar"])?;
    let parts = 3 + scale()? / 10;
    let mut header = String::from("#include <stdio.h>\n#include <math.h>\n");
    let mut main = String::from("#include \"parts.h\"\nint main(void) {\n    double sum = 0;\n");
    for part in 0..parts {
        writeln!(header, "double part_{part}(double x);")?;
        writeln!(main, "    sum += part_{part}(sum);")?;
        let body = format!(
            "#include \"parts.h\"\ndouble part_{part}(double x) {{ return sqrt(x + {part}); }}\n"
        );
        script(folder, &format!("part_{part}.c"), &body)?;
    }
    main.push_str("    return printf(\"%f\\n\", sum) < 0;\n}\n");
    script(folder, "parts.h", &header)?;
    script(folder, "main.c", &main)?;
    script(folder, "Makefile", MAKEFILE)?;
    Ok(Workload::new("compile", &["make", "-j2", "CC=gcc"]))
}
