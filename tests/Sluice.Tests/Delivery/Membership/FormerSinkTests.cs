using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The code had a sink that commits, and has it no more, or under another name.</summary>
public sealed class FormerSinkTests : IAsyncDisposable
{
    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();
    private readonly ConcurrentQueue<string> told = new();
    private readonly MemoryStreamStore store;

    public FormerSinkTests() => store = new(clock);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItsPartitionsAreSharedAndDrained()
    {
        await WriteAsync();
        await using Consecutor<int> a = Make("a", hasSink: false), b = Make("b", hasSink: false);
        await a.StartAsync(Cancellation);
        await b.StartAsync(Cancellation);
        await UntilOwnersAsync("a a b b");
        await store.DrainGroupAsync(Member.Group, Cancellation);
        await UntilOwnersAsync("- - - -");
    }

    [Fact]
    public async Task PartitionsOfASinkThatTheCodeHasStay()
    {
        await WriteAsync();
        await using Consecutor<int> a = Make("a"), b = Make("b", hasSink: false);
        await a.StartAsync(Cancellation);
        await b.StartAsync(Cancellation);
        for (int beat = 0; beat < 10; beat++) await Member.BeatAsync(store, clock, "a", "b");
        Assert.Equal("a a a a", await OwnersAsync());
    }

    [Fact]
    public async Task AWarningNamesItUntilItIsDeclaredAsDropped()
    {
        await WriteAsync();
        await using (Consecutor<int> without = Make("a", hasSink: false)) await without.StartAsync(Cancellation);
        string warning = Assert.Single(told);            // one for all partitions
        Assert.StartsWith("The store has commits of the sink 'books' of work, and this code has no sink of that name.", warning,
            StringComparison.Ordinal);
        Assert.EndsWith("ConsecutorOptions.State = [StateChange.Dropped(\"books\")].", warning, StringComparison.Ordinal);
        told.Clear();
        await using (Consecutor<int> dropping = Make("a", hasSink: false, StateChange.Dropped("books")))
            await dropping.StartAsync(Cancellation);
        await using (Consecutor<int> last = Make("a", hasSink: false)) await last.StartAsync(Cancellation);
        Assert.Empty(told);                              // the store has forgotten the lengths
        Assert.Equal(64, ledger.Lines.Count);
    }

    /// <remarks>Regression: of four partitions that know a length of the file, the greatest was forgotten first, and the earlier code
    /// took what was committed behind the others for the remains of a commit.</remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task ADropThatIsBrokenOffKeepsWhatWasCommitted(int commits)
    {
        await WriteAsync();
        using var death = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await using (Consecutor<int> dropping = MakeOver(new DyingStore(store, commits, death), "a", hasSink: false,
            StateChange.Dropped("books")))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dropping.StartAsync(death.Token));
        await using Consecutor<int> again = Make("a");
        await again.StartAsync(Cancellation);
        Assert.Equal(64, ledger.Lines.Count);
    }

    [Fact]
    public void ASinkOfTheCodeIsNeitherDroppedNorTheNewNameOfANode()
    {
        Assert.Contains("says that 'books' was removed, and the code has a sink of that name", Refusal(StateChange.Dropped("books")),
            StringComparison.Ordinal);
        Assert.Contains("says that 'ledger' is called 'books' now, which is a sink that commits",
            Refusal(StateChange.Renamed("ledger", "books")), StringComparison.Ordinal);

        string Refusal(StateChange said) => Assert.Throws<ArgumentException>(() => Make("a", hasSink: true, said)).Message;
    }

    private async Task WriteAsync()
    {
        await using Consecutor<int> first = Make("a");
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 64)], Cancellation);
        Assert.Equal(64, (await first.WaitForIdleAsync(Cancellation)).Completed);
        await first.StopAsync();                         // the sink has written for each partition
    }

    private async Task UntilOwnersAsync(string owners)
    {
        while (await OwnersAsync() != owners)
        {
            await Member.BeatAsync(store, clock, "a", "b");
            for (int i = 0; i < 50; i++) await Member.NextAsync();
        }
    }

    private async Task<string> OwnersAsync() => string.Join(' ',
        (await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions.Select(static partition => partition.Owner ?? "-").Order());

    private Consecutor<int> Make(string member, bool hasSink = true, params StateChange[] said)
        => MakeOver(store, member, hasSink, said);

    private Consecutor<int> MakeOver(IStreamStore over, string member, bool hasSink, params StateChange[] said)
        => new("work", source => hasSink ? source | (ledger.Sink<int>() | Stage.Named("books")) : source | (_ => { }),
            Member.Options(member, over, clock, 4) with { State = said, OnWarning = told.Enqueue })
        { Key = static n => $"{n}" };

    /// <summary>Ends its caller in front of one of the commits that forget a file.</summary>
    private sealed class DyingStore(IStreamStore inner, int commits, CancellationTokenSource death)
        : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int left = commits;

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            if (commit.FileLengths.Count > 0 && Interlocked.Decrement(ref left) < 0)
            {
                await death.CancelAsync();
                throw new OperationCanceledException(death.Token);
            }
            return await base.CommitAsync(commit, cancellation);
        }
    }
}
