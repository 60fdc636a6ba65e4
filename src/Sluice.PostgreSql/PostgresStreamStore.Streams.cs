namespace Sluice.PostgreSql;

public sealed partial class PostgresStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        (string store, int raised) = await runner.DirectAsync(async connection =>
        {
            // After everything was deleted, the store is made again.
            await SchemaSetup.EnsureAsync(connection, sql, place, options.AutoCreate, cancellation).ConfigureAwait(false);
            await using NpgsqlBatch batch = connection.CreateBatch();
            batch.BatchCommands.Add(sql.Command("UPDATE ~meta SET generation = $1 + 1 WHERE generation <= $1").With(expected));
            batch.BatchCommands.Add(sql.Command("SELECT store, generation FROM ~meta"));
            await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            await row.ReadAsync(cancellation).ConfigureAwait(false);
            return (row.GetString(0), row.GetInt32(1));
        }, cancellation).ConfigureAwait(false);
        if (store != id) partitions.Clear();
        id = store;
        return generation = raised;
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(stream);
        options ??= new();
        options.Check();
        StreamInfo? found = await FindStreamAsync(stream, cancellation).ConfigureAwait(false);
        for (int tries = 0; found is null && tries < 10; tries++)
        {
            await runner.DirectAsync(async connection =>
            {
                await using NpgsqlBatch batch = connection.CreateBatch();
                batch.BatchCommands.Add(StreamCalls.Create(sql, stream, options));
                return await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
            }, cancellation).ConfigureAwait(false);
            found = await FindStreamAsync(stream, cancellation).ConfigureAwait(false);
        }
        StreamInfo info = found ?? throw NoStream(stream);
        StoreRules.CheckPartitions(stream, info.Options.Partitions, options.Partitions);
        return info;
    }

    /// <inheritdoc/>
    public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        StreamInfo? info = await LookAsync(needs => needs.Streams.Add(stream), round => StreamCalls.FindAsync(round, stream), cancellation)
            .ConfigureAwait(false);
        if (info is null) Forget(stream);
        else Know(info);
        return info;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default)
        => await LookAsync<IReadOnlyList<string>>(static _ => { }, async round =>
        {
            List<string> names = [];
            string begin = prefix.Length > 0 && char.IsHighSurrogate(prefix[^1]) ? prefix[..^1] : prefix;
            await round.ReadAsync([sql.Command("SELECT name FROM ~stream WHERE name >= $1 AND starts_with(name, $1)").With(begin)],
                (_, row) => names.Add(row.GetString(0))).ConfigureAwait(false);
            return [.. names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        }, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(end);
        return CallAsync(2, true, needs => needs.Streams.Add(stream), round => new ValueTask<StreamEnd>(
            StreamCalls.End(round, round.Stream(stream), end)), cancellation);
    }

    /// <inheritdoc/>
    public override async ValueTask DeleteStreamAsync(string stream, CancellationToken cancellation = default)
    {
        await CallAsync(2, true, needs => needs.Streams.Add(stream), async round =>
        {
            await StreamCalls.DeleteAsync(round, stream).ConfigureAwait(false);
            round.Changes.Add(stream);
            return true;
        }, cancellation).ConfigureAwait(false);
        Forget(stream);
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        using IDisposable? waiter = poller?.Wait(stream);
        (long? count, Task? change) = changes.Look(stream, after);
        if (count is null && change is null)
        {
            if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null) throw NoStream(stream);
            (count, change) = changes.Look(stream, after);
        }
        if (change is not null)
        {
            await change.WaitAsync(cancellation).ConfigureAwait(false);
            (count, _) = changes.Look(stream, -1);
        }
        return count ?? throw new StreamStoreException($"The stream {stream} was deleted.") { Stream = stream };
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        using IDisposable? waiter = poller?.Wait(stream);
        long? count = await changes.WaitForEntriesAsync(stream, partitions, after, cancellation).ConfigureAwait(false);
        if (count is not null) return count.Value;
        if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null) throw NoStream(stream);
        return await changes.WaitForEntriesAsync(stream, partitions, after, cancellation).ConfigureAwait(false)
            ?? throw new StreamStoreException($"The stream {stream} was deleted.") { Stream = stream };
    }

    /// <inheritdoc/>
    public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => LookAsync(static _ => { }, async round =>
        {
            long latest = round.Now;
            await round.ReadAsync([sql.Command("SELECT COALESCE(max(time), 0) FROM ~stream")],
                (_, row) => latest = Math.Max(latest, row.GetInt64(0))).ConfigureAwait(false);
            return new DateTimeOffset(latest, TimeSpan.Zero);
        }, cancellation);

    /// <inheritdoc/>
    /// <remarks>One transaction for each stream. Entries appended or trimmed meanwhile may or may not be counted.</remarks>
    public override async ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default)
    {
        long entries = 0;
        List<string> problems = [];
        foreach (string stream in await ListStreamsAsync("", cancellation).ConfigureAwait(false))
            try
            {
                entries += await LookAsync(needs => needs.Streams.Add(stream), async round => round.FindStream(stream) is { } found
                    ? await CheckCalls.StreamAsync(round, found, problems).ConfigureAwait(false) : 0, cancellation).ConfigureAwait(false);
            }
            catch (StreamStoreException damage) when (damage.IsPermanent)
            {
                problems.Add(damage.Message);
            }
        return new(entries, problems);
    }

    private static StreamStoreException NoStream(string stream)
        => new($"There is no stream {stream} in this store: open it first (OpenStreamAsync).") { Stream = stream };

    private void Know(StreamInfo info)
    {
        partitions[info.Name] = info.Options.Partitions;
        changes.Know(info.Name);
    }

    private void Forget(string stream)
    {
        partitions.TryRemove(stream, out _);
        changes.Forget(stream);
    }
}
