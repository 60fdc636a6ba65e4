namespace Sluice.Producers;

/// <summary>
/// The current connection of each client. A client that connects again has given up its earlier connection, which is cancelled.
/// </summary>
/// <remarks>Thread-safe. The store fences connections of other processes.</remarks>
internal sealed class TcpClients
{
    private readonly Lock sync = new();
    private readonly Dictionary<string, CancellationTokenSource> present = new(StringComparer.Ordinal);

    /// <summary>Registers a connection until the result is disposed.</summary>
    /// <param name="client">The client's id; null if it has none.</param>
    /// <param name="life">Cancelled when the client connects again.</param>
    public IDisposable? Enter(string? client, CancellationTokenSource life)
    {
        if (client is null) return null;
        lock (sync)
        {
            // Leaving takes the same lock, so `before` is not disposed yet. CancelAsync runs callbacks elsewhere.
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
                if (clients.present.TryGetValue(client, out CancellationTokenSource? present) && present == life)
                    clients.present.Remove(client);
            }
        }
    }
}
