using System.Runtime.Versioning;
using Sluice.ChildProcesses;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Children in Python whose package is newer or older than the service. Real processes.</summary>
[StartsProcesses]
[Collection("child processes")]
[UnsupportedOSPlatform("windows")]
public sealed class PythonVersionTests : IDisposable
{
    // A package sluice whose worker says hello and ends with the connection.
    private const string OtherWorker = """
        import os, socket, struct
        text = os.environ.get("SLUICE_PROCESSORS") or os.environ["SLUICE_WORKER"]
        parent = socket.socket(socket.AF_UNIX)
        parent.connect(text[72:])
        hello = b"\1" + bytes.fromhex(text[:64]) + bytes(9) + struct.pack("<q", VERSION)
        parent.sendall(struct.pack("<i", len(hello)) + hello)
        parent.recv(1)
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("sluice-python-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(2, ", or update the NuGet package Sluice of the service.")]
    [InlineData(0, ".")]
    public async Task AChildWithAVersionThatTheServiceDoesNotSpeakFailsTheProcessorAndTheRunAtOnce(long version, string end)
    {
        Directory.CreateDirectory(Path.Combine(folder, "sluice"));
        await File.WriteAllTextAsync(Path.Combine(folder, "sluice", "__init__.py"), "", FlowLab.Cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "sluice", "worker.py"),
            OtherWorker.Replace("VERSION", $"{version}", StringComparison.Ordinal), FlowLab.Cancellation);
        var python = new PythonOptions { ImportPaths = [folder] };
        string expected = $"The child process speaks version {version} of the protocol of child processes, and this service (Sluice "
            + $"{ProtocolVersion.Package}) speaks version 1. Install the package sluice of the service's version for the child: python3 -m "
            + $"pip install ./clients/python, in a clone of Sluice's sources of version {ProtocolVersion.Package}{end}";

        Assert.Equal(expected, await FailAsync(python));
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(
            () => (Source.From([1]) | Sluice.Python.Map<int, int>("words:length", new() { Python = python }))
                .ToListAsync(cancellation: FlowLab.Cancellation));
        Assert.Equal($"'words:length' failed: {expected}", failure.Message);
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task AChildThatDoesNotSpeakTheVersionsOfTheServiceSaysSoAndIsNotStartedAgain()
    {
        string program = Path.Combine(folder, "newer");
        const string Said = "The service speaks the protocol of child processes up to version 1, and the Python package sluice 9.0.0 "
            + "speaks version 2.";
        await File.WriteAllTextAsync(program, $"#!/bin/sh\necho 'sluice.worker: {Said}' >&2\nexit 1\n", FlowLab.Cancellation);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal(Said, await FailAsync(new() { Interpreter = program }));
    }

    [Fact]
    public void TheVariableOfTheVersionIsTheLibrarysOwn()
        => Assert.StartsWith("The environment variable SLUICE_PROTOCOL is the library's own.", Assert.Throws<ArgumentException>(
            () => Executor.Python("words", new()
            {
                Python = new() { Environment = new Dictionary<string, string?> { ["SLUICE_PROTOCOL"] = "2" } }
            })).Message, StringComparison.Ordinal);

    /// <returns>What the processor has failed with, at its first start.</returns>
    private static async Task<string> FailAsync(PythonOptions python)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxStarts = 2 });
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        service.Register(work, Executor.Python("words", new() { Python = python }));
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)], run: "run",
            cancellation: FlowLab.Cancellation);
        const string Start = "The run run has failed: the processor work has: ";
        string failure = await PythonLab.FailureAsync(run);
        Assert.StartsWith(Start, failure, StringComparison.Ordinal);
        return failure[Start.Length..];
    }
}
