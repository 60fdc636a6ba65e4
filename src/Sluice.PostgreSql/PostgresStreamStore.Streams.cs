using System.Text;

namespace Sluice.PostgreSql;

public sealed partial class PostgresStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default)
    {
        if (disposal.HasBegun) throw DisposedStore.Error(place.Name);
        (string store, int raised) = await runner.DirectAsync(async connection =>
        {
            // After everything was deleted, the store is made again.
            await SchemaSetup.EnsureAsync(connection, sql, place, options.AutoCreate, cancellation).ConfigureAwait(false);
            await using NpgsqlBatch batch = connection.CreateBatch();
            batch.BatchCommands.Add(new(Sql.Begin));
            batch.BatchCommands.Add(sql.Command("UPDATE ~meta SET generation = $1 + 1 WHERE generation <= $1").With(expected));
            batch.BatchCommands.Add(sql.Command("SELECT store, generation FROM ~meta"));
            batch.BatchCommands.Add(new("COMMIT"));
            await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            await row.ReadAsync(cancellation).ConfigureAwait(false);
            (string, int) read = (row.GetString(0), row.GetInt32(1));
            await row.NextResultAsync(cancellation).ConfigureAwait(false);       // committed
            return read;
        }, cancellation).ConfigureAwait(false);
        if (store != id) partitions.Clear();
        runner.ForgetMarks();
        id = store;
        NoteGeneration(raised);
        return raised;
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
                batch.BatchCommands.Add(new(Sql.Begin));
                batch.BatchCommands.Add(StreamCalls.Create(sql, stream, options));
                batch.BatchCommands.Add(new("COMMIT"));
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
        StreamInfo? info = await LookAsync(stream, round => StreamCalls.FindAsync(round, stream), cancellation)
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
            // Both ends, because the plan is made without the prefix: then the server cannot turn starts_with into an end itself, and would
            // read all later names.
            await round.ReadAsync([EndOf(begin) is { } end
                ? sql.Command("SELECT name FROM ~stream WHERE name >= $1 AND name < $2").With(begin).With(end)
                : sql.Command("SELECT name FROM ~stream WHERE name >= $1").With(begin)],
                (_, row) => names.Add(row.GetString(0))).ConfigureAwait(false);
            return [.. names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        }, cancellation).ConfigureAwait(false);

    /// <summary>Returns the first text, in code point order, that is behind all texts with a prefix; null if there is none.</summary>
    private static string? EndOf(string prefix)
    {
        for (string rest = prefix; rest.Length > 0;)
        {
            Rune.DecodeLastFromUtf16(rest, out Rune last, out int length);
            rest = rest[..^length];
            if (last.Value < 0x10FFFF) return rest + new Rune(last.Value == 0xD7FF ? 0xE000 : last.Value + 1);
        }
        return null;
    }

    /// <inheritdoc/>
    public override ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(end);
        return CallAsync(2, true, needs => needs.Streams.Add(stream), round => new ValueTask<StreamEnd>(
            StreamCalls.End(round, round.Stream(stream), end)), cancellation);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default)
    {
        bool existed = await CallAsync(2, true, needs => needs.Streams.Add(stream), async round =>
        {
            bool existed = await StreamCalls.DeleteAsync(round, stream).ConfigureAwait(false);
            round.Changes.Add(stream);
            return existed;
        }, cancellation).ConfigureAwait(false);
        Forget(stream);
        return existed;
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        using IDisposable? waiter = poller?.Wait(stream);
        return await changes.WaitForChangeAsync(stream, after, () => RequireAsync(stream, cancellation), cancellation)
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
    {
        using IDisposable? waiter = poller?.Wait(stream);
        return await changes.WaitForEntriesAsync(stream, partitions, after, () => RequireAsync(stream, cancellation), cancellation)
            .ConfigureAwait(false);
    }

    // Finding a stream makes it known.
    private async ValueTask RequireAsync(string stream, CancellationToken cancellation)
    {
        if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null) throw NoStream(stream);
    }

    /// <inheritdoc/>
    /// <remarks>The server's time, but never before a time that a call of this store object has seen.</remarks>
    public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => LookAsync(static _ => { }, round => new ValueTask<DateTimeOffset>(
            new DateTimeOffset(Math.Max(round.Now, Volatile.Read(ref latest)), TimeSpan.Zero)), cancellation);

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
