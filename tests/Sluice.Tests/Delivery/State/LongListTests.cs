using System.Globalization;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Chunks, groups and windows that hold more pages of items than one commit can write or delete.</summary>
public class LongListTests
{
    private const int LargeItem = 33_000;            // an item of this length is a page of its own
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>All windows get the same items, so their pages are due to be joined with the same item.</summary>
    [Theory]
    [InlineData(60, 1_000, 140)]
    [InlineData(20, 500, 140)]
    [InlineData(400, 20, 70)]
    public async Task OverlappingWindowsTakeItemsThatComeOneByOne(int windows, int length, int items)
    {
        await using var store = new MemoryStreamStore(clock);
        TimeSpan hop = TimeSpan.FromMinutes(1);
        Func<Source<string>, Pipeline> body = source => source.Window(windows * hop, hop) | Stage.Named("windows")
            | (window => window.Items.Count) | ledger.Sink<int>();
        await using (Consecutor<string> first = New(store, body))
        {
            await first.StartAsync(Cancellation);
            await SendAsync(first, items, length);
            Assert.Equal(0, first.Snapshot().Dead);
        }
        clock.Advance(windows * hop);
        await using Consecutor<string> second = New(store, body);
        await second.StartAsync(Cancellation);
        await LinesAsync(second, windows);
        Assert.Equal(Enumerable.Repeat($"{items}", windows), ledger.Lines);
    }

    /// <summary>More windows end than one commit puts out.</summary>
    [Fact]
    public async Task AllOpenWindowsComeOutAtTheEnd()
    {
        const int Windows = 120;
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<string> consecutor = New(store, source => source.Window(Hour, Hour / Windows) | Stage.Named("windows")
            | (window => window.Items.Count) | ledger.Sink<int>());
        await consecutor.StartAsync(Cancellation);
        await SendAsync(consecutor, 3, 10);
        await consecutor.CompleteAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Repeat("3", Windows), ledger.Lines);
        Assert.Equal(0, await CountRowsAsync(store));
    }

    [Fact]
    public async Task WindowsThatOverlapTooMuchAreRefused()
    {
        await using var store = new MemoryStreamStore(clock);
        TimeSpan second = TimeSpan.FromSeconds(1);
        var refusal = Assert.Throws<InvalidTopologyException>(() => New(store, source => source.Window(401 * second, second)
            | Stage.Named("windows") | (static _ => { })));
        Assert.Contains("Windows overlap too much for a consecutor: an item would be in 401 of them", refusal.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task WindowsThatAreOverTogetherComeOut()
    {
        await using var store = new MemoryStreamStore(clock);
        Func<Source<string>, Pipeline> body = source => source.Window(Hour, TimeSpan.FromMinutes(5)) | Stage.Named("windows")
            | (window => window.Items.Count) | ledger.Sink<int>();
        await using (Consecutor<string> first = New(store, body))
        {
            await first.StartAsync(Cancellation);
            await SendAsync(first, 100, LargeItem);
        }
        clock.Advance(2 * Hour);
        await using Consecutor<string> second = New(store, body);
        await second.StartAsync(Cancellation);
        await LinesAsync(second, 12);
        Assert.Equal(Enumerable.Repeat("100", 12), ledger.Lines);
        await SendAsync(second, 10, 1);              // their rows are deleted with the next commits
        Assert.InRange(await CountRowsAsync(store), 12, 50);
        Assert.Equal(0, second.Snapshot().Dead);
    }

    /// <summary>The process dies while pages of the list are left in the store: their items do not come out again.</summary>
    [Theory]
    [InlineData("chunk")]
    [InlineData("group")]
    [InlineData("window")]
    public async Task AListOfMoreThanAThousandPagesComesOutOnce(string kind)
    {
        const int Items = 1_050;
        await using var store = new MemoryStreamStore(clock);
        Func<Source<string>, Pipeline> body = source => kind switch
        {
            "chunk" => (source.Chunk(Items) | Stage.Named("lists")).Select(static some => some.Length) | ledger.Sink<int>(),
            "group" => (source.GroupBy(static text => text.Length) | Stage.Named("lists")).Select(static some => some.Items.Count)
                | ledger.Sink<int>(),
            _ => (source.Window(TimeSpan.FromDays(1)) | Stage.Named("lists")).Select(static some => some.Items.Count) | ledger.Sink<int>(),
        };
        Consecutor<string> first = New(store, body);
        await first.StartAsync(Cancellation);
        await SendAsync(first, Items, LargeItem);
        if (kind == "group") await SendAsync(first, 1, 1);
        if (kind == "window") await LinesAsync(first, 1, TimeSpan.FromDays(1));
        await first.WaitForIdleAsync(Cancellation);
        Assert.Equal(0, first.Snapshot().Dead);
        Assert.Equal([$"{Items}"], ledger.Lines);
        // The ledger has the line before the commit: only that deletes the first pages.
        while (await CountRowsAsync(store) > Items) await Member.NextAsync();
        Assert.InRange(await CountRowsAsync(store), 2, Items);
        await first.AbandonAsync();

        await using Consecutor<string> second = New(store, body);
        await second.StartAsync(Cancellation);
        await SendAsync(second, 1, 1);
        await second.CompleteAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal([$"{Items}", kind == "group" ? "2" : "1"], ledger.Lines);
        Assert.Equal(0, await CountRowsAsync(store));
    }

    [Fact]
    public async Task AnItemThatEndsManyWindowsOfEventTimeIsNoDeadLetter()
    {
        const int Windows = 52, Items = 24;
        await using var store = new MemoryStreamStore(clock);
        EventTime<string> time = new(static text => DateTimeOffset.UnixEpoch.AddSeconds(int.Parse(text.AsSpan(0, 4),
            CultureInfo.InvariantCulture)))
        {
            MaxOutOfOrderness = TimeSpan.FromSeconds(1_000)
        };
        await using Consecutor<string> consecutor = New(store, source => source.Window(time, TimeSpan.FromSeconds(1))
            | Stage.Named("windows") | (window => window.Items.Count) | ledger.Sink<int>());
        await consecutor.StartAsync(Cancellation);
        for (int item = 0; item < Items; item++)
            for (int window = 0; window < Windows; window++)
            {
                await consecutor.SendAsync($"{window:D4}{new string('x', LargeItem)}", Cancellation);
                await consecutor.WaitForIdleAsync(Cancellation);
            }
        await consecutor.SendAsync("9000", Cancellation);
        await LinesAsync(consecutor, Windows);
        Assert.Equal(Enumerable.Repeat($"{Items}", Windows), ledger.Lines);
        Assert.Equal(0, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
    }

    /// <summary>Windows that fail are stored again, and one commit has no room for many: then fewer windows come out together.</summary>
    [Fact]
    public async Task LargeWindowsThatFailTogetherAreTriedAgain()
    {
        const int Windows = 10;
        await using var store = new MemoryStreamStore(clock);
        HashSet<DateTimeOffset> started = [];
        Func<Source<string>, Pipeline> body = source => source.Window(Hour, Hour / Windows) | Stage.Named("windows")
            | (window => started.Add(window.Start) ? throw new TimeoutException("not now") : window.Items.Count) | ledger.Sink<int>();
        await using (Consecutor<string> first = New(store, body))
        {
            await first.StartAsync(Cancellation);
            await SendAsync(first, 2, 60_000);
        }
        clock.Advance(2 * Hour);
        await using Consecutor<string> second = New(store, body);
        await second.StartAsync(Cancellation);
        await LinesAsync(second, Windows);
        Assert.Equal(Enumerable.Repeat("2", Windows), ledger.Lines);
        Assert.Equal(0, (await second.WaitForIdleAsync(Cancellation)).Dead);
    }

    private Consecutor<string> New(IStreamStore store, Func<Source<string>, Pipeline> body) => new("numbers", body, Options(store));

    private ConsecutorOptions Options(IStreamStore store) => new()
    {
        Store = store,
        Process = new(),
        Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None),
        Stream = new() { Partitions = 1 },
        Run = new() { Time = clock },
    };

    private static async Task SendAsync(Consecutor<string> consecutor, int items, int length)
    {
        string item = new('x', length);
        for (int n = 0; n < items; n++)
        {
            await consecutor.SendAsync(item, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    /// <summary>Waits until so many items have come out; with a time, the clock goes on.</summary>
    private async Task LinesAsync<T>(Consecutor<T> consecutor, int count, TimeSpan? after = null)
    {
        if (after is { } wait) clock.Advance(wait);
        while (ledger.Lines.Count < count)
        {
            for (int i = 0; i < 1_000 && ledger.Lines.Count < count; i++) await Member.NextAsync();
            Assert.False(consecutor.Completion.IsFaulted, $"{consecutor.Completion.Exception?.InnerException?.Message}");
            Assert.Equal(0, consecutor.Snapshot().Dead);
            if (after is not null) clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private static async Task<int> CountRowsAsync(MemoryStreamStore store)
    {
        int rows = 0;
        foreach (string node in (string[])["windows", "lists"])
            rows += (await store.ListStateAsync(new("numbers", "numbers"), 0, node, null, 10_000, Cancellation)).Count;
        return rows;
    }
}
