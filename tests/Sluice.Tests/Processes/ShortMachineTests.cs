using System.ComponentModel;
using Sluice.ChildProcesses;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Processes;

namespace Sluice.Tests.Processes;

/// <summary>A machine that is short of processes, memory or files for some time: a start that fails for it is repeated.</summary>
[Collection("child processes")]
[StartsProcesses]
public class ShortMachineTests
{
    private static readonly ProcessOptions One = new() { Workers = 1, Program = WorkerProgram.Path, MaxFailedStarts = 4 };

    /// <summary>EAGAIN, ENOMEM, ENFILE and EMFILE, more often than starts may fail in a row.</summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(23)]
    [InlineData(24)]
    public async Task AStartThatFailsForWantOfSomethingIsRepeated(int code)
        => Assert.Equal([2], await RunAsync(new ShortProgram(code, failures: 6), One));

    [Fact]
    public async Task ARunWhoseStartsFailForeverFails()
    {
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() => RunAsync(new ShortProgram(11, failures: 100),
            One with { StartTimeout = TimeSpan.FromTicks(1) }));
        Assert.Contains("4 starts of a worker process in a row have failed before it got to work, the last one with nothing: it could "
            + "not be started: ", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>ENOEXEC does not pass.</summary>
    [Fact]
    public async Task AProgramThatCannotBeExecutedFailsTheRunAtOnce()
    {
        var program = new ShortProgram(8, failures: 1);
        await Assert.ThrowsAsync<PipelineException>(() => RunAsync(program, One));
        Assert.Equal(0, program.Failures);
    }

    private static Task<List<int>> RunAsync(StageProgram program, ProcessOptions options)
    {
        var open = new OpenSource<int>();
        var stage = new Pipe<int, int>(open, new ProcessSource<int, int>(open, new("double", options, program), StageOptions.Default));
        return (Source.From([1]) | stage).ToListAsync(cancellation: TestContext.Current.CancellationToken);
    }

    /// <summary>A program whose first starts fail by an error of the system.</summary>
    private sealed class ShortProgram(int code, int failures) : StageProgram
    {
        private readonly BodyProgram program = new("double", One);

        public int Failures { get; private set; } = failures;

        public override ChildProgram Program => program.Program;

        public override string Kind => program.Kind;

        public override int? Workers => program.Workers;

        public override void Check()
        {
            if (Failures == 0) return;
            Failures--;
            throw new WorkerException("The worker process cannot be started.", new Win32Exception(code));
        }
    }
}
