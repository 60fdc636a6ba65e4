using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Items that nodes hold: more of them than are leased at once, beside slow branches, put out by timers, with poison among
/// them.</summary>
public class HeldItemsTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Items in a chunk are settled while other branches still work on them, and overlapping windows hold them twice. A crash must
    /// neither lose nor duplicate an item in any branch.</summary>
    [Fact]
    public Task LargeChunksAndOverlappingWindowsAreExactBesideASlowBranch()
        => CrashLab.PlayAllAsync(20, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(20, 90), capacity = random.Next(1, 8), size = random.Next(capacity + 1, 20);
        Ledger chunks = new(), windows = new(), slow = new();
        var starts = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        CrashLab lab = new(random, items) { IsCompleted = true };
        lab = new(random, items)
        {
            IsCompleted = true,
            Options = lab.Options with { MaxInFlight = capacity, Stream = new() { Partitions = 1 } }
        };
        await lab.PlayAsync(source => source |
        [
            all => all.Chunk(size) | Stage.Named("chunks") | (some => string.Join(',', some)) | chunks.Sink<string>("chunks"),
            all => all.Window(new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n)), TimeSpan.FromSeconds(10),
                TimeSpan.FromSeconds(5))
                | Stage.Named("windows") | (window => string.Join(',', window.Items)) | windows.Sink<string>("windows"),
            all => all.SelectAsync(SlowAsync) | slow.Sink<int>("slow"),
        ], cancellation);

        Assert.Equal(Enumerable.Range(0, items).Chunk(size).Select(static some => string.Join(',', some)), chunks.Lines);
        Assert.Equal(
            Enumerable.Range(-1, (items / 5) + 2).Select(first => string.Join(',',
                Enumerable.Range(0, items).Where(n => n >= first * 5 && n < (first * 5) + 10))).Where(static line => line.Length > 0),
            windows.Lines);
        Assert.Equal(Enumerable.Range(0, items).Select(static n => $"{n}"), slow.Lines);
        Assert.Equal((0L, 0L), (lab.End.Dead, lab.End.Unaccounted));

        async ValueTask<int> SlowAsync(int n, CancellationToken _)
        {
            for (int i = 0; i < n % 7 * 5; i++) await Task.Yield();
            if (n % 13 == 5 && starts.AddOrUpdate(n, 1, static (_, known) => known + 1) == 1) throw new TimeoutException("not now");
            return n;
        }
    });

    [Theory]
    [InlineData("goes on")]
    [InlineData("is stopped")]
    [InlineData("is killed")]
    public async Task AFailedChunkOfATimerIsRetriedWhateverHappensToTheConsecutor(string fate)
    {
        await using IStreamStore inner = await ScenarioStore.OpenAsync(clock);
        var store = new PacedStore(inner);
        int starts = 0;
        Consecutor<int> consecutor = Chunks(store, _ => Interlocked.Increment(ref starts) <= 2);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        // the clock stands still from here: the retry is a minute away, and is seen before it is due
        await store.PassAsync(clock, () => Volatile.Read(ref starts) > 0, () => $"{consecutor.Snapshot()}", seconds: 5);
        await Member.UntilAsync(() => consecutor.Snapshot() is { Retrying: 1 });
        Assert.Empty(ledger.Lines);
        if (fate != "goes on")
        {
            if (fate == "is killed") await consecutor.AbandonAsync();
            else Assert.True(await consecutor.StopAsync());
            consecutor = Chunks(store, _ => Interlocked.Increment(ref starts) <= 2);
            await consecutor.StartAsync(Cancellation);
        }
        await consecutor.SendAsync(3, Cancellation);
        await store.PassAsync(clock, () => ledger.Lines.Count == 2, () => $"{consecutor.Snapshot()}", seconds: 5);
        Assert.Equal(["1,2", "3"], ledger.Lines.Order());
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true });
        Assert.Equal((3L, 4L, 0L, 0L, 4), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Completed, consecutor.Snapshot().Dead,
            consecutor.Snapshot().Unaccounted, starts));
        await consecutor.DisposeAsync();
    }

    [Fact]
    public async Task APoisonChunkOfATimerIsDeadLetteredAndItsItemsStaySettled()
    {
        await using IStreamStore inner = await ScenarioStore.OpenAsync(clock);
        var store = new PacedStore(inner);
        bool isMended = false;
        await using Consecutor<int> consecutor = Chunks(store, some => some.Contains(2) && !isMended);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await store.PassAsync(clock, () => consecutor.Snapshot() is { Dead: 1, IsIdle: true }, () => $"{consecutor.Snapshot()}",
            seconds: 5);
        Assert.Equal((2L, 2L), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Completed));
        DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal([1, 2], Assert.IsType<int[]>(letter.Item));
        await consecutor.SendAsync(3, Cancellation);
        await store.PassAsync(clock, () => ledger.Lines.Count == 1, () => $"{consecutor.Snapshot()}", seconds: 5);
        isMended = true;
        Assert.Equal(1, await consecutor.RedriveAsync(static _ => true, Cancellation));
        await Member.UntilAsync(() => ledger.Lines.Count == 2 && consecutor.Snapshot() is { IsIdle: true });
        Assert.Equal(["3", "1,2"], ledger.Lines);
        Assert.Equal((4L, 0L, 0L), (consecutor.Snapshot().Completed, consecutor.Snapshot().Dead, consecutor.Snapshot().Unaccounted));
    }

    /// <summary>Poison in front of a window is left out of it. Poison behind a window fails that whole window, and later windows go
    /// on.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task APoisonItemFailsOnlyItselfOrItsWindow(bool isInFront)
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        bool isMended = false;
        for (int life = 0; life < 2; life++)
        {
            await using Consecutor<int> consecutor = New();
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(life == 0 ? [1, 2] : [3, 70], Cancellation);
            if (life == 0)
            {
                await consecutor.WaitForIdleAsync(Cancellation);
                await consecutor.AbandonAsync();
                continue;
            }
            await consecutor.CompleteAsync(Cancellation);
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((4L, 1L, 0L), (end.Accepted, end.Dead, end.Unaccounted));
            Assert.Equal(isInFront ? ["1,3", "70"] : ["70"], ledger.Lines);
            DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
            if (isInFront) Assert.Equal(2, letter.Item);
            else Assert.Equal([1, 2, 3], Assert.IsType<Window<int>>(letter.Item).Items);
            isMended = true;
            if (isInFront) continue;
            await consecutor.RedriveAsync(static _ => true, Cancellation);
            Assert.Equal(0, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
            Assert.Equal(["70", "1,2,3"], ledger.Lines);
        }

        Consecutor<int> New() => new("numbers",
            source => (source | (n => isInFront ? Check(n)
                : n)).Window(new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddMinutes(n)), TimeSpan.FromHours(1))
                | Stage.Named("hours")
                | (window => string.Join(',', window.Items.Select(n => isInFront ? n : Check(n)))) | ledger.Sink<string>(),
            new()
            {
                Store = store,
                Process = new(),
                Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None),
                Run = new() { Time = clock }
            });

        int Check(int n) => n == 2 && !isMended ? throw new FormatException("poison") : n;
    }

    private Consecutor<int> Chunks(IStreamStore store, Func<int[], bool> fails) => new("numbers",
        source => source.Chunk(10, within: 5 * Pause) | Stage.Named("some")
            | (some => fails(some) ? throw new TimeoutException("not now") : string.Join(',', some)) | ledger.Sink<string>(),
        new()
        {
            Store = store,
            Process = new(),
            Delivery = Sluice.DeliveryGuarantee.Replay(3, Backoff.Constant(Pause)),
            Run = new() { Time = clock }
        });
}
