namespace Sluice;

/// <summary>Which connection a client has: one who connects again has given up the one before, which may not have noticed yet, and ends.</summary>
/// <remarks>Thread-safe. Other processes are fenced by the store.</remarks>
internal sealed class TcpClients
{
    private readonly Lock sync = new();
    private readonly Dictionary<string, CancellationTokenSource> present = new(StringComparer.Ordinal);

    /// <summary>Enters a connection until the result is disposed.</summary>
    /// <param name="client">Whose it is; null for nobody's.</param>
    /// <param name="life">Cancelled when he connects again.</param>
    public IDisposable? Enter(string? client, CancellationTokenSource life)
    {
        if (client is null) return null;
        lock (sync)
        {
            // Under the lock, under which it also leaves: so it has not been disposed. Who waits with it goes on elsewhere.
            if (present.TryGetValue(client, out CancellationTokenSource? before)) _ = before.CancelAsync();
            present[client] = life;
        }
        return new Place(this, client, life);
    }

    private sealed class Place(TcpClients clients, string client, CancellationTokenSource life) : IDisposable
    {
        public void Dispose()
        {
            lock (clients.sync)
            {
                if (clients.present.TryGetValue(client, out CancellationTokenSource? present) && present == life) clients.present.Remove(client);
            }
        }
    }
}
