using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>The store's time after the server's clock was wrong: it goes on, and never back.</summary>
public sealed class ServerTimeTests(SharedServer server)
{
    private static readonly GroupId Main = new("orders", "main");
    private static readonly TimeSpan Wrong = TimeSpan.FromHours(2);
    private readonly string schema = SharedServer.NewSchema();
    private DateTimeOffset now = DateTimeOffset.UtcNow;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RetriesGoOnWhenTheServersClockHasGoneBack(bool isTakenOver)
    {
        await using PostgresStreamStore first = await OpenAsync();
        Ownership owner = (await first.AcquireAsync(Main, 0, new("member"), Cancellation)).Ownership;
        await AppendAsync(first, 1);
        Assert.Single((await first.LeaseAsync(new([owner]), Cancellation)).Batches);
        now += Wrong;
        await first.CommitAsync(new(owner, 1) { Deferred = [new(1, 1, TimeSpan.FromSeconds(1))] }, Cancellation);
        DateTimeOffset latest = await first.GetTimeAsync(Cancellation);
        now -= Wrong;

        await using PostgresStreamStore other = await OpenAsync();
        PostgresStreamStore store = isTakenOver ? other : first;
        int seconds = 0;
        while (!(await store.LeaseAsync(new([owner]), Cancellation)).Batches.Any())
        {
            now += TimeSpan.FromSeconds(1);
            Assert.True(++seconds < 5, $"{seconds} s after the clock has gone back, the retry is not due.");
        }
        Assert.InRange(await store.GetTimeAsync(Cancellation), latest, latest + TimeSpan.FromSeconds(10));
    }

    /// <summary>A clock that was put right leaves no trace once it has passed the latest time.</summary>
    [Fact]
    public async Task TheServersTimeCountsAgainWhenItHasCaughtUp()
    {
        await using PostgresStreamStore store = await OpenAsync();
        now += Wrong;
        await AppendAsync(store, 1);
        now -= Wrong;
        DateTimeOffset before = now;
        await AppendAsync(store, 2);
        now += TimeSpan.FromMinutes(1);
        await AppendAsync(store, 3);
        await AppendAsync(store, 4);
        Assert.Equal(before + Wrong + TimeSpan.FromMinutes(1), await store.GetTimeAsync(Cancellation));
        now = before + Wrong + TimeSpan.FromMinutes(2);
        Assert.Equal(now, await store.GetTimeAsync(Cancellation));
        await AppendAsync(store, 5);
        now += TimeSpan.FromMinutes(1);
        await AppendAsync(store, 6);
        Assert.Equal(now, await store.GetTimeAsync(Cancellation));
    }

    /// <summary>The answer to a round may be read after the answer to a later one.</summary>
    [Fact]
    public void ATimeThatWasToldBeforeTheClockWentBackIsNotAddedTo()
    {
        const long Hour = TimeSpan.TicksPerHour;
        var clock = new ServerClock();
        long early = TimeProvider.System.GetTimestamp();
        Assert.Equal(3 * Hour, clock.Tell(early, 0, 3 * Hour, seen: 0));
        Assert.Equal(3 * Hour, clock.Tell(TimeProvider.System.GetTimestamp(), 0, Hour, seen: 3 * Hour));
        Assert.Equal(3 * Hour, clock.Tell(early, 0, (3 * Hour) - 1, seen: 0));
        Assert.Equal(4 * Hour, clock.Tell(TimeProvider.System.GetTimestamp(), 0, 2 * Hour, seen: 0));
    }

    private async Task<PostgresStreamStore> OpenAsync()
    {
        PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema, ServerTime = () => now },
            Cancellation);
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Main, cancellation: Cancellation);
        return store;
    }

    private static async Task AppendAsync(PostgresStreamStore store, int sequence)
    {
        using var batch = new EntryBatch();
        batch.Add("entry"u8);
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new("orders", "p", 0, sequence, batch), Cancellation)).Status);
    }
}
