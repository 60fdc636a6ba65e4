namespace Sluice.PostgreSql;

/// <summary>
/// Collects calls while rounds run, and gives a free writer all calls whose streams no other writer has. Calls of one stream keep their
/// order from round to round. Where senders and consumers take turns, one round gets calls of both (<see cref="Companions"/>).
/// </summary>
/// <remarks>Thread-safe. Locking rule: <c>gate</c> protects everything; nothing is awaited or completed under it.</remarks>
/// <param name="writers">The number of rounds that run at once.</param>
/// <param name="run">Runs a round, and returns calls that it has not answered and that need rounds of their own.</param>
/// <param name="time">The clock; null for the system's.</param>
internal sealed class RoundQueue(int writers, Func<List<StoreCall>, Task<List<List<StoreCall>>>> run, TimeProvider? time = null)
{
    private const int MaxCalls = 2000;               // of one round
    private const long MaxBytes = 8 << 20;           // of one round, unless a single call has more
    private const int MaxFunctions = 100;            // of one round, likewise: the application works in each of them, and others wait

    private readonly TimeProvider clock = time ?? TimeProvider.System;
    private readonly Lock gate = new();
    private readonly LinkedList<StoreCall> waiting = new();
    private readonly Queue<List<StoreCall>> divided = new();     // their streams are busy
    private readonly HashSet<string> busy = new(StringComparer.Ordinal);
    private readonly Companions companions = new();
    private readonly Dictionary<string, object> held = new(StringComparer.Ordinal);  // streams whose next round waits for more calls
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
            if (busy.Overlaps(call.Needs.Streams)) return true;      // the end of their round looks at all that wait
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
            if (running == 0 && divided.Count == 0) idle.TrySetResult();
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
            lock (gate) calls = running < writers ? Next(cancelled) : null;
            foreach (StoreCall call in cancelled) call.Fail(new OperationCanceledException(call.Cancellation));
            if (calls is null) return;
            _ = Connections.Detached(() => RunAsync(calls));     // a round serves several callers
        }
    }

    private async Task RunAsync(List<StoreCall> calls)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        List<List<StoreCall>> left = [];
        long begun = clock.GetTimestamp();
        try
        {
            left = await run([.. calls]).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            foreach (StoreCall call in calls) call.Fail(failure);
        }
        lock (gate)
        {
            foreach (StoreCall call in calls) busy.ExceptWith(call.Needs.Streams);
            foreach (List<StoreCall> some in left)
            {
                foreach (StoreCall call in some) busy.UnionWith(call.Needs.Streams);
                divided.Enqueue(some);
            }
            if (left.Count == 0 && !isClosed) Hold(calls, clock.GetElapsedTime(begun));
            running--;
            if (isClosed && running == 0 && divided.Count == 0) idle.TrySetResult();
        }
        Start();
    }

    // Called under the gate.
    private void Hold(List<StoreCall> ended, TimeSpan round)
    {
        List<string> streams = companions.Note(ended);
        streams.RemoveAll(stream => held.ContainsKey(stream));
        if (streams.Count == 0) return;
        var hold = new object();
        foreach (string stream in streams) held.Add(stream, hold);
        _ = ReleaseAsync(hold, streams, Companions.WaitAfter(round));
    }

    private async Task ReleaseAsync(object hold, List<string> streams, TimeSpan wait)
    {
        await Task.Delay(wait, clock, CancellationToken.None).ConfigureAwait(false);
        lock (gate)
            foreach (string stream in streams)
                if (held.GetValueOrDefault(stream) == hold) Release(stream, hasBoth: false);
        Start();
    }

    private void Release(string stream, bool hasBoth)
    {
        held.Remove(stream);
        companions.End(stream, hasBoth);
    }

    private List<StoreCall>? Next(List<StoreCall> cancelled)
    {
        if (!divided.TryDequeue(out List<StoreCall>? calls)) return Take(cancelled);
        running++;
        return calls;
    }

    // Calls whose streams are free. The streams of a call that must wait are kept for it, so that it is not overtaken for ever.
    private List<StoreCall>? Take(List<StoreCall> cancelled)
    {
        List<StoreCall> taken = [];
        long bytes = 0;
        int functions = 0;
        HashSet<string> late = new(StringComparer.Ordinal);          // appends need not wait for the functions of others
        HashSet<string> kept = new(busy, StringComparer.Ordinal);
        if (held.Count > 0)
        {
            foreach (string stream in held.Keys.Where(stream => Companions.HasBoth(stream, waiting)).ToArray())
                Release(stream, hasBoth: true);
            kept.UnionWith(held.Keys);
        }
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
            else if (HasTooMany(call) || (call.Order != StoreCall.Appends && late.Overlaps(call.Needs.Streams)))
            {
                late.UnionWith(call.Needs.Streams);
            }
            else if (taken.Count > 0 && bytes + call.Needs.Bytes > MaxBytes)
            {
                break;
            }
            else
            {
                bytes += call.Needs.Bytes;
                functions += call.Needs.Functions;
                taken.Add(call);
                waiting.Remove(node);
            }
            node = next;
        }
        if (taken.Count == 0) return null;
        foreach (StoreCall call in taken) busy.UnionWith(call.Needs.Streams);
        running++;
        return taken;

        bool HasTooMany(StoreCall call)
            => functions > 0 && call.Needs.Functions > 0 && functions + call.Needs.Functions > MaxFunctions;
    }
}
