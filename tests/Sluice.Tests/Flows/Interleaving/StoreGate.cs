namespace Sluice.Tests.Flows;

/// <summary>What the gate does with a call: makes it, does not make it, or makes it and loses the answer.</summary>
internal enum Passage
{
    Free,
    NotMade,
    NotAnswered,
}

/// <summary>The calls of several services to one store wait here until they are let through, one at a time.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class StoreGate(Bustle bustle)
{
    private readonly Lock sync = new();
    private readonly List<Waiting> waiting = [];
    private long arrived;

    public Bustle Bustle => bustle;

    /// <summary>How many calls were let through.</summary>
    public int Steps { get; private set; }

    public bool IsEmpty
    {
        get
        {
            lock (sync) return waiting.Count == 0;
        }
    }

    /// <returns>The passage of the call; it is known when it is the call's turn, or its service has died.</returns>
    public Task<Passage> EnterAsync(GatedStore store, string name, bool isHeart)
    {
        lock (sync)
        {
            if (store.IsDead)
            {
                if (isHeart) bustle.Enter();   // until the heartbeat timer rests
                return Task.FromResult(Passage.NotMade);
            }
            var call = new Waiting(store, name, isHeart, ++arrived, new(TaskCreationOptions.RunContinuationsAsynchronously));
            waiting.Add(call);
            return call.Turn.Task;
        }
    }

    /// <summary>Lets one call through.</summary>
    /// <returns>Whether a call was waiting that may pass.</returns>
    public bool Release(Random random)
    {
        Waiting next;
        lock (sync)
        {
            // Sorted by name: threads, and not the seed, decide the order of calls that arrive at the same moment.
            Waiting[] ready = [.. waiting.Where(call => !call.Store.IsPaused).OrderBy(call => call.Store.Name, StringComparer.Ordinal)
                .ThenBy(call => call.Name, StringComparer.Ordinal).ThenBy(call => call.Arrival)];
            if (ready.Length == 0) return false;
            next = ready[random.Next(ready.Length)];
            waiting.Remove(next);
            Steps++;
        }
        if (next.IsHeart) bustle.Enter();
        bool isFault = next.Store.FaultEvery > 0 && random.Next(next.Store.FaultEvery) == 0;
        next.Turn.SetResult(!isFault ? Passage.Free : random.Next(2) == 0 ? Passage.NotMade : Passage.NotAnswered);
        return true;
    }

    /// <summary>A service dies: each of its waiting calls either reaches the store later, or is lost.</summary>
    public void Kill(GatedStore store, Random random)
    {
        List<Waiting> lost = [];
        lock (sync)
        {
            store.IsDead = true;
            lost.AddRange(waiting.Where(call => call.Store == store).OrderBy(call => call.Name, StringComparer.Ordinal)
                .ThenBy(call => call.Arrival).Where(call => call.IsHeart || random.Next(2) == 0));
            foreach (Waiting call in lost) waiting.Remove(call);
        }
        foreach (Waiting call in lost)
        {
            if (call.IsHeart) bustle.Enter();
            call.Turn.SetResult(Passage.NotMade);
        }
    }

    public override string ToString()
    {
        lock (sync) return string.Join(", ", waiting.Select(call => $"{call.Store.Name}.{call.Name}"));
    }

    private sealed record Waiting(GatedStore Store, string Name, bool IsHeart, long Arrival, TaskCompletionSource<Passage> Turn);
}
