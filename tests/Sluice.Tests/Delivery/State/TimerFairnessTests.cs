using System.Globalization;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>How many due timers go into one commit, and whose turn it is when timers are always due.</summary>
public sealed class TimerFairnessTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Each timer that moves takes three parts of a commit.</summary>
    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(3, 1, false)]
    [InlineData(1, 2, false)]
    [InlineData(1, 2, true)]
    [InlineData(3, 2, true)]
    public async Task MoreMovedTimersThanACommitHoldsAllFire(int lanes, int nodes, bool isRestarted)
    {
        const int Keys = 500;
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        Consecutor<string> consecutor = Make(store, Chain);
        try
        {
            await consecutor.StartAsync(Cancellation);
            for (int i = 0; i < 2; i++)
            {
                await consecutor.SendAllAsync(Enumerable.Range(0, Keys).Select(static n => $"k{n}:60").ToList(), Cancellation);
                await consecutor.WaitForIdleAsync(Cancellation);
                clock.Advance(Minute / 2);
            }
            if (isRestarted)
            {
                await consecutor.DisposeAsync();
                consecutor = Make(store, Chain);
                await consecutor.StartAsync(Cancellation);
            }
            while (!consecutor.Completion.IsCompleted && await RowsAsync() > 0) await Member.NextAsync();
            Assert.DoesNotContain(ledger.Lines, static line => line.StartsWith('!'));
            clock.Advance(Minute / 2);
            await Member.UntilAsync(() => ledger.Lines.Count(static line => line.StartsWith('!')) == Keys * nodes
                || consecutor.Completion.IsCompleted);
            Assert.False(consecutor.Completion.IsFaulted, consecutor.Completion.Exception?.Message);
            Assert.Equal((0L, 0L), (consecutor.Snapshot().Dead, consecutor.Snapshot().Unaccounted));
        }
        finally
        {
            await consecutor.DisposeAsync();
        }

        Source<string> Chain(Source<string> source)
        {
            for (int i = 0; i < nodes; i++) source = source | Stage.KeyBy((string item) => KeyOf(item), lanes)
                | Sluice.StageNode.Of(() => new Quiet()) | Stage.Named($"quiet-{i}");
            return source;
        }

        // Those whose time has come: none is left when all have moved.
        async Task<int> RowsAsync()
        {
            int due = 0;
            for (int i = 0; i < nodes; i++)
            {
                IReadOnlyList<StateRow> rows = await store.ListStateAsync(new GroupId("texts", "texts"), 0, $"$due/quiet-{i}",
                    cancellation: Cancellation);
                due += rows.Count(row => long.Parse(row.Key.Split('/')[0], CultureInfo.InvariantCulture) <= clock.GetUtcNow().UtcTicks);
            }
            return due;
        }
    }

    /// <summary>A handler that needs most of a commit is not to blame for the rows that move beside it.</summary>
    [Fact]
    public async Task ATimerWithManyOutputsFiresBesideManyMovedTimers()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<string> consecutor = Make(store,
            static source => source | Sluice.StageNode.Of(static () => new Quiet()) | Stage.Named("quiet"));
        await using var others = new Consecutor<string>("others", static source => source | (_ => { }), Options(store));
        consecutor.Output<string>("many").To(others);
        await others.StartAsync(Cancellation);
        await consecutor.StartAsync(Cancellation);
        string[] moved = [.. Enumerable.Range(0, 110).Select(static n => $"k{n}:59")];
        await consecutor.SendAllAsync(moved, Cancellation);
        await consecutor.SendAsync("800:60", Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        clock.Advance(Minute / 2);
        await consecutor.SendAllAsync(moved, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        clock.Advance(Minute / 2);
        await Member.UntilAsync(() => others.Snapshot() is { Accepted: 800, IsIdle: true });
        Assert.Equal(["!800"], ledger.Lines.Where(static line => line.StartsWith('!')));
        clock.Advance(Minute);
        await Member.UntilAsync(() => ledger.Lines.Count(static line => line.StartsWith('!')) == 111);
        Assert.Equal((221L, 0L, 0L), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Dead, consecutor.Snapshot().Unaccounted));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task ATimerThatIsAlwaysDueLetsItemsThrough(int lanes)
    {
        const int Rounds = 5;
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        using var ticks = new Ticks();
        await using Consecutor<string> consecutor = Make(store,
            source => source | Stage.KeyBy((string item) => KeyOf(item), lanes) | Sluice.StageNode.Of(() => new Ticker(ticks))
                | Stage.Named("ticker"));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync("tick", Cancellation);
        await Member.UntilAsync(() => ticks.Begun == 1);
        for (int i = 0; i < Rounds; i++)
        {
            await consecutor.SendAsync($"item {i}", Cancellation);           // while the handler is at work
            int begun = ticks.Begun;
            ticks.Release(3);
            await Member.UntilAsync(() => ledger.Lines.Count > i || ticks.Begun == begun + 3);
            await Member.UntilAsync(() => ticks.Begun == begun + 3);
            Assert.Equal(i + 1, ledger.Lines.Count);
        }
        ticks.Release(1_000_000);
        Assert.True(await consecutor.StopAsync());
    }

    [Fact]
    public async Task TheInputEndsAlthoughATimerIsAlwaysDue()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        using var ticks = new Ticks();
        await using Consecutor<string> consecutor = Make(store,
            source => source | Sluice.StageNode.Of(() => new Ticker(ticks)) | Stage.Named("ticker")
                | Sluice.StageNode.Of(static () => new Quiet()) | Stage.Named("quiet"));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(["tick", "a:60"], Cancellation);
        await Member.UntilAsync(() => ticks.Begun == 1);
        await consecutor.CompleteAsync(Cancellation);
        Task ended = consecutor.WaitForIdleAsync(Cancellation);
        ticks.Release(30);
        await Member.UntilAsync(() => ended.IsCompleted || ticks.Begun == 31);
        Assert.True(ended.IsCompletedSuccessfully);
        Assert.Equal(["!tick has ended", "a:60"], ledger.Lines.Order(StringComparer.Ordinal));
    }

    /// <summary>The other partition always has items, and each of them waits until timers of the idle partition have fired. If items use
    /// all of MaxInFlight, timers wait for a second.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(1)]
    public async Task TimersOfAnIdlePartitionFireWhileOtherPartitionsAreBusy(int capacity)
    {
        const int Items = 20;
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        using var ticks = new Ticks();
        await using Consecutor<string> consecutor = new("texts",
            source => source | Sluice.StageNode.Of(() => new Ticker(ticks)) | Stage.Named("ticker") | (item => WaitAsync(item))
                | Stage.Parallel(2) | ledger.Sink<string>(),
            Options(store) with { Stream = new() { Partitions = 2 }, MaxInFlight = capacity })
        { Key = static item => item.Split(' ')[0] };
        string busy = Enumerable.Range(0, 100).Select(static n => $"k{n}")
            .First(static key => EntryKey.Of(key).PartitionOf(2) != EntryKey.Of("tick").PartitionOf(2));
        ticks.Release(1_000_000);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync("tick", Cancellation);
        await Member.UntilAsync(() => ticks.Begun > 0);
        await consecutor.SendAllAsync(Enumerable.Range(1, Items).Select(n => $"{busy} {n}").ToList(), Cancellation);
        while (ledger.Lines.Count < Items)
        {
            if (capacity == 1) clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        Assert.True(await consecutor.StopAsync());

        async Task<string> WaitAsync(string item)
        {
            int begun = ticks.Begun;
            await Member.UntilAsync(() => ticks.Begun > begun + 1);
            return item;
        }
    }

    private Consecutor<string> Make(IStreamStore store, Func<Source<string>, Source<string>> apply)
        => new("texts", source => apply(source) | ledger.Sink<string>(), Options(store)) { Key = KeyOf };

    private ConsecutorOptions Options(IStreamStore store) => new()
    {
        Store = store,
        Process = new(),
        Delivery = Sluice.DeliveryGuarantee.Replay(3, Backoff.None),
        Stream = new() { Partitions = 1 },
        MaxInFlight = 2_000,
        Run = new() { Time = clock },
    };

    private static string KeyOf(string item) => item.TrimStart('!').Split(':')[0];

    /// <summary>Puts out "!KEY" when no item has come for the given seconds, and passes every item on. A key that is a number also puts out
    /// that many items into the output "many".</summary>
    private sealed class Quiet : TimedStageNode<string, string, int>
    {
        private readonly NamedOutput<string> many = new("many");

        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
        {
            if (item.StartsWith('!')) return output.PushAsync(item);
            State++;
            Timers.Set(TimeSpan.FromSeconds(int.Parse(item.Split(':')[1], CultureInfo.InvariantCulture)));
            return output.PushAsync(item);
        }

        protected override async ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
        {
            for (int i = 0; int.TryParse(Key, CultureInfo.InvariantCulture, out int count) && i < count; i++)
                await output.PushAsync(many, $"{Key}:{i}");
            await output.PushAsync($"!{Key}");
        }
    }

    /// <summary>How often timers have fired, and how often they may.</summary>
    private sealed class Ticks : IDisposable
    {
        private readonly SemaphoreSlim free = new(0);
        private int begun;

        public int Begun => Volatile.Read(ref begun);

        public void Release(int count) => free.Release(count);

        public void Dispose() => free.Dispose();

        public async Task FireAsync(CancellationToken cancellation)
        {
            Interlocked.Increment(ref begun);
            await free.WaitAsync(cancellation);
        }
    }

    /// <summary>Has a timer that is due again when it has fired.</summary>
    private sealed class Ticker(Ticks ticks) : TimedStageNode<string, string, int>
    {
        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
        {
            if (item != "tick") return output.PushAsync(item);
            Timers.Set(TimeSpan.Zero);
            return default;
        }

        protected override async ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
        {
            State++;
            Timers.Set(TimeSpan.Zero);
            await ticks.FireAsync(cancellation);
        }

        protected override ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"!{Key} has ended");
    }
}
