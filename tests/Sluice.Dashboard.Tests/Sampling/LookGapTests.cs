using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>Figures that compare looks: with looks that are rare, and behind a time in which no page was open.</summary>
public sealed class LookGapTests
{
    private readonly TestClock clock = new();
    private readonly StoreSource source = new("main", new MemoryStreamStore());
    private readonly ConsecutorSampler sampler;

    public LookGapTests() => sampler = new("orders", source, null, clock);

    [Fact]
    public void ATimeWithoutAPageIsNoPauseThatEndedByItself()
    {
        Look(backlog: 10, settled: 5);
        clock.Advance(TimeSpan.FromHours(8));
        Assert.Null(Look(backlog: 9, settled: 100).StandsFor);
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(30), Look(backlog: 9, settled: 100).StandsFor);
        // A pause that a page has seen counts, also behind a time without one.
        clock.Advance(TimeSpan.FromHours(8));
        Look(backlog: 9, settled: 101);
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Null(Look(backlog: 9, settled: 101).StandsFor);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromMinutes(1), Look(backlog: 9, settled: 101).StandsFor);
    }

    [Fact]
    public void ABacklogThatShrinksUnevenlyDoesNotFallBehind()
    {
        long backlog = 100_000;
        Look(backlog, settled: 0);
        foreach (int step in Enumerable.Repeat((int[])[-40, 15, -60, 20, -50, -30, 12, 9, -80, 25], 3).SelectMany(static steps => steps))
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal("Works on its backlog.", Look(backlog += step, settled: 100_000 - backlog).Verdict.Text);
        }
    }

    [Fact]
    public void WhereLooksAtAStreamAreRareTheTrendStaysBetweenThem()
    {
        for (int minute = 0; minute < 4; minute++)
        {
            StoreSample seen = Seen(backlog: 100_000 + (120 * minute), settled: minute);
            for (int refresh = 0; refresh < 60; refresh++)
            {
                string said = sampler.Look(seen).Verdict.Text;
                Assert.Equal((minute, refresh, minute > 0), (minute, refresh, said.StartsWith("`orders` falls behind by 2/s.",
                    StringComparison.Ordinal)));
                clock.Advance(TimeSpan.FromSeconds(1));
            }
        }
    }

    [Fact]
    public void RatesBeginAnewBehindATimeWithoutAPage()
    {
        var rate = new CountRate(clock);
        Assert.Null(rate.Add(0));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(100, rate.Add(6_000));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(rate.Add(366_000));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, rate.Add(366_000));
    }

    [Fact]
    public async Task RatesOfTheStoreBeginAnewToo()
    {
        IStreamStore store = source.Store;
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, TestContext.Current.CancellationToken);
        var streams = new StoreSampler(source, new() { Time = clock });
        int appended = 0;
        Assert.Null(await LookAsync(TimeSpan.Zero, append: 0));
        Assert.Equal(3, await LookAsync(TimeSpan.FromSeconds(1), append: 3));
        Assert.Null(await LookAsync(TimeSpan.FromHours(1), append: 7200));
        Assert.Equal(5, await LookAsync(TimeSpan.FromSeconds(1), append: 5));

        async Task<double?> LookAsync(TimeSpan time, int append)
        {
            clock.Advance(time);
            using var entries = new EntryBatch();
            for (int i = 0; i < append; i++) entries.Add("1"u8);
            if (append > 0) await store.AppendAsync(new("orders", "p", 0, appended + 1, entries), TestContext.Current.CancellationToken);
            appended += append;
            StoreSample sample = await streams.LookAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            return sample.Streams["orders"].AppendedPerSecond;
        }
    }

    [Fact]
    public void LooksThatAreFrequentLeaveTheLineTenMinutesLong()
    {
        var history = new History(clock);
        for (int look = 0; look < 6_000; look++)
        {
            history.Add(look);
            clock.Advance(TimeSpan.FromMilliseconds(100));
        }
        IReadOnlyList<(double Age, double Value)> values = history.Values();
        Assert.InRange(values[0].Age, 599, 600);
        Assert.InRange(values.Count, 600, 760);
    }

    private ConsecutorSample Look(long backlog, long settled, double? rate = null) => sampler.Look(Seen(backlog, settled, rate));

    private StoreSample Seen(long backlog, long settled, double? rate = null)
    {
        var group = new GroupBacklog("orders", backlog, 0, 0);
        var stream = new StreamLook(new("orders", new(), null, 0, 0, settled + backlog, [group], []), [new(group, rate)], rate);
        return new(source, ["orders"], new Dictionary<string, StreamLook> { ["orders"] = stream },
            new Dictionary<GroupId, GroupDetail>(), clock.GetUtcNow(), null);
    }
}
