"""rules_python's names, as small as they can be and still build and run.

Bazel's built-in rules for Python would need a C++ toolchain from the network.
"""

def _library_impl(ctx):
    return [DefaultInfo(
        files = depset(ctx.files.srcs),
        runfiles = _runfiles(ctx),
    )]

def _program_impl(ctx):
    """A script that runs the main module with the tree on the path."""
    program = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        program,
        "#!/bin/sh\ncd \"${0%%/%s}/%s.runfiles/%s\" 2>/dev/null || true\n" % (
            program.short_path,
            program.basename,
            ctx.workspace_name,
        ) + "exec python3 -m %s %s \"$@\"\n" % (
            ctx.attr.main_module,
            " ".join(getattr(ctx.attr, "args", [])),
        ),
        is_executable = True,
    )
    return [DefaultInfo(executable = program, runfiles = _runfiles(ctx))]

def _runfiles(ctx):
    runfiles = ctx.runfiles(files = ctx.files.srcs + ctx.files.data)
    for dep in ctx.attr.deps + ctx.attr.data:
        runfiles = runfiles.merge(dep[DefaultInfo].default_runfiles)
    return runfiles

_FILES = {
    "srcs": attr.label_list(allow_files = [".py"]),
    "data": attr.label_list(allow_files = True),
    "deps": attr.label_list(),
}
_MAIN = dict(_FILES, main_module = attr.string(mandatory = True))

py_library = rule(_library_impl, attrs = _FILES)
py_binary = rule(_program_impl, attrs = _MAIN, executable = True)
py_test = rule(_program_impl, attrs = _MAIN, test = True)
