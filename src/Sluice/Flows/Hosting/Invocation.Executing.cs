using System.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <content>What an executor does with the function.</content>
internal sealed partial class Invocation
{
    private int isUncounted;                         // 1 from the first wait for a first value on

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
    /// Takes back the count of a start that did not wait for a value, when its function waits for the first one: no work was left that its
    /// host may die of.
    /// </summary>
    /// <param name="isMerged">Whether the wait is one of a merge, which reads several inputs ahead.</param>
    private async Task UncountIdleAsync(bool isMerged)
    {
        if (Stored.Fruitless == 0 || inputs.Values.Any(static one => one.HasTaken)
            || (isMerged && !inputs.Values.All(static one => one.IsIdle))) return;
        if (Interlocked.Exchange(ref isUncounted, 1) == 0) await CountAsync(false).ConfigureAwait(false);
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
            await calls.WatchAsync(() => partition.CommitAsync(commit => commit with { State = [WorkPartition.Row(next)] }, life))
                .ConfigureAwait(false);
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
        }
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
