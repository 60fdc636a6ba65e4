namespace Sluice.PostgreSql;

/// <summary>
/// Collects calls while rounds run, and gives a free writer all calls whose streams no other writer has. Calls of one stream keep their
/// order from round to round.
/// </summary>
/// <remarks>Thread-safe. Locking rule: <c>gate</c> protects everything; nothing is awaited or completed under it.</remarks>
internal sealed class RoundQueue(int writers, Func<List<StoreCall>, Task> run)
{
    private const int MaxCalls = 2000;               // of one round

    private readonly Lock gate = new();
    private readonly LinkedList<StoreCall> waiting = new();
    private readonly HashSet<string> busy = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int running;
    private bool isClosed;

    /// <summary>Queues a call. False if the queue is closed.</summary>
    public bool Add(StoreCall call)
    {
        lock (gate)
        {
            if (isClosed) return false;
            waiting.AddLast(call);
        }
        Start();
        return true;
    }

    /// <summary>Refuses new calls, ends those that wait, and waits for those that run.</summary>
    public async Task CloseAsync(Exception failure)
    {
        StoreCall[] left;
        lock (gate)
        {
            isClosed = true;
            left = [.. waiting];
            waiting.Clear();
            if (running == 0) idle.TrySetResult();
        }
        foreach (StoreCall call in left) call.Fail(failure);
        await idle.Task.ConfigureAwait(false);
    }

    private void Start()
    {
        while (true)
        {
            List<StoreCall> cancelled = [];
            List<StoreCall>? calls;
            lock (gate) calls = running < writers ? Take(cancelled) : null;
            foreach (StoreCall call in cancelled) call.Fail(new OperationCanceledException(call.Cancellation));
            if (calls is null) return;
            _ = RunAsync(calls);
        }
    }

    private async Task RunAsync(List<StoreCall> calls)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await run([.. calls]).ConfigureAwait(false);     // the streams of all of them are given back below
        }
        catch (Exception failure)
        {
            foreach (StoreCall call in calls) call.Fail(failure);
        }
        lock (gate)
        {
            foreach (StoreCall call in calls) busy.ExceptWith(call.Needs.Streams);
            running--;
            if (isClosed && running == 0) idle.TrySetResult();
        }
        Start();
    }

    // Calls whose streams are free. The streams of a call that must wait are kept for it, so that it is not overtaken for ever.
    private List<StoreCall>? Take(List<StoreCall> cancelled)
    {
        List<StoreCall> taken = [];
        HashSet<string> kept = new(busy, StringComparer.Ordinal);
        for (LinkedListNode<StoreCall>? node = waiting.First; node is not null && taken.Count < MaxCalls;)
        {
            (StoreCall call, LinkedListNode<StoreCall>? next) = (node.Value, node.Next);
            if (call.Cancellation.IsCancellationRequested)
            {
                cancelled.Add(call);
                waiting.Remove(node);
            }
            else if (kept.Overlaps(call.Needs.Streams))
            {
                kept.UnionWith(call.Needs.Streams);
            }
            else
            {
                taken.Add(call);
                waiting.Remove(node);
            }
            node = next;
        }
        if (taken.Count == 0) return null;
        foreach (StoreCall call in taken) busy.UnionWith(call.Needs.Streams);
        running++;
        return taken;
    }
}
