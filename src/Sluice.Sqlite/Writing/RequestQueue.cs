namespace Sluice.Sqlite;

/// <summary>
/// The queue of calls for the writer's thread. All calls that arrive during a transaction form the next round, but for commits with too
/// many functions of items: they wait for a later one.
/// </summary>
internal sealed class RequestQueue
{
    private const int MaxFunctions = 100;            // of one round, unless a single request has more
    private const int Looks = 20;                    // the number of unsuccessful looks before a round starts

    private readonly object gate = new();
    private List<Request> waiting = [];
    private List<Request> spare = [];                // the second of two lists that alternate
    private bool isWaiting;                          // the writer waits for a first request
    private string? closed;                          // the store's name, once closed

    /// <summary>Adds a request, from any thread.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Gives the request up while it waits.</param>
    /// <returns>The answer; an <see cref="ObjectDisposedException"/> if the queue is closed.</returns>
    public Task<T> CallAsync<T>(Request<T> request, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);

        // Registered first: an answer that came before the registration would not remove it, and the token may live for long.
        if (cancellation.CanBeCanceled)
            request.GivingUp = cancellation.UnsafeRegister(static (state, token) => ((Request<T>)state!).GiveUp(token), request);
        string? store;
        lock (gate)
        {
            store = closed;
            if (store is null)
            {
                waiting.Add(request);
                if (isWaiting && waiting.Count == 1) Monitor.Pulse(gate);
            }
        }
        if (store is not null) request.Fail(DisposedStore.Error(store));
        return request.Task;
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
        PutBack(round);
        return round.Count > 0;
    }

    // The first request with functions stays, however many it has: it could never run otherwise.
    private void PutBack(List<Request> round)
    {
        int functions = 0;
        foreach (Request request in round) functions += request.Functions;
        if (functions <= MaxFunctions) return;
        List<Request> back = [];
        functions = 0;
        int kept = 0;
        for (int at = 0; at < round.Count; at++)
        {
            Request request = round[at];
            bool isFirst = functions == 0;
            functions += request.Functions;
            if (request.Functions == 0 || isFirst || functions <= MaxFunctions) round[kept++] = request;
            else back.Add(request);
        }
        round.RemoveRange(kept, round.Count - kept);
        lock (gate) waiting.InsertRange(0, back);
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
