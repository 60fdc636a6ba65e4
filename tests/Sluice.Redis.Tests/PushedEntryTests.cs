using System.Text;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>
/// The message that wakes a reader carries a short entry, so the reader need not ask the server. Each test has its own server and counts
/// its calls.
/// </summary>
public sealed class PushedEntryTests : IAsyncLifetime
{
    private readonly TestClock clock = new();
    private RedisServer? server;
    private RedisStreamStore? here, there;           // the store of the reader, and the store of the producer

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private RedisStreamStore Here => here!;

    private RedisStreamStore There => there!;

    public async ValueTask InitializeAsync()
    {
        server = await RedisServer.StartAsync();
        here = await RedisStreamStore.ConnectAsync(server.Address, Patient.Options with { Time = clock }, Cancellation);
        there = await RedisStreamStore.ConnectAsync(server.Address, Patient.Options, Cancellation);
        await here.OpenStreamAsync(Rows.Orders, new() { Partitions = 1 }, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (here is not null) await here.DisposeAsync();
        if (there is not null) await there.DisposeAsync();
        if (server is not null) await server.DisposeAsync();
    }

    [Fact]
    public async Task APushedEntryEqualsTheStoredOne()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        using EntryBatch batch = new() { Stream = Rows.Orders, CodeVersion = 7, FlowVersion = 3 };
        batch.Add("one"u8, EntryKey.Of("key"), "of one"u8);
        batch.Add([], default, []);
        batch.Add("three"u8);

        await PushAsync(batch);

        (long calls, ReadResult pushed) = await CountAsync(() => Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation));
        ReadResult read = await There.ReadAsync(new(Rows.Orders, 0, 1), Cancellation);
        Assert.Equal(0, calls);
        Assert.Equal(4, pushed.Next);
        Assert.Null(pushed.End);
        Assert.Equal(Show(read), Show(pushed));
    }

    /// <summary>Channels know no databases: the live store and the test store of a server may have one prefix.</summary>
    /// <remarks>Regression: the reader got the entry of the other store, and never its own.</remarks>
    [Fact]
    public async Task AnEntryOfAnotherStoreWithThisPrefixIsNotTaken()
    {
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync($"{server!.Address},defaultDatabase=1", Patient.Options,
            Cancellation);
        await other.OpenStreamAsync(Rows.Orders, new() { Partitions = 1 }, Cancellation);
        await other.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        long seen = await Here.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        Assert.Empty((await Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation)).Entries.ToArray());
        Task<long> waiting = Here.WaitForChangeAsync(Rows.Orders, seen, Cancellation).AsTask();
        using (EntryBatch batch = Rows.Batch("of the other store"))
            await other.AppendAsync(new(Rows.Orders, "p", 0, 1, batch), Cancellation);
        await waiting;                               // a wake-up in vain is harmless

        Assert.Equal((1, ""), await ReadAsync(1));
        await PushAsync(Rows.Batch("own"));
        Assert.Equal((0, "own"), await ReadAsync(1));
    }

    /// <summary>As earlier versions send it.</summary>
    [Fact]
    public async Task APushWithoutTheIdOfItsStoreOnlyWakes()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        long seen = await Here.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        Assert.Empty((await Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation)).Entries.ToArray());
        Task<long> waiting = Here.WaitForChangeAsync(Rows.Orders, seen, Cancellation).AsTask();
        using EntryBatch batch = Rows.Batch("a payload that is longer than the id of a store");
        await PublishAsync(1, batch.RecordAt(0).ToArray());
        await waiting;
        Assert.Equal((1, ""), await ReadAsync(1));
    }

    /// <summary>An option of the client, for channels that it names itself.</summary>
    /// <remarks>Regression: nothing woke a reader but its next look.</remarks>
    [Fact]
    public async Task AChannelPrefixOfTheClientKeepsNoMessageAway()
    {
        await using RedisStreamStore prefixed = await RedisStreamStore.ConnectAsync($"{server!.Address},channelPrefix=app:",
            Patient.Options with { Time = clock }, Cancellation);
        long seen = await prefixed.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        Task<long> waiting = prefixed.WaitForChangeAsync(Rows.Orders, seen, Cancellation).AsTask();
        using (EntryBatch batch = Rows.Batch("one")) await There.AppendAsync(new(Rows.Orders, "p", 0, 1, batch), Cancellation);
        await waiting.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
    }

    [Fact]
    public async Task APushedEntryIsHandedOutOnce()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        await PushAsync(Rows.Batch("one"));

        Assert.Equal((0, "one"), await ReadAsync(1));
        Assert.Equal((1, "one"), await ReadAsync(1));
        Assert.Equal((1, ""), await ReadAsync(2));
    }

    [Fact]
    public async Task AReadRespectsMaxItemsForPushedEntries()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        await PushAsync(Rows.Batch("one", "two"));

        ReadResult read = await Here.ReadAsync(new(Rows.Orders, 0, 1) { MaxItems = 1 }, Cancellation);

        Assert.Equal(2, read.Next);
        Assert.Equal((1, "two"), await ReadAsync(2));
    }

    [Fact]
    public async Task ALongEntryIsReadFromTheServer()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        await PushAsync(Rows.Batch(new string('x', 1_000)));
        Assert.Equal((1, new string('x', 1_000)), await ReadAsync(1));
    }

    [Fact]
    public async Task AnEntryIsNotPushedWithoutAReader()
    {
        await Here.AddGroupAsync(Rows.Main, cancellation: Cancellation);
        await PushAsync(Rows.Batch("one"));
        Assert.Equal((1, "one"), await ReadAsync(1));
    }

    [Fact]
    public async Task APushedEntryExpiresAfterASecond()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        await PushAsync(Rows.Batch("one"));
        await There.DeleteStreamAsync(Rows.Orders, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(1.1));
        await Assert.ThrowsAsync<StreamStoreException>(() => Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation).AsTask());
    }

    [Fact]
    public async Task APushedEntryOfADeletedStreamIsNotReturned()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        await PushAsync(Rows.Batch("one"));
        await Here.DeleteStreamAsync(Rows.Orders, Cancellation);
        await Assert.ThrowsAsync<StreamStoreException>(() => Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation).AsTask());
    }

    [Theory]
    [InlineData(1, "no record at all, but rather long")]
    [InlineData(2_000_000_000, "")]
    [InlineData(-1, "x")]
    public async Task ADamagedPushIsIgnoredAndTheServerIsAsked(int count, string records)
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        long seen = await Here.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        Assert.Empty((await Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation)).Entries.ToArray());
        Task<long> waiting = Here.WaitForChangeAsync(Rows.Orders, seen, Cancellation).AsTask();
        await PublishAsync(count, Encoding.UTF8.GetBytes(records + "\0"));
        await waiting;
        Assert.Equal((1, ""), await ReadAsync(1));
    }

    [Theory]
    [InlineData("\u00011,-1")]
    [InlineData("\u0001500000000")]
    [InlineData("\u0001x")]
    [InlineData("\0ab")]
    [InlineData("\0")]
    public async Task ADamagedMessageWakesAllCallers(string rest)
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        long seen = await Here.WaitForEntriesAsync(Rows.Orders, [0], -1, Cancellation);
        Task<long> waiting = Here.WaitForEntriesAsync(Rows.Orders, [0], seen, Cancellation).AsTask();
        await There.Connection.Database.ExecuteAsync("PUBLISH", There.Connection.Channel, Encoding.UTF8.GetBytes(Rows.Orders + rest));
        Assert.True(await waiting > seen);
    }

    [Fact]
    public async Task ADisposedStoreReturnsNoPushedEntry()
    {
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        await PushAsync(Rows.Batch("one"));
        await Here.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation).AsTask());
    }

    [Fact]
    public async Task PushedAndReadEntriesArriveOnceAndInOrder()
    {
        const int Appends = 400, Producers = 3;
        await Here.OpenReaderAsync(Rows.Orders, "reader", cancellation: Cancellation);
        Task[] producing = [.. Enumerable.Range(0, Producers).Select(p => ProduceAsync($"p{p}", Appends, new Random(p)))];

        List<string> seen = [];
        long wakes = 0, calls = await There.CallsAsync();
        for (long next = 1, change = -1; seen.Count(text => text.EndsWith('.')) < Appends * Producers;)
        {
            ReadResult read = await Here.ReadAsync(new(Rows.Orders, 0, next), Cancellation);
            Assert.Equal(0, read.Missed);
            next = read.Next;
            foreach (Entry entry in read.Entries.ToArray())
            {
                seen.Add(Encoding.UTF8.GetString(entry.Payload.Span));
                Assert.Equal(seen.Count, entry.Sequence);
            }
            if (read.Entries.Length > 0) continue;
            wakes++;
            change = await Here.WaitForChangeAsync(Rows.Orders, change, Cancellation);
        }
        await Task.WhenAll(producing);

        ReadResult all = await There.ReadAsync(new(Rows.Orders, 0, 1) { MaxItems = 100_000, MaxBytes = int.MaxValue }, Cancellation);
        Assert.Equal(all.Entries.ToArray().Select(entry => Encoding.UTF8.GetString(entry.Payload.Span)), seen);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{seen.Count} entries, {wakes} wakes, {await There.CallsAsync() - calls - (Appends * Producers)} other calls");
    }

    // The last entry of an append ends with a dot.
    private async Task ProduceAsync(string producer, int appends, Random random)
    {
        long sequence = 0, epoch = (await There.OpenProducerAsync(Rows.Orders, producer, Cancellation)).Epoch;
        for (int i = 0; i < appends; i++)
        {
            string[] texts = [.. Enumerable.Range(0, random.Next(3))
                .Select(n => $"{producer} {i} {n} {new string('x', random.Next(random.Next(3) == 0 ? 2_000 : 100))}"), $"{producer} {i}."];
            using EntryBatch batch = Rows.Batch(texts);
            AppendResult appended = await There.AppendAsync(new(Rows.Orders, producer, epoch, sequence + 1, batch), Cancellation);
            Assert.Equal(AppendStatus.Accepted, appended.Status);
            sequence = appended.Last;
        }
    }

    // A waiting reader is woken by an append.
    private async Task PushAsync(EntryBatch batch)
    {
        long seen = await Here.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        Assert.Empty((await Here.ReadAsync(new(Rows.Orders, 0, 1), Cancellation)).Entries.ToArray());
        Task<long> waiting = Here.WaitForChangeAsync(Rows.Orders, seen, Cancellation).AsTask();
        using (batch) await There.AppendAsync(new(Rows.Orders, "p", 0, 1, batch), Cancellation);
        await waiting;
    }

    /// <summary>Sends a message with what could be entries.</summary>
    private async Task PublishAsync(int count, byte[] records)
    {
        using var message = new MemoryStream();
        using (var writer = new BinaryWriter(message, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Encoding.UTF8.GetBytes(Rows.Orders + "\0"));
            writer.Write(0);
            writer.Write(count);
            writer.Write(1L);
            writer.Write(count < 0 ? long.MaxValue : 0L);
            writer.Write(1);
            writer.Write(records);
        }
        await There.Connection.Database.ExecuteAsync("PUBLISH", There.Connection.Channel, message.ToArray());
    }

    private async Task<(long Calls, string Text)> ReadAsync(long from)
    {
        (long calls, ReadResult read) = await CountAsync(() => Here.ReadAsync(new(Rows.Orders, 0, from), Cancellation));
        return (calls, string.Join(' ', read.Entries.ToArray().Select(entry => Encoding.UTF8.GetString(entry.Payload.Span))));
    }

    private async Task<(long Calls, ReadResult Read)> CountAsync(Func<ValueTask<ReadResult>> read)
    {
        long before = await There.CallsAsync();
        ReadResult result = await read();
        return (await There.CallsAsync() - before, result);
    }

    private static IEnumerable<string> Show(ReadResult read) => read.Entries.ToArray().Select(entry =>
        $"{entry.Sequence} {entry.Generation} {entry.Time:O} {entry.Key} {entry.CodeVersion} {entry.FlowVersion} {Encoding.UTF8.GetString(entry.Headers.Span)} {Encoding.UTF8.GetString(entry.Payload.Span)} {entry.Attempt}");
}
