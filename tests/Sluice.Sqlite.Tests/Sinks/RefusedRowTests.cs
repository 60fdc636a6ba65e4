using Sluice.Diagnostics;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// Rows that a table refuses: NOT NULL, CHECK, a type, a duplicate key, a failing function. Only the item of the row fails; all other rows
/// are written once.
/// </summary>
public sealed class RefusedRowTests : IDisposable
{
    private const string Create =
        "CREATE TABLE IF NOT EXISTS word(text TEXT NOT NULL UNIQUE, length INTEGER CHECK(typeof(length) = 'integer' AND length < 100), "
        + "doc TEXT CHECK(doc IS NULL OR json_extract(doc, '$.a') IS NOT NULL))";
    private const string Insert = "INSERT INTO word VALUES(?1, ?2, ?3)";

    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task ARefusedRowBecomesADeadLetterAndTheOthersAreWritten(bool isInStore, bool hasKeys)
    {
        string path = directory.File(isInStore ? "store.db" : "words.db");
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process,
            cancellation: Cancellation))
        {
            await using var words = new Consecutor<int>("words",
                source => source | ((isInStore ? SqliteSink.InStore<int>(Insert, Row, Create)
                    : SqliteSink.InDatabase<int>(path, Insert, "DELETE FROM word WHERE text = ?1", Row, Create)) | Stage.Named("table")),
                new()
                {
                    Store = store,
                    Process = new(),
                    Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                    Stream = new() { Partitions = 1 }
                })
            { Key = hasKeys ? static n => $"{n % 3}" : null };
            await words.SendAllAsync([.. Enumerable.Range(0, 300)], Cancellation);
            await words.StartAsync(Cancellation);
            ConsecutorSnapshot end = await words.WaitForIdleAsync(Cancellation);
            Assert.Equal((295L, 5L, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
            DeadLetter[] letters = [.. (await words.ListDeadLettersAsync(Cancellation)
                .ToListAsync(Cancellation)).OrderBy(static letter => letter.Item)];
            Assert.Equal([30, 60, 90, 120, 150], letters.Select(static letter => (int)letter.Item!));
            Assert.All(letters, static letter => Assert.Equal(("table", 2), (letter.Node, letter.Attempts)));
            string[] why = ["(NULL, 1, NULL) was refused: NOT NULL constraint failed: word.text", "('w60', 100, NULL) was refused: CHECK",
                "('w90', 'long', NULL) was refused: CHECK",
                "('w1', 1, NULL) was refused: UNIQUE constraint failed: word.text", "('w150', 1, '{') was refused: malformed JSON"];
            for (int i = 0; i < why.Length; i++) Assert.Contains(why[i], letters[i].Error, StringComparison.Ordinal);
        }
        using Database database = Database.Open(path, readOnly: true);
        Assert.Equal("295 295", database.Ask("SELECT count(*) || ' ' || count(DISTINCT text) FROM word"));
    }

    /// <summary>SQLite would end a text at a zero character, store NaN as null, and half a surrogate pair as another character.</summary>
    [Theory]
    [InlineData("a0b", "Value 2 is a text with the character U+0000 at 1, which SQLite cannot store.")]
    [InlineData("abh", "Value 2 is a text with the character U+D800 at 2, which SQLite cannot store.")]
    [InlineData(double.NaN, "Value 2 is NaN, which SQLite would store as null. Give null if that is meant.")]
    [InlineData(float.NaN, "Value 2 is NaN, which SQLite would store as null. Give null if that is meant.")]
    public void AValueThatWouldBecomeAnotherOneIsRefused(object value, string why)
    {
        if (value is string text) value = text.Replace('0', '\0').Replace('h', '\uD800');
        var failure = Assert.Throws<ArgumentException>(() => new SqliteWrites().Add("INSERT INTO word VALUES(?, ?)", 1, value));
        Assert.StartsWith(why, failure.Message, StringComparison.Ordinal);
        failure = Assert.Throws<ArgumentException>(() => RowValues.Check([1, value]));
        Assert.StartsWith(why.Replace("Value 2", "Value 2 of a row", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, new SqliteWrites().Add("INSERT INTO word VALUES(?, ?)", double.PositiveInfinity, "\ud83d\ude00").Count);
    }

    /// <summary>
    /// A missing table is not the fault of an item: no item becomes a dead letter, and the commit is repeated until the table is back.
    /// </summary>
    [Fact]
    public async Task ACommitWaitsForAMissingTable()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process,
            cancellation: Cancellation);
        await using var words = new Consecutor<int>("words",
            source => source | SqliteSink.InStore<int>(Insert, static n => [$"w{n}", 1, null], Create),
            new()
            {
                Store = store,
                Process = new(),
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                Stream = new() { Partitions = 1 }
            });
        await words.StartAsync(Cancellation);
        await words.SendAsync(1, Cancellation);
        await words.WaitForIdleAsync(Cancellation);
        await store.ExecuteAsync(new SqliteWrites().Add("ALTER TABLE word RENAME TO away"), Cancellation);
        await words.SendAsync(2, Cancellation);
        while (words.Snapshot().Problem is null)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        Assert.Equal(0, words.Snapshot().Dead);
        await store.ExecuteAsync(new SqliteWrites().Add("ALTER TABLE away RENAME TO word"), Cancellation);
        ConsecutorSnapshot end = await words.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 0L), (end.Completed, end.Dead));
    }

    public void Dispose() => directory.Dispose();

    private static object?[] Row(int n) => n switch
    {
        30 => [null, 1, null],
        60 => ["w60", 100, null],
        90 => ["w90", "long", null],
        120 => ["w1", 1, null],
        150 => ["w150", 1, "{"],
        _ => [$"w{n}", 1, null],
    };
}
