using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>State of an older version is migrated, or only the items that need it fail.</summary>
public class MigrationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AMigrationThatThrowsFailsTheItemsOfItsKeyOnly()
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(Keyed(store, () => new Old()), ["a", "b", "c"]);
        bool isMended = false;
        ConsecutorSnapshot end = await LiveAsync(Keyed(store,
            () => new New(stored => isMended || stored.Key != "b" ? Convert.ToString(int.Parse(Text(stored)) * 100)
                : throw new FormatException("no number"))), ["a", "b", "c", "d"]);
        Assert.Equal((6L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(["a=100+ v1", "b=1 v0", "c=100+ v1", "d=+ v1"], await RowsAsync(store, "node"));
        isMended = true;
        await using Consecutor<string> last = Keyed(store, () => new New(static stored => "mended"));
        DeadLetter letter = Assert.Single(await last.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Contains("The state of the key 'b' was stored as version 0, and could not be migrated to version 1 of New: no number",
            letter.Error, StringComparison.Ordinal);
        await last.StartAsync(Cancellation);
        Assert.Equal(1, await last.RedriveAsync(one => one.Id == letter.Id, Cancellation));
        await last.WaitForIdleAsync(Cancellation);
        Assert.Contains("b=mended+ v1", await RowsAsync(store, "node"));
    }

    [Fact]
    public async Task AScanMigratesItsStateWithASchema()
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(Scan(store, static source => source.Scan(0, static (count, _) => count + 1) | Stage.Named("node") | (_ => { })),
            ["a", "b"]);

        await using (Consecutor<string> unsaid = Scan(store,
            static source => source.Scan("", static (text, word) => text + word) | Stage.Named("node") | (_ => { })))
            Assert.Contains("it is of a scan of int, and the code has a scan of string.",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => unsaid.StartAsync(Cancellation))).Message,
                    StringComparison.Ordinal);
        var throwing = new StateSchema<string>(1, static _ => throw new FormatException("not yet"));
        ConsecutorSnapshot end = await LiveAsync(Scan(store,
            source => source.Scan("", static (text, word) => text + word, throwing) | Stage.Named("node") | (_ => { })), ["c"]);
        Assert.Equal((2L, 1L), (end.Completed, end.Dead));
        var migrating = new StateSchema<string>(1, static stored => new('x', int.Parse(Text(stored))));
        await LiveAsync(Scan(store, source => source.Scan("", static (text, word) => text + word, migrating) | Stage.Named("node")
            | (_ => { })), ["d"]);
        Assert.Equal(["=xxd v1"], await RowsAsync(store, "node"));

        // The older program does not read what the newer one has written.
        await using Consecutor<string> old = Scan(store,
            static source => source.Scan(0, static (count, _) => count + 1) | Stage.Named("node") | (_ => { }));
        Assert.Contains("it has version 1, and the code has version 0.",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => old.StartAsync(Cancellation))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAggregateIsMigratedBeforeItsEnd()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        await LiveAsync(Scan(store, static source => source.Aggregate(0, static (count, _) => count + 1) | Stage.Named("node")
            | (_ => { })), ["a", "b"]);
        await using Consecutor<string> last = Scan(store,
            source => source.Aggregate("", static (text, word) => text + word,
                new StateSchema<string>(2, static stored => new('x', int.Parse(Text(stored))))) | Stage.Named("node")
                    | ledger.Sink<string>());
        await last.StartAsync(Cancellation);
        await last.CompleteAsync(Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        Assert.Equal(["xx"], ledger.Lines);
    }

    /// <summary>Also a row that is read for an item, because the memory has no room for it. If the item failed instead, its policy would
    /// give it up, and the next item of the key would begin at zero and write over the row.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStateThatCannotBeReadEndsTheConsecutorAndIsKept(bool isSkipped)
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<int> old = Numbers(() => new Old()))
        {
            await old.StartAsync(Cancellation);
            await old.SendAllAsync([1, 2], Cancellation);
            await old.WaitForIdleAsync(Cancellation);
        }
        await using (Consecutor<int> late = Numbers(() => new New(static stored => stored.Key != "2" ? Text(stored)
            : throw new NotSupportedException("Version 0 is too old."))))
        {
            await late.SendAllAsync([1, 2, 2, 1], Cancellation);     // once it has failed, nothing can be sent
            await late.StartAsync(Cancellation);
            await Task.WhenAny(late.Completion, late.WaitForIdleAsync(Cancellation));
            Assert.Equal(ConsecutorStatus.Failed, late.Snapshot().Status);
            InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => late.Completion);
            Assert.StartsWith("The state of node in partition 0 of the consecutor words cannot be read by this code: "
                + "NotSupportedException: Version 0 is too old.", failure.Message, StringComparison.Ordinal);
            Assert.Equal(0, late.Snapshot().Dead);
        }
        Assert.Contains("2=1 v0", await RowsAsync(store, "node"));

        // Items before KeyBy are of another type, so the keys are not known ahead.
        Consecutor<int> Numbers<TNode>(Func<TNode> node) where TNode : StageNode<string, string>
            => new("words", source => source | (static n => $"{n}") | Stage.KeyBy((string word) => word) | Sluice.StageNode.Of(node)
                | Stage.Named("node") | Stage.OnError(isSkipped ? ErrorPolicy.Skip : ErrorPolicy.DeadLetter) | (_ => { }),
                Options(store) with { StateMemory = new(0) });
    }

    private static string Text(StoredState stored) => Encoding.UTF8.GetString(stored.Payload.Span);

    private static async Task<List<string>> RowsAsync(IStreamStore store, string node)
        => [.. (await store.ListStateAsync("words", node, Cancellation)
        .Select(static state => $"{state.Key}={Text(state).Trim('"').Replace("\\u002B", "+", StringComparison.Ordinal)} v{state.Version}")
        .ToListAsync(Cancellation)).Order(StringComparer.Ordinal)];

    private static async Task<ConsecutorSnapshot> LiveAsync(Consecutor<string> consecutor, IReadOnlyList<string> items)
    {
        await using (consecutor)
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(items, Cancellation);
            return await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    private static Consecutor<string> Keyed<TNode>(IStreamStore store, Func<TNode> node) where TNode : StageNode<string, string>
        => new("words", source => source | Sluice.StageNode.Of(node) | Stage.Named("node") | (_ => { }),
        Options(store))
        { Key = static word => word };

    private static Consecutor<string> Scan(IStreamStore store, Func<Source<string>, Pipeline> body) => new("words", body, Options(store));

    private static ConsecutorOptions Options(IStreamStore store)
        => new()
        {
            Store = store,
            Process = new(),
            Stream = new() { Partitions = 1 },
            Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None)
        };

    private sealed class Old : StatefulStageNode<string, string, int>
    {
        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
        {
            State++;
            return output.PushAsync(item);
        }
    }

    private sealed class New(Func<StoredState, string> migrate) : StatefulStageNode<string, string, string>
    {
        protected override int StateVersion => 1;

        protected override string InitialState(string key) => "";

        protected override string Migrate(StoredState stored) => migrate(stored);

        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
        {
            State += "+";
            return output.PushAsync(item);
        }
    }
}
