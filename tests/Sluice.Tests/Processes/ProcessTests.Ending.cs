using System.Collections.Concurrent;
using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Tests.Processes;

/// <content>What happens to workers when their run or their parent process ends.</content>
public partial class ProcessTests
{
    [Fact]
    public async Task ACancelledRunLeavesNoProcessBehind()
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        int seen = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            (Numbers(int.MaxValue) | Pipe.InProcesses<int, int>("double", Two) | (n =>
        {
            if (++seen == 1_000) source.Cancel();
        })).RunAsync(cancellation: source.Token));

        Assert.Empty(WorkerProgram.Children());
    }

    [Fact]
    public async Task AHangingWorkerIsKilledWhenTheRunIsCancelled()
    {
        PipelineRun run = (Source.From(["hang"]) | Pipe.InProcesses<string, string>("text",
            Two with { StopTimeout = TimeSpan.FromSeconds(1) }) | (_ => { })).Start();
        while (run.Snapshot()["text"].In == 0) await Task.Yield();
        await run.DisposeAsync();

        Assert.Empty(WorkerProgram.Children());
    }

    [Fact]
    public async Task AStopFinishesTheItemsInFlight()
    {
        var results = new List<int>();
        var isEnough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Numbers(int.MaxValue) | Pipe.InProcesses<int, int>("double", Two) | (n =>
        {
            results.Add(n);
            if (results.Count == 1_000) isEnough.SetResult();
        })).Start(cancellation: Cancellation);
        await isEnough.Task;
        Assert.True(await run.StopAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal(Enumerable.Range(0, results.Count).Select(n => 2 * n), results);
        Assert.Empty(WorkerProgram.Children());
    }

    [Fact]
    public async Task WorkersEndWhenTheirParentIsKilled()
    {
        using Process parent = WorkerProgram.Start("pid");
        var workers = new HashSet<int>();
        while (workers.Count < 2) workers.Add(int.Parse((await parent.StandardOutput.ReadLineAsync(Cancellation))!));
        Process[] children = [.. workers.Select(Process.GetProcessById)];
        parent.Kill();
        await parent.WaitForExitAsync(Cancellation);
        foreach (Process child in children) await child.WaitForExitAsync(Cancellation);
    }
}
