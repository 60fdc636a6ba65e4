using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Stored state whose node the code does not have, or has with another shape: the start is refused, so no state silently starts
/// from zero.</summary>
public class RenamedStateTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARenamedNodeIsRefusedUntilTheRenameIsDeclared()
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(Make(store, "balance"), 10, 10, 11);
        await using (Consecutor<int> renamed = Make(store, "totals"))
        {
            InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => renamed.StartAsync(Cancellation));
            Assert.StartsWith(
                "The consecutor work has stored state that this code would forget, or misread. 'balance': 2 rows in 2 partitions (0, 1); "
                    + "the code has no such node. "
                + "The nodes of the code that keep state: 'totals'. Nothing was changed. If a node was renamed, say so: "
                + "ConsecutorOptions.State = [StateChange.Renamed(\"balance\", \"…\")]", failure.Message, StringComparison.Ordinal);
        }
        NodeState listed = Assert.Single(await store.ListStateAsync("work", Cancellation));
        Assert.Equal(("balance", 2L, "0 1", "node of long", 0),
            (listed.Node, listed.Rows, string.Join(' ', listed.Partitions), listed.Shape, listed.Version));
        await LiveAsync(Make(store, "totals", StateChange.Renamed("balance", "totals")), 10);
        Assert.Equal(["10=30", "11=11"], await RowsAsync(store, "totals"));
        await IsGoneAsync(store, "balance");
        await LiveAsync(Make(store, "totals"), 11);
        Assert.Equal(["10=30", "11=22"], await RowsAsync(store, "totals"));
        Assert.Equal("totals", Assert.Single(await store.ListStateAsync("work", Cancellation)).Node);
    }

    [Fact]
    public async Task DroppedStateIsDeletedAndChainsOfRenamesAreFollowed()
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(Make(store, "a"), [.. Enumerable.Range(0, 2_500)]);
        await LiveAsync(Make(store, "c", StateChange.Renamed("a", "b"), StateChange.Renamed("b", "c")), 7);
        Assert.Equal(2_500, (await RowsAsync(store, "c")).Count);
        await LiveAsync(Make(store, "d", StateChange.Dropped("c")), 7);
        Assert.Equal(["7=7"], await RowsAsync(store, "d"));
        Assert.Equal("d", Assert.Single(await store.ListStateAsync("work", Cancellation)).Node);
    }

    [Fact]
    public void ContradictoryStateChangesAreRefused()
    {
        var store = new MemoryStreamStore();
        Assert.Contains("renames 'a' in a circle", Refusal(StateChange.Renamed("a", "b"), StateChange.Renamed("b", "a")),
            StringComparison.Ordinal);
        Assert.Contains("says that 'sum' was removed, and the code has a node of that name which keeps state",
            Refusal(StateChange.Dropped("sum")), StringComparison.Ordinal);
        Assert.Contains("says that 'a' and 'b' are called 'sum' now",
            Refusal(StateChange.Renamed("a", "sum"), StateChange.Renamed("b", "sum")), StringComparison.Ordinal);
        Assert.Contains("names 'a' twice", Refusal(StateChange.Renamed("a", "sum"), StateChange.Dropped("a")), StringComparison.Ordinal);
        Assert.Contains("says that 'a' is called 'nope' now, and the code has no node of that name. Its nodes that keep state: 'sum'.",
            Refusal(StateChange.Renamed("a", "nope")), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => StateChange.Renamed("a", "a"));
        Assert.Contains("says that 'a' was renamed, and the code has a node of that name",
            Assert.Throws<ArgumentException>(() => Beside(StateChange.Renamed("a", "sum"))).Message, StringComparison.Ordinal);
        Beside(StateChange.Dropped("a"));

        // Items that wait for the node under its old name would enter another one.
        void Beside(StateChange said) => Of(store,
            source => source | (static n => n) | Stage.Named("a") | Sluice.StageNode.Of(() => new Sum()) | Stage.Named("sum") | (_ => { }),
            said);

        string Refusal(params StateChange[] said) => Assert.Throws<ArgumentException>(() => Make(store, "sum", said)).Message;
    }

    /// <summary>An aggregate has a result for each partition, also for one without a row. After the end of the input, no partition puts
    /// its result out again under the new name.</summary>
    [Fact]
    public async Task AnAggregateThatHasEndedStaysEndedUnderItsNewName()
    {
        await using var store = new MemoryStreamStore();
        var results = new System.Collections.Concurrent.ConcurrentQueue<long>();
        await EndAsync("sum", 7);
        await EndAsync("total", null, StateChange.Renamed("sum", "total"));
        await EndAsync("total", null);
        await EndAsync("sum", null, StateChange.Renamed("total", "sum"));
        Assert.Equal([0, 7], results.Order());

        async Task EndAsync(string name, int? item, params StateChange[] said)
        {
            await using Consecutor<int> consecutor = Of(store,
                source => source.Aggregate(0L, static (sum, n) => sum + n) | Stage.Named(name) | results.Enqueue, said);
            await consecutor.StartAsync(Cancellation);
            if (item is { } one) await consecutor.SendAsync(one, Cancellation);
            await consecutor.CompleteAsync(Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    /// <summary>A node with the same name but another shape must not read the state.</summary>
    [Fact]
    public async Task ANodeWithStateOfAnotherShapeIsRefused()
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(Make(store, "sum"), 1, 2);
        await using (Consecutor<int> scan = Of(store,
            source => source.Scan(0L, static (sum, n) => sum + n) | Stage.Named("sum") | (_ => { })))
            Assert.Contains("it is of a node of long, and the code has a scan of long.",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => scan.StartAsync(Cancellation))).Message,
                    StringComparison.Ordinal);
        await using Consecutor<int> other = Of(store,
            source => source | Sluice.StageNode.Of(() => new Seen()) | Stage.Named("sum") | (_ => { }));
        Assert.Contains("it is of a node of long, and the code has a node of bool.",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => other.StartAsync(Cancellation))).Message, StringComparison.Ordinal);
        await LiveAsync(Make(store, "sum"), 1, 2);
        Assert.Equal(["1=2", "2=4"], await RowsAsync(store, "sum"));
    }

    [Fact]
    public async Task StateOfANodeThatIsCalledLikeOneWithoutStateIsRefused()
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(Make(store, "balance"), 1, 2, 3, 4);
        await using Consecutor<int> without = Of(store, source => source.Select(static n => n) | Stage.Named("totals") | (_ => { }),
            StateChange.Renamed("balance", "totals"));
        Assert.Contains("; 'totals' of the code keeps no state. ",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => without.StartAsync(Cancellation))).Message,
            StringComparison.Ordinal);
    }

    /// <summary>The process dies at each call of the store in turn: the next process moves the remaining rows, and each item counts
    /// once.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ACrashDuringARenameNeitherLosesNorDuplicatesState(int moment)
    {
        int[] keys = [.. Enumerable.Range(0, 900)];
        bool hasLived = false;
        for (int dieAt = 1; !hasLived; dieAt++)
        {
            await using var store = new MemoryStreamStore();
            await LiveAsync(Make(store, "old"), keys);
            var mortal = new MortalStore(store, dieAt, (Moment)moment);
            Consecutor<int> consecutor = Make(mortal, "new", StateChange.Renamed("old", "new"));
            await mortal.OutliveAsync(consecutor, consecutor.StartAsync(Cancellation));
            hasLived = !mortal.Died.IsCompleted;
            await LiveAsync(Make(store, "new", StateChange.Renamed("old", "new")), keys);
            Assert.Equal(keys.Select(static key => $"{key}={2 * key}").Order(StringComparer.Ordinal),
                (await RowsAsync(store, "new")).Order(StringComparer.Ordinal));
            Assert.DoesNotContain(await store.ListStateAsync("work", Cancellation), static node => node.Node == "old");
            foreach (int partition in (int[])[0, 1])
                Assert.Equal(["new"], (await store.ListStateAsync(Member.Group, partition, Sluice.Delivery.StateCheck.Node, after: null, 10,
                    Cancellation)).Select(static row => row.Key));
        }
    }

    /// <summary>An older program runs beside a newer one that has renamed a node. The older program stops at a partition that it does not
    /// understand, says why, and changes nothing.</summary>
    [Fact]
    public async Task AnOlderProgramStopsAtAPartitionWithARenamedNode()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> old = Make(store, "balance", "old", clock);
        await old.StartAsync(Cancellation);
        await old.SendAllAsync([10, 11], Cancellation);
        await old.WaitForIdleAsync(Cancellation);
        await using (Consecutor<int> renewed = Make(store, "totals", "new", clock, StateChange.Renamed("balance", "totals")))
        {
            await renewed.StartAsync(Cancellation);
            while ((await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions.All(static partition => partition.Owner != "new"))
                await Member.BeatAsync(store, clock, "old", "new");
            await Member.UntilAsync(() => Rows(store, "totals").Count == 1);
            Assert.Single(Rows(store, "balance"));
            await renewed.SendAllAsync([10, 11], Cancellation);
            await Member.UntilAsync(() => Rows(store, "totals").Concat(Rows(store, "balance")).Order().SequenceEqual(["10=20", "11=22"]));
            await renewed.StopAsync();
        }
        // The partition comes back to the older one.
        while (!old.Completion.IsCompleted)
        {
            clock.Advance(Member.LeaseTime / 3);
            await Member.NextAsync();
        }
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => old.Completion);
        Assert.Contains("'totals': 1 row in partition", failure.Message, StringComparison.Ordinal);
        await using (Consecutor<int> again = Make(store, "balance", "old", clock))
            Assert.Contains("'totals': 1 row in partition",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => again.StartAsync(Cancellation))).Message,
                    StringComparison.Ordinal);
        await using Consecutor<int> last = Make(store, "balance", "old", clock, StateChange.Renamed("totals", "balance"));
        await last.StartAsync(Cancellation);
        Assert.Equal(["10=20", "11=22"], await RowsAsync(store, "balance"));

        // Before its first state is stored, the store does not know the node.
        static List<string> Rows(IStreamStore store, string node)
        {
            try
            {
                return RowsAsync(store, node).GetAwaiter().GetResult();
            }
            catch (StreamStoreException unknown) when (unknown.Message.Contains($"there is no node \"{node}\".", StringComparison.Ordinal))
            {
                return [];
            }
        }
    }

    private static async Task LiveAsync(Consecutor<int> consecutor, params int[] items)
    {
        await using (consecutor)
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(items, Cancellation);
            Assert.Equal(0, (await consecutor.WaitForIdleAsync(Cancellation)).Unaccounted);
        }
    }

    private static async Task IsGoneAsync(IStreamStore store, string node)
        => Assert.StartsWith($"In the stored state of the consecutor work, there is no node \"{node}\".",
            (await Assert.ThrowsAsync<StreamStoreException>(() => RowsAsync(store, node))).Message, StringComparison.Ordinal);

    private static async Task<List<string>> RowsAsync(IStreamStore store, string node)
        => [.. (await store.ListStateAsync("work", node, Cancellation)
        .Select(static state => $"{state.Key}={Encoding.UTF8.GetString(state.Payload.Span)}")
        .ToListAsync(Cancellation)).Order(StringComparer.Ordinal)];

    private static Consecutor<int> Make(IStreamStore store, string name, params StateChange[] said)
        => Of(store, source => source | Sluice.StageNode.Of(() => new Sum()) | Stage.Named(name) | (_ => { }), said);

    private static Consecutor<int> Of(IStreamStore store, Func<Source<int>, Pipeline> body, params StateChange[] said)
        => new("work", body, new() { Store = store, Process = new(), Stream = new() { Partitions = 2 }, State = said })
        {
            Key = static n =>
        $"{n}"
        };

    private static Consecutor<int> Make(IStreamStore store, string name, string member, TestClock clock, params StateChange[] said)
        => new("work", source => source | Sluice.StageNode.Of(() => new Sum()) | Stage.Named(name) | (_ => { }),
        Member.Options(member, store, clock, partitions: 2) with { State = said })
        { Key = static n => $"{n}" };

    private sealed class Sum : StatefulStageNode<int, long, long>
    {
        protected override ValueTask ProcessAsync(int item, Output<long> output, CancellationToken cancellation)
            => output.PushAsync(State += item);
    }

    private sealed class Seen : StatefulStageNode<int, bool, bool>
    {
        protected override ValueTask ProcessAsync(int item, Output<bool> output, CancellationToken cancellation)
            => output.PushAsync(State = true);
    }
}
