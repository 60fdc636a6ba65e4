namespace Sluice;

/// <summary>An output of a function in a child, and how much of it was taken over since the child was told.</summary>
internal sealed class ServedOutput(IOutputPort port, int index, WorkLane lane)
{
    private int values;
    private long bytes;

    public IOutputPort Port => port;

    public int Index => index;

    public WorkLane Lane => lane;

    /// <summary>A value was taken over. The lane's.</summary>
    /// <returns>What the child is to be told; null if nothing yet.</returns>
    public (int Values, long Bytes)? Count(int length)
    {
        values++;
        bytes += length;
        if (values < CallLimits.CreditValues && bytes < CallLimits.CreditBytes) return null;
        var credit = (values, bytes);
        (values, bytes) = (0, 0);
        return credit;
    }
}

/// <summary>Counts what is under way.</summary>
internal sealed class WorkTally
{
    private readonly Lock sync = new();
    private TaskCompletionSource? none;
    private int count;

    public void Begin()
    {
        lock (sync) count++;
    }

    public void End()
    {
        lock (sync)
            if (--count == 0) none?.TrySetResult();
    }

    /// <summary>Ends when nothing is; nothing begins any more that nothing under way has begun.</summary>
    public Task EndedAsync()
    {
        lock (sync)
        {
            if (count == 0) return Task.CompletedTask;
            none = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return none.Task;
        }
    }
}

/// <summary>Does one thing after the other, on the thread of who adds it as long as nothing has to wait.</summary>
/// <remarks>Thread-safe. What is done throws nothing.</remarks>
internal sealed class WorkLane(WorkTally tally)
{
    private readonly Lock sync = new();
    private readonly Queue<Func<ValueTask>> waiting = new();
    private bool isBusy;

    public void Add(Func<ValueTask> work)
    {
        tally.Begin();
        lock (sync)
        {
            if (isBusy)
            {
                waiting.Enqueue(work);
                return;
            }
            isBusy = true;
        }
        _ = RunAsync(work);
    }

    private async Task RunAsync(Func<ValueTask> first)
    {
        for (Func<ValueTask>? work = first; work is not null; work = Next())
        {
            await work().ConfigureAwait(false);
            tally.End();
        }
    }

    private Func<ValueTask>? Next()
    {
        lock (sync)
        {
            if (waiting.TryDequeue(out Func<ValueTask>? next)) return next;
            isBusy = false;
            return null;
        }
    }
}
