using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Nodes that keep their name and become others: their stored state is refused. State that earlier versions of the library have
/// stored has texts that say less, and is read.</summary>
public class StateShapeTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly EventTime<int> Time = new(static n => DateTimeOffset.UnixEpoch.AddMinutes(n));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Changes => new()
    {
        { "window", "session" }, { "session", "window" }, { "event window", "event session" }, { "event session", "event window" },
        { "join", "swapped join" }, { "zip", "swapped zip" }, { "join", "zip" },
    };

    [Theory, MemberData(nameof(Changes))]
    public async Task StateOfAnotherKindOfWindowOrOtherBranchesIsRefused(string before, string now)
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(store, before);
        await using (Consecutor<int> changed = Make(store, now))
            Assert.Contains("'held': ",
                (await Assert.ThrowsAsync<InvalidOperationException>(() => changed.StartAsync(Cancellation))).Message,
                    StringComparison.Ordinal);
        await LiveAsync(store, before);
    }

    [Theory]
    [InlineData("window", "window of int")]
    [InlineData("session", "window of int")]
    [InlineData("event window", "event-time window of int")]
    [InlineData("event session", "event-time window of int")]
    [InlineData("join", "join")]
    [InlineData("zip", "zip")]
    public async Task TheTextsOfEarlierVersionsAreAcceptedAndKept(string node, string older)
    {
        await using var inner = new MemoryStreamStore();
        await LiveAsync(new OlderLibrary(inner, older), node);
        Assert.Equal(older, await ShapeAsync());
        await LiveAsync(inner, node);
        Assert.Equal(older, await ShapeAsync());     // a member with the earlier version may get the partition again

        async Task<string?> ShapeAsync() => Assert.Single(await inner.ListStateAsync("numbers", Cancellation)).Shape;
    }

    private static Source<int> Body(Source<int> source, string node) => node switch
    {
        "window" => source.Window(Hour) | Stage.Named("held") | (static window => window.Items.Count),
        "session" => source.SessionWindow(Hour, Hour) | Stage.Named("held") | (static window => window.Items.Count),
        "event window" => source.Window(Time, Hour) | Stage.Named("held") | (static window => window.Items.Count),
        "event session" => source.SessionWindow(Time, Hour) | Stage.Named("held") | (static window => window.Items.Count),
        "join" => source.Join(Ints, Longs, static n => n, static n => (int)n, static (one, other) => 1) | Stage.Named("held"),
        "swapped join" => source.Join(Longs, Ints, static n => (int)n, static n => n, static (one, other) => 1) | Stage.Named("held"),
        "zip" => source.Zip(Ints, Longs, static (one, other) => 1) | Stage.Named("held"),
        _ => source.Zip(Longs, Ints, static (one, other) => 1) | Stage.Named("held"),
    };

    private static Source<int> Ints(Source<int> source) => source;

    private static Source<long> Longs(Source<int> source) => source.Where(static n => n > 100) | (static n => (long)n);

    private static async Task LiveAsync(IStreamStore store, string node)
    {
        await using Consecutor<int> consecutor = Make(store, node);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }

    private static Consecutor<int> Make(IStreamStore store, string node)
        => new("numbers", source => Body(source, node) | (static _ => { }), new() { Store = store, Process = new() });

    /// <summary>Stores the shapes of nodes with the text of an earlier version.</summary>
    private sealed class OlderLibrary(IStreamStore inner, string text) : StreamStoreWrapper(inner)
    {
        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => base.CommitAsync(commit with
            {
                State = [.. commit.State.Select(row => row.Node == "$nodes" ? row with { Value = Encoding.UTF8.GetBytes(text) } : row)],
            }, cancellation);
    }
}
