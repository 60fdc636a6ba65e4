using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>Which rounds wait a moment, so that an append and a call of a consumer share one.</summary>
public class CompanionsTests
{
    private readonly TestClock clock = new();
    private readonly Companions companions = new();

    [Fact]
    public void OnlyStreamsOfBothSendersAndConsumersAreWaitedFor()
    {
        Assert.Empty(companions.Note([Append("a")]));
        Assert.Empty(companions.Note([Append("a")]));
        Assert.Empty(companions.Note([Commit("b")]));
        Assert.Empty(companions.Note([Lease("b")]));
        Assert.Equal(["a"], companions.Note([Lease("a")]));
        Assert.Equal(["a"], companions.Note([Append("a")]));
        Assert.Equal(["b"], companions.Note([Append("b"), Commit("b")]));
        Assert.Empty(companions.Note([Append("a")]));
    }

    [Fact]
    public void WhoIsWaitedForInVainIsWaitedForLessAndLessOften()
    {
        foreach (int pause in (int[])[1, 3, 7, 15, 31, 63, 63])
        {
            Assert.Equal(["a"], companions.Note([Append("a"), Commit("a")]));
            companions.End("a", hasBoth: false);
            for (int i = 0; i < pause; i++) Assert.Empty(companions.Note([Append("a"), Commit("a")]));
        }
        Assert.Equal(["a"], companions.Note([Append("a"), Commit("a")]));
        companions.End("a", hasBoth: true);
        Assert.Equal(["a"], companions.Note([Append("a"), Commit("a")]));
        companions.End("a", hasBoth: false);
        Assert.Empty(companions.Note([Append("a"), Commit("a")]));
        Assert.Equal(["a"], companions.Note([Append("a"), Commit("a")]));
        companions.End("unknown", hasBoth: true);
    }

    [Fact]
    public void StreamsAreLimited()
    {
        for (int i = 0; i < 256; i++) companions.Note([Append($"s{i}")]);
        Assert.Equal(["s0"], companions.Note([Commit("s0")]));
        companions.Note([Append("one more")]);
        Assert.Empty(companions.Note([Commit("s1")]));
    }

    [Fact]
    public async Task ACommitWaitsForTheNextAppendAndOtherStreamsDoNot()
    {
        var rounds = new Rounds(clock);
        await rounds.RunAsync(Append("a"));
        await rounds.RunAsync(Commit("a"));
        StoreCall<bool> commit = Commit("a"), append = Append("a");
        Task both = rounds.RunAsync(commit);
        await rounds.RunAsync(Commit("b"));
        Assert.False(both.IsCompleted);
        await rounds.RunAsync(append);
        await both;
        Assert.Equal([commit, append], rounds.All[^1]);
    }

    [Fact]
    public async Task ACommitWithoutAnAppendWaitsForAMomentOnly()
    {
        var rounds = new Rounds(clock);
        await rounds.RunAsync(Append("a"));
        await rounds.RunAsync(Commit("a"));
        StoreCall<bool> commit = Commit("a");
        Task alone = rounds.RunAsync(commit);
        Assert.False(alone.IsCompleted);
        while (!alone.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(5));
            await Task.Yield();
        }
        Assert.Equal([commit], rounds.All[^1]);
        await rounds.RunAsync(Append("a"));
    }

    private static StoreCall<bool> Append(string stream) => Call(StoreCall.Appends, stream);

    private static StoreCall<bool> Commit(string stream) => Call(StoreCall.Commits, stream);

    private static StoreCall<bool> Lease(string stream) => Call(StoreCall.Leases, stream);

    private static StoreCall<bool> Call(int order, string stream)
    {
        var call = new StoreCall<bool>(order, true, static _ => new(true), default);
        call.Needs.Streams.Add(stream);
        return call;
    }

    /// <summary>A queue whose rounds end at once.</summary>
    private sealed class Rounds
    {
        private readonly RoundQueue queue;

        public Rounds(TimeProvider clock) => queue = new(1, calls =>
        {
            All.Add(calls);
            foreach (StoreCall call in calls) call.Finish();
            return Task.FromResult<List<List<StoreCall>>>([]);
        }, clock);

        public List<List<StoreCall>> All { get; } = [];

        public Task<bool> RunAsync(StoreCall<bool> call)
        {
            Assert.True(queue.Add(call));
            return call.Task;
        }
    }
}
