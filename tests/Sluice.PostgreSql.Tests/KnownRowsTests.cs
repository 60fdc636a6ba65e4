using Npgsql;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>Rounds that know their rows: how many there are, and what ends the knowledge.</summary>
public class KnownRowsTests(SharedServer server)
{
    private static readonly GroupId Main = new("orders", "main");
    private readonly string schema = SharedServer.NewSchema();
    private int attempts, compared;

    [Fact]
    public async Task AProcessOfItsOwnReadsNoRowTwice()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await AppendAsync(store, "p", 1, 100);
        Assert.InRange(compared, 95, 100);
        AcquireResult taken = await store.AcquireAsync(Main, 0, new("member"));
        LeaseResult leased = await store.LeaseAsync(new([taken.Ownership]));
        Assert.Equal(Enumerable.Range(1, 100), leased.Batches.SelectMany(static batch => batch.Entries.ToArray()).Select(Number));
    }

    /// <summary>A lease takes blocks from memory until another process writes to the stream; then it reads the store.</summary>
    [Fact]
    public async Task WhatAnotherProcessHasWrittenCounts()
    {
        await using PostgresStreamStore one = await OpenAsync(), other = await OpenAsync();
        AcquireResult taken = await one.AcquireAsync(Main, 0, new("member"));
        for (int i = 0; i < 200; i++)
        {
            await AppendAsync(i % 2 == 0 ? one : other, "p", i + 1, 1);
            LeaseResult leased = await one.LeaseAsync(new([taken.Ownership]));
            Assert.Equal([i + 1], leased.Batches.SelectMany(static batch => batch.Entries.ToArray()).Select(Number));
        }
        // Attempts that fail are errors in the server's log: after a few of them, the rows are read.
        Assert.InRange(attempts - compared, 1, 20);
    }

    [Fact]
    public async Task AFailoverThatLosesARoundEndsTheKnowledgeAlsoIfNoConnectionIsLost()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await AppendAsync(store, "p", 1, 2);
        // A standby that lacks the last round, behind a pooler; another process has appended an entry of its own in its place since.
        await server.Server.AskAsync($"UPDATE {schema}.stream SET stamp = stamp - 1, items = 1; UPDATE {schema}.part SET tail = 1; "
            + $"DELETE FROM {schema}.chunk WHERE first = 2; UPDATE {schema}.producer SET last = 1, last_from = 1");
        await using (PostgresStreamStore other = await OpenAsync()) await AppendAsync(other, "q", 77, 1, sequence: 1);
        AcquireResult taken = await store.AcquireAsync(Main, 0, new("member"));
        LeaseResult leased = await store.LeaseAsync(new([taken.Ownership]));
        Assert.Equal([1, 77], leased.Batches.SelectMany(static batch => batch.Entries.ToArray()).Select(Number));
    }

    [Fact]
    public async Task ATransactionThatHasCommittedComesFirst()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await using var orders = new Consecutor<int>("orders", source => source | (static _ => { }),
            new() { Store = store, Stream = new() { Partitions = 1 } });
        for (int i = 0; i < 10; i++)
        {
            await using (NpgsqlConnection connection = await server.Direct.OpenConnectionAsync())
            await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync())
            {
                await orders.SendAsync(2 * i, transaction);
                await transaction.CommitAsync();
            }
            await orders.SendAsync((2 * i) + 1);
        }
        ReadResult read = await store.ReadAsync(new("orders", 0, 1) { MaxItems = 100 });
        Assert.Equal(Enumerable.Range(0, 20).Select(static number => $"{number}"),
            read.Entries.ToArray().Select(static entry => System.Text.Encoding.UTF8.GetString(entry.Payload.Span)));
    }

    private static int Number(Entry entry) => BitConverter.ToInt32(entry.Payload.Span);

    private static async Task AppendAsync(PostgresStreamStore store, string producer, int first, int count, int? sequence = null)
    {
        for (int i = first; i < first + count; i++)
        {
            using var batch = new EntryBatch();
            batch.Add(BitConverter.GetBytes(i));
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new("orders", producer, 0, sequence ?? i, batch))).Status);
        }
    }

    private async Task<PostgresStreamStore> OpenAsync()
    {
        PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, new()
        {
            Schema = schema,
            Known = async round =>
            {
                Interlocked.Increment(ref attempts);
                await KnownRows.CompareAsync(round);
                Interlocked.Increment(ref compared);
            }
        });
        await store.OpenStreamAsync("orders", new() { Partitions = 1 });
        await store.AddGroupAsync(Main);
        return store;
    }
}

/// <summary>Which streams are known, and when an attempt is worth it.</summary>
public class KnownStreamsTests
{
    private readonly TestClock clock = new();
    private readonly KnownStreams known;

    public KnownStreamsTests() => known = new(clock);

    [Fact]
    public void RowsAreTakenOut()
    {
        Keep("a", 1);
        Assert.Null(known.Take(["a", "b"], 0));
        Assert.Single(known.Take(["a"], 0)!);
        Assert.Null(known.Take(["a"], 0));
    }

    [Fact]
    public void AfterAMissAStreamIsReadForALongerTimeEachTime()
    {
        Keep("a", 1);
        foreach (int pause in (int[])[2, 6, 14, 30, 62, 126, 254, 510, 1022, 1024, 1024])
        {
            known.Miss(["a", "unknown"]);
            Keep("a", 1);
            for (int i = 0; i < pause; i++)
            {
                Assert.Null(known.Take(["a"], 0));
                known.Note(Row("a", 1));
            }
            Assert.NotNull(known.Take(["a"], 0));
            Keep("a", 1);
        }
    }

    [Fact]
    public void APauseBeginsAgainIfOthersGoOnWriting()
    {
        Keep("a", 1);
        known.Miss(["a"]);
        known.Note(Row("a", 1));
        known.Note(Row("a", 9));
        Keep("a", 9);
        known.Note(Row("a", 9));
        Assert.Null(known.Take(["a"], 0));
        known.Note(Row("a", 9));
        Assert.NotNull(known.Take(["a"], 0));
    }

    [Fact]
    public void RowsThatMayBeBehindAreNotUsed()
    {
        StreamRow reserved = Row("a", 1), read = Row("b", 1);
        reserved.ReservedItems = 1;
        read.Readers.Add("r", new() { Id = 1, Name = "r", Options = new(), Expires = 100 });
        known.Keep(reserved, false);
        known.Keep(read, false);
        Assert.Null(known.Take(["a"], 0));
        Assert.Null(known.Take(["b"], 100));
        Assert.NotNull(known.Take(["b"], 99));
    }

    [Fact]
    public void StreamsAndProducersAreLimited()
    {
        for (int i = 0; i < 300; i++) Keep($"s{i}", 1);
        Assert.Equal(256, Enumerable.Range(0, 300).Count(i => known.Take([$"s{i}"], 0) is not null));
        StreamRow row = Row("s0", 1);
        for (int i = 0; i < 300; i++) row.KnownProducers.Add($"p{i}");
        known.Keep(row, true);
        Assert.Empty(row.KnownProducers);
    }

    [Fact]
    public void WhatIsNotUsedForTenSecondsIsRead()
    {
        for (int i = 0; i < 256; i++) Keep($"s{i}", 1);
        clock.Advance(KnownStreams.MaxAge);
        Assert.NotNull(known.Take(["s0"], 0));
        clock.Advance(TimeSpan.FromTicks(1));
        Assert.Null(known.Take(["s1"], 0));
        Keep("late", 1);                             // takes the place of old ones
        Assert.NotNull(known.Take(["late"], 0));
    }

    private void Keep(string name, long stamp) => known.Keep(Row(name, stamp), true);

    private static StreamRow Row(string name, long stamp) => new() { Id = 1, Name = name, Options = new(), Stamp = stamp };
}
