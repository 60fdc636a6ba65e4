using System.ComponentModel;
using System.Runtime.Versioning;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Python that cannot be started, or does not find what it needs: the failure says what to do. Real interpreters.</summary>
[StartsProcesses]
[Collection("child processes")]
[UnsupportedOSPlatform("windows")]
public sealed class PythonStartTests : IDisposable
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    private readonly string folder = Directory.CreateTempSubdirectory("sluice-python-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("words.py", "\"words.py\" is a file, and a module is named as in Python's import: words.")]
    [InlineData("src/words", "\"src/words\" is a file, and a module is named as in Python's import: words.")]
    [InlineData("-c", "\"-c\" is no name of a Python module")]
    [InlineData("shop..words", "\"shop..words\" is no name of a Python module")]
    [InlineData("my words", "\"my words\" is no name of a Python module")]
    public void AModuleIsGivenByName(string module, string expected)
        => Assert.StartsWith(expected, Assert.Throws<ArgumentException>(() => Executor.Python(module)).Message, StringComparison.Ordinal);

    [Fact]
    public void OptionsThatPythonCannotHaveAreRefused()
    {
        Assert.StartsWith("Children in Python have neither ProcessExecutorOptions.Program nor Arguments", Assert.Throws<ArgumentException>(
            () => Executor.Python("words", new() { Process = new() { Program = "python3" } })).Message, StringComparison.Ordinal);
        Assert.StartsWith("The environment variable SLUICE_PROCESSORS is the library's own.", Assert.Throws<ArgumentException>(
            () => Executor.Python("words", Options(new() { Environment = new Dictionary<string, string?> { ["SLUICE_PROCESSORS"] = "" } })))
            .Message, StringComparison.Ordinal);
        Assert.Contains("has a ':', which separates paths.", Assert.Throws<ArgumentException>(
            () => Executor.Python("words", Options(new() { ImportPaths = ["a:b"] }))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PythonExecutorOptions { MaxProcesses = 257 });
        Assert.Throws<ArgumentException>(() => new PythonOptions { Interpreter = " " });
        Assert.Throws<ArgumentException>(() => new PythonOptions { VirtualEnvironment = "" });
        Assert.Throws<ArgumentNullException>(() => new PythonExecutorOptions { Python = null! });
        Assert.Throws<ArgumentNullException>(() => new PythonExecutorOptions { Process = null! });
    }

    [Fact]
    public void OptionsAreWrittenWithoutTheEnvironment()
        => Assert.Equal("PythonExecutorOptions { MaxProcesses = 2, Python = python3, imports from src, Process = ",
            new PythonExecutorOptions
            {
                MaxProcesses = 2,
                Python = new() { ImportPaths = ["src"], Environment = new Dictionary<string, string?> { ["PASSWORD"] = "secret" } }
            }.ToString()[..^new ProcessExecutorOptions().ToString().Length][..^2]);

    [Fact]
    public async Task AnInterpreterThatIsNotThereFailsTheProcessorAtOnce()
        => Assert.Equal(
            "The Python interpreter python9 was not found. Install it (on Debian: apt-get install python3), or say where it is: "
                + "PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.", await FailAsync(new() { Interpreter = "python9" }));

    /// <summary>EAGAIN, ENOMEM, ENFILE and EMFILE pass; ENOENT, EACCES and ENOEXEC do not.</summary>
    [Theory]
    [InlineData(11, true)]
    [InlineData(12, true)]
    [InlineData(23, true)]
    [InlineData(24, true)]
    [InlineData(2, false)]
    [InlineData(13, false)]
    [InlineData(8, false)]
    public void AMachineThatIsShortOfSomethingIsTriedAgain(int code, bool isTriedAgain)
    {
        var failure = new WorkerException("The worker process python3 cannot be started.", new Win32Exception(code));
        Exception explained = new PythonProgram("words", Options(new())).Explain(failure);
        Assert.Equal(isTriedAgain, explained is ExecutionLostException);
        Assert.Equal(!isTriedAgain, explained is FlowException);
    }

    [Fact]
    public async Task AVirtualEnvironmentThatIsNotThereFailsTheProcessorAtOnce()
    {
        Assert.Equal(
            $"The folder {folder} (PythonOptions.VirtualEnvironment) is no virtual environment: there is no {folder}/bin/python. Make one "
                + $"with: python3 -m venv {folder}", await FailAsync(new() { VirtualEnvironment = folder }));
        Assert.StartsWith($"There is no folder {folder}/none (PythonOptions.VirtualEnvironment).",
            await FailAsync(new() { VirtualEnvironment = $"{folder}/none" }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task APackageThatIsNotThereFailsTheProcessorAtOnce()
    {
        string failure = await FailAsync(new() { ImportPaths = [folder, $"{folder}/none"] });
        Assert.StartsWith("python3 (Python 3.", failure, StringComparison.Ordinal);
        Assert.EndsWith(
            $") does not find the package sluice with its worker: install it for this Python (pip install ./clients/python, in a clone of "
                + $"Sluice's sources), or name the folder that has it in PythonOptions.ImportPaths ({folder}, {folder}/none; there is no "
                + $"{folder}/none).", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherPackageOfTheNameFailsTheProcessorAtOnceAndIsNamed()
    {
        string other = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "sluice")).FullName, "__init__.py");
        await File.WriteAllTextAsync(other, "raise RuntimeError('must not be imported to find out')", FlowLab.Cancellation);
        string failure = await FailAsync(new() { ImportPaths = [folder] });
        Assert.StartsWith("python3 (Python 3.", failure, StringComparison.Ordinal);
        Assert.Contains($") finds another package sluice at {other}, and not the one of this library: install it for this Python (pip "
            + "install ./clients/python, in a clone of Sluice's sources)", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AModuleThatIsNotThereFailsTheProcessorAtOnce()
    {
        string failure = await FailAsync(WithPackage(), module: "shop.wrods");
        Assert.StartsWith("The module shop.wrods of the Python worker cannot be imported: ModuleNotFoundError: No module named 'shop'",
            failure, StringComparison.Ordinal);
        Assert.Contains($"working directory {Environment.CurrentDirectory}", failure, StringComparison.Ordinal);
        Assert.EndsWith($" Install what it needs for python3, or name the folder that has it in PythonOptions.ImportPaths "
            + $"({PythonLab.Package}, {folder}).", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnOldPythonFailsTheProcessorAtOnce()
    {
        string old = await ProgramAsync("python2", "[ \"$1\" = -c ] && printf '2.7\\nold\\n' || exit 1");
        Assert.Equal(
            $"{old} is Python 2.7, and the package sluice needs 3.9 or later: say where such a Python is with PythonOptions.Interpreter, "
                + $"or PythonOptions.VirtualEnvironment.", await FailAsync(new() { Interpreter = old }));
        File.SetUnixFileMode(old, UnixFileMode.UserRead);
        if (!Environment.IsPrivilegedProcess) Assert.StartsWith($"The Python interpreter {old} may not be executed by this user.",
            await FailAsync(new() { Interpreter = old }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AModuleThatThrowsAtItsImportIsTriedAgainAndTheFailureSaysWhere()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "bad.py"), "def price():\n    return 1 // 0\n\nprice()\n", FlowLab.Cancellation);
        string failure = await FailAsync(WithPackage(), "bad");
        Assert.StartsWith("It was started 2 times without progress, and each time its host was gone before it had ended; the last time: "
            + "The module bad of "
            + "the Python worker cannot be imported: ZeroDivisionError: ", failure, StringComparison.Ordinal);
        Assert.Contains("bad.py, line 2", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AModuleWithoutAWorkerFailsTheProcessor()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "none.py"), "x = 1\n", FlowLab.Cancellation);
        Assert.Contains("; the last time: The module none has no sluice.Worker: write worker = Worker() at its top",
            await FailAsync(WithPackage(), "none"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProgramThatEndsOrWaitsInsteadOfAskingForWorkIsTriedAgainAndTheFailureSaysWhatItWrote()
    {
        string program = await ProgramAsync("odd", "echo 'no space left' >&2; exit 7");
        Assert.StartsWith("It was started 2 times without progress, and each time its host was gone before it had ended; the last time: "
            + "A child process has "
            + $"ended before it asked for work, with exit code 7: {program} -m sluice.worker words must ask for it as soon as it starts. "
            + "It wrote: no space left", await FailAsync(new() { Interpreter = program }), StringComparison.Ordinal);
        string slow = await ProgramAsync("slow", "exec sleep 600");
        Assert.Contains($"A child process had not asked for work after 1 s, and was killed: {slow} -m sluice.worker words asks for it when "
            + "the module is imported. If the import takes longer, raise StartTimeout (the option Process), or have the module load at its "
            + "first call what takes long", await FailAsync(new() { Interpreter = slow },
                process: new() { StartTimeout = TimeSpan.FromSeconds(1) }), StringComparison.Ordinal);
        PipelineException stage = await Assert.ThrowsAsync<PipelineException>(
            () => (Source.From([1]) | Sluice.Python.Map<int, int>("words:length", new()
            {
                Python = new() { Interpreter = slow },
                Process = new() { StartTimeout = TimeSpan.FromSeconds(1), MaxFailedStarts = 1 }
            })).ToListAsync(cancellation: FlowLab.Cancellation));
        Assert.Contains("nothing: it had not connected after 1 s, and was killed. If the import takes longer, raise StartTimeout",
            stage.Message, StringComparison.Ordinal);
    }

    /// <summary>What is killed is the script; its child has the connection, and ends when that is closed.</summary>
    /// <remarks>Regression: the service waited for the function's end, however long that took, and a stage's timeout had no
    /// effect.</remarks>
    [Fact]
    public async Task AFunctionThatIsLateBehindAScriptIsGivenUp()
    {
        string program = await ProgramAsync("wrapped", "/usr/bin/env python3 \"$@\"\nexit $?");
        PythonOptions python = new() { Interpreter = program, ImportPaths = [PythonLab.Package, PythonLab.Modules] };
        await using (var lab = new FlowLab())
        {
            var ignores = new Processor("ignores") { Inputs = ["x"], Outputs = ["y"] };
            Supervisor service = lab.Join();
            service.Register(ignores, Executor.Python("processors", Options(python) with
            {
                Process = new() { StopTimeout = TimeSpan.FromMilliseconds(100) }
            }));
            await using FlowRun run = await service.StartAsync(Flow.From(ignores).Resolve(), [IOVal.Of("x", "")],
                cancellation: FlowLab.Cancellation);
            await run.Output<int>("y").FirstAsync(FlowLab.Cancellation);
            Task cancelling = run.CancelAsync("enough", FlowLab.Cancellation);
            Assert.Contains("enough", await PythonLab.FailureAsync(run), StringComparison.Ordinal);
            await cancelling.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        }
        PipelineException late = await Assert.ThrowsAsync<PipelineException>(() => (Source.From(["hang"])
            | Sluice.Python.Map<string, string>("stages:text", new() { Python = python }) | Stage.Timeout(TimeSpan.FromMilliseconds(200)))
            .ToListAsync(cancellation: FlowLab.Cancellation).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains("took longer than", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnInterpreterThatIsEndedBeforeItHasAnsweredLacksNothing()
    {
        string program = await ProgramAsync("ended", "[ \"$1\" = -c ] && printf '3.11\\nnew\\n' || exit 137");
        Assert.Contains("; the last time: A child process has ended before it asked for work, with exit code 137",
            await FailAsync(new() { Interpreter = program }), StringComparison.Ordinal);
    }

    private PythonOptions WithPackage() => new() { ImportPaths = [PythonLab.Package, folder] };

    private async Task<string> ProgramAsync(string name, string script)
    {
        string path = Path.Combine(folder, name);
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{script}\n", FlowLab.Cancellation);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    private static PythonExecutorOptions Options(PythonOptions python) => new() { Python = python };

    /// <returns>What the processor has failed with, without the beginning of the sentence.</returns>
    private static async Task<string> FailAsync(PythonOptions python, string module = "words", ProcessExecutorOptions? process = null)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxStarts = 2 });
        service.Register(Work, Executor.Python(module, Options(python) with { Process = process ?? new() }));
        await using FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "run",
            cancellation: FlowLab.Cancellation);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        const string Start = "The run run has failed: the processor work has: ";
        Assert.StartsWith(Start, failure.Message, StringComparison.Ordinal);
        return failure.Message[Start.Length..];
    }
}
