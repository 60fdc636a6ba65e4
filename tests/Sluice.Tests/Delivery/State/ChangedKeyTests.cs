using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor whose Key was added or removed after its stream was made.</summary>
public class ChangedKeyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, "was made with 1 partition, and this code asks for 64 partitions. Key was added since then", "Partitions = 1 }")]
    [InlineData(true, "was made with 64 partitions, and this code asks for 1 partition. Key was removed since then", "Partitions = 64 }")]
    public async Task TheErrorNamesTheKeyAndTheRemedies(bool hadKey, string change, string remedy)
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<int> before = New(hadKey)) await before.SendAsync(1, Cancellation);
        await using Consecutor<int> now = New(!hadKey);
        foreach (Func<Task> call in (Func<Task>[])[() => now.SendAsync(1, Cancellation).AsTask(), () => now.StartAsync(Cancellation)])
        {
            string told = (await Assert.ThrowsAsync<StreamStoreException>(call)).Message;
            Assert.Contains($"The stream of the consecutor totals {change}", told, StringComparison.Ordinal);
            Assert.Contains($"Keep the stream by the option Stream = new() {{ {remedy}, or give the consecutor a new name. State of a "
                + "StatefulStageNode is by Key: if one has state, only a new name of the node or of the consecutor helps, and it begins "
                + "anew.", told, StringComparison.Ordinal);
        }

        Consecutor<int> New(bool hasKey)
        {
            var options = new ConsecutorOptions { Store = store };
            return hasKey ? new("totals", Body, options) { Key = n => $"{n}" } : new("totals", Body, options);
        }

        static Pipeline Body(Source<int> source)
            => (source.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum")).ForEach(_ => { });
    }

    /// <summary>The stream may be kept; the state of a node by key may not: it would begin anew without a word.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task StateByKeyIsRefusedWhereTheStreamIsKept(bool hadKey, bool isOlder)
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(hadKey, "balance");
        if (isOlder) await MakeOlderAsync();
        if (isOlder && !hadKey) await LiveAsync(hadKey, "balance");          // it is read, and told apart from then on
        string told = (await Assert.ThrowsAsync<InvalidOperationException>(() => LiveAsync(!hadKey, "balance"))).Message;
        Assert.Contains(hadKey
            ? "'balance': 2 rows in partition 0; it has a state for each key, and the code has one for each partition (Key or KeyBy was "
                + "removed since then)."
            : "'balance': 1 row in partition 0; it has one state for each partition, and the code has one for each key (Key or KeyBy was "
                + "added since then).", told, StringComparison.Ordinal);
        await LiveAsync(hadKey, "balance");              // nothing was changed
        await LiveAsync(!hadKey, "again", StateChange.Dropped("balance"));

        async Task LiveAsync(bool hasKey, string name, params StateChange[] said)
        {
            var options = new ConsecutorOptions { Store = store, Process = new(), Stream = new() { Partitions = 1 }, State = said };
            await using Consecutor<int> work = hasKey ? new("work", Body, options) { Key = n => $"{n}" } : new("work", Body, options);
            await work.StartAsync(Cancellation);
            await work.SendAllAsync([1, 2], Cancellation);
            Assert.Equal(0, (await work.WaitForIdleAsync(Cancellation)).Unaccounted);

            Pipeline Body(Source<int> source) => source | StageNode.Of(() => new Sum()) | Stage.Named(name) | (_ => { });
        }

        // Before the text of a shape told states by partition from those by key, both had this text.
        async Task MakeOlderAsync()
        {
            AcquireResult owner = await store.AcquireAsync(Member.Group, 0, new("older"), Cancellation);
            await store.CommitAsync(new(owner.Ownership, owner.State!.LastCommit + 1)
            {
                State = [new("$nodes", "balance", 0, "node of long"u8.ToArray())]
            }, Cancellation);
            await store.ReleaseAsync(owner.Ownership, Cancellation);
        }
    }

    private sealed class Sum : StatefulStageNode<int, long, long>
    {
        protected override ValueTask ProcessAsync(int item, Output<long> output, CancellationToken cancellation)
            => output.PushAsync(State += item);
    }
}
