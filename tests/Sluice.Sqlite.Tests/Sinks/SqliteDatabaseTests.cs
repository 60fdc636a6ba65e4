using Microsoft.Data.Sqlite;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// A sink that writes rows to another file than the store. A dictionary plays the store, so a test can stop at every step of a commit.
/// </summary>
public sealed partial class SqliteDatabaseTests : IDisposable
{
    private const string Create =
        "CREATE TABLE IF NOT EXISTS word(text TEXT PRIMARY KEY, length INTEGER NOT NULL, share REAL, raw BLOB) WITHOUT ROWID";
    private const string Insert = "INSERT INTO word VALUES(?1, ?2, ?3, ?4)";
    private const string Delete = "DELETE FROM word WHERE text = ?1 AND length = ?2";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("rows-");
    private readonly Dictionary<string, long> stored = new(StringComparer.Ordinal);

    private string FilePath => Path.Combine(directory.FullName, "words.db");

    public void Dispose() => directory.Delete(recursive: true);

    // Step 1: the rows are written, but the store has not committed. Step 2: the store has committed, but the sink is not told. A replay
    // may write fewer or other rows.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task EveryRowIsWrittenOnceWhereverTheProcessDies(int step)
    {
        string[][] batches = [["a", "b"], ["cc"], ["d", "ee", "f"]];
        for (int deadly = 0; deadly < batches.Length; deadly++)
        {
            stored.Clear();
            foreach (FileInfo file in directory.EnumerateFiles()) file.Delete();
            TransactionalSink<object?[]> sink = await BeginAsync();
            for (int i = 0; i < batches.Length; i++)
            {
                if (i == deadly)
                {
                    var parts = new CommitParts(0);
                    await sink.Prepare(Commit(step == 1 ? ["of an attempt that is not the last", .. batches[i]] : batches[i], parts),
                        default);
                    await sink.End();
                    if (step == 2) Store(parts);
                    sink = await BeginAsync();
                    Assert.Equal(batches.Take(i + step - 1).SelectMany(batch => batch).Order(StringComparer.Ordinal), Rows());
                    if (step == 2) continue;
                }
                await CommitAsync(sink, batches[i]);
            }
            await sink.End();
            await (await BeginAsync()).End();
            Assert.Equal(batches.SelectMany(batch => batch).Order(StringComparer.Ordinal), Rows());
        }
    }

    [Fact]
    public async Task AVoidCommitIsUndoneAndTheNextOneSucceeds()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        SinkCommit<object?[]> commit = Commit(["lost", "too"], new(0));
        await sink.Prepare(commit, default);
        Assert.Equal(["a", "lost", "too"], Rows());
        await sink.Finish(commit, false, default);
        Assert.Equal(["a"], Rows());
        await CommitAsync(sink, ["b"]);
        await sink.End();
        Assert.Equal(["a", "b"], Rows());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASinkRefusesToWriteWhileItsFileIsMovedAway(bool isReplaced)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "An open file cannot be moved there.");
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        File.Move(FilePath, FilePath + ".away");
        if (isReplaced) await File.WriteAllTextAsync(FilePath, "", TestContext.Current.CancellationToken);
        for (int attempt = 0; attempt < 2; attempt++)
        {
            var failure = await Assert.ThrowsAsync<IOException>(async () => await sink.Prepare(Commit(["b"], new(0)), default));
            Assert.StartsWith($"{FilePath} is not the file any more that the sink writes to: it was moved", failure.Message,
                StringComparison.Ordinal);
        }
        File.Move(FilePath + ".away", FilePath, overwrite: true);
        await CommitAsync(sink, ["b"]);
        await sink.End();
        Assert.Equal(["a", "b"], Rows());
    }

    [Fact]
    public async Task ACommitWithARefusedRowWritesNoRows()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        SinkCommit<object?[]> commit = Commit(["b", "a"], new(0));
        var failure = await Assert.ThrowsAsync<ItemRejectedException>(() => sink.Prepare(commit, default).AsTask());
        Assert.Contains("UNIQUE constraint failed: word.text", failure.Message, StringComparison.Ordinal);
        await sink.Finish(commit, false, default);
        Assert.Equal(["a"], Rows());
        await CommitAsync(sink, ["b"]);
        await sink.End();
    }

    [Fact]
    public async Task AFileThatDoesNotBelongToTheStoreIsRefused()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        await sink.End();
        File.Copy(FilePath, FilePath + ".old");
        sink = await BeginAsync();
        await CommitAsync(sink, ["b"]);
        await CommitAsync(sink, ["c"]);
        await sink.End();
        long known = stored.Values.Single();

        stored[stored.Keys.Single()] = known - 2;
        Assert.Contains("the store is older than the file", (await Assert.ThrowsAsync<InvalidDataException>(() => BeginAsync())).Message,
            StringComparison.Ordinal);
        stored[stored.Keys.Single()] = known;
        File.Move(FilePath, FilePath + ".new");
        File.Move(FilePath + ".old", FilePath);
        Assert.Contains("has the rows of 1 commits", (await Assert.ThrowsAsync<InvalidDataException>(() => BeginAsync())).Message,
            StringComparison.Ordinal);

        stored.Clear();
        Assert.Contains("with another store", (await Assert.ThrowsAsync<InvalidDataException>(() => BeginAsync())).Message,
            StringComparison.Ordinal);
        sink = await BeginAsync(adopt: true);
        await CommitAsync(sink, ["z"]);
        await sink.End();
        Assert.Equal(["a", "z"], Rows());
    }

    [Fact]
    public async Task TwoSinksOfOneNameCannotShareAFile()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        var failure = await Assert.ThrowsAsync<IOException>(() => BeginAsync());
        Assert.Contains("is locked", failure.Message, StringComparison.Ordinal);
        await sink.End();
    }

    [Fact]
    public async Task RowsInTheStoresOwnFileAreWrittenWithItsCommits()
    {
        string[] words = [.. Enumerable.Range(0, 500).Select(n => $"word {n}")];
        for (int life = 0; life < 2; life++)
        {
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(FilePath, Durability.Process);
            await using var consecutor = new Consecutor<string>("words", source => source | SqliteSink.InStore<string>(Insert, Row, Create),
                new() { Store = store });
            await consecutor.StartAsync(TestContext.Current.CancellationToken);
            await (Source.Resumable("words", words) | consecutor).RunAsync();
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
            Assert.Equal((500L, 500L), (end.Accepted, end.Completed));
            await consecutor.StopAsync();
        }
        Assert.Equal(words.Order(StringComparer.Ordinal), Rows());
    }

    [Fact]
    public async Task ASinkInTheStoreNeedsASqliteStore()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<string>("words", source => source | SqliteSink.InStore<string>(Insert, Row, Create),
            new() { Store = store });
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            consecutor.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("use SqliteSink.InDatabase", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INSRT INTO word VALUES(?1)", Create, "near \"INSRT\": syntax error")]
    [InlineData("INSERT INTO nowhere VALUES(?1, ?2, ?3, ?4)", Create, "no such table: nowhere")]
    [InlineData("INSERT INTO word VALUES(?1)", Create, "table word has 4 columns but 1 values were supplied")]
    [InlineData(Insert, null, "no such table: word")]
    [InlineData(Insert, "CRATE TABLE word(text)", "near \"CRATE\": syntax error")]
    public async Task AnInvalidStatementIsRefusedAtTheStartWithItsNode(string insert, string? create, string message)
    {
        foreach (bool isInStore in (bool[])[true, false])
        {
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(FilePath + ".store", Durability.Process);
            Sink<string> sink = isInStore ? SqliteSink.InStore<string>(insert, Row, create)
                : SqliteSink.InDatabase<string>(FilePath, insert, Delete, Row, create);
            await using var consecutor = new Consecutor<string>("words", source => source | sink | Stage.Named("rows"),
                new() { Store = store });
            var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
                consecutor.StartAsync(TestContext.Current.CancellationToken));
            Assert.Contains("The sink rows of words cannot run its statement", failure.Message, StringComparison.Ordinal);
            Assert.Contains(message, failure.Message, StringComparison.Ordinal);
            Assert.Contains(message.Contains("CRATE", StringComparison.Ordinal) ? create! : insert, failure.Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AnInvalidUndoStatementIsRefusedAtTheStart()
    {
        foreach (string delete in (string[])["DELETE FROM nowhere WHERE text = ?1",
            "DELETE FROM word WHERE text = ?1 AND length = ?2 AND raw = ?5"])
        {
            var sink = new SqliteDatabase(FilePath, new(Insert), delete, Create, adopt: false);
            var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => BeginAsync(sink));
            Assert.Contains(delete, failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARowWithAWrongNumberOfValuesFailsItsItem(bool isInStore)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(FilePath + ".store", Durability.Process);
        Func<string, object?[]> values = word => word switch { "short" => Row(word)[..3], "none" => null!, _ => Row(word) };
        Sink<string> sink = isInStore ? SqliteSink.InStore(Insert, values, Create)
            : SqliteSink.InDatabase(FilePath, Insert, Delete, values, Create);
        await using var consecutor = new Consecutor<string>("words", source => source | sink | Stage.Named("rows"),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        Assert.Equal(["words", "rows"], consecutor.Topology.Nodes.Select(node => node.Name));
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        await consecutor.SendAllAsync(["a", "short", "b", "none"], TestContext.Current.CancellationToken);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        Assert.Equal((2L, 2L), (end.Completed, end.Dead));
        List<string> errors = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(TestContext.Current.CancellationToken))
        {
            Assert.Equal("rows", letter.Node);
            errors.Add(letter.Error);
        }
        Assert.Contains(errors, error => error.Contains($"The row has 3 values, and the statement 4 places for them: {Insert}",
            StringComparison.Ordinal));
        Assert.Contains(errors, error => error.Contains("returned null instead of the values of a row", StringComparison.Ordinal));
    }

    private Task<TransactionalSink<object?[]>> BeginAsync(bool adopt = false)
        => BeginAsync(new SqliteDatabase(FilePath, new(Insert), Delete, Create, adopt));

    private async Task<TransactionalSink<object?[]>> BeginAsync(TransactionalSink<object?[]> sink, bool hasAllPartitions = true,
        string consecutor = "books", string node = "words")
    {
        try
        {
            await sink.Begin(new(consecutor, node, null, FileNames.Select("words", [stored]), TimeProvider.System)
            { HasAllPartitions = hasAllPartitions }, default);
            return sink;
        }
        catch
        {
            await sink.End();
            throw;
        }
    }

    private async Task CommitAsync(TransactionalSink<object?[]> sink, string[] words)
    {
        var parts = new CommitParts(0);
        SinkCommit<object?[]> commit = Commit(words, parts);
        await sink.Prepare(commit, default);
        Store(parts);
        await sink.Finish(commit, true, default);
    }

    private void Store(CommitParts parts)
    {
        foreach (FileLength file in parts.FileLengths) stored[file.Name] = file.Length;
    }

    private static SinkCommit<object?[]> Commit(string[] words, CommitParts parts)
        => new(parts, "words", [.. words.Select((word, i) => new StagedItem<object?[]>(Row(word), $"{i}", 1, 0))]);

    private static object?[] Row(string word) => [word, word.Length, word.Length == 1 ? null : 0.5, "raw"u8.ToArray()];

    private string[] Rows()
    {
        using var connection = new SqliteConnection($"Data Source={FilePath};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT text FROM word ORDER BY text";
        using SqliteDataReader reader = command.ExecuteReader();
        List<string> rows = [];
        while (reader.Read()) rows.Add(reader.GetString(0));
        return [.. rows];
    }
}
