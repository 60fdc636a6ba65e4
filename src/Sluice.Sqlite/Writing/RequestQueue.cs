namespace Sluice.Sqlite;

/// <summary>The queue of calls for the writer's thread. All calls that arrive during a transaction form the next round.</summary>
internal sealed class RequestQueue
{
    private const int Looks = 20;                    // the number of unsuccessful looks before a round starts

    private readonly object gate = new();
    private List<Request> waiting = [];
    private List<Request> spare = [];                // the second of two lists that alternate
    private bool isWaiting;                          // the writer waits for a first request
    private string? closed;                          // the store's name, once closed

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

    /// <summary>Closes the queue: it accepts no more requests; waiting ones are still taken.</summary>
    public void Close(string store)
    {
        lock (gate)
        {
            closed ??= store;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Waits for requests and takes all of them, in order of their kinds.</summary>
    /// <param name="last">
    /// The number of requests in the last round. Their callers probably call again, so this method waits a moment for as many.
    /// </param>
    /// <param name="wait">The maximum time to wait for a first request.</param>
    /// <param name="round">Receives the requests. Empty before the call, and after it if none came in time.</param>
    /// <returns>False once the queue is closed and empty.</returns>
    public bool Take(int last, TimeSpan wait, List<Request> round)
    {
        lock (gate)
        {
            isWaiting = true;
            while (waiting.Count == 0 && closed is null)
            {
                if (Monitor.Wait(gate, wait)) continue;
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

    // A transaction costs much more than a short wait: one round for all callers is better than two.
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
