using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>An output of a remote function, with the values taken over since the last credit message.</summary>
internal sealed class ServedOutput(IOutputPort port, int index, WorkLane lane)
{
    private readonly Lock sync = new();
    private int values;
    private long bytes;
    private int openValues;                          // received, and no credit sent for them
    private long openBytes;

    public IOutputPort Port => port;

    public int Index => index;

    public WorkLane Lane => lane;

    /// <summary>Counts a value that was received.</summary>
    /// <exception cref="InvalidDataException">The other side has not waited for credit.</exception>
    public void Expect(int length)
    {
        lock (sync)
        {
            if (openValues >= CallLimits.MaxValues || openBytes >= CallLimits.MaxBytes)
                throw new InvalidDataException(
                    $"a value for the output {port.Name} without credit: {openValues:N0} values with {openBytes:N0} bytes are on their way, "
                        + $"and {CallLimits.MaxValues:N0} values or {CallLimits.MaxBytes:N0} bytes may be.");
            openValues++;
            openBytes += length;
        }
    }

    /// <summary>Counts a value that was taken over; called in the lane.</summary>
    /// <returns>The credit to send; null if it is still too small.</returns>
    public (int Values, long Bytes)? Count(int length)
    {
        values++;
        bytes += length;
        if (values < CallLimits.CreditValues && bytes < CallLimits.CreditBytes) return null;
        var credit = (values, bytes);
        lock (sync) (openValues, openBytes) = (openValues - values, openBytes - bytes);
        (values, bytes) = (0, 0);
        return credit;
    }
}

/// <summary>Counts running work.</summary>
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

    /// <summary>Completes when no work is running. Only running work may begin more after this call.</summary>
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

/// <summary>Runs work items one after the other, on the adding thread as long as none has to wait.</summary>
/// <remarks>Thread-safe. Work items must not throw.</remarks>
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
