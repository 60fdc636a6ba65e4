using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Timers by key in a consecutor: part of the state, so that none is lost and none fires twice, whatever happens to the process or
/// the clock.</summary>
[Long("the stores in memory and SQLite", In = ["Sluice.PostgreSql.Tests", "Sluice.Redis.Tests"])]
public sealed partial class StoredTimersTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Each line of the script is sent to a consecutor that is stopped afterwards.</summary>
    [Fact]
    public async Task TimersCanBeMovedAndCancelledByNameOverRestarts()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        string[][] script =
        [
            ["x:set a 60", "y:set a 60", "x:set b 150"], ["y:set a 90", "x:cancel a"], ["x:cancel a", "x:is b"], [],
                ["y:set now 0", "x:set b 60"], ["x:set b 600"], [], [],
        ];
        foreach (string[] commands in script)
        {
            await using Consecutor<string> consecutor = Remotes(store);
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(commands, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            await RestAsync();
            clock.Advance(Pause / 2);
            await RestAsync();
        }
        Assert.Equal(["x:cancelled True", "x:cancelled False", "x:b is set: True", "y:a", "y:now"], ledger.Lines);
        clock.Advance(TimeSpan.FromMinutes(8));
        await using Consecutor<string> last = Remotes(store);
        await last.StartAsync(Cancellation);
        await RestAsync();
        Assert.Equal(5, ledger.Lines.Count);         // the last command that set the timer has moved it
        await PassAsync(TimeSpan.FromMinutes(1), () => ledger.Lines.Count == 6);
        Assert.Equal("x:b", ledger.Lines[^1]);
        Assert.Equal((10L, 0L, 0L), (last.Snapshot().Accepted, last.Snapshot().Dead, last.Snapshot().Unaccounted));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task OverdueTimersFireInOrderBeforeTheNextItem(int lanes)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using (Consecutor<string> first = Remotes(store, lanes))
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync(["x:set c 3", "x:set a 1", "x:set d 3", "x:set b 2"], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
            await first.AbandonAsync();
        }
        // accepted, by a process that does no work
        await using (Consecutor<string> paused = Remotes(store, lanes)) await paused.SendAsync("x:say hello", Cancellation);
        clock.Advance(TimeSpan.FromDays(400));
        await using Consecutor<string> second = Remotes(store, lanes);
        await second.StartAsync(Cancellation);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(["x:a", "x:b", "x:c", "x:d", "x:hello"], ledger.Lines);
    }

    [Fact]
    public async Task AFailingTimerIsRetriedThenDeadLetteredAndOtherTimersFire()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        bool isMended = false;
        await using Consecutor<string> consecutor = Remotes(store, mended: () => isMended);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(["x:set ok 60", "x:set broken 60", "y:set broken 60", "z:set ok 60", "x:set later 60",
            "z:set twice 60"], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await RestAsync();
        await PassAsync(Pause, () => consecutor.Snapshot() is { Dead: 2, IsIdle: true } && ledger.Lines.Count == 4);
        Assert.Equal(["x:later", "x:ok", "z:ok", "z:twice"], ledger.Lines.Order(StringComparer.Ordinal));
        List<DeadLetter> letters = await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Equal(["the timer 'broken' of the key 'x'", "the timer 'broken' of the key 'y'"],
            letters.Select(static letter => letter.Item).Order());
        Assert.All(letters, letter => Assert.Equal(("remote", 4, true), (letter.Node, letter.Attempts, letter.EntersAtNode)));
        Assert.All(letters, letter => Assert.Contains("out of order", letter.Error, StringComparison.Ordinal));
        isMended = true;
        Assert.Equal(2, await consecutor.RedriveAsync(static _ => true, Cancellation));
        await consecutor.WaitForIdleAsync(Cancellation);
        await Member.UntilAsync(() => ledger.Lines.Count == 6);
        Assert.Equal(["x:broken", "y:broken"], ledger.Lines.Skip(4).Order(StringComparer.Ordinal));
        Assert.Equal((0L, 0L), (consecutor.Snapshot().Dead, consecutor.Snapshot().Unaccounted));
    }

    /// <summary>The outputs of the timers exceed a commit, and the state of one timer cannot be written: only that timer becomes a dead
    /// letter.</summary>
    [Fact]
    public async Task TimersBeyondTheLimitOfACommitFireAndAnUnwritableOneDiesAlone()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<string> consecutor = Remotes(store);
        await using var others = new Consecutor<string>("others", source => source | (_ => { }), Options(store));
        consecutor.Output<string>("many").To(others);
        await others.StartAsync(Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 40).Select(static n => $"k{n}:set many 60"), "nan:set nan 60"], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await RestAsync();
        await PassAsync(Pause, () => ledger.Lines.Count == 40 && consecutor.Snapshot() is { Dead: 1, IsIdle: true });
        await Member.UntilAsync(() => others.Snapshot() is { Accepted: 4_000, IsIdle: true });
        DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Contains("What 'remote' remembers under the key 'nan' cannot be written", letter.Error, StringComparison.Ordinal);
        Assert.Equal((41L, 0L), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Unaccounted));
    }

    [Fact]
    public async Task ATimerThatIsSetAgainAtOnceLetsItemsThrough()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<string> consecutor = Remotes(store);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 200).Select(static n => $"k{n}:set forever 0").ToList(), Cancellation);
        await consecutor.SendAsync("k1:say hello", Cancellation);
        await Member.UntilAsync(() => ledger.Lines.Contains("k1:hello"));
        Assert.True(await consecutor.StopAsync());
    }

    [Fact]
    public async Task PendingTimersCountAsIdleAndDoNotFireDuringAPause()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<string> consecutor = Remotes(store);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync("x:set a 60", Cancellation);
        Assert.True((await consecutor.WaitForIdleAsync(Cancellation)).IsIdle);
        await RestAsync();
        await consecutor.PauseAsync(Cancellation);
        clock.Advance(TimeSpan.FromDays(2));
        await RestAsync();
        Assert.Empty(ledger.Lines);
        await consecutor.ResumeAsync(Cancellation);
        await Member.UntilAsync(() => ledger.Lines.Count == 1);
        Assert.Equal(["x:a"], ledger.Lines);
    }

    [Fact]
    public async Task TheEndOfTheInputRemovesTimersWithoutFiringThem()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<string> consecutor = Remotes(store);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 120).Select(static n => $"k{n}:set a 60"), "gone:set a 60", "gone:forget"],
            Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(0, 120).Select(static n => $"k{n} has ended").Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
        Assert.Equal(0, await RowsAsync(store, "remote"));
        clock.Advance(TimeSpan.FromDays(1));
        await RestAsync();
        Assert.Equal(120, ledger.Lines.Count);
    }

    [Fact]
    public async Task TimersFollowARenamedNodeAndAnUndeclaredRenameIsRefused()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using (Consecutor<string> first = Remotes(store))
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync(["x:set a 60", "x:set b 120", "y:set a 60", "y:forget"], Cancellation);
            await first.WaitForIdleAsync(Cancellation);
        }
        await using (Consecutor<string> renamed = Remotes(store, name: "control"))
            Assert.Contains("'remote': 1 row in ", (await Assert.ThrowsAsync<InvalidOperationException>(() =>
                renamed.StartAsync(Cancellation))).Message, StringComparison.Ordinal);
        await using (var plain = new Consecutor<string>("remotes",
            source => source | Sluice.StageNode.Of(() => new NoTimers()) | Stage.Named("remote") | (_ => { }),
                Options(store))
        { Key = KeyOf })
            Assert.Contains("it has timers, and the code has a node of double without timers",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => plain.StartAsync(Cancellation))).Message,
                    StringComparison.Ordinal);
        await using (Consecutor<string> said = Remotes(store, name: "control", state: StateChange.Renamed("remote", "control")))
        {
            await said.StartAsync(Cancellation);
            await RestAsync();
            await PassAsync(Pause, () => ledger.Lines.Count == 2);
            Assert.Equal(["x:a", "y:a"], ledger.Lines.Order(StringComparer.Ordinal));
            await UntilRowsAsync(store, "control", 2);
            Assert.Equal(0, await RowsAsync(store, "remote"));
        }
        await using Consecutor<string> dropped = Remotes(store, name: "third", state: StateChange.Dropped("control"));
        await dropped.StartAsync(Cancellation);
        clock.Advance(TimeSpan.FromHours(1));
        await RestAsync();
        Assert.Equal(0, await RowsAsync(store, "control"));
        Assert.Equal(2, ledger.Lines.Count);
    }

    /// <summary>Only the timers that are due next are in memory, and a start reads only the first pages.</summary>
    [Fact]
    public async Task ManyTimersStayOutOfMemoryAndFireInOrder()
    {
        int count = int.Parse(Environment.GetEnvironmentVariable("SLUICE_TIMERS") ?? (ScenarioStore.Share == 1 ? "5000" : "2500"),
            System.Globalization.CultureInfo.InvariantCulture);
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        var memory = new StateMemory(200_000);
        ConsecutorOptions options = Options(store) with
        {
            StateMemory = memory,
            MaxInFlight = 2_000,
            Stream = new() { Partitions = 1, MaxItems = 1_000_000 }
        };
        await using (Consecutor<string> first = Remotes(store, options: options))
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync(Enumerable.Range(0, count).Select(n => $"k{n}:set a {60 + (n % 1_000)}").ToList(), Cancellation);
            await first.WaitForIdleAsync(Cancellation);
            Assert.InRange(memory.Bytes, 0, 400_000);
        }
        var counting = new CountingStore(store);
        await using Consecutor<string> second = Remotes(store, options: options with { Store = counting });
        await second.StartAsync(Cancellation);
        await RestAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} timers: {counting.Rows} rows read at the start, {memory.Bytes} bytes of state in memory");
        Assert.InRange(counting.Rows, 1, 21_000);      // up to 10,000 of the state, as many of the timers by key, and a page by time
        await PassAsync(TimeSpan.FromHours(1), () => ledger.Lines.Count == count);
        await second.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(0, count).OrderBy(static n => n % 1_000).ThenBy(static n => n).Select(static n => $"k{n}:a"),
            ledger.Lines);
        await UntilRowsAsync(store, "remote", 0);
    }

    [Fact]
    public void TimersAreRefusedInABranchAndWithoutAName()
    {
        using var store = new Disposed();
        var fork = Assert.Throws<InvalidTopologyException>(() => new Consecutor<string>("remotes", source => source.ForkJoin(
            left => left | Sluice.StageNode.Of(() => new Remote(null)) | Stage.Named("remote"), right => right | (text => text),
                (text, lefts, rights) => text) | (_ => { }), Options(store.Store)));
        Assert.Contains("A node with timers does not fit into a branch of a fork-join", fork.Message, StringComparison.Ordinal);
        var unnamed = Assert.Throws<InvalidTopologyException>(() => new Consecutor<string>("remotes",
            source => source | Sluice.StageNode.Of(() => new Remote(null)) | (_ => { }), Options(store.Store)));
        Assert.Contains("needs a name of its own", unnamed.Message, StringComparison.Ordinal);
    }

    private ConsecutorOptions Options(IStreamStore store) => new()
    {
        Store = store,
        Process = new(),
        Delivery = Sluice.DeliveryGuarantee.Replay(3, Backoff.None),
        Stream = new() { Partitions = 3 },
        Run = new() { Time = clock },
    };

    private Consecutor<string> Remotes(IStreamStore store, int lanes = 0, string name = "remote", Func<bool>? mended = null,
        ConsecutorOptions? options = null, params StateChange[] state)
        => new("remotes", source =>
        {
            Source<string> texts = lanes > 0 ? source | Stage.KeyBy((string command) => KeyOf(command), lanes)
                | Sluice.StageNode.Of(() => new Remote(mended)) : source | Sluice.StageNode.Of(() => new Remote(mended));
            return texts | Stage.Named(name) | ledger.Sink<string>();
        }, (options ?? Options(store)) with { State = state })
        { Key = KeyOf };

    private static string KeyOf(string command) => command.Split(':')[0];
}
