using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Event-time windows in consecutors, over crashes and with wall clocks that jump.</summary>
public class EventTimeCrashTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>With one partition, the outputs equal those of a plain loop over the items in their order, including panes and late
    /// items.</summary>
    [Fact]
    public Task WindowsAreExactDespiteCrashes() => CrashLab.PlayAllAsync(80, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(1, 120), size = random.Next(1, 10), outOfOrder = random.Next(0, 6), lateness = random.Next(3) == 0
            ? random.Next(1, 12) : 0, most = random.Next(3) == 0 ? 3 : 1000;
        var ledger = new Ledger();
        var starts = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        var lab = new CrashLab(random, items) { IsCompleted = true };
        lab = new CrashLab(random, items) { IsCompleted = true, Options = lab.Options with { Stream = new() { Partitions = 1 } } };
        await lab.PlayAsync(source => source | (n => n)
            | [
                s => s.Window(Time(seed, outOfOrder, lateness), size * Second, maxItems: most) | Stage.Named("windows")
                    | (window => Fail(Text(window))),
                s => s.SessionWindow(Time(seed, 12, 0), 2 * Second) | Stage.Named("sessions") | (session => $"s {Text(session)}")
            ] | ledger.Sink<string>(), cancellation);

        List<string> expected = [];
        SortedDictionary<int, List<int>> open = [];
        Dictionary<int, int> panes = [];
        int watermark = int.MinValue / 2;
        for (int n = 0; n < items; n++)
        {
            int at = Event(seed, n), start = at / size * size;
            if (start + size + lateness <= watermark) continue;
            if (!open.TryGetValue(start, out List<int>? some)) open[start] = some = [];
            some.Add(n);
            if (some.Count == most || start + size <= watermark) PutOut(start);
            watermark = Math.Max(watermark, at - outOfOrder);
            foreach (int over in open.Keys.Where(from => from + size <= watermark && open[from].Count > 0).ToList()) PutOut(over);
        }
        foreach (int rest in open.Keys.Where(from => open[from].Count > 0).ToList()) PutOut(rest);
        Assert.Equal(expected.Order(), ledger.Lines.Where(static line => line[0] != 's').Order());

        List<List<int>> sessions = [];
        foreach (int n in Enumerable.Range(0, items).OrderBy(n => Event(seed, n)))
        {
            if (sessions.Count == 0 || Event(seed, n) - Event(seed, sessions[^1][^1]) >= 2) sessions.Add([]);
            sessions[^1].Add(n);
        }
        Assert.Equal(sessions.Select(session => string.Join(',', session.Order())).Order(),
            ledger.Lines.Where(static line => line[0] == 's')
                .Select(static line => string.Join(',', line.Split(' ')[2].Split(',').Select(int.Parse).Order())).Order());
        Assert.Equal(0, lab.End.Unaccounted);

        void PutOut(int start)
        {
            int pane = panes[start] = panes.GetValueOrDefault(start, -1) + 1;
            expected.Add($"{start}#{pane} {string.Join(',', open[start])}");
            open[start].Clear();
        }

        string Fail(string text) => text.Length % 7 == 0 && starts.AddOrUpdate(text, 1, static (_, known) => known + 1) < 3
            ? throw new TimeoutException("not now") : text;
    });

    /// <summary>Late items go to another consecutor, in the commits of the first; with a watermark for each partition.</summary>
    [Fact]
    public async Task EachLateItemReachesTheLateOutputOnce()
    {
        int severalPartitions = 0;
        for (int seed = 1; seed <= 40; seed++)
        {
            var random = new Random(seed);
            int items = random.Next(1, 100), keys = random.Next(1, 5), partitions = 1 + (seed % 3);
            await using var store = new MemoryStreamStore();
            (var ledger, var late) = (new Ledger(), new Ledger());
            for (int life = random.Next(5); life >= 0; life--)
            {
                var mortal = new MortalStore(store, life == 0 ? int.MaxValue : random.Next(1, 120), (Moment)random.Next(3));
                var options = new ConsecutorOptions
                {
                    Store = mortal,
                    Process = new(),
                    Stream = new() { Partitions = partitions },
                    MaxInFlight = 1 + (seed % 20),
                    Delivery = Sluice.DeliveryGuarantee.Replay(20, Backoff.None)
                };
                var second = new Consecutor<int>("late", source => source | late.Sink<int>(), options);
                var first = new Consecutor<int>("windows",
                    source => source.Window(Time(seed, 1, 0) with { LateOutput = "late" }, 3 * Second) | Stage.Named("windows") | Text
                        | ledger.Sink<string>(), options)
                { Key = n => $"k{n % keys}" };
                first.Output<int>("late").To(second);
                Task work = WorkAsync();
                await Task.WhenAny(work, mortal.Died).WaitAsync(Cancellation);
                if (mortal.Died.IsCompleted)
                {
                    await first.AbandonAsync();
                    await second.AbandonAsync();
                    await work.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None,
                        TaskScheduler.Default);
                    continue;
                }
                await work;
                await first.DisposeAsync();
                await second.DisposeAsync();

                async Task WorkAsync()
                {
                    await second.StartAsync(Cancellation);
                    await first.StartAsync(Cancellation);
                    await (Source.Resumable("numbers", Enumerable.Range(0, items)) | first).RunAsync(cancellation: Cancellation);
                    await first.CompleteAsync(Cancellation);
                    await first.WaitForIdleAsync(Cancellation);
                    await second.CompleteAsync(Cancellation);
                    await second.WaitForIdleAsync(Cancellation);
                }
            }
            List<int> expected = [];
            int[] watermarks = [.. Enumerable.Repeat(int.MinValue / 2, partitions)];
            for (int n = 0; n < items; n++)
            {
                int at = Event(seed, n);
                ref int watermark = ref watermarks[EntryKey.Of($"k{n % keys}").PartitionOf(partitions)];
                if ((at / 3 * 3) + 3 <= watermark) expected.Add(n);
                watermark = Math.Max(watermark, at - 1);
            }
            if (watermarks.Count(one => one > int.MinValue / 2) > 1) severalPartitions++;
            Assert.True(expected.SequenceEqual(late.Lines.Select(int.Parse).Order()),
                $"seed {seed}: [{string.Join(',', expected)}] and [{string.Join(',', late.Lines)}]");
            Assert.Equal(Enumerable.Range(0, items).Except(expected),
                ledger.Lines.SelectMany(static line => line.Split(' ')[1].Split(',')).Select(int.Parse).Order());
        }
        Assert.InRange(severalPartitions, 10, 40);
    }

    [Fact]
    public async Task OneItemCanCloseManyWindows()
    {
        await using var store = new MemoryStreamStore();
        (var ledger, var late) = (new Ledger(), new Ledger());
        await using var consecutor = new Consecutor<int>("numbers",
            source => source.Window(new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n))
            {
                MaxOutOfOrderness =
                2000 * Second
            }, Second) | Stage.Named("seconds") | (window => window.Items.Single()) | ledger.Sink<int>(),
            new() { Store = store, Process = new() });
        await consecutor.StartAsync(Cancellation);
        foreach (int some in Enumerable.Range(0, 8))
            await consecutor.SendAllAsync(Enumerable.Range(some * 200, 200).ToList(), Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Empty(ledger.Lines);
        await consecutor.SendAsync(10_000, Cancellation);
        while (ledger.Lines.Count < 1600) await Member.NextAsync();
        Assert.Equal(Enumerable.Range(0, 1600), ledger.Lines.Select(int.Parse));
        Assert.Equal(0, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
    }

    /// <summary>The windows are put out over several commits, and the process may die in between.</summary>
    [Fact]
    public Task ManyOpenWindowsAreAllPutOutAtTheEnd() => CrashLab.PlayAllAsync(30, async (seed, cancellation) =>
    {
        var random = new Random(seed);
        int items = random.Next(100, 400);
        var ledger = new Ledger();
        var lab = new CrashLab(random, items);
        lab = new CrashLab(random, items)
        {
            IsCompleted = true,
            Options = lab.Options with { Stream = new() { Partitions = 1 }, MaxInFlight = 500 }
        };
        await lab.PlayAsync(source => source.Window(new EventTime<int>(static n =>
            DateTimeOffset.UnixEpoch.AddSeconds(n))
        { MaxOutOfOrderness = 2000 * Second }, Second) | Stage.Named("seconds")
            | (window => window.Items.Single()) | ledger.Sink<int>(), cancellation);
        Assert.Equal(Enumerable.Range(0, items), ledger.Lines.Select(int.Parse));
    });

    [Fact]
    public async Task TheWatermarkOfAnIdlePartitionAdvancesDespiteClockJumps()
    {
        var clock = new TestClock();
        var wall = new WallClock(clock);
        await using var store = new MemoryStreamStore(wall);
        var ledger = new Ledger();
        await using (Consecutor<int> first = New())
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([1, 5], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
            clock.Advance(60 * Second);
            await first.SendAsync(7, Cancellation);
            await first.WaitForIdleAsync(Cancellation);
            Assert.Empty(ledger.Lines);
        }
        wall.Jump(-TimeSpan.FromHours(1));           // in between, and while it runs
        await using Consecutor<int> second = New();
        await second.StartAsync(Cancellation);
        await second.SendAsync(8, Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        wall.Jump(-TimeSpan.FromHours(1));
        clock.Advance(89 * Second);
        for (int i = 0; i < 1_000; i++) await Member.NextAsync();
        Assert.Empty(ledger.Lines);
        while (ledger.Lines.Count == 0)
        {
            clock.Advance(Second);
            for (int i = 0; i < 5_000 && ledger.Lines.Count == 0; i++) await Member.NextAsync();
        }
        // The second one is ahead of the watermark however far a stalled thread has let the clock go.
        await second.SendAllAsync([9, 100_000_000], Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(["0#0 1,5,7,8"], ledger.Lines);
        Assert.Equal(1, second.Snapshot().Skipped);  // the 9 is late

        Consecutor<int> New() => new("numbers",
            source => source.Window(new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n)) { IdleTimeout = 90 * Second },
                10 * Second) | Stage.Named("tens") | Text | ledger.Sink<string>(),
            new() { Store = store, Process = new(), Run = new() { Time = wall } });
    }

    /// <remarks>Formerly a stop of the only service was idle time: what was accepted meanwhile was late.</remarks>
    [Fact]
    public async Task ItemsThatWaitInTheStoreAreNoIdleInput()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var ledger = new Ledger();
        await using (Consecutor<int> first = New())
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync(1, Cancellation);
            await first.WaitForIdleAsync(Cancellation);
            await first.PauseAsync(Cancellation);
            await first.SendAllAsync([2, 3, 4], Cancellation);
        }
        clock.Advance(600 * Second);
        await using (Consecutor<int> second = New())
        {
            await second.StartAsync(Cancellation);
            for (int i = 0; i < 1_000; i++) await Member.NextAsync();
            Assert.Empty(ledger.Lines);              // paused: nobody looks what waits
            await second.ResumeAsync(Cancellation);
            await second.WaitForIdleAsync(Cancellation);
            await second.SendAllAsync([5, 10], Cancellation);
            await second.WaitForIdleAsync(Cancellation);
            Assert.Equal(["0#0 1,2,3,4,5"], ledger.Lines);
            Assert.Equal(0, second.Snapshot().Skipped);
        }
        clock.Advance(600 * Second);
        await using Consecutor<int> third = New();
        await third.StartAsync(Cancellation);        // nothing waits: the input was idle
        while (ledger.Lines.Count == 1) await Member.NextAsync();
        Assert.Equal("10#0 10", ledger.Lines[^1]);

        Consecutor<int> New() => new("numbers",
            source => source.Window(new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddSeconds(n)) { IdleTimeout = 60 * Second },
                10 * Second) | Stage.Named("tens") | Text | ledger.Sink<string>(),
            new() { Store = store, Process = new(), Run = new() { Time = clock } });
    }

    private static int Event(int seed, int n) => n + (int)((((uint)seed * 2654435761u) ^ ((uint)n * 2246822519u)) * 3266489917u >> 16) % 12;

    private static EventTime<int> Time(int seed, int outOfOrder, int lateness)
        => new(n => DateTimeOffset.UnixEpoch.AddSeconds(Event(seed, n)))
        {
            MaxOutOfOrderness = outOfOrder * Second,
            AllowedLateness = lateness * Second
        };

    private static string Text(Window<int> window)
        => $"{(window.Start - DateTimeOffset.UnixEpoch).TotalSeconds}#{window.Pane} {string.Join(',', window.Items)}";
}
