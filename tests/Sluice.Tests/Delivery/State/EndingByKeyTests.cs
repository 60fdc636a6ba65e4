using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The end of the input for nodes with a state for each key: every key ends once, with its own state, whichever lane has it and
/// however many there are.</summary>
public sealed class EndingByKeyTests
{
    private const int Keys = 6;

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, true, false)]
    [InlineData(3, true, false)]
    [InlineData(3, true, true)]
    [InlineData(3, false, false)]
    [InlineData(3, false, true)]
    public async Task EachKeyEndsWithItsOwnStateWhicheverLaneHasIt(int lanes, bool isKeyed, bool isRestarted)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await PlayAsync(isRestarted, () => Make(store, isKeyed,
            source => source | Stage.KeyBy((int n) => n % Keys, lanes) | Sluice.StageNode.Of(() => new Total()) | Stage.Named("total")));
        int[] items = [.. Enumerable.Range(0, isRestarted ? 120 : 60)];
        Assert.Equal(Enumerable.Range(0, Keys).Select(key => $"{key}={items.Where(n => n % Keys == key).Sum()}"),
            ledger.Lines.Order(StringComparer.Ordinal));
    }

    /// <summary>A partition has ended, and an item of another one is in the node, which is one for all partitions.</summary>
    [Fact]
    public async Task NoKeyEndsWhileAnItemOfAnotherPartitionIsInTheNode()
    {
        await using IStreamStore inner = await ScenarioStore.OpenAsync(clock);
        var store = new CountedLeases(inner);
        int[] numbers = [.. Enumerable.Range(1, 100).OrderBy(static n => EntryKey.Of($"{n}").PartitionOf(2))];
        (int ended, int busy) = (numbers[0], numbers[^1]);
        var isInside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool isBusy = false, hasOverlapped = false;
        await using Consecutor<int> consecutor = new("numbers", source => source | (static n => n) | Stage.Buffer(1)
            | Sluice.StageNode.Of(() => new Total(async item =>
            {
                if (item != busy) return;
                Volatile.Write(ref isBusy, true);
                isInside.TrySetResult();
                await go.Task;
                Volatile.Write(ref isBusy, false);
            }, () => hasOverlapped |= Volatile.Read(ref isBusy))) | Stage.Named("total") | ledger.Sink<string>(), Options(store, 2))
        { Key = static n => $"{n}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(ended, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.SendAsync(busy, Cancellation);
        await isInside.Task.WaitAsync(Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        for (int turn = 0; turn < 20_000; turn++) await Member.NextAsync();          // it would end the other partition now
        Assert.InRange(store.Leases, 1, 50);         // it waits for the end of the item, and does not ask again and again
        go.SetResult();
        Task idle = consecutor.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Member.NextAsync();
        }
        Assert.False(hasOverlapped);
        Assert.Equal(new[] { $"{ended}={ended}", $"{busy}={busy}" }.Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
    }

    /// <summary>What a key puts out at the end belongs to no attempt that a policy could hold back.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EachKeyEndsBehindAPolicy(bool hasTimeout)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await PlayAsync(isRestarted: false, () => Make(store, isKeyed: true, source => source | Stage.KeyBy((int n) => n % Keys, 1)
            | Sluice.StageNode.Of(() => new Total()) | (hasTimeout ? Stage.Timeout(TimeSpan.FromHours(1)).Named("total")
                : Stage.OnError(ErrorPolicy.DeadLetter).Named("total"))));
        Assert.Equal(Enumerable.Range(0, Keys).Select(static key => $"{key}={Enumerable.Range(0, 60).Where(n => n % Keys == key).Sum()}"),
            ledger.Lines.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(1, true, false)]
    [InlineData(3, true, false)]
    [InlineData(3, true, true)]
    [InlineData(3, false, false)]
    [InlineData(3, false, true)]
    public async Task ADebouncedItemIsPutOutAtTheEndWhicheverLaneHoldsIt(int lanes, bool isKeyed, bool isRestarted)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await PlayAsync(isRestarted, () => Make(store, isKeyed,
            source => (source | Stage.KeyBy((int n) => n % Keys, lanes)).Debounce(TimeSpan.FromHours(1)) | Stage.Named("quiet")));
        int last = isRestarted ? 120 : 60;
        Assert.Equal(Enumerable.Range(last - Keys, Keys).Select(static n => $"{n}").Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
        for (int partition = 0; partition < (isKeyed ? 4 : 1); partition++)
            foreach (string rows in (string[])["$timers/quiet", "$due/quiet"])
                Assert.Empty(await store.ListStateAsync(new GroupId("numbers", "numbers"), partition, rows, cancellation: Cancellation));
    }

    /// <summary>The end of a key with timers takes three parts of a commit.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ManySilentKeysEndAndLeaveNoTimersBehind(bool keepsState)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = new("numbers",
            source => source | Sluice.StageNode.Of(() => new Silent(keepsState)) | Stage.Named("silent") | ledger.Sink<int>(),
                Options(store, 1))
        { Key = static n => $"{n}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 700)], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        foreach (string rows in (string[])["$timers/silent", "$due/silent"])
            Assert.Empty(await store.ListStateAsync(new GroupId("numbers", "numbers"), 0, rows, cancellation: Cancellation));
        Assert.False(consecutor.Completion.IsFaulted);
    }

    /// <summary>The keys of one page may have more outputs than a commit holds: then fewer of them end together.</summary>
    [Fact]
    public async Task KeysWithMoreOutputsThanACommitHoldsAllEnd()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = new("numbers",
            source => source | Sluice.StageNode.Of(() => new Prolific()) | Stage.Named("prolific") | ledger.Sink<int>(),
                Options(store, 1))
        { Key = static n => $"{n}" };
        await using var others = new Consecutor<string>("others", source => source | ledger.Sink<string>(), Options(store, 1));
        consecutor.Output<string>("parts").To(others);
        await others.StartAsync(Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 60)], Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await Member.UntilAsync(() => others.Snapshot() is { Accepted: 60 * 40, IsIdle: true });
        Assert.Equal(Enumerable.Range(0, 60).SelectMany(static n => Enumerable.Range(0, 40).Select(part => $"{n}:{part}"))
            .Order(StringComparer.Ordinal), ledger.Lines.Order(StringComparer.Ordinal));
    }

    private static async Task PlayAsync(bool isRestarted, Func<Consecutor<int>> make)
    {
        if (isRestarted)
        {
            await using Consecutor<int> first = make();
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([.. Enumerable.Range(0, 60)], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using Consecutor<int> last = make();
        await last.StartAsync(Cancellation);
        await last.SendAllAsync([.. Enumerable.Range(isRestarted ? 60 : 0, 60)], Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        await last.CompleteAsync(Cancellation);
        Assert.Equal(0L, (await last.WaitForIdleAsync(Cancellation)).Unaccounted);
    }

    private Consecutor<int> Make<T>(IStreamStore store, bool isKeyed, Func<Source<int>, Source<T>> apply)
        => new("numbers", source => apply(source) | ledger.Sink<T>(), Options(store, isKeyed ? 4 : 1))
        {
            Key = isKeyed ? n => $"{n % Keys}" : null,
        };

    private ConsecutorOptions Options(IStreamStore store, int partitions)
        => new() { Store = store, Process = new(), Stream = new() { Partitions = partitions }, Run = new() { Time = clock } };

    /// <summary>Waits for something that does not come, and puts nothing out.</summary>
    private sealed class Silent(bool keepsState) : TimedStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            if (keepsState) State = item;
            Timers.Set(TimeSpan.FromHours(1));
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<int> output, CancellationToken cancellation) => output.PushAsync(-1);
    }

    private sealed class Prolific : StatefulStageNode<int, int, int>
    {
        private readonly NamedOutput<string> parts = new("parts");

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State = item;
            return default;
        }

        protected override async ValueTask EndKeyAsync(Output<int> output, CancellationToken cancellation)
        {
            for (int i = 0; i < 40; i++) await output.PushAsync(parts, $"{Key}:{i}");
        }
    }

    private sealed class CountedLeases(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int leases;

        public int Leases => Volatile.Read(ref leases);

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref leases);
            return base.LeaseAsync(request, cancellation);
        }
    }

    private sealed class Total(Func<int, ValueTask>? inside = null, Action? ends = null) : StatefulStageNode<int, string, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            if (inside is not null) await inside(item);
            State += item;
        }

        protected override ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation)
        {
            ends?.Invoke();
            return output.PushAsync($"{Key}={State}");
        }
    }
}
