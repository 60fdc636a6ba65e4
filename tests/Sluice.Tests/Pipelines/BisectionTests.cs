using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines;

/// <summary>Bisection in a run: a list that fails is divided until only the bad items are left.</summary>
public sealed class BisectionTests
{
    private readonly List<int[]> started = [];
    private readonly List<int> written = [];
    private readonly HashSet<int> bad = [];

    [Fact]
    public async Task OnlyTheBadItemIsDeadLetteredAndTheOthersKeepTheirOrder()
    {
        bad.Add(37);
        await using PipelineRun run = (Source.From(Enumerable.Range(0, 64)).Chunk(64) | Write
            | Stage.Bisect.OnError(ErrorPolicy.DeadLetter)).Start();
        await run.Completion;
        Assert.Equal(Enumerable.Range(0, 64).Where(static n => n != 37), written);
        Assert.Equal((2 * 6) + 1, started.Count);
        DeadLetter letter = Assert.Single(run.DeadLetters);
        Assert.Equal([37], Assert.IsType<int[]>(letter.Item));
        Assert.Equal(("Write", 1, "Write, item 38 of 64", "FormatException: 37 is bad"),
            (letter.Node, letter.Attempts, letter.Path, letter.Error));
    }

    [Fact]
    public async Task AListOfTenBadItemsTakesNineteenCalls()
    {
        bad.UnionWith(Enumerable.Range(0, 10));
        await using PipelineRun run = (Source.From(Enumerable.Range(0, 10)).Chunk(10) | Write
            | Stage.Bisect.OnError(ErrorPolicy.DeadLetter)).Start();
        await run.Completion;
        Assert.Equal(Enumerable.Range(0, 10), run.DeadLetters.Select(static letter => Assert.Single((int[])letter.Item!)));
        Assert.Equal(19, started.Count);
        NodeSnapshot node = run.Snapshot().Nodes.Single(static node => node.Name == "Write");
        Assert.Equal((10L, 0L, 10L), (node.In, node.Out, node.Failed));
    }

    [Fact]
    public async Task OnlyTheWholeListAndSingleItemsAreRetried()
    {
        bad.Add(2);
        await using PipelineRun run = (Source.From(Enumerable.Range(0, 4)).Chunk(4) | Write | Stage.Retry(2, Backoff.None)
            .Bisect.OnError(ErrorPolicy.Skip)).Start();
        await run.Completion;
        Assert.Equal(["0,1,2,3", "0,1,2,3", "0,1,2,3", "0,1", "2,3", "2", "2", "2", "3"],
            started.Select(static list => string.Join(',', list)));
        Assert.Equal([0, 1, 3], written);
        Assert.Empty(run.DeadLetters);
    }

    [Fact]
    public async Task WithoutAnErrorPolicyTheRunStopsAtTheBadItem()
    {
        bad.Add(5);
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() =>
            (Source.From(Enumerable.Range(0, 8)).Chunk(8) | Write | Stage.Bisect).RunAsync());
        Assert.Equal([5], Assert.IsType<int[]>(failure.Item));
        Assert.Equal([0, 1, 2, 3, 4], written);
    }

    [Fact]
    public async Task TheOutputOfHalvesKeepsTheOrderOfTheItems()
    {
        bad.UnionWith([3, 4, 11]);
        List<int> seen = [];
        await using PipelineRun run = (Source.From(Enumerable.Range(0, 20)).Chunk(5).SelectMany(list => Checked(list))
            | Stage.Bisect.OnError(ErrorPolicy.DeadLetter) | seen.Add).Start(new RunOptions { TrackItems = true });
        await run.Completion;
        Assert.Equal(Enumerable.Range(0, 20).Where(n => !bad.Contains(n)), seen);
        Assert.Equal(3, run.DeadLetters.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task ABisectionFindsExactlyTheBadItems(int lanes)
    {
        var random = new Random(7);
        for (int turn = 0; turn < 50; turn++)
        {
            int items = random.Next(1, 300), size = random.Next(1, 100), share = random.Next(1, 101);
            HashSet<int> some = [.. Enumerable.Range(0, items).Where(_ => random.Next(100) < share)];
            List<int> seen = [];
            await using PipelineRun run = (Source.From(Enumerable.Range(0, items)).Chunk(size) | (list => list.ToList())
                | ((List<int> list) => list.Exists(some.Contains) ? throw new FormatException() : list) | Stage.Parallel(lanes)
                .Bisect.OnError(ErrorPolicy.DeadLetter) | seen.AddRange)
                .Start(new RunOptions { MaxDeadLetters = 1000 });
            await run.Completion;
            Assert.Equal(Enumerable.Range(0, items).Where(n => !some.Contains(n)), seen);
            Assert.Equal(some.Order(), run.DeadLetters.Select(static letter => Assert.Single((List<int>)letter.Item!)).Order());
        }
    }

    [Fact]
    public async Task ListsOfEveryKindAreDivided()
    {
        bad.Add(1);
        await Pass<IReadOnlyList<int>>([0, 1, 2]);
        await Pass<IList<int>>([3, 1, 4]);
        await Pass<List<int>>([5, 1, 6]);
        await Pass<int[]>([]);
        Assert.Equal([0, 2, 3, 4, 5, 6], written);

        Task Pass<TList>(TList list) where TList : IEnumerable<int>
            => (Source.From([list]) | ((TList part) => Write([.. part])) | Stage.Bisect.OnError(ErrorPolicy.Skip)).RunAsync();
    }

    [Fact]
    public void BisectIsRefusedOnAStageThatTakesNoLists()
    {
        var failure = Assert.Throws<InvalidOperationException>(() => Source.From([1]).ForEach(_ => { }) | Stage.Bisect);
        Assert.Equal(
            "Stage.Bisect does not fit here: the sink stage takes int, which is no list that could be divided. Put it behind a stage that "
                + "takes lists: an array as a Chunk makes it, List<T>, IReadOnlyList<T> or IList<T>.",
            failure.Message);
        Assert.Throws<InvalidOperationException>(() => Source.From([new[] { 1 }]).Chunk(2) | Stage.Bisect);
        Assert.Throws<InvalidOperationException>(() => Source.From([new[] { 1 }]) | Stage.Bisect);
    }

    private IEnumerable<int> Checked(int[] list)
    {
        foreach (int n in list) yield return bad.Contains(n) ? throw new FormatException() : n;
    }

    private void Write(int[] list)
    {
        started.Add(list);
        if (Array.Find(list, bad.Contains) is var first && bad.Contains(first)) throw new FormatException($"{first} is bad");
        written.AddRange(list);
    }
}
