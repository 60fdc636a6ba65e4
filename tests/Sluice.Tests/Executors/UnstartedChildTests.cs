using Sluice.Flows;
using Sluice.Programs;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Child processes that cannot be started, or are not started yet.</summary>
[Collection("child processes")]
[StartsProcesses]
public class UnstartedChildTests
{
    private static CancellationToken Cancellation => FlowLab.Cancellation;

    /// <remarks>Regression: the stop waited for the start, up to StartTimeout.</remarks>
    [Fact]
    public async Task AStopDoesNotWaitForTheStartOfAChild()
    {
        string mark = ProcessExecutorLab.NoFile();
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(child: new()
        {
            Program = "sh",
            Arguments = ["-c", $"if [ -e '{mark}' ]; then touch '{mark}.2'; exec sleep 600; fi; touch '{mark}'; exit 3"],
            StartTimeout = TimeSpan.FromMinutes(9)
        });
        await using FlowRun run = await service.StartAsync(Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch)).Resolve(),
            [IOVal.Of("line", "a")], cancellation: Cancellation);
        using var patience = new CancellationTokenSource(FlowLab.Patience);
        while (!File.Exists($"{mark}.2"))
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, Cancellation);
        File.Delete(mark);
        File.Delete($"{mark}.2");
    }

    [Fact]
    public async Task AMissingProgramIsReported()
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(child: new() { Program = "/no/such/program" }, configure: options => options with { MaxStarts = 2 });

        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => ProcessExecutorLab.RunAsync<string>(service,
            FlowFunctions.Copy(ResumeMode.FromScratch), "copy", IOVal.Of("line", "a")));

        Assert.Contains("The worker process /no/such/program cannot be started", failure.Message, StringComparison.Ordinal);
    }
}
