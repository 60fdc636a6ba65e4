using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor whose Key was added or removed after its stream was made.</summary>
public class ChangedKeyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, "was made with 1 partition, and this code asks for 64 partitions. Key was added since then", "Partitions = 1 }")]
    [InlineData(true, "was made with 64 partitions, and this code asks for 1 partition. Key was removed, or a stage with state was added "
        + "(or an earlier Sluice made it, by a Stream option), since then", "Partitions = 64 }")]
    public async Task TheErrorNamesTheKeyAndTheRemedies(bool hadKey, string change, string remedy)
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<int> before = New(hadKey)) await before.SendAsync(1, Cancellation);
        await using Consecutor<int> now = New(!hadKey);
        foreach (Func<Task> call in (Func<Task>[])[() => now.SendAsync(1, Cancellation).AsTask(), () => now.StartAsync(Cancellation)])
        {
            string told = (await Assert.ThrowsAsync<InvalidOperationException>(call)).Message;
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

    /// <remarks>Formerly these items made a second state of their key, in another partition.</remarks>
    [Fact]
    public async Task ItemsOfBeforeTheKeyBecomeDeadLettersInsteadOfASecondState()
    {
        await using var store = new MemoryStreamStore();
        var options = new ConsecutorOptions { Store = store, Process = new(), Delivery = DeliveryGuarantee.Replay(0) };
        await using (var before = new Consecutor<int>("work", static source => source | (_ => { }), options))
            for (int i = 0; i < 10; i++) await before.SendAsync(7, Cancellation);
        await using var now = new Consecutor<int>("work",
            static source => source | StageNode.Of(() => new Sum()) | Stage.Named("balance") | (_ => { }), options)
        {
            Key = static n => $"{n}"
        };
        await now.StartAsync(Cancellation);
        await now.SendAsync(7, Cancellation);
        await now.WaitForIdleAsync(Cancellation);
        StoredState state = Assert.Single(await store.ListStateAsync("work", "balance", Cancellation).ToListAsync(Cancellation));
        Assert.Equal("7", state.Key);
        List<DeadLetter> letters = await now.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);
        Assert.InRange(letters.Count, 9, 10);                    // one of the first ten may be in the right partition by chance
        Assert.All(letters, static letter => Assert.Contains("it was accepted with another key or without one", letter.Error,
            StringComparison.Ordinal));
    }

    /// <remarks>Formerly they entered with the empty key, or with the key of before: a second state.</remarks>
    [Theory]
    [InlineData("first", false, "it was accepted with another key or without one")]
    [InlineData("second", false, "was accepted by code that did not know its key (Consecutor.Key)")]
    [InlineData("second", true, null)]
    [InlineData("first", true, null)]
    public async Task LettersOfBeforeTheKeyAreNoSecondState(string failing, bool hadKey, string? error)
    {
        await using var store = new MemoryStreamStore();
        var options = new ConsecutorOptions { Store = store, Process = new(), Delivery = DeliveryGuarantee.Replay(0) };
        await using (Consecutor<int> before = hadKey ? new("work", source => Checked(source, failing) | (_ => { }), options)
        { Key = static n => $"{n}" } : new("work", source => Checked(source, failing) | (_ => { }), options))
        {
            await before.StartAsync(Cancellation);
            await before.SendAllAsync(Enumerable.Repeat(7, 10), Cancellation);
            await before.WaitForIdleAsync(Cancellation);
            Assert.Equal(10, before.Snapshot().Dead);
        }
        await using Consecutor<int> now = Balances(options, static n => $"{n}", failing: null);
        await now.StartAsync(Cancellation);
        await now.SendAsync(7, Cancellation);
        for (int redrives = 0; redrives < 2; redrives++)
        {
            await now.RedriveAsync(static _ => true, Cancellation);
            await now.WaitForIdleAsync(Cancellation);
        }
        Assert.Equal("7", Assert.Single(await store.ListStateAsync("work", "balance", Cancellation).ToListAsync(Cancellation)).Key);
        List<DeadLetter> letters = await now.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);
        if (error is null) Assert.Empty(letters);
        else Assert.InRange(letters.Count, failing == "first" ? 9 : 10, 10);     // one may be in the right partition by chance
        Assert.All(letters, letter => Assert.Contains(error!, letter.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ALetterOfAnItemWithoutAKeyMeetsTheStateOfTheEmptyKeyAgain()
    {
        await using var store = new MemoryStreamStore();
        var options = new ConsecutorOptions { Store = store, Process = new(), Delivery = DeliveryGuarantee.Replay(0) };
        await using (Consecutor<int> before = Balances(options, static _ => null, failing: "second"))
        {
            await before.StartAsync(Cancellation);
            await before.SendAsync(7, Cancellation);
            await before.WaitForIdleAsync(Cancellation);
            Assert.Equal(1, before.Snapshot().Dead);
        }
        await using Consecutor<int> now = Balances(options, static _ => null, failing: null);
        await now.StartAsync(Cancellation);
        await now.RedriveAsync(static _ => true, Cancellation);
        await now.WaitForIdleAsync(Cancellation);
        Assert.Equal(0, now.Snapshot().Dead);
        Assert.Equal("", Assert.Single(await store.ListStateAsync("work", "balance", Cancellation).ToListAsync(Cancellation)).Key);
    }

    private static Consecutor<int> Balances(ConsecutorOptions options, Func<int, string?> key, string? failing)
        => new("work", source => Checked(source, failing) | StageNode.Of(() => new Sum()) | Stage.Named("balance") | (_ => { }), options)
        { Key = key };

    private static Source<int> Checked(Source<int> source, string? failing)
        => (source.Select(n => failing == "first" ? throw new FormatException("first") : n) | Stage.Named("first"))
            .Select(n => failing == "second" ? throw new FormatException("second") : n) | Stage.Named("second");

    /// <remarks>Formerly any option of the stream made 64 partitions of it: 64 sums.</remarks>
    [Fact]
    public async Task AnotherOptionOfTheStreamLeavesStateInOnePartition()
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<int> bounded = Work(store, new() { MaxItems = 5_000 }, keepsState: true))
            await bounded.SendAsync(1, Cancellation);
        StreamOptions made = (await store.FindStreamAsync("work", Cancellation))!.Options;
        Assert.Equal((1, 5_000L), (made.Partitions, made.MaxItems));
        await using (Consecutor<int> stateless = Work(store, new(), keepsState: false)) await stateless.SendAsync(2, Cancellation);
        await using Consecutor<int> asks = Work(store, new() { Partitions = 64 }, keepsState: false);
        await Assert.ThrowsAsync<InvalidOperationException>(() => asks.SendAsync(2, Cancellation).AsTask());
        Assert.Equal(2, (await store.FindStreamAsync("work", Cancellation))!.Appended);
    }

    private static Consecutor<int> Work(IStreamStore store, StreamOptions stream, bool keepsState)
        => new("work", source => keepsState ? source.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum") | (_ => { })
            : source | (_ => { }), new() { Store = store, Process = new(), Stream = stream });

    private sealed class Sum : StatefulStageNode<int, long, long>
    {
        protected override ValueTask ProcessAsync(int item, Output<long> output, CancellationToken cancellation)
            => output.PushAsync(State += item);
    }
}
