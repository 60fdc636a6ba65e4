using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>A sink that writes rows to a schema of the shared server. A dictionary plays the store.</summary>
public abstract class DatabaseSink(SharedServer server) : IAsyncLifetime
{
    protected const string Create = "CREATE TABLE IF NOT EXISTS word(text text PRIMARY KEY, length int NOT NULL CHECK (length < 9), "
        + "raw bytea)";
    protected const string Insert = "INSERT INTO word VALUES($1, $2, $3)";
    protected const string Delete = "DELETE FROM word WHERE text = $1 AND length = $2";

    protected string Schema { get; } = SharedServer.NewSchema();
    protected Dictionary<string, long> Stored { get; } = new(StringComparer.Ordinal);

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected string Address => $"{server.Address};Search Path={Schema}";

    public async ValueTask InitializeAsync() => await server.Server.AskAsync($"CREATE SCHEMA {Schema} AUTHORIZATION sluice");

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    protected SharedServer Shared => server;

    private protected Task<TransactionalSink<object?[]>> BeginAsync(bool adopt = false, int[]? partitions = null)
        => BeginAsync(Sink(Insert, Delete, Create, adopt), partitions);

    private protected PostgresDatabase Sink(string insert, string delete, string create, bool adopt = false)
        => new(() => DataSources.Make(Address, new()), true, "here", new(insert), delete, create, adopt);

    private protected async Task<TransactionalSink<object?[]>> BeginAsync(TransactionalSink<object?[]> sink, int[]? partitions = null)
    {
        try
        {
            await sink.Begin(new("books", "words", null, FileNames.Select("words", [Stored]), TimeProvider.System)
            { Partitions = partitions ?? [0] }, Cancellation);
            return sink;
        }
        catch
        {
            await sink.End();
            throw;
        }
    }

    private protected async Task CommitAsync(TransactionalSink<object?[]> sink, string[] words, int partition = 0)
    {
        var parts = new CommitParts(partition);
        SinkCommit<object?[]> commit = Commit(words, parts);
        await sink.Prepare(commit, default);
        Store(parts);
        await sink.Finish(commit, true, default);
    }

    private protected void Store(CommitParts parts)
    {
        foreach (FileLength file in parts.FileLengths) Stored[file.Name] = file.Length;
    }

    private protected static SinkCommit<object?[]> Commit(string[] words, CommitParts parts)
        => new(parts, "words", [.. words.Select((word, i) => new StagedItem<object?[]>(Row(word), $"{i}", 1, 0))]);

    private protected static object?[] Row(string word) => [word, word.Length, word.Length == 1 ? null : "raw"u8.ToArray()];

    private protected async Task<string[]> RowsAsync()
        => (string[])(await server.Server.AskAsync($"SELECT coalesce(array_agg(text ORDER BY text COLLATE \"C\"), '{{}}') FROM "
            + $"{Schema}.word"))!;
}
