namespace Sluice.Sqlite;

/// <summary>What waits for the writer's thread: all that came in while it wrote is one round.</summary>
internal sealed class RequestQueue
{
    private const int Looks = 20;                    // how often in vain, before it is believed that nobody else comes

    private readonly object gate = new();
    private List<Request> waiting = [];
    private List<Request> spare = [];                // the other of two lists that take turns
    private bool isWaiting;                          // the writer, for a first request
    private string? closed;                          // the name of the store

    /// <summary>Adds a request, from any thread.</summary>
    /// <exception cref="ObjectDisposedException">The queue is closed.</exception>
    public void Add(Request request)
    {
        lock (gate)
        {
            if (closed is not null) throw new ObjectDisposedException(closed, "The store has been closed.");
            waiting.Add(request);
            if (isWaiting && waiting.Count == 1) Monitor.Pulse(gate);
        }
    }

    /// <summary>No more requests: those that wait are still taken.</summary>
    public void Close(string store)
    {
        lock (gate)
        {
            closed ??= store;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Waits for requests and takes all of them, in order of their kinds.</summary>
    /// <param name="last">How many the last round had: whoever was answered then is about to come again, and is waited for a moment.</param>
    /// <param name="patience">How long to wait for a first one.</param>
    /// <param name="round">Gets the requests; empty when it is called, and afterwards if there were none for so long.</param>
    /// <returns>False once the queue is closed and empty.</returns>
    public bool Take(int last, TimeSpan patience, List<Request> round)
    {
        lock (gate)
        {
            isWaiting = true;
            while (waiting.Count == 0 && closed is null)
            {
                if (Monitor.Wait(gate, patience)) continue;
                isWaiting = false;
                return true;
            }
            isWaiting = false;
        }
        if (last > 1) Gather(last);
        List<Request> taken;
        lock (gate) (taken, waiting) = (waiting, spare);
        foreach (RequestKind kind in (ReadOnlySpan<RequestKind>)[RequestKind.Commit, RequestKind.Append, RequestKind.Other])
            foreach (Request request in taken) if (request.Kind == kind) round.Add(request);
        taken.Clear();
        spare = taken;
        return round.Count > 0;
    }

    // A transaction costs much more than a moment: one with all of them is better than one with the first of them, and another with the rest.
    private void Gather(int last)
    {
        int seen = 0;
        for (int looks = 0; looks < Looks;)
        {
            int count;
            lock (gate) count = waiting.Count;
            if (count >= last) return;
            looks = count > seen ? 0 : looks + 1;
            seen = count;
            Thread.Yield();
        }
    }
}
