using System.Collections.Concurrent;
using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Engine;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>Adjacent stages with the same annotations share their lanes.</summary>
public class SharedLanesTests
{
    private const int Items = 2_000;

    /// <summary>At least one lane per processor: stages with fewer lanes do not share them.</summary>
    private static readonly int Lanes = Math.Max(2, Environment.ProcessorCount);

    private static readonly StagePolicy InLanes = Stage.Parallel(Lanes);

    [Fact]
    public async Task SharedLanesKeepTheOrderAndCountersOfSeparateStages()
    {
        var written = new List<string>();
        var pipeline = Source.From(Enumerable.Range(0, Items))
            | Several | InLanes
            | ((int n) => n * 0.5) | InLanes
            | ((double n) => n % 5 == 4 ? throw new FormatException("no") : n) | InLanes | Stage.OnError(ErrorPolicy.Skip).Named("picky")
            | ((double n) => n.ToString(CultureInfo.InvariantCulture)) | InLanes
            | written.Add;
        await using PipelineRun run = pipeline.Start(new RunOptions { TrackItems = true });
        await run.Completion;

        double[] made = [.. Enumerable.Range(0, Items).SelectMany(Several).Select(n => n * 0.5)];
        double[] kept = [.. made.Where(n => n % 5 != 4)];
        Assert.Equal(kept.Select(n => n.ToString(CultureInfo.InvariantCulture)), written);
        RunSnapshot end = run.Snapshot();
        Assert.Equal(
            [(0, Items), (Items, made.Length), (made.Length, made.Length), (made.Length, kept.Length), (kept.Length, kept.Length),
                (kept.Length, kept.Length)],
            end.Nodes.Select(node => ((int)node.In, (int)node.Out)));
        Assert.Equal(made.Length - kept.Length, end["picky"].Failed);
        Assert.Equal((Items, 0), (end.Roots!.Value.Accepted, end.Roots.Value.Pending));
    }

    [Fact]
    public async Task AStageNeverRunsInMoreThanItsLanes()
    {
        int[] most = [0, 0];
        int[] now = [0, 0];
        await ((Source.From(Enumerable.Range(0, Items)) | ((int n) => Busy(0, n)) | InLanes | ((int n) => (long)Busy(1, n)) | InLanes)
            | ((long _) => { })).RunAsync();
        Assert.All(most, at => Assert.InRange(at, 1, Lanes));

        int Busy(int stage, int n)
        {
            int working = Interlocked.Increment(ref now[stage]);
            for (int known = most[stage]; known < working; known = most[stage])
                Interlocked.CompareExchange(ref most[stage], working, known);
            Thread.SpinWait(50);
            Interlocked.Decrement(ref now[stage]);
            return n;
        }
    }

    [Theory]
    [InlineData("Half", "1001")]
    [InlineData("Text", "500.5")]
    [InlineData("Bang", "500.5!")]
    public async Task AFailureNamesItsStageAndItemAndEndsTheOutput(string node, string item)
    {
        var written = new List<string>();
        var pipeline = Source.From(Enumerable.Range(0, Items)) | One | InLanes | Half | InLanes | Text | InLanes | Bang | InLanes
            | written.Add;
        await using PipelineRun run = pipeline.Start();
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);

        Assert.Equal((node, item), (failure.Node, Convert.ToString(failure.Item, CultureInfo.InvariantCulture)));
        Assert.Equal(Enumerable.Range(0, 1001).Select(n => string.Create(CultureInfo.InvariantCulture, $"{n * 0.5}!")), written);
        Assert.Equal(1, run.Snapshot()[node].Failed);

        T Pass<T>(T value, string of)
            => of == node && Convert.ToString(value, CultureInfo.InvariantCulture) == item ? throw new FormatException("no") : value;
        double Half(int n) => Pass(n, nameof(Half)) * 0.5;
        string Text(double n) => Pass(n, nameof(Text)).ToString(CultureInfo.InvariantCulture) + "!";
        string Bang(string text) => Pass(text, nameof(Bang));
    }

    [Fact]
    public async Task ASinkReceivesNoItemBehindAFailedItem()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            var written = new List<int>();
            PipelineRun run = (Source.From(Enumerable.Range(0, 20)).Select(n => n == 4 ? throw new FormatException("no") : n)
                | Stage.Parallel(7) | written.Add | Stage.Parallel(7))
                .Start(new RunOptions { Scheduler = scheduler });
            await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero));
            Assert.Empty(written.Except([0, 1, 2, 3]));
        }
    }

    [Fact]
    public async Task ItemsYieldedBeforeAFailureAreEmitted()
    {
        var written = new List<long>();
        var pipeline = Source.From([40]) | Broken | InLanes | ((int n) => (long)n) | InLanes | written.Add;
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync());
        Assert.Equal((nameof(Broken), 40), (failure.Node, failure.Item));
        Assert.Equal(Enumerable.Range(0, 40).Select(n => (long)n), written);

        static IEnumerable<int> Broken(int count)
        {
            for (int i = 0; i < count; i++) yield return i;
            throw new FormatException("no");
        }
    }

    [Fact]
    public async Task ATakeEndsAnEndlessSequenceInALane()
    {
        var written = new List<long>();
        var endless = Source.From(Enumerable.Range(0, Lanes)) | Endless | InLanes | ((int n) => (long)n) | InLanes;
        await endless.Take(3000).ForEach(written.Add).RunAsync();
        Assert.Equal(Enumerable.Range(0, 3000).Select(n => (long)n), written);

        static IEnumerable<int> Endless(int _)
        {
            for (int i = 0; ; i++) yield return i;
        }
    }

    [Fact]
    public async Task SharedLanesKeepTheOrderUnderEverySchedule()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            var written = new List<long>();
            PipelineRun run = (Source.From(Enumerable.Range(0, 20)) | Several | Stage.Parallel(3) | ((int n) => (long)n) | Stage.Parallel(3)
                | written.Add)
                .Start(new RunOptions { Scheduler = scheduler, MaxBufferedItems = 4 });
            await scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero);
            await run.Completion;
            Assert.Equal(Enumerable.Range(0, 20).SelectMany(Several).Select(n => (long)n), written);
        }
    }

    [Fact]
    public void AChunkBoardHandsOutNoWorkWhileItHoldsTooManyOutputs()
    {
        var board = new ChunkBoard<int, int>(ordered: true, capacity: 1, lanes: 1, adapts: false);
        for (int i = 0; i < 3; i++)
        {
            Chunk<int, int> chunk = board.Rent();
            chunk.Inputs.Add((i, null));
            board.Dispatch(chunk);
        }
        Assert.True(board.TryTake(out Chunk<int, int> first, out _));
        Assert.True(board.TryTake(out Chunk<int, int> second, out _));
        for (int i = 0; i < 10_000; i++) second.Outputs.Add(i, null);
        board.Finish(second, 0);

        Assert.False(board.HasWork);
        Assert.False(board.TryTake(out _, out _));
        board.Finish(first, 0);
        board.Remove(first);
        Assert.False(board.HasWork);
        board.Remove(second);
        Assert.True(board.TryTake(out _, out _));
    }

    private static IEnumerable<int> One(int n) => [n];

    private static IEnumerable<int> Several(int n) => Enumerable.Range(n, n % 100);
}
