using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.RandomGraphs;

internal enum Mode
{
    SingleThread,
    ThreadPool,
    Seeded,
}

/// <summary>Runs a case in one mode, and returns what was wrong, or null.</summary>
internal static class Execution
{
    // Real time, only to end a test that would hang. A correct run never comes near it.
    private static readonly TimeSpan HangsAfter = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan NobodyElseIsAtWork = TimeSpan.FromSeconds(5);

    public static string? Check(GraphCase graph, Mode mode, int schedule, Func<Source<long>, Source<long>>? sabotage = null)
    {
        var clock = mode == Mode.Seeded ? new TestClock() : null;
        var rig = new Rig(mode != Mode.SingleThread, graph.Capacity, graph.Interference, clock)
        {
            Sabotage = sabotage
            ?? (source => source)
        };
        Oracle full = graph.Graph.Expect(graph.Capacity);
        rig.QueueBound = name => full.Nodes.TryGetValue(name, out NodeExpectation? node) ? node.QueueBound : 0;
        var scheduler = mode == Mode.Seeded ? new SeededScheduler(schedule) : null;
        PipelineRun run = graph.Graph.Build(rig).Start(new RunOptions
        {
            Mode = mode == Mode.SingleThread ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
            Scheduler = scheduler,
            Time = clock ?? TimeProvider.System,
            MaxBufferedItems = graph.Capacity,
            TrackItems = true,
            Seed = schedule,
            MaxDeadLetters = int.MaxValue,
            OnStarted = started => rig.Run = started,
        });
        string? stall = scheduler is null ? Wait(run) : Drive(run, scheduler, clock!);
        if (stall is not null) return stall;
        RunSnapshot snapshot = run.Snapshot();
        rig.Over();
        scheduler?.RunUntilIdle();
        if (clock is { ArmedTimers: > 0 and var armed }) rig.Violation($"{armed} timers are armed although the run has ended");
        string? wrong = new Verdict(graph, rig, run, snapshot, full).Find();
        return wrong is null ? null : $"{wrong}\n{snapshot}";
    }

    /// <returns>A description of the run if it hangs; otherwise null.</returns>
    private static string? Wait(PipelineRun run)
    {
        try
        {
            if (run.Completion.Wait(HangsAfter)) return null;
        }
        catch (AggregateException)
        {
            return null;                             // the verdict checks how the run ended
        }
        string text = $"it hangs\n{run.Snapshot()}";
        _ = run.CancelAsync();
        return text;
    }

    private static string? Drive(PipelineRun run, SeededScheduler scheduler, TestClock clock)
    {
        try
        {
            scheduler.RunToEndAsync(run, clock, NobodyElseIsAtWork).GetAwaiter().GetResult();
        }
        catch (InvalidOperationException stalled)
        {
            return stalled.Message;
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            return null;
        }
        return null;
    }
}
