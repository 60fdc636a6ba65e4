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
        long told = TimeProvider.System.GetTimestamp();
        now -= Wrong;

        await using PostgresStreamStore other = await OpenAsync();
        PostgresStreamStore store = isTakenOver ? other : first;
        int seconds = 0;
        while (!(await store.LeaseAsync(new([owner]), Cancellation)).Batches.Any())
        {
            now += TimeSpan.FromSeconds(1);
            Assert.True(++seconds < 5, $"{seconds} s after the clock has gone back, the retry is not due.");
        }
        Assert.InRange(await store.GetTimeAsync(Cancellation), latest, Latest(latest + TimeSpan.FromSeconds(10), told));
    }

    /// <remarks>Formerly a process that came later had the server's time until it had used a stream that was ahead: it found no letter of
    /// the last two hours, and forgot keys too early.</remarks>
    [Fact]
    public async Task AProcessThatComesAfterTheClockHasGoneBackHasTheTimeOfTheOthers()
    {
        await using PostgresStreamStore first = await OpenAsync();
        now += Wrong;
        await AppendAsync(first, 1);
        DateTimeOffset latest = await first.GetTimeAsync(Cancellation);
        long told = TimeProvider.System.GetTimestamp();
        now -= Wrong;
        await using PostgresStreamStore later = await PostgresStreamStore.OpenAsync(server.Address,
            new() { Schema = schema, ServerTime = () => now }, Cancellation);
        Assert.InRange(await later.GetTimeAsync(Cancellation), latest, Latest(latest + TimeSpan.FromSeconds(10), told));
        now += TimeSpan.FromMinutes(1);
        Assert.InRange(await later.GetTimeAsync(Cancellation), latest, Latest(latest + TimeSpan.FromMinutes(2), told));
    }

    /// <summary>A clock that was put right, in one step or in several, does not move the store's time ahead.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 0.01)]                            // so many seconds too few
    [InlineData(0, 1.5)]
    [InlineData(0, -1.5)]
    [InlineData(1, 0)]
    [InlineData(1, 3)]
    [InlineData(7, 0.5)]
    public void AClockThatIsPutRightDoesNotMoveTheTimeAhead(int steps, double late)
    {
        const long Hour = TimeSpan.TicksPerHour;
        long passed = 0, server = 20 * Hour, seen = 0;
        var clock = new ServerClock();
        Tell(TimeSpan.Zero);
        long first = seen;
        server -= 8 * Hour;
        Tell(TimeSpan.FromSeconds(1));
        for (int step = 0; step < steps; step++)
        {
            server += Hour;
            Tell(TimeSpan.FromSeconds(1));
        }
        server += ((8 - steps) * Hour) - (long)(late * TimeSpan.TicksPerSecond);
        for (int minute = 0; minute < 5; minute++) Tell(TimeSpan.FromMinutes(1));
        Assert.InRange((seen - first - passed) / (double)TimeSpan.TicksPerSecond, -2 - Math.Max(0, late), 2);

        void Tell(TimeSpan later)
        {
            passed += later.Ticks;
            server += later.Ticks;
            long at = Stamp(passed), told = clock.Tell(at, at, 0, server, seen);
            Assert.True(told >= seen);
            seen = told;
        }
    }

    /// <summary>A clock that has reached the latest time counts again.</summary>
    [Fact]
    public void TheServersTimeCountsAgainWhenItHasCaughtUp()
    {
        const long Hour = TimeSpan.TicksPerHour, Minute = TimeSpan.TicksPerMinute;
        var clock = new ServerClock();
        Assert.Equal(20 * Hour, clock.Tell(Stamp(0), Stamp(0), 0, 20 * Hour, seen: 0));
        Assert.Equal(20 * Hour, clock.Tell(Stamp(0), Stamp(0), 0, 18 * Hour, seen: 20 * Hour));
        Assert.Equal((20 * Hour) + Minute, clock.Tell(Stamp(Minute), Stamp(Minute), 0, (18 * Hour) + Minute, seen: 20 * Hour));
        long later = 3 * Hour;                       // without a round in between
        Assert.Equal((18 * Hour) + later, clock.Tell(Stamp(later), Stamp(later), 0, (18 * Hour) + later, seen: (20 * Hour) + Minute));
        Assert.Equal((19 * Hour) + later, clock.Tell(Stamp(later + Hour), Stamp(later + Hour), 0, (19 * Hour) + later, seen: 20 * Hour));
    }

    /// <summary>The answer to a round may be read after the answer to a later one.</summary>
    [Fact]
    public void ATimeThatWasToldBeforeTheClockWentBackIsNotAddedTo()
    {
        const long Hour = TimeSpan.TicksPerHour;
        var clock = new ServerClock();
        Assert.Equal(3 * Hour, clock.Tell(Stamp(0), Stamp(0), 0, 3 * Hour, seen: 0));
        Assert.Equal(3 * Hour, clock.Tell(Stamp(1), Stamp(1), 0, Hour, seen: 3 * Hour));
        Assert.Equal(3 * Hour, clock.Tell(Stamp(0), Stamp(2), 0, (3 * Hour) - 1, seen: 0));
        Assert.Equal(4 * Hour, clock.Tell(Stamp(Hour), Stamp(Hour), 0, 2 * Hour, seen: 0));
    }

    // The store's time goes on with the clock of the machine, too.
    private static DateTimeOffset Latest(DateTimeOffset latest, long told) => latest + TimeProvider.System.GetElapsedTime(told);

    private static long Stamp(long ticks) => (long)(ticks * (TimeProvider.System.TimestampFrequency / (double)TimeSpan.TicksPerSecond));

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
