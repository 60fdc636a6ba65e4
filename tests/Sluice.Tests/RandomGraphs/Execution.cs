using Sluice.Testing;

namespace Sluice.Tests.RandomGraphs;

internal enum Mode
{
    SingleThread,
    ThreadPool,
    Shuffled,
}

/// <summary>Executes a case in one mode, and tells what was wrong with it, if something was.</summary>
internal static class Execution
{
    // Real time, and only there to end a test that would otherwise hang: nothing that works comes near it.
    private static readonly TimeSpan HangsAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan NobodyElseIsAtWork = TimeSpan.FromSeconds(5);

    public static string? Check(GraphCase graph, Mode mode, int schedule, Func<Source<long>, Source<long>>? sabotage = null)
    {
        var clock = mode == Mode.Shuffled ? new TestClock() : null;
        var rig = new Rig(mode != Mode.SingleThread, graph.Capacity, graph.Interference, clock) { Sabotage = sabotage ?? (source => source) };
        Oracle full = graph.Graph.Expect(graph.Capacity);
        rig.QueueBound = name => full.Nodes.TryGetValue(name, out NodeExpectation? node) ? node.QueueBound : 0;
        var scheduler = mode == Mode.Shuffled ? new ShuffledScheduler(schedule) : null;
        Run run = graph.Graph.Build(rig).Start(new RunOptions
        {
            Mode = mode == Mode.SingleThread ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
            Scheduler = scheduler,
            Time = clock ?? TimeProvider.System,
            Capacity = graph.Capacity,
            TrackItems = true,
            Seed = schedule,
            DeadLetterCapacity = int.MaxValue,
            Started = started => rig.Run = started,
        });
        bool ended = scheduler is null ? Wait(run.Completion) : Drive(run, scheduler, clock!);
        RunSnapshot snapshot = run.Snapshot();
        if (!ended)
        {
            run.Cancel();
            return $"it hangs\n{snapshot}";
        }
        rig.Over();
        scheduler?.ExecuteAll();
        string? wrong = new Verdict(graph, rig, run, snapshot, full).Find();
        return wrong is null ? null : $"{wrong}\n{snapshot}";
    }

    private static bool Wait(Task completion)
    {
        try
        {
            return completion.Wait(HangsAfter);
        }
        catch (AggregateException)
        {
            return true;                             // how it ended is for the verdict
        }
    }

    private static bool Drive(Run run, ShuffledScheduler scheduler, TestClock clock)
    {
        while (true)
        {
            scheduler.ExecuteAll();
            if (run.Completion.IsCompleted) return true;
            if (clock.NextDue is { } due) clock.Advance(due - clock.GetUtcNow());
            else if (!scheduler.WaitForWork(NobodyElseIsAtWork)) return run.Completion.IsCompleted;
        }
    }
}
