using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines;

/// <summary>OnError of a route decides about an item for which the routing function throws or names no branch.</summary>
public sealed class RoutePolicyTests
{
    private static readonly int[] Expected = [2, 4, -1, -5];

    public static TheoryData<ExecutionMode, bool> Cases
        => new() { { ExecutionMode.SingleThread, true }, { ExecutionMode.MultiThread, true }, { ExecutionMode.SingleThread, false },
        { ExecutionMode.MultiThread, false } };

    private static string Kind(int n) => n switch
    {
        3 => throw new FormatException("no threes"),
        6 => "nowhere",
        _
        => n % 2 == 0 ? "even" : "odd"
    };

    private static Source<int> Routed(bool isFused) => isFused
        ? Source.From([1, 2, 3, 4, 5, 6]).Route(Kind, ("even", s => s | (n => n)), ("odd", s => s | (n => -n)))
        : Source.From([1, 2, 3, 4, 5, 6]).Route(Kind, ("even", s => s.Buffer(2) | (n => n)), ("odd", s => s.Where(n => n > 0) | (n => -n)));

    [Theory, MemberData(nameof(Cases))]
    public async Task AnUnroutableItemIsDeadLetteredAndTheOthersContinue(ExecutionMode mode, bool isFused)
    {
        var seen = new ConcurrentQueue<int>();
        await using PipelineRun run = (Routed(isFused) | Stage.OnError(ErrorPolicy.DeadLetter)
            | seen.Enqueue).Start(new RunOptions { Mode = mode, TrackItems = true });
        await run.Completion;
        Assert.Equal(Expected.Order(), seen.Order());
        Assert.Equal([(3, "no threes"), (6, "there is no branch 'nowhere'. There are: even, odd. Add the branch, or an `otherwise`.")],
            run.DeadLetters.Select(letter => ((int)letter.Item!, letter.Exception!.Message)));
        Assert.All(run.DeadLetters, letter => Assert.Equal(("Kind", 1), (letter.Node, letter.Attempts)));
        RunSnapshot snapshot = run.Snapshot();
        Assert.Equal((6, 4, 2), (snapshot["Kind"].In, snapshot["Kind"].Out, snapshot["Kind"].Failed));
        Assert.Equal((4, 2), (snapshot.Roots!.Value.Completed, snapshot.Roots!.Value.Failed));
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task AnUnroutableItemIsSkipped(ExecutionMode mode, bool isFused)
    {
        var seen = new ConcurrentQueue<int>();
        RunSnapshot end = await (Routed(isFused) | Stage.OnError(ErrorPolicy.Skip)
            | seen.Enqueue).RunAsync(new RunOptions { Mode = mode, TrackItems = true });
        Assert.Equal(Expected.Order(), seen.Order());
        Assert.Equal((4, 2), (end.Roots!.Value.Completed, end.Roots!.Value.Failed));
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task AFailureWithoutAPolicyOrInABranchFailsTheRun(ExecutionMode mode, bool isFused)
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() =>
            (Routed(isFused) | (_ => { })).RunAsync(new RunOptions { Mode = mode }));
        Assert.Equal(("Kind", 3), (failure.Node, (int)failure.Item!));

        Source<int> source = Source.From([1, 2]).Route(n => "a", ("a", s => s | Broken)) | Stage.OnError(ErrorPolicy.Skip);
        failure = await Assert.ThrowsAsync<PipelineException>(() => (source | (_ => { })).RunAsync(new RunOptions { Mode = mode }));
        Assert.Equal("Broken", failure.Node);

        static int Broken(int n) => throw new FormatException("broken");
    }

    [Fact]
    public async Task AConsecutorDeadLettersAnUnroutableItemAtOnce()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        await using var consecutor = new Consecutor<int>("routed",
            source => source.Route(Kind, ("even", s => s | (n => n)), ("odd", s => s | (n => -n))) | Stage.OnError(ErrorPolicy.DeadLetter)
                | seen.Enqueue, new() { Store = store });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        for (int n = 1; n <= 6; n++) await consecutor.SendAsync(n);
        await consecutor.WaitForIdleAsync();
        Assert.Equal(Expected.Order(), seen.Order());
        List<DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(TestContext.Current.CancellationToken)) letters.Add(letter);
        Assert.Equal([(3, "Kind", 1), (6, "Kind", 1)], letters.Select(letter => ((int)letter.Item!, letter.Node, letter.Attempts)).Order());
    }

    [Fact]
    public void RoundRobinAndBroadcastRefuseAnErrorPolicy()
    {
        Source<int> numbers = Source.From([1]);
        Assert.Throws<InvalidOperationException>(() => numbers.RoundRobin(s => s | (n => n)) | Stage.OnError(ErrorPolicy.Skip));
        Assert.Throws<InvalidOperationException>(() => (numbers | [s => s | (n => n), s => s]) | Stage.OnError(ErrorPolicy.Skip));
        Assert.Throws<InvalidOperationException>(() => numbers.Route(n => "a", ("a", s => s)) | Stage.Retry(1));
    }
}
