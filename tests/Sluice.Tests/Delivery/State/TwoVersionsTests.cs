using System.Collections.Concurrent;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Old and new code that take turns on what is stored.</summary>
public class TwoVersionsTests
{
    private readonly Ledger ledger = new();
    private readonly ConcurrentQueue<string> seen = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Old code goes on until new code has written. From there on it leaves the partition alone, and goes on with the other
    /// one, also if it has a sink that waits for all partitions of dead members.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OldCodeDoesNotTouchAPartitionThatNewCodeHasWritten(bool withSink)
    {
        await using var store = await ScenarioStore.OpenAsync();
        string[] keys = [.. Enumerable.Range(0, 100).Select(static n => $"k{n}").OrderBy(static key => EntryKey.Of(key).PartitionOf(2))];
        (string there, string here) = (keys[0], keys[^1]);
        Assert.NotEqual(EntryKey.Of(there).PartitionOf(2), EntryKey.Of(here).PartitionOf(2));
        await using (Consecutor<string> old = Old(store, withSink: withSink))
        {
            await old.StartAsync(Cancellation);
            await old.SendAllAsync([there, here, there], Cancellation);
            await old.WaitForIdleAsync(Cancellation);
        }
        await using (Consecutor<string> renewed = New(store))
        {
            await renewed.StartAsync(Cancellation);
            await renewed.SendAsync(there, Cancellation);
            await renewed.WaitForIdleAsync(Cancellation);
        }
        List<StoredState> written = await StatesAsync(store);
        await using (Consecutor<string> old = Old(store, withSink: withSink))
        {
            await old.StartAsync(Cancellation);
            await old.SendAllAsync([there, here], Cancellation);
            await Member.UntilAsync(() => seen.Contains($"{here}=2"));
            for (int i = 0; i < 1_000; i++) await Member.NextAsync();
            await Member.UntilAsync(() => old.Snapshot().Problem?.Contains("was written by version 2 of the code; this is version",
                StringComparison.Ordinal) == true);
            Assert.Equal([$"{there}=1", $"{there}=2", $"{there}=xxx"],
                seen.Where(line => line.StartsWith($"{there}=", StringComparison.Ordinal)));
            Assert.Equal(Text(written, there), Text(await StatesAsync(store), there));
            Assert.True(await old.StopAsync());
        }
        await using Consecutor<string> last = New(store);
        await last.StartAsync(Cancellation);
        await last.SendAsync(here, Cancellation);
        ConsecutorSnapshot end = await last.WaitForIdleAsync(Cancellation);
        Assert.Equal((7L, 7L, 0L), (end.Accepted, end.Completed, end.Unaccounted));
        Assert.Equal([$"{here}=1", $"{here}=2", $"{here}=xxx"], seen.Where(line => line.StartsWith($"{here}=", StringComparison.Ordinal)));
        Assert.Equal($"{there}=xxxx", seen.Last(line => line.StartsWith($"{there}=", StringComparison.Ordinal)));
    }

    /// <summary>Newer code that runs has the file of the sink, too. Older code that is started beside it stands by, and begins when the
    /// file is free.</summary>
    [Fact]
    public async Task OldCodeWhoseSinkIsHeldByNewCodeStandsBy()
    {
        await using var store = await ScenarioStore.OpenAsync();
        await using Consecutor<string> renewed = New(store);
        await renewed.StartAsync(Cancellation);
        await renewed.SendAllAsync([.. Enumerable.Range(0, 100).Select(static n => $"k{n}")], Cancellation);
        await renewed.WaitForIdleAsync(Cancellation);
        bool isHeld = true;
        int begun = 0;
        await using Consecutor<string> old = Old(store, sink: () => new HeldSink(() =>
        {
            if (Volatile.Read(ref isHeld)) throw new IOException("is being written by another process");
            Interlocked.Increment(ref begun);
        }), lease: TimeSpan.FromMilliseconds(300));           // it owns nothing, and its heartbeats are soon
        await old.StartAsync(Cancellation);
        await Member.UntilAsync(() => old.Snapshot().Problem?.Contains("by another process", StringComparison.Ordinal) == true);
        Volatile.Write(ref isHeld, false);
        await Member.UntilAsync(() => Volatile.Read(ref begun) > 0);
        Assert.True(await old.StopAsync());
    }

    /// <summary>If the code version was not raised, the version of the state still stops older code, and the state is not
    /// changed.</summary>
    [Fact]
    public async Task StateOfANewerVersionIsRefusedAndNotChanged()
    {
        await using var store = await ScenarioStore.OpenAsync();
        await using (Consecutor<string> renewed = New(store, codeVersion: 0))
        {
            await renewed.StartAsync(Cancellation);
            await renewed.SendAsync("a", Cancellation);
            await renewed.WaitForIdleAsync(Cancellation);
        }
        await using (Consecutor<string> old = Old(store, codeVersion: 0))
        {
            InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => old.StartAsync(Cancellation));
            Assert.Contains("'count': 1 row in partition", failure.Message, StringComparison.Ordinal);
            Assert.Contains("it has version 1, and the code has version 0.", failure.Message, StringComparison.Ordinal);
        }
        Assert.Equal(("\"x\"", 1), Text(await StatesAsync(store), "a"));
        await using Consecutor<string> again = New(store, codeVersion: 0);
        await again.StartAsync(Cancellation);
        await again.SendAsync("a", Cancellation);
        Assert.Equal(2, (await again.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(["a=x", "a=xx"], seen);
    }

    /// <summary>Code that lacks the node does not start, and both the chunk's output and the items it holds are kept. Code that declares
    /// the rename processes them.</summary>
    [Fact]
    public async Task CodeWithoutANodeIsRefusedAndTheStateOfTheNodeIsKept()
    {
        var clock = new TestClock();
        await using var store = await ScenarioStore.OpenAsync(clock);
        bool isMended = false;
        await using (Consecutor<int> first = Chunks())
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync([0, 1, 2, 3, 4], Cancellation);
            await Member.UntilAsync(() => first.Snapshot() is { Retrying: 1, Completed: 5 });
        }
        isMended = true;
        clock.Advance(TimeSpan.FromHours(2));
        await using (Consecutor<int> without = Numbers(source => source | ledger.Sink<int>()))
        {
            InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => without.StartAsync(Cancellation));
            Assert.Contains("'threes': 1 row in partition 0; the code has no such node. The nodes of the code that keep state: none.",
                failure.Message, StringComparison.Ordinal);
        }
        await using Consecutor<int> last = Chunks("triples", StateChange.Renamed("threes", "triples"));
        await last.StartAsync(Cancellation);
        await last.SendAsync(6, Cancellation);
        ConsecutorSnapshot end = await last.WaitForIdleAsync(Cancellation);
        Assert.Equal((6L, 7L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(["0,1,2", "3,4,6"], ledger.Lines.Order());

        Consecutor<int> Chunks(string name = "threes", params StateChange[] said)
            => Numbers(source => source.Chunk(3) | Stage.Named(name)
            | (some => isMended ? string.Join(',', some) : throw new TimeoutException("not now")) | ledger.Sink<string>(), said);

        Consecutor<int> Numbers(Func<Source<int>, Pipeline> body, params StateChange[] said)
            => new("numbers", body, new()
            {
                Store = store,
                Process = new(),
                Stream = new() { Partitions = 1 },
                Delivery = Sluice.DeliveryGuarantee.Replay(3, Backoff.Constant(TimeSpan.FromHours(1))),
                Run = new() { Time = clock },
                State = said
            });
    }

    private Consecutor<string> Old(IStreamStore store, int codeVersion = 1, bool withSink = false,
        Func<TransactionalSink<string>>? sink = null, TimeSpan? lease = null)
        => new("words", source => source | Sluice.StageNode.Of(() => new Count()) | Stage.Named("count")
            | (word => { seen.Enqueue(word); return word; })
            | (withSink || sink is not null ? Sink.Commit<string>(sink ?? (static () => new HeldSink(static () => { })))
                : Sink.Of<string>(static _ => { })),
        Options(store, codeVersion) with { LeaseDuration = lease ?? TimeSpan.FromSeconds(30) })
        { Key = static word => word };

    private Consecutor<string> New(IStreamStore store, int codeVersion = 2)
        => new("words", source => source | Sluice.StageNode.Of(() => new CountInMarks()) | Stage.Named("count") | seen.Enqueue,
        Options(store, codeVersion))
        { Key = static word => word };

    private static ConsecutorOptions Options(IStreamStore store, int codeVersion)
        => new()
        {
            Store = store,
            CodeVersion = codeVersion,
            InstanceId = $"version {codeVersion}",
            Process = new(),
            Stream = new() { Partitions = 2 },
            Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None)
        };

    private async Task<List<StoredState>> StatesAsync(IStreamStore store)
    {
        await using Consecutor<string> reader = New(store);
        return await reader.ListStateAsync("count", Cancellation).ToListAsync(Cancellation);
    }

    private static (string, int) Text(List<StoredState> states, string key)
    {
        StoredState state = Assert.Single(states, state => state.Key == key);
        return (Encoding.UTF8.GetString(state.Payload.Span), state.Version);
    }

    private sealed class Count : StatefulStageNode<string, string, int>
    {
        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"{item}={++State}");
    }

    private sealed class CountInMarks : StatefulStageNode<string, string, string>
    {
        protected override int StateVersion => 1;

        protected override string InitialState(string key) => "";

        protected override string Migrate(StoredState stored) => new('x', int.Parse(Encoding.UTF8.GetString(stored.Payload.Span)));

        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"{item}={State += "x"}");
    }

    private sealed class HeldSink(Action begin) : TransactionalSink<string>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
        {
            begin();
            return default;
        }

        protected override ValueTask PrepareAsync(SinkCommit<string> commit, CancellationToken cancellation) => default;
    }
}
