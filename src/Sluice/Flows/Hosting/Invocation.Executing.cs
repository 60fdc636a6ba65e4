using System.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <content>What an executor does with the function.</content>
internal sealed partial class Invocation
{
    private readonly Lock counts = new();
    private Task counted = Task.CompletedTask;       // the last change of the count; under counts
    private volatile bool hasReturned;               // the executor has; set under counts
    private int isUncounted;                         // 1 while the function waits for its first value, and that has lasted

    /// <summary>Whether the executor has returned while the function runs: another attempt would run beside it.</summary>
    public bool IsLeft { get; private set; }

    /// <summary>Whether the function waits for another run, whose order may lie in the same partition.</summary>
    public bool AwaitsRun => slot.AwaitsRun;

    /// <summary>Whether the function runs.</summary>
    public bool IsExecuting { get; private set; }

    /// <summary>Whether the stored row counts this start as one that its host may not survive.</summary>
    public bool IsCounted { get; private set; }

    /// <summary>
    /// Waits for the place where the function runs: without the slot, outside of the time limit, and without a count of this start.
    /// </summary>
    /// <param name="begin">Begins what is waited for; called outside of the time limit, too.</param>
    public Task WaitForPlaceAsync(Func<Task> begin) => WaitUncountedAsync(slot.WaitAsync(begin), null);

    /// <summary>
    /// Takes back the count of a start that found no value, when its function has waited for the first one for a while: if work was left
    /// that its host may die of, the host would be dead.
    /// </summary>
    /// <param name="changed">Ends when the input has changed.</param>
    /// <param name="isMerged">Whether the wait is one of a merge, which reads several inputs ahead.</param>
    private async Task UncountIdleAsync(Task changed, bool isMerged)
    {
        TimeSpan rest = core.Options.IdleStart - core.Options.Time.GetElapsedTime(begun);
        do                                           // another input of a merge may come to its end meanwhile
        {
            if (Stored.Fruitless == 0 || inputs.Values.Any(static one => one.HasTaken)) return;
            if (rest > TimeSpan.Zero)
                await changed.WaitAsync(rest, core.Options.Time, CancellationToken.None)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (changed.IsCompleted) return;
            rest = core.Options.IdleStart;
        }
        while (!IsIdle(isMerged));
        if (Interlocked.Exchange(ref isUncounted, 1) == 0) await CountInTurnAsync(false).ConfigureAwait(false);
    }

    private bool IsIdle(bool isMerged) => Stored.Fruitless > 0 && !inputs.Values.Any(static one => one.HasTaken)
        && (!isMerged || inputs.Values.All(static one => one.IsIdle));

    /// <summary>Counts the start again when the function gets its first value: its host may die of that.</summary>
    private Task CountAgainAsync() => Interlocked.Exchange(ref isUncounted, 0) == 1 ? CountInTurnAsync(true) : Task.CompletedTask;

    // The first value may come while the count is taken back.
    private Task CountInTurnAsync(bool isCounted)
    {
        lock (counts) return counted = CountBehindAsync(counted, isCounted);
    }

    private async Task CountBehindAsync(Task before, bool isCounted)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await CountAsync(isCounted).ConfigureAwait(false);
    }

    // A place that is lost is a lost start, so it counts after a failure, too.
    private async Task WaitUncountedAsync(Task waited, CancellationTokenSource? waiting)
    {
        try
        {
            if (!waited.IsCompleted) await CountAsync(false).ConfigureAwait(false);
        }
        catch when (waiting is not null)
        {
            await waiting.CancelAsync().ConfigureAwait(false);
            throw;
        }
        await waited.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!life.IsCancellationRequested) await CountAsync(true).ConfigureAwait(false);
        await waited.ConfigureAwait(false);
    }

    private async Task CountAsync(bool isCounted)
    {
        if (isCounted == IsCounted) return;
        Func<Assignment, Assignment> change = row => row with { Fruitless = Math.Max(0, row.Fruitless + (isCounted ? 1 : -1)) };
        if (commits is not null) await commits.ChangeAsync(change).ConfigureAwait(false);
        else
        {
            Assignment next = change(Stored);
            await calls.WatchAsync(() => partition.CommitAsync(commit =>
            {
                // The start may have made its last commit already: this one would overwrite its row, or the row of the next attempt.
                if (hasReturned) throw ItemCommits.LeftBehind(Plan.Name);
                return commit with { State = [WorkPartition.Row(next)] };
            }, life)).ConfigureAwait(false);
            Stored = next;
        }
        IsCounted = isCounted;
    }

    /// <summary>Executes the function, and tells it to stop if the executor leaves it behind.</summary>
    private async Task ExecuteAsync(IExecutor executor, ProcessorCall call, CancellationTokenSource until, CancellationToken cancellation)
    {
        IsExecuting = true;
        try
        {
            Task executing = executor.ExecuteAsync(call, cancellation) ?? throw new FlowException(
                $"The ExecuteAsync of the executor {TypeNames.Of(executor.GetType())} returned null instead of a task.")
            { Run = Run };
            await executing.ConfigureAwait(false);
        }
        finally
        {
            (IsExecuting, IsLeft) = (false, call.IsRunning);
            if (IsLeft) await until.CancelAsync().ConfigureAwait(false);
            await EndCountsAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a change of the count that has begun, and refuses later ones, of reads that the function has left behind. Never
    /// throws.</summary>
    private Task EndCountsAsync()
    {
        lock (counts)
        {
            hasReturned = true;
            return SuppressedAsync(counted);
        }

        static async Task SuppressedAsync(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Calls the function in an execution context of its own: the code that has registered it may be long over.</summary>
    private Task CallAsync(CallingFunction calling, CancellationToken cancellation)
    {
        Activity? span = Activity.Current;
        return Detached.Run(() =>
        {
            Activity.Current = span;
            calling.Enter();
            slot.Use();
            return function.RunAsync(this, core.Services, cancellation);
        });
    }
}
